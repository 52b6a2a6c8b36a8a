/* SPDX-License-Identifier: MIT */
/* What the kernel counts of a process while it lives. */
#ifndef TARE_SAMPLE_FIGURES_H
#define TARE_SAMPLE_FIGURES_H

#include "os/task.h"
#include "profile/usage.h"

/*
 * Read the figures of `pid`, whose threads are `tasks`; what may not be known
 * stays unknown. Takes some 40 us and 10 more a thread.
 */
void figures_read(struct process_figures *out, pid_t pid,
		  const struct task_list *tasks);

#endif
