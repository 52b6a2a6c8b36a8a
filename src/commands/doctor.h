/* SPDX-License-Identifier: MIT */
/* What tare needs of a system, checked by trying it. */
#ifndef TARE_COMMANDS_DOCTOR_H
#define TARE_COMMANDS_DOCTOR_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/vec.h"

enum check_verdict {
	CHECK_OK,
	CHECK_NO,	      /* a need is not met: doctor ends with 1 */
	CHECK_WARNING,	      /* works, but worse than it could */
	CHECK_NOT_APPLICABLE, /* does not matter, or does not exist here */
};

struct check {
	const char *name;
	enum check_verdict verdict;
	char detail[300];
	char remedy[300]; /* the one command that mends it, or "" */
};

struct checks {
	struct check *at;
	uint32_t nr, cap;
};

/* Append what a verdict rests on; a remedy may be NULL. */
void check_add(struct checks *list, const char *name,
	       enum check_verdict verdict, const char *remedy,
	       const char *detail, ...) __attribute__((format(printf, 5, 6)));

/* The system: kernel, permissions, container, CPUs, timer. */
void doctor_check_system(struct checks *list);

/* Thread states, native code, counters, priority. */
void doctor_check_extras(struct checks *list);

/* The interpreter that tare run would start, and one real look at it. */
void doctor_check_python(struct checks *list);

/* A process that the user names. */
void doctor_check_process(struct checks *list, pid_t pid);

#endif
