/* SPDX-License-Identifier: MIT */
#include "profile/expect.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "profile/stats.h"
#include "profile/summary.h"

static const char *const verdicts[] = {
	[EXPECT_SUPPORTED] = "supported",
	[EXPECT_NOT_SUPPORTED] = "not supported",
	[EXPECT_CANNOT_TELL] = "cannot tell",
};

const char *expect_verdict_text(enum expect_verdict verdict)
{
	return verdicts[verdict];
}

static int refuse(const char *text, struct err *err)
{
	err_set(err, ERR_USAGE, "'%.200s' is no hypothesis about a function",
		text);
	err_hint(err, "write --expect NAME=60%% or --expect NAME=50-70%%");
	return ERR_USAGE;
}

/*
 * "60" or "60.5" at *at, which is advanced; false when it is no percentage.
 * Not strtod(), which takes "0x1p3" and "nan" and the locale's comma.
 */
static bool percentage(const char **at, double *share)
{
	const char *s = *at;
	double value = 0, unit = 1;
	unsigned digits = 0;

	for (; isdigit((unsigned char)*s); s++, digits++)
		value = value * 10 + (*s - '0');
	if (*s == '.')
		for (s++; isdigit((unsigned char)*s); s++, digits++)
			value += (*s - '0') * (unit /= 10);
	if (!digits || value > 100)
		return false;
	*at = s;
	*share = value / 100;
	return true;
}

int expect_parse(const char *text, struct expect_claim *out, struct err *err)
{
	const char *sign = strrchr(text, '='), *at;
	double around;

	memset(out, 0, sizeof(*out));
	if (!sign)
		return refuse(text, err);
	at = sign + 1;
	if (!percentage(&at, &out->low))
		return refuse(text, err);
	if (*at == '-') {
		at++;
		if (!percentage(&at, &out->high) || out->high < out->low)
			return refuse(text, err);
	} else {
		around = fmax(0.005, fmin(0.05, out->low / 4));
		out->high = fmin(1, out->low + around);
		out->low = fmax(0, out->low - around);
	}
	at += *at == '%';
	while (sign > text && isspace((unsigned char)sign[-1]))
		sign--;
	if (*at || sign == text)
		return refuse(text, err);
	out->function = text;
	out->function_size = (size_t)(sign - text);
	return ERR_OK;
}

static bool ends_with(const char *text, const char *tail, size_t size,
		      char before)
{
	size_t whole = strlen(text);

	if (whole < size || memcmp(text + whole - size, tail, size) != 0)
		return false;
	return whole == size || text[whole - size - 1] == before;
}

static bool matches(const struct profile *p, uint32_t function,
		    const struct expect_claim *claim)
{
	const struct profile_function *f = &p->functions.at[function];
	const char *name = claim->function;
	size_t size = claim->function_size;
	const char *colon = memrchr(name, ':', size);

	if (colon) {
		if (!ends_with(profile_text(p, f->file), name,
			       (size_t)(colon - name), '/'))
			return false;
		size -= (size_t)(colon + 1 - name);
		name = colon + 1;
	}
	return size && ends_with(profile_text(p, f->name), name, size, '.');
}

/* What is known of a stack: what it ends in, and what it has in it. */
enum {
	LEAF = 1 << 0,
	WITHIN = 1 << 1,
};

/* For each node whether the claimed functions are on it. */
static void mark_nodes(const struct profile *p, const bool *wanted,
		       uint8_t *marks)
{
	for (uint32_t i = 1; i < p->nodes.nr; i++) {
		const struct profile_node *node = &p->nodes.at[i];
		uint32_t function = p->frames.at[node->frame].function;

		marks[i] = marks[node->parent] & WITHIN;
		if (wanted[function])
			marks[i] = LEAF | WITHIN;
	}
}

static void add_up(struct expect_answer *a, const struct profile *p,
		   const struct summary *s, const uint8_t *marks)
{
	double seconds = 0;

	for (uint32_t i = 0; i < p->counts.nr; i++) {
		const struct profile_count *c = &p->counts.at[i];

		if (c->quality != SAMPLE_COMPLETE)
			continue;
		a->self_nr += marks[c->node] & LEAF ? c->nr : 0;
		if (!(marks[c->node] & WITHIN))
			continue;
		a->total_nr += c->nr;
		seconds +=
			(double)c->ticks *
			s->threads[c->thread].states[c->state].second_per_tick;
	}
	if (s->wall_s > 0)
		a->share = fmin(1, seconds / s->wall_s);
}

static int measure(struct expect_answer *a, const struct profile *p,
		   const struct summary *s, struct err *err)
{
	struct stats_interval interval;
	bool *wanted = calloc((size_t)p->functions.nr + 1, sizeof(*wanted));
	uint8_t *marks = calloc((size_t)p->nodes.nr + 1, 1);
	int rc = ERR_OK;

	if (!wanted || !marks) {
		rc = err_nomem(err);
		goto out;
	}
	for (uint32_t i = 0; i < p->functions.nr; i++) {
		wanted[i] = matches(p, i, &a->claim);
		a->function_nr += wanted[i];
	}
	mark_nodes(p, wanted, marks);
	a->complete_nr = s->complete_nr;
	add_up(a, p, s, marks);
	interval = stats_wilson(a->share * s->effective_nr, s->effective_nr);
	a->low = interval.low;
	a->high = interval.high;
out:
	free(wanted);
	free(marks);
	return rc;
}

static void judge(struct expect_answer *a)
{
	a->verdict = EXPECT_CANNOT_TELL;
	if (!a->complete_nr) {
		a->why = "there is no complete sample";
		return;
	}
	if (!a->function_nr) {
		a->why = "no function of this name was seen";
		return;
	}
	if (a->low > a->claim.high) {
		a->verdict = EXPECT_NOT_SUPPORTED;
		a->why = "it takes more";
	} else if (a->high < a->claim.low) {
		a->verdict = EXPECT_NOT_SUPPORTED;
		a->why = "it takes less";
	} else if (a->low >= a->claim.low && a->high <= a->claim.high) {
		a->verdict = EXPECT_SUPPORTED;
		a->why = "the whole interval agrees";
	} else {
		a->why = "the interval reaches over its edge";
	}
}

static int answer_line(struct expect_list *out, const struct profile *p,
		       const struct summary *s, const char *line,
		       struct err *err)
{
	struct expect_answer a = { .text = line };
	struct err ignored;
	int rc = ERR_OK;

	if (expect_parse(line, &a.claim, &ignored) != ERR_OK) {
		memset(&a.claim, 0, sizeof(a.claim));
		a.verdict = EXPECT_CANNOT_TELL;
		a.why = "this is not of the form NAME=60%";
	} else {
		rc = measure(&a, p, s, err);
		judge(&a);
	}
	if (rc == ERR_OK && !vec_push(&out->answers, a))
		rc = err_nomem(err);
	return rc;
}

int expect_answer(struct expect_list *out, const struct profile *p,
		  struct err *err)
{
	struct summary summary = { 0 };
	char *rest, *line;
	int rc;

	memset(out, 0, sizeof(*out));
	if (!*profile_meta(p, META_EXPECT))
		return ERR_OK;
	out->text = strdup(profile_meta(p, META_EXPECT));
	if (!out->text)
		return err_nomem(err);
	rc = summary_make(&summary, p, &(struct summary_of){ 0 }, err);
	rest = out->text;
	while (rc == ERR_OK && (line = strsep(&rest, "\n")))
		if (*line)
			rc = answer_line(out, p, &summary, line, err);
	summary_release(&summary);
	if (rc != ERR_OK)
		expect_release(out);
	return rc;
}

void expect_release(struct expect_list *list)
{
	vec_release(&list->answers);
	free(list->text);
	list->text = NULL;
}
