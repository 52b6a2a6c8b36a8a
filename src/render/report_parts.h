/* SPDX-License-Identifier: MIT */
/* What the sections of a report share. Only files of render/ include it. */
#ifndef TARE_RENDER_REPORT_PARTS_H
#define TARE_RENDER_REPORT_PARTS_H

#include "base/map.h"
#include "profile/breakdown.h"
#include "profile/caution.h"
#include "profile/profile.h"
#include "profile/summary.h"
#include "render/page.h"
#include "render/report.h"

struct report {
	const struct profile *profile;
	const struct render_opts *opts;
	unsigned limit;
	struct page page;
	struct summary summary; /* of all threads */
	struct breakdown breakdown;
	struct map sources; /* file << 32 | line -> profile.sources */
	struct buf scratch;
};

/* Begin a page; 0 columns are 80, and there are never fewer than 60. */
struct page report_page(struct buf *out, const struct render_opts *opts);

/* The command that ran, line breaks as blanks, appended to r->scratch. */
void report_command(struct report *r);

/*
 * Share `total` columns among two texts that want so many each: both get
 * what they want if they can, else the second gets two fifths at least.
 */
void report_split(size_t total, size_t *first, size_t *second);

/* Where the wall time went, by state (report_states.c). */
int report_states(struct report *r, struct err *err);

/* What the tasks of asyncio waited for (report_awaits.c). */
int report_awaits(struct report *r, struct err *err);

/* In place of a part: `what` lacks, as the recording has it under `key`; or
 * nothing, where no reason is known (report_native.c). */
void report_refusal(struct report *r, const char *what, const char *key);

/* What ran on the CPU (report_native.c). */
int report_native(struct report *r, struct err *err);

/* Native functions and who called them from Python (report_merged.c). */
int report_merged(struct report *r, struct err *err);

/* The text of a source line, or else its function, into r->scratch. */
void report_source(struct report *r, const struct summary_line *l);

/* The tables of functions and lines (report_tables.c). */
int report_tables(struct report *r, struct err *err);

/* The table of functions alone, of another summary. */
int report_functions(struct report *r, const struct summary *s, unsigned limit,
		     struct err *err);

/* What a function is called, SUMMARY_NO_PYTHON included. Raw text. */
const char *report_function_name(const struct report *r, uint32_t function);

/* The threads, when there are several (report_threads.c). */
int report_threads(struct report *r, struct err *err);

/* The processes, when there are several (report_processes.c). */
int report_processes(struct report *r, struct err *err);

/* Hypotheses, warnings, sampling, next command (report_notes.c). */
int report_notes(struct report *r, struct err *err);

#endif
