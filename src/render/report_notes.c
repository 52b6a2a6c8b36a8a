/* SPDX-License-Identifier: MIT */
/* What stands below the tables of a report. */
#include <stdio.h>
#include <string.h>

#include "profile/expect.h"
#include "render/digits.h"
#include "render/report_parts.h"

#define MARGIN 2
#define GAP 2

static enum page_style verdict_style(enum expect_verdict verdict)
{
	switch (verdict) {
	case EXPECT_SUPPORTED:
		return PAGE_GREEN;
	case EXPECT_NOT_SUPPORTED:
		return PAGE_RED;
	default:
		return PAGE_YELLOW;
	}
}

static void put_answer(struct report *r, const struct expect_answer *a,
		       size_t width)
{
	char share[DIGITS_SIZE], range[DIGITS_SIZE], text[120];
	struct page *pg = &r->page;

	page_to(pg, MARGIN);
	page_fit(pg, a->text, width, SAFE_CUT_MIDDLE);
	page_to(pg, MARGIN + width + GAP);
	page_style(pg, verdict_style(a->verdict));
	page_words(pg, expect_verdict_text(a->verdict), MARGIN);
	page_style(pg, PAGE_PLAIN);
	page_put(pg, ":");
	page_to(pg, pg->column + 1);
	if (a->function_nr && a->complete_nr) {
		digits_share(share, range, a->share, a->low, a->high);
		snprintf(text, sizeof(text), "%s, %s %% (%s)", a->why, share,
			 range);
	} else {
		snprintf(text, sizeof(text), "%s", a->why);
	}
	page_words(pg, text, MARGIN + width + GAP);
	page_newline(pg);
}

static int put_answers(struct report *r, struct err *err)
{
	struct expect_list list;
	size_t width = 0;
	int rc = expect_answer(&list, r->profile, err);

	if (rc != ERR_OK || !list.answers.nr) {
		if (rc == ERR_OK)
			expect_release(&list);
		return rc;
	}
	page_newline(&r->page);
	page_style(&r->page, PAGE_BOLD);
	page_put(&r->page, "expected");
	page_style(&r->page, PAGE_DIM);
	page_to(&r->page, r->page.column + 1);
	page_put(&r->page, "share of the time, with all that is called");
	page_newline(&r->page);
	for (uint32_t i = 0; i < list.answers.nr; i++) {
		size_t wants = safe_width(list.answers.at[i].text);

		width = wants > width ? wants : width;
	}
	if (width > r->page.width / 2)
		width = r->page.width / 2;
	for (uint32_t i = 0; i < list.answers.nr; i++)
		put_answer(r, &list.answers.at[i], width);
	expect_release(&list);
	return ERR_OK;
}

static void put_cautions(struct report *r)
{
	struct caution cautions[CAUTION_NR];
	uint32_t nr = caution_list(r->profile, cautions);

	if (nr)
		page_newline(&r->page);
	for (uint32_t i = 0; i < nr; i++) {
		page_style(&r->page, PAGE_YELLOW);
		page_put(&r->page, "warning:");
		page_style(&r->page, PAGE_PLAIN);
		page_to(&r->page, r->page.column + 1);
		page_words(&r->page, cautions[i].reason, MARGIN);
		page_newline(&r->page);
		page_to(&r->page, MARGIN);
		page_style(&r->page, PAGE_DIM);
		page_words(&r->page, cautions[i].remedy, MARGIN);
		page_newline(&r->page);
	}
}

static void put_sampling(struct report *r)
{
	const struct summary_sampling *s = &r->summary.sampling;
	const struct profile *p = r->profile;
	char nr[5][DIGITS_SIZE], part[DIGITS_SIZE], cpu[DIGITS_SIZE];
	char unseen[DIGITS_SIZE];

	digits_count(nr[0], s->taken);
	digits_count(nr[1], s->complete);
	digits_count(nr[2], s->salvaged);
	digits_count(nr[3], s->inconsistent);
	digits_count(nr[4], s->lost);
	digits_part(part, s->complete, s->taken);
	digits_time(cpu, p->sampler_cpu_ns);
	buf_clear(&r->scratch);
	buf_printf(&r->scratch,
		   "%s looks, %.0f of %.0f Hz delivered: %s complete (%s), "
		   "%s salvaged, %s inconsistent, %s lost; tare used %s CPU",
		   nr[0], s->delivered_hz, s->asked_hz, nr[1], part, nr[2],
		   nr[3], nr[4], cpu);
	if (p->wall_ns)
		buf_printf(&r->scratch, " (%.1f %% of one core)",
			   (double)p->sampler_cpu_ns / (double)p->wall_ns *
				   100);
	if (r->summary.unseen_s > 0) {
		digits_time(unseen, (uint64_t)(r->summary.unseen_s * 1e9));
		buf_printf(&r->scratch,
			   "; %s of threads without a complete look are in no "
			   "share",
			   unseen);
	}
	page_newline(&r->page);
	page_style(&r->page, PAGE_DIM);
	page_put(&r->page, "sampling:");
	page_to(&r->page, r->page.column + 1);
	page_words(&r->page, buf_str(&r->scratch), MARGIN);
	page_newline(&r->page);
}

/* The one command that is most likely to help now. */
static void put_next(struct report *r)
{
	const char *words[6] = { "tare", "doctor" };

	if (r->summary.complete_nr) {
		if (!r->opts->path)
			return;
		/* A name that looks like an option is made a path. */
		buf_clear(&r->scratch);
		if (r->opts->path[0] == '-')
			buf_add_str(&r->scratch, "./");
		buf_add_str(&r->scratch, r->opts->path);
		words[1] = "report";
		words[2] = buf_str(&r->scratch);
		words[3] = "--threads";
		if (r->profile->threads.nr < 2 || r->opts->threads) {
			words[1] = "export";
			words[3] = "--format";
			words[4] = "collapsed";
		}
	}
	page_style(&r->page, PAGE_DIM);
	page_put(&r->page, "next:");
	page_style(&r->page, PAGE_PLAIN);
	page_to(&r->page, r->page.column + 1);
	page_command(&r->page, words);
	page_newline(&r->page);
}

int report_notes(struct report *r, struct err *err)
{
	int rc = put_answers(r, err);

	if (rc != ERR_OK)
		return rc;
	put_cautions(r);
	put_sampling(r);
	put_next(r);
	return ERR_OK;
}
