/* SPDX-License-Identifier: MIT */
/*
 * What a child process cost, with all the children that it waited for.
 *
 * Between its fork and its exec a child is a copy of tare: that time, its
 * page faults and its memory are not the program's. cost_before() notes them
 * while the child is held, child_reap_cost() takes them off.
 */
#ifndef TARE_OS_COST_H
#define TARE_OS_COST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "os/child.h"

struct cost {
	/* Their sum is exact. The kernel divides it by where its ticks fell,
	 * so in a process of a few milliseconds one of the two may be 0. */
	uint64_t user_ns, sys_ns;
	uint64_t children_user_ns, children_sys_ns; /* of these, theirs */
	/* The largest process of them. The kernel counts what the process had
	 * in memory before its exec too, which was `floor_bytes`: a peak that
	 * is not above that is not known. */
	uint64_t peak_bytes, floor_bytes;
	uint64_t minor_faults, major_faults;
	uint64_t voluntary, involuntary; /* context switches */
	/* Through system calls, and from and to storage. Only where the kernel
	 * counts it (CONFIG_TASK_IO_ACCOUNTING) and lets us read it. */
	bool io_known;
	uint64_t read_bytes, written_bytes;
	uint64_t disk_read_bytes, disk_written_bytes;
};

/* What the held child `pid` has used so far; it is given time to fall
 * asleep. Zeros where the kernel does not say. */
void cost_before(pid_t pid, struct cost *before);

/* As child_reap(), with the cost of the whole family less `before`. */
int child_reap_cost(pid_t pid, const struct cost *before, struct child_end *end,
		    struct cost *cost, struct err *err);

#endif
