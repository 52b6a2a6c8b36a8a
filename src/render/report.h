/* SPDX-License-Identifier: MIT */
/*
 * A recording as text for people.
 *
 * Names, paths and source lines come from another process, so they are
 * hostile: nothing but printable UTF-8 leaves here, whatever went in; the
 * rest is shown as \x1b or \u202e. No line is wider than asked.
 */
#ifndef TARE_RENDER_REPORT_H
#define TARE_RENDER_REPORT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "profile/profile.h"

struct render_opts {
	unsigned width;	  /* columns; 0: 80. Fewer than 60 are taken as 60 */
	bool colour;	  /* SGR sequences for bold, dim and a few colours */
	unsigned limit;	  /* rows of a table at most; 0: 10 */
	const char *path; /* of the .tare file, for the next command; or NULL */
	bool threads;	  /* each thread's own hottest functions too */
};

/*
 * Append the report on `p` to `out`. An empty recording is reported as such;
 * it is not an error. ERR_NOMEM is the only failure.
 */
int render_report(struct buf *out, const struct profile *p,
		  const struct render_opts *opts, struct err *err);

/*
 * Append the stack of each thread of `p`, which is expected to hold one look
 * at each. The main thread comes first; of each stack the innermost call
 * (where the thread is now) comes first, as in gdb, jstack and faulthandler.
 * Of several looks at a thread the most believable is shown: complete before
 * salvaged before inconsistent. `opts->limit`, `path` and `threads` are
 * ignored.
 */
int render_dump(struct buf *out, const struct profile *p,
		const struct render_opts *opts, struct err *err);

#endif
