/* SPDX-License-Identifier: MIT */
/* What /proc says about a process. Zeros and "" where it says nothing. */
#ifndef TARE_OS_PROCFS_H
#define TARE_OS_PROCFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* 'R', 'S', 'T', 'Z', ...; 0: no such process. */
char procfs_state(pid_t pid);

struct procfs_times {
	uint64_t user_ns, sys_ns; /* all its threads, living and dead */
	uint64_t children_user_ns, children_sys_ns; /* waited for */
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

#endif
