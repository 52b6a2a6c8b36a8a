/* SPDX-License-Identifier: MIT */
/*
 * A recording in the formats of other tools: one file a format, listed in
 * exporters.def.
 */
#ifndef TARE_EXPORT_EXPORT_H
#define TARE_EXPORT_EXPORT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "profile/profile.h"

struct export_opts {
	bool threads; /* the thread as the root frame */
	bool marked;  /* also what is salvaged, inconsistent or lost */
	bool awaits;  /* the tasks of asyncio, by time, in place of threads */
	bool native;  /* merged stacks of native code and Python instead */
};

struct exporter {
	const char *name;    /* what follows --format */
	const char *summary; /* half a line for the help text */
	/* Append `p` to the buf. Same profile and options: same bytes. */
	int (*run)(struct buf *out, const struct profile *p,
		   const struct export_opts *opts, struct err *err);
};

/* All of them, in the order of exporters.def; ended by a NULL. */
extern const struct exporter *const exporters[];

/* The exporter called `format`; ERR_USAGE lists those that there are. */
int export_find(const char *format, const struct exporter **out,
		struct err *err);

/* Append the object `tare.report/1`, indented, ended by a newline;
 * docs/json.md describes it. */
int export_json(struct buf *out, const struct profile *p, struct err *err);

#endif
