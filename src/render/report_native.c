/* SPDX-License-Identifier: MIT */
/* What the time on a CPU was spent in: bytecode, the rest of CPython, and
 * native code by library with its hottest function. */
#include <stdio.h>
#include <string.h>

#include "profile/native_rows.h"
#include "render/digits.h"
#include "render/report_parts.h"

#define MARGIN 2
#define GAP 2
#define SHARE_END 8
#define RANGE_END (SHARE_END + GAP + 9)
#define ROWS 6
#define ROW_SHARE 0.01

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* The kind says enough of CPython and the kernel; of others the file does. */
static void put_what(struct report *r, const struct native_row *row)
{
	const struct profile *p = r->profile;
	const char *kind = profile_text(p, row->kind);

	buf_clear(&r->scratch);
	if (!strcmp(kind, "bytecode"))
		buf_add_str(&r->scratch, "Python bytecode");
	else if (!strcmp(kind, "library"))
		buf_add_str(&r->scratch,
			    base_name(profile_text(p, row->module)));
	else
		buf_add_str(&r->scratch, kind);
}

static void put_row(struct report *r, const struct native_row *row,
		    size_t width)
{
	char share[DIGITS_SIZE], range[DIGITS_SIZE];
	const char *symbol = profile_text(r->profile, row->symbol);
	struct page *pg = &r->page;

	digits_share(share, range, row->share, row->interval.low,
		     row->interval.high);
	page_style(pg, PAGE_BOLD);
	page_right(pg, share, SHARE_END);
	page_style(pg, PAGE_DIM);
	page_right(pg, range, RANGE_END);
	page_style(pg, PAGE_PLAIN);
	page_to(pg, RANGE_END + GAP);
	put_what(r, row);
	page_fit(pg, buf_str(&r->scratch), width, SAFE_CUT_MIDDLE);
	if (*symbol &&
	    strcmp(profile_text(r->profile, row->kind), "bytecode") != 0) {
		page_to(pg, RANGE_END + GAP + width + GAP);
		page_style(pg, PAGE_DIM);
		page_fit(pg, symbol, SIZE_MAX, SAFE_CUT_MIDDLE);
	}
	page_newline(pg);
}

static void put_head(struct report *r, const struct native_rows *rows)
{
	char cpu[DIGITS_SIZE], nr[DIGITS_SIZE];

	digits_time(cpu, (uint64_t)(rows->s * 1e9 + 0.5));
	digits_count(nr, rows->nr);
	page_newline(&r->page);
	page_style(&r->page, PAGE_BOLD);
	page_put(&r->page, "what ran on the CPU");
	page_style(&r->page, PAGE_DIM);
	buf_clear(&r->scratch);
	page_to(&r->page, r->page.column + 1);
	buf_printf(&r->scratch, "in %% of %s CPU time, by %s samples", cpu, nr);
	if (r->profile->native_lost)
		buf_printf(&r->scratch, ", %llu lost",
			   (unsigned long long)r->profile->native_lost);
	page_words(&r->page, buf_str(&r->scratch), MARGIN);
	page_newline(&r->page);
}

void report_refusal(struct report *r, const char *what, const char *key)
{
	const char *why = profile_meta(r->profile, key);

	if (!*why)
		return;
	page_newline(&r->page);
	page_style(&r->page, PAGE_DIM);
	page_put(&r->page, what);
	page_to(&r->page, r->page.column + 1);
	page_words(&r->page, why, MARGIN);
	page_newline(&r->page);
}

int report_native(struct report *r, struct err *err)
{
	struct native_rows rows;
	size_t width = 0;
	uint32_t nr = 0;
	int rc = native_rows_make(&rows, r->profile, err);

	if (rc)
		return rc;
	if (!rows.nr) {
		report_refusal(r,
			       "native code is not told apart:", META_NATIVE);
		native_rows_release(&rows);
		return ERR_OK;
	}
	while (nr < rows.libraries.nr && nr < ROWS &&
	       rows.libraries.at[nr].share >= ROW_SHARE)
		nr++;
	for (uint32_t i = 0; i < nr; i++) {
		put_what(r, &rows.libraries.at[i]);
		if (safe_width(buf_str(&r->scratch)) > width)
			width = safe_width(buf_str(&r->scratch));
	}
	if (width > r->page.width / 3)
		width = r->page.width / 3;
	put_head(r, &rows);
	for (uint32_t i = 0; i < nr; i++)
		put_row(r, &rows.libraries.at[i], width);
	native_rows_release(&rows);
	return ERR_OK;
}
