/* SPDX-License-Identifier: MIT */
/* Why the kernel refused a perf event, in words that help. */
#ifndef TARE_OS_PERF_REFUSAL_H
#define TARE_OS_PERF_REFUSAL_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

/* What is known of the machine and of us when a perf event was refused. */
struct perf_facts {
	int error;     /* errno */
	bool has_perf; /* the kernel was built with it */
	int paranoid;  /* kernel.perf_event_paranoid */
	bool own;      /* we may open one on ourselves */
};

/* Put the reason into `err`; its code. A pure function of the facts. */
int perf_refusal_explain(struct err *err, pid_t pid,
			 const struct perf_facts *facts);

/* The same, the facts being found out now. */
int perf_refusal(struct err *err, pid_t pid, int error);

/* No memory could be locked for a ring. */
int perf_refusal_memory(struct err *err, int error);

#endif
