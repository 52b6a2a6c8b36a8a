/* SPDX-License-Identifier: MIT */
/*
 * CPU time by native code: each function, and each library with its hottest
 * function. Samples come at even steps of a thread's CPU time, so each stands
 * for its part of that.
 */
#ifndef TARE_PROFILE_NATIVE_ROWS_H
#define TARE_PROFILE_NATIVE_ROWS_H

#include <stdint.h>

#include "base/err.h"
#include "base/vec.h"
#include "profile/profile.h"
#include "profile/stats.h"

struct native_row {
	uint32_t kind, module; /* string ids */
	uint32_t symbol;       /* of a library: that of its hottest function */
	uint64_t nr;	       /* samples */
	double s, share;
	double hottest_s;		/* of a library: of that function */
	struct stats_interval interval; /* of the share, 95 % */
};

struct native_rows {
	VEC(struct native_row) functions; /* largest first */
	VEC(struct native_row) libraries; /* the same, by kind and module */
	uint64_t nr;
	double s;
};

/* Fill `r` from `p`; the caller's to release. ERR_NOMEM. */
int native_rows_make(struct native_rows *r, const struct profile *p,
		     struct err *err);

/* A zeroed one is allowed. */
void native_rows_release(struct native_rows *r);

#endif
