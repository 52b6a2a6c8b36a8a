/* SPDX-License-Identifier: MIT */
/*
 * Stopping all threads of a live process for an instant, with ptrace(2): for
 * --exact-stacks and as the truth that tests compare with. Nothing else in
 * tare stops a process.
 *
 * The process may be our child: exit statuses are never taken, so that who
 * waits for it still gets them. When tare dies the kernel lets go of the
 * process and it runs on.
 */
#ifndef TARE_TARGET_STOP_H
#define TARE_TARGET_STOP_H

#include <sys/types.h>

#include "base/err.h"

struct stopper;

/* Get hold of the threads of `pid`; they go on running. */
int stopper_open(struct stopper **out, pid_t pid, struct err *err);

/* Stop all threads. Must be followed by stopper_resume() also on failure. */
int stopper_stop(struct stopper *s, struct err *err);

/* Let them run, handing over the signals that came for them. */
void stopper_resume(struct stopper *s);

/* Let go of the process. NULL is allowed. */
void stopper_close(struct stopper *s);

#endif
