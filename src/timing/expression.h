/* SPDX-License-Identifier: MIT */
/* One fresh Python process that times an expression. */
#ifndef TARE_TIMING_EXPRESSION_H
#define TARE_TIMING_EXPRESSION_H

#include <stddef.h>

#include "base/err.h"
#include "timing/once.h"

struct expression {
	const char *python; /* the interpreter */
	const char *setup;  /* or "" */
	const char *code;
	bool gc;
	uint64_t loop_nr; /* executions in a batch; 0: to be found */
};

/*
 * Start it with what `opts` says besides the command. On success the record
 * has been read: out->run, `version` (at most size-1 bytes), *loop_nr. When
 * the process did not end with status 0, or was stopped, out->run says so and
 * there are no times. ERR_CORRUPT: it ended well, but its record is none.
 */
int expression_run(const struct expression *e, const struct once_opts *opts,
		   struct once_result *out, char *version, size_t size,
		   uint64_t *loop_nr, struct err *err);

#endif
