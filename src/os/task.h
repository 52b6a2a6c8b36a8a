/* SPDX-License-Identifier: MIT */
/* The threads of a process as /proc has them. */
#ifndef TARE_OS_TASK_H
#define TARE_OS_TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Does process `pid` have a thread `tid`? */
bool task_exists(pid_t pid, pid_t tid);

/* Does `pid` number processes differently from us (a container)? */
bool task_has_other_ids(pid_t pid);

/* Our ID of the thread of `pid` that calls itself `inner`; 0: none. */
pid_t task_find(pid_t pid, pid_t inner);

/* The name of a thread (at most 15 bytes); false when it is gone. */
bool task_name(pid_t pid, pid_t tid, char *name, size_t size);

#endif
