/* SPDX-License-Identifier: MIT */
/* Timed runs, for people. */
#ifndef TARE_RENDER_REPORT_TIME_H
#define TARE_RENDER_REPORT_TIME_H

#include "base/buf.h"
#include "base/err.h"
#include "profile/timing.h"
#include "render/report.h"

/* Append the report on `t`. ERR_NOMEM is the only failure. */
int render_time(struct buf *out, const struct timing *t,
		const struct render_opts *opts, struct err *err);

/* The same as a table in Markdown. */
int render_time_markdown(struct buf *out, const struct timing *t,
			 struct err *err);

#endif
