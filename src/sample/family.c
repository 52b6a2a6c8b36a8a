/* SPDX-License-Identifier: MIT */
#include "sample/family.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/procfs.h"

/* After more new numbers than this at once it is cheaper to read the whole
 * list of processes (10 us each of those that live). */
#define STEP_MAX 2000

#define PID_MAX_DEFAULT 32768

void family_init(struct family *f)
{
	char text[32];

	memset(f, 0, sizeof(*f));
	f->loadavg = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
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

static void add(struct family_list *out, pid_t pid)
{
	struct procfs_identity id;

	/* A number may be that of a thread. */
	if (!procfs_read_identity(pid, &id) || id.leader != pid)
		return;
	(void)vec_push(&out->at, ((struct family_member){ pid, id.parent }));
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
			add(out, pid);
	}
	if (dir)
		closedir(dir);
	if (out->at.nr)
		qsort(out->at.at, out->at.nr, sizeof(*out->at.at), by_pid);
}

/*
 * A number is given out before its process can be seen, so those of the last
 * call are asked once more.
 */
void family_poll(struct family *f, struct family_list *out)
{
	pid_t last = read_last_pid(f), from = f->done_pid, step;

	out->at.nr = 0;
	if (!last || last == from)
		return;
	f->done_pid = f->last_pid;
	f->last_pid = last;
	step = last > from ? last - from : last + f->pid_max - from;
	if (!from || step > STEP_MAX) {
		family_all(out);
		return;
	}
	while (from != last) {
		if (++from >= f->pid_max)
			from = 1;
		add(out, from);
	}
}
