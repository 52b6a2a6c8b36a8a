/* SPDX-License-Identifier: MIT */
/* What /proc says about a process. Zeros and "" where it says nothing. */
#ifndef TARE_OS_PROCFS_H
#define TARE_OS_PROCFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

/* 'R', 'S', 'T', 'Z', ...; 0: no such process. */
char procfs_state(pid_t pid);

struct procfs_times {
	uint64_t user_ns, sys_ns; /* all its threads, living and dead */
	uint64_t children_user_ns, children_sys_ns; /* waited for */
	uint64_t minor_faults, major_faults;
	int64_t start_realtime_ns; /* when it started, since 1970 */
};

/* False (and zeros) when there is no such process. */
bool procfs_read_times(pid_t pid, struct procfs_times *out);

/*
 * Where the link /proc/PID/`name` ("exe", "cwd", "root") leads; false and ""
 * when that may not be known. A deleted program keeps its path here, without
 * the kernel's " (deleted)".
 */
bool procfs_read_link(pid_t pid, const char *name, char *out, size_t size);

/* The name of the process's main thread (at most 15 bytes). */
bool procfs_read_name(pid_t pid, char *out, size_t size);

/* The first of `size`-1 bytes of a small file, NUL-ended; their number or -1.
 * A line end at the very end is taken off. */
ssize_t procfs_read_file(const char *path, char *out, size_t size);

/* The value of "Key:" in /proc/PID/status; false when it has none. */
bool procfs_read_status(pid_t pid, const char *key, char *out, size_t size);

/* What one process is to others. */
struct procfs_identity {
	pid_t leader; /* the process, where the number is one of a thread */
	pid_t parent;
	pid_t group;
	pid_t session;
	uint64_t start_ticks; /* when it began; with its number, unique */
	/* Where its stack begins, which is drawn at random at each exec and
	 * inherited by fork(); 0: that may not be known. */
	uint64_t stack_addr;
};

/* False when there is no such process. */
bool procfs_read_identity(pid_t pid, struct procfs_identity *out);

/*
 * How process `pid`, a zombie, ended: as wait(2) has it. False when it is
 * none, or that may not be known.
 */
bool procfs_read_end(pid_t pid, int *status);

/*
 * The words of the command line of `pid`, as a shell would have to be given
 * them, appended to `out`.
 */
void procfs_add_command(pid_t pid, struct buf *out);

#endif
