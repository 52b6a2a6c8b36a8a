/* SPDX-License-Identifier: MIT */
#include "sample/family.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "os/clock.h"

/* After more new numbers than this at once it is cheaper to read the whole
 * list of processes (10 us each of those that live). */
#define STEP_MAX 2000

/*
 * A number is given out before its process can be seen; the one that makes it
 * may lose the CPU in between. So it is asked again for this long.
 */
#define HOLE_NS (20 * CLOCK_MS_NS)

/* A process needs a millisecond to end, or some when its memory is large. */
#define AGAIN_NS (10 * CLOCK_MS_NS)

/* How often to read the whole list where nobody tells the last number. */
#define LIST_NS (50 * CLOCK_MS_NS)

#define PID_MAX_DEFAULT 32768

/*
 * A mount with subset=pid (systemd's ProcSubset=) has no such file, and what
 * some container managers lay over it does not tell the last number.
 */
static int open_loadavg(void)
{
	int fd = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
	struct statfs fs;

	if (fd >= 0 && (fstatfs(fd, &fs) || fs.f_type != PROC_SUPER_MAGIC)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

void family_init(struct family *f)
{
	char text[32];

	memset(f, 0, sizeof(*f));
	f->loadavg = open_loadavg();
	f->pid_max = PID_MAX_DEFAULT;
	if (procfs_read_file("/proc/sys/kernel/pid_max", text, sizeof(text)) >
	    0)
		f->pid_max = (pid_t)strtol(text, NULL, 10);
}

void family_release(struct family *f)
{
	if (f->loadavg >= 0)
		close(f->loadavg);
	f->loadavg = -1;
	vec_release(&f->holes);
}

/* The fifth word of "0.20 0.18 0.12 1/80 11206"; 0: not known. */
static pid_t read_last_pid(const struct family *f)
{
	char text[96];
	const char *last;
	ssize_t got;

	if (f->loadavg < 0)
		return 0;
	got = pread(f->loadavg, text, sizeof(text) - 1, 0);
	if (got <= 0)
		return 0;
	text[got] = '\0';
	last = strrchr(text, ' ');
	return last ? (pid_t)strtol(last + 1, NULL, 10) : 0;
}

/* False when nobody has that number. */
static bool add(struct family_list *out, pid_t pid, bool again)
{
	struct family_member m = { .pid = pid, .again = again };

	if (!procfs_read_identity(pid, &m.id))
		return false;
	/* A number may be that of a thread. */
	if (m.id.leader == pid)
		(void)vec_push(&out->at, m);
	return true;
}

static int by_pid(const void *a, const void *b)
{
	const struct family_member *x = a, *y = b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

void family_all(struct family_list *out)
{
	DIR *dir = opendir("/proc");
	const struct dirent *entry;

	out->at.nr = 0;
	while (dir && (entry = readdir(dir))) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (pid > 0)
			add(out, pid, false);
	}
	if (dir)
		closedir(dir);
	if (out->at.nr)
		qsort(out->at.at, out->at.nr, sizeof(*out->at.at), by_pid);
}

/* Ask again; true when somebody has come who was not seen before. */
static bool ask_holes(struct family *f, uint64_t now_ns,
		      struct family_list *out)
{
	uint32_t kept = 0;
	bool found = false;

	for (uint32_t i = 0; i < f->holes.nr; i++) {
		struct family_hole hole = f->holes.at[i];

		if (hole.seen && now_ns < hole.until_ns)
			f->holes.at[kept++] = hole;
		else if (add(out, hole.pid, hole.seen))
			found = found || !hole.seen;
		else if (now_ns < hole.until_ns)
			f->holes.at[kept++] = hole;
	}
	f->holes.nr = kept;
	return found;
}

static void ask_between(struct family *f, pid_t last, uint64_t now_ns,
			struct family_list *out)
{
	pid_t pid = f->last_pid;

	while (pid != last) {
		if (++pid >= f->pid_max)
			pid = 1;
		if (!add(out, pid, false))
			(void)vec_push(&f->holes,
				       ((struct family_hole){
					       pid, false, now_ns + HOLE_NS }));
	}
}

void family_ask_again(struct family *f, const struct family_member *m,
		      uint64_t now_ns)
{
	if (!m->again)
		(void)vec_push(&f->holes,
			       ((struct family_hole){ m->pid, true,
						      now_ns + AGAIN_NS }));
}

void family_poll(struct family *f, uint64_t now_ns, struct family_list *out)
{
	pid_t last = read_last_pid(f), step;
	bool all;

	out->at.nr = 0;
	/* The limit was raised meanwhile, or could not be read. */
	if (last >= f->pid_max)
		f->pid_max = last + 1;
	f->wrapped = last && last < f->last_pid;
	step = last - f->last_pid + (f->wrapped ? f->pid_max : 0);
	all = last ? !f->last_pid || step > STEP_MAX
		   : now_ns - f->list_ns >= LIST_NS;
	/* Who came late may have children who were asked before it. */
	if (f->holes.nr)
		all = ask_holes(f, now_ns, out) || all;
	if (last && !all)
		ask_between(f, last, now_ns, out);
	if (all) {
		f->list_ns = now_ns;
		family_all(out);
	}
	if (last)
		f->last_pid = last;
}
