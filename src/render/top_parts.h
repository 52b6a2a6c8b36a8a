/* SPDX-License-Identifier: MIT */
/* What the files of `tare top`'s screens share. Only they include it. */
#ifndef TARE_RENDER_TOP_PARTS_H
#define TARE_RENDER_TOP_PARTS_H

#include "render/page.h"
#include "render/top.h"

#define TOP_DOT " \xc2\xb7 "

struct top {
	const struct top_data *data;
	struct top_choice *choice;
	struct page page;
	struct buf scratch;
	uint32_t room;	/* rows of the table, its head not among them */
	uint32_t lines; /* rows that were written */
	bool snapshot;	/* nobody scrolls or chooses */
};

/* End the row. */
void top_newline(struct top *t);

/* The head of a column that ends at `end`; marked if it is what is sorted by.
 */
void top_head(struct top *t, const char *text, size_t end, bool sorted);

/* Keep `*first` such that `nr` rows fill the room if they can. */
void top_clamp(uint32_t *first, uint32_t nr, uint32_t room);

/* A share of 0 to 1 as whole percents; a dot for nothing. */
void top_share(struct top *t, double share, size_t end);

/* What a function is called; SUMMARY_NO_PYTHON has a name as well. */
const char *top_function_name(const struct profile *p, uint32_t function);

/* A command line without the folder of its program, on one line. */
void top_command(struct buf *out, const char *command);

/* The table of each view: its head, and the rows from choice->first on. */
int top_functions(struct top *t, struct err *err);
int top_lines(struct top *t, struct err *err);
int top_threads_table(struct top *t, struct err *err);
int top_processes(struct top *t, struct err *err);

/* The three lines above the views, and what they show. */
void top_title(struct top *t);

#endif
