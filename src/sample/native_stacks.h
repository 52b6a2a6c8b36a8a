/* SPDX-License-Identifier: MIT */
/*
 * One stack of native code and Python for each sample of the CPU clock.
 *
 * The kernel copies a thread's registers and the top of its C stack at even
 * steps of its CPU time, and wakes us on the CPU where that happened. The
 * thread then waits for us where it was met, so that the Python stack that we
 * read belongs to the same instant. Where that cannot be shown by what the
 * kernel tells of the thread's stops and starts, the two are not merged, and
 * that is counted (docs/internals/native.md).
 */
#ifndef TARE_SAMPLE_NATIVE_STACKS_H
#define TARE_SAMPLE_NATIVE_STACKS_H

#include "native/native.h"
#include "os/perf_ring.h"
#include "sample/interpreter.h"

/* The stack that each sample has a copy of, in bytes: enough for NumPy. */
#define NATIVE_STACKS_SIZE 32768u

struct native_stacks;

/* None of the arguments is owned. NULL: no memory. */
struct native_stacks *native_stacks_new(struct interpreter *python,
					struct tasks *tasks, struct native *n);
void native_stacks_free(struct native_stacks *s);

/*
 * Take a record: of a sample, which is read at once, or of a thread that
 * stopped or started.
 */
void native_stacks_take(struct native_stacks *s, const struct perf_record *r);

/*
 * All records that there were have been taken: tell the profile what became
 * of the samples among them.
 */
void native_stacks_settle(struct native_stacks *s);

#endif
