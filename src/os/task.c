/* SPDX-License-Identifier: MIT */
#include "os/task.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/file.h"
#include "os/procfs.h"

bool task_exists(pid_t pid, pid_t tid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d", (int)pid, (int)tid);
	return tid > 0 && !access(path, F_OK);
}

/* The innermost ID in "NSpid:\t4711\t12", 0 when there is none. */
static pid_t innermost(const char *ids)
{
	const char *last = strrchr(ids, '\t');

	return (pid_t)strtol(last ? last + 1 : ids, NULL, 10);
}

bool task_has_other_ids(pid_t pid)
{
	char ids[256];

	return procfs_read_status(pid, "NSpid", ids, sizeof(ids)) &&
	       innermost(ids) != pid;
}

/* NSpid of one thread, from /proc/PID/task/TID/status. */
static pid_t inner_id(pid_t pid, const char *tid)
{
	char path[320], text[4096];
	const char *at;

	snprintf(path, sizeof(path), "/proc/%d/task/%s/status", (int)pid, tid);
	if (procfs_read_file(path, text, sizeof(text)) < 0)
		return 0;
	at = strstr(text, "\nNSpid:");
	if (!at)
		return 0;
	at += strlen("\nNSpid:");
	text[at - text + (ptrdiff_t)strcspn(at, "\n")] = '\0';
	return innermost(at);
}

pid_t task_find(pid_t pid, pid_t inner)
{
	const struct dirent *entry;
	char path[64];
	pid_t found = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	while (dir && !found && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' &&
		    inner_id(pid, entry->d_name) == inner)
			found = (pid_t)strtol(entry->d_name, NULL, 10);
	if (dir)
		closedir(dir);
	return found;
}

bool task_name(pid_t pid, pid_t tid, char *name, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/comm", (int)pid,
		 (int)tid);
	return tid > 0 && procfs_read_file(path, name, size) >= 0;
}

bool task_list(pid_t pid, struct task_list *out)
{
	const struct dirent *entry;
	char path[64];
	DIR *dir;

	out->tid.nr = 0;
	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	if (!dir)
		return false;
	while ((entry = readdir(dir))) {
		pid_t tid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (tid > 0 && !vec_push(&out->tid, tid))
			break;
	}
	closedir(dir);
	return true;
}

unsigned task_count(pid_t pid)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	if (stat(path, &st) || st.st_nlink < 2)
		return 0;
	return (unsigned)st.st_nlink - 2; /* "." and ".." */
}

static int open_file(const struct task_files *f, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", (int)f->pid,
		 (int)f->tid, name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static int keep_file(const struct task_files *f, const char *name)
{
	int fd = open_file(f, name);

	if (fd >= 0 && !file_may_keep(fd)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

void task_open(struct task_files *f, pid_t pid, pid_t tid)
{
	f->pid = pid;
	f->tid = tid;
	f->sched = keep_file(f, "schedstat");
	f->wait = keep_file(f, "syscall");
}

void task_close(struct task_files *f)
{
	if (f->sched >= 0)
		close(f->sched);
	if (f->wait >= 0)
		close(f->wait);
	f->sched = f->wait = -1;
}

/* Read the file `name`, which may be kept as `kept`, into `text`. */
static bool read_file(const struct task_files *f, int kept, const char *name,
		      char *text, size_t size)
{
	int fd = kept >= 0 ? kept : open_file(f, name);
	ssize_t got = fd >= 0 ? pread(fd, text, size - 1, 0) : -1;
	int error = errno;

	if (fd >= 0 && fd != kept)
		close(fd);
	errno = error;
	text[got > 0 ? got : 0] = '\0';
	return got > 0;
}

/* A line of numbers; sscanf() would take as long as the kernel does. */
static unsigned parse_numbers(const char *at, int base, uint64_t *out,
			      unsigned nr)
{
	unsigned i;

	for (i = 0; i < nr; i++) {
		char *end;

		out[i] = strtoull(at, &end, base);
		if (end == at)
			break;
		at = end;
	}
	return i;
}

bool task_read_sched(const struct task_files *f, struct task_sched *out)
{
	uint64_t numbers[3];
	char text[96];

	if (!read_file(f, f->sched, "schedstat", text, sizeof(text)))
		return false;
	if (parse_numbers(text, 10, numbers, 3) != 3)
		return false;
	*out = (struct task_sched){ numbers[0], numbers[1], numbers[2] };
	return true;
}

void task_read_wait(const struct task_files *f, struct task_wait *out)
{
	char text[256], *args;

	out->kind = TASK_UNREADABLE;
	errno = 0;
	if (!read_file(f, f->wait, "syscall", text, sizeof(text))) {
		/* Some kernels have no such file. */
		if (errno == ESRCH ||
		    (errno == ENOENT && !task_exists(f->pid, f->tid)))
			out->kind = TASK_GONE;
		return;
	}
	if (text[0] == 'r') {
		out->kind = TASK_RUNNABLE;
		return;
	}
	out->call = strtol(text, &args, 10);
	out->kind = out->call < 0 ? TASK_NO_CALL : TASK_IN_CALL;
	if (out->kind == TASK_IN_CALL &&
	    parse_numbers(args, 16, out->arg, TASK_ARG_NR) != TASK_ARG_NR)
		out->kind = TASK_UNREADABLE;
}
