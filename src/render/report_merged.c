/* SPDX-License-Identifier: MIT */
/* The native functions that took the most time on a CPU, each with the Python
 * line that called it; and how many samples that rests on. */
#include <stdio.h>
#include <string.h>

#include "profile/merged_rows.h"
#include "render/digits.h"
#include "render/location.h"
#include "render/report_parts.h"

#define MARGIN 2
#define GAP 2
#define SHARE_END 8
#define RANGE_END (SHARE_END + GAP + 9)
#define ROW_SHARE 0.005
#define ROWS_LEAST 3
#define PARTS 1000000u		  /* of the whole, for shares as counts */
#define CALLED_BY "\xe2\x86\x90 " /* an arrow to the left */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Where the columns of functions and of files end. */
struct columns {
	size_t function, file;
};

static const char *file_of(const struct report *r, uint32_t function)
{
	const struct profile *p = r->profile;

	return base_name(profile_text(p, p->functions.at[function].file));
}

/* Of the kernel and the like the "file" says it all. */
static bool is_file_only(const struct report *r, uint32_t function)
{
	return !r->profile->functions.at[function].name &&
	       *file_of(r, function) == '[';
}

static const char *name_of(const struct report *r, uint32_t function)
{
	const struct profile *p = r->profile;

	if (is_file_only(r, function))
		return file_of(r, function);
	return p->functions.at[function].name
		       ? profile_text(p, p->functions.at[function].name)
		       : "(no name)";
}

/*
 * "libopenblas" of libopenblas.so.0 and of libopenblas-4b78795a.so, which is
 * what wheels carry; "_ssl" of _ssl.cpython-313-x86_64-linux-gnu.so.
 */
static size_t stem(const char *file)
{
	static const char hex[] = "0123456789abcdef";
	const char *end = strstr(file, ".cpython-");
	size_t size;

	if (!end)
		end = strstr(file, ".so");
	size = end ? (size_t)(end - file) : strlen(file);
	if (size > 9 && file[size - 9] == '-' &&
	    strspn(file + size - 8, hex) >= 8)
		size -= 9;
	return size;
}

static void put_file(struct report *r, uint32_t function)
{
	const char *file = file_of(r, function);

	buf_clear(&r->scratch);
	if (!is_file_only(r, function))
		buf_add(&r->scratch, file, stem(file));
}

/* "model.py:12 step", without folders: the tables below have them. */
static void put_caller(struct report *r, const struct merged_row *row)
{
	const struct profile *p = r->profile;
	const struct profile_frame *frame;
	const struct profile_function *f;

	page_style(&r->page, PAGE_DIM);
	if (row->python == MERGED_NO_PYTHON) {
		page_put(&r->page, "no Python frame");
		return;
	}
	frame = &p->frames.at[row->python];
	f = &p->functions.at[frame->function];
	page_put(&r->page, CALLED_BY);
	page_style(&r->page, PAGE_PLAIN);
	location_put(&r->scratch, profile_text(p, f->file),
		     profile_meta(p, META_DIRECTORY), frame->line,
		     LOCATION_BARE);
	page_put(&r->page, buf_str(&r->scratch));
	page_to(&r->page, r->page.column + 1);
	page_style(&r->page, PAGE_DIM);
	page_fit(&r->page, profile_text(p, f->name), SIZE_MAX, SAFE_CUT_MIDDLE);
}

static void put_row(struct report *r, const struct merged_row *row,
		    const struct columns *c)
{
	char share[DIGITS_SIZE], range[DIGITS_SIZE];
	struct page *pg = &r->page;

	digits_share(share, range, row->share, row->interval.low,
		     row->interval.high);
	page_style(pg, PAGE_BOLD);
	page_right(pg, share, SHARE_END);
	page_style(pg, PAGE_DIM);
	page_right(pg, range, RANGE_END);
	page_style(pg, PAGE_PLAIN);
	page_to(pg, RANGE_END + GAP);
	page_fit(pg, name_of(r, row->function), c->function - pg->column,
		 SAFE_CUT_MIDDLE);
	page_to(pg, c->function + GAP);
	page_style(pg, PAGE_DIM);
	put_file(r, row->function);
	page_fit(pg, buf_str(&r->scratch), c->file - pg->column,
		 SAFE_CUT_MIDDLE);
	page_to(pg, c->file + GAP);
	put_caller(r, row);
	page_newline(pg);
}

/* "98 % merged with Python's stack; not: 1.2 % the thread ran on ..." */
static void put_basis(struct report *r, const struct merged_rows *rows)
{
	char cpu[DIGITS_SIZE], nr[DIGITS_SIZE], part[DIGITS_SIZE];
	const char *before = "; not merged: ";

	digits_time(cpu, (uint64_t)(rows->s * 1e9 + 0.5));
	digits_count(nr, rows->nr);
	digits_part(part, rows->merged_nr, rows->nr);
	buf_clear(&r->scratch);
	buf_printf(
		&r->scratch,
		"in %% of %s CPU time, by %s samples, %s of them merged with "
		"Python's stack",
		cpu, nr, part);
	for (int i = MERGE_CUT + 1; i < MERGE_OUTCOME_NR; i++) {
		if (!rows->outcomes[i])
			continue;
		digits_part(part, rows->outcomes[i], rows->nr);
		buf_printf(&r->scratch, "%s%s %s", before, part,
			   merge_outcome_text((enum merge_outcome)i));
		before = ", ";
	}
	if (rows->outcomes[MERGE_CUT]) {
		digits_part(part, rows->outcomes[MERGE_CUT], rows->nr);
		buf_printf(&r->scratch, "; %s %s", part,
			   merge_outcome_text(MERGE_CUT));
	}
	page_style(&r->page, PAGE_DIM);
	page_to(&r->page, r->page.column + 1);
	page_words(&r->page, buf_str(&r->scratch), MARGIN);
	page_newline(&r->page);
}

static bool is_shown(const struct merged_row *row, uint32_t shown)
{
	return row->function != MERGED_BYTECODE &&
	       (row->share >= ROW_SHARE || shown < ROWS_LEAST);
}

static size_t larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Names get what they need, up to two fifths of the line, files a fourth. */
static void measure(struct report *r, const struct merged_rows *rows,
		    struct columns *c)
{
	size_t room = r->page.width - RANGE_END - GAP, names = 0, files = 0;
	uint32_t shown = 0;

	for (uint32_t i = 0; i < rows->rows.nr && shown < r->limit; i++) {
		const struct merged_row *row = &rows->rows.at[i];

		if (!is_shown(row, shown))
			continue;
		shown++;
		names = larger(names, safe_width(name_of(r, row->function)));
		put_file(r, row->function);
		files = larger(files, safe_width(buf_str(&r->scratch)));
	}
	c->function = RANGE_END + GAP + smaller(names, room * 2 / 5);
	c->file = c->function + GAP + smaller(files, room / 4);
}

/* What the rows leave to a hundred: other rows, and Python's own. */
struct rest {
	uint32_t nr;
	double share, bytecode;
};

static void put_rest(struct report *r, const struct rest *rest)
{
	char share[DIGITS_SIZE], bytecode[DIGITS_SIZE];

	digits_part(share, (uint64_t)(rest->share * PARTS), PARTS);
	digits_part(bytecode, (uint64_t)(rest->bytecode * PARTS), PARTS);
	buf_clear(&r->scratch);
	if (rest->nr)
		buf_printf(&r->scratch, "%u more share %s; ", rest->nr, share);
	buf_printf(&r->scratch, "bytecode itself has %s", bytecode);
	page_style(&r->page, PAGE_DIM);
	page_to(&r->page, MARGIN);
	page_words(&r->page, buf_str(&r->scratch), MARGIN);
	page_newline(&r->page);
}

static void put_rows(struct report *r, const struct merged_rows *rows)
{
	struct rest rest = { 0 };
	struct columns c;
	uint32_t shown = 0;

	measure(r, rows, &c);
	for (uint32_t i = 0; i < rows->rows.nr; i++) {
		const struct merged_row *row = &rows->rows.at[i];

		if (row->function == MERGED_BYTECODE) {
			rest.bytecode += row->share;
		} else if (shown < r->limit && is_shown(row, shown)) {
			put_row(r, row, &c);
			shown++;
		} else {
			rest.nr++;
			rest.share += row->share;
		}
	}
	put_rest(r, &rest);
}

int report_merged(struct report *r, struct err *err)
{
	struct merged_rows rows;
	int rc = merged_rows_make(&rows, r->profile, err);

	if (rc)
		return rc;
	report_refusal(r, "no native stacks:", META_MERGED);
	if (rows.nr) {
		page_newline(&r->page);
		page_style(&r->page, PAGE_BOLD);
		page_put(&r->page, "hottest native functions");
		put_basis(r, &rows);
		put_rows(r, &rows);
	}
	merged_rows_release(&rows);
	return ERR_OK;
}
