/* SPDX-License-Identifier: MIT */
/*
 * Which native code a process runs, by the instruction pointers of perf's
 * software clock at a low rate: some 0.2 % of its CPU time. With stacks on
 * demand (native_stacks.h), which cost more.
 */
#ifndef TARE_SAMPLE_NATIVE_SPLIT_H
#define TARE_SAMPLE_NATIVE_SPLIT_H

#include <sys/types.h>

#include "base/err.h"
#include "sample/interpreter.h"
#include "sample/threads.h"

/* Samples a second of CPU time: enough for shares to a point in a minute, few
 * enough not to be felt (docs/internals/native.md). */
#define NATIVE_SPLIT_HZ 100.0

struct native_split;

/*
 * Stacks are to be taken, too, and merged with those of `python`. The epoll
 * instance `waker` becomes ready when a sample has come: call
 * native_split_catch() then, without delay.
 */
struct native_merging {
	struct interpreter *python;
	int waker;
};

/*
 * Begin with the process of `tasks`, whose profile gets the samples; without
 * stacks where `merging` is NULL. Nothing given is owned. ERR_PERM,
 * ERR_UNSUPPORTED: the kernel does not allow it.
 */
int native_split_open(struct native_split **out, struct tasks *tasks,
		      const struct native_merging *merging, struct err *err);

/* Take what has come. To be called every half second or so. */
void native_split_drain(struct native_split *s);

/* The same with stacks, as soon and as often as one likes; else nothing. */
void native_split_catch(struct native_split *s);

/* Take the rest and stop. NULL is allowed. */
void native_split_close(struct native_split *s);

#endif
