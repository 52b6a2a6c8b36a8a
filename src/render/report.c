/* SPDX-License-Identifier: MIT */
#include "render/report.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "render/digits.h"
#include "render/report_parts.h"

#define WIDTH_DEFAULT 80
#define WIDTH_LEAST 60 /* below it the tables have no room for names */
#define LIMIT_DEFAULT 10
#define LIMIT_MOST 1000

#define DOT " \xc2\xb7 "

struct page report_page(struct buf *out, const struct render_opts *opts)
{
	unsigned width = opts->width ? opts->width : WIDTH_DEFAULT;

	return (struct page){
		.out = out,
		.width = width < WIDTH_LEAST ? WIDTH_LEAST : width,
		.colour = opts->colour,
	};
}

void report_split(size_t total, size_t *first, size_t *second)
{
	size_t least = total * 2 / 5;

	if (*first + *second <= total)
		return;
	if (least > *second)
		least = *second;
	if (*first > total - least)
		*first = total - least;
	if (*second > total - *first)
		*second = total - *first;
}

static const char *signal_name(long number)
{
	switch (number) {
	case SIGHUP:
		return " (SIGHUP)";
	case SIGINT:
		return " (SIGINT)";
	case SIGQUIT:
		return " (SIGQUIT)";
	case SIGILL:
		return " (SIGILL)";
	case SIGABRT:
		return " (SIGABRT)";
	case SIGBUS:
		return " (SIGBUS)";
	case SIGFPE:
		return " (SIGFPE)";
	case SIGKILL:
		return " (SIGKILL)";
	case SIGSEGV:
		return " (SIGSEGV)";
	case SIGPIPE:
		return " (SIGPIPE)";
	case SIGTERM:
		return " (SIGTERM)";
	default:
		return "";
	}
}

static void add_exit(struct buf *line, const struct profile *p)
{
	const char *how = profile_meta(p, META_EXIT);

	if (!strncmp(how, "signal ", 7))
		buf_printf(line, DOT "ended by %s%s", how,
			   signal_name(strtol(how + 7, NULL, 10)));
	else if (*how)
		buf_printf(line, DOT "exit %s", how);
	else if (!strcmp(profile_meta(p, META_MODE), "attach"))
		buf_add_str(line, DOT "still running at the end");
}

static void add_cpu(struct buf *line, const struct profile *p)
{
	char cpu[DIGITS_SIZE], user[DIGITS_SIZE], sys[DIGITS_SIZE];
	uint64_t cpu_ns;

	if (!profile_cpu_ns(p, &cpu_ns)) {
		buf_add_str(line, DOT "CPU time not known");
		return;
	}
	digits_time(cpu, cpu_ns);
	digits_time(user, p->figures.value[PROCESS_USER_NS]);
	digits_time(sys, p->figures.value[PROCESS_SYS_NS]);
	buf_printf(line, DOT "%s CPU (%s user + %s sys)", cpu, user, sys);
}

/* What `time -v` tells besides, as far as it says something. */
static void add_rest(struct buf *line, const struct profile *p)
{
	const struct process_figures *f = &p->figures;
	char text[DIGITS_SIZE];
	uint64_t cpu_ns;

	if (profile_cpu_ns(p, &cpu_ns) && cpu_ns < p->wall_ns) {
		digits_time(text, p->wall_ns - cpu_ns);
		buf_printf(line, DOT "%s waiting", text);
	}
	if (process_knows(f, PROCESS_PEAK_BYTES)) {
		digits_bytes(text, (double)f->value[PROCESS_PEAK_BYTES]);
		buf_printf(line, DOT "%s at most", text);
	}
}

/* The rest of `time -v`, for who looks for it. */
static void put_kernel_figures(struct report *r)
{
	static const struct {
		enum process_figure which;
		const char *one, *many;
		bool bytes;
	} figures[] = {
		{ PROCESS_MINOR_FAULTS, "minor page fault", "minor page faults",
		  false },
		{ PROCESS_MAJOR_FAULTS, "major", "major", false },
		{ PROCESS_VOLUNTARY, "time asleep", "times asleep", false },
		{ PROCESS_INVOLUNTARY, "preempted", "preempted", false },
		{ PROCESS_READ_BYTES, "read", "read", true },
		{ PROCESS_WRITTEN_BYTES, "written", "written", true },
	};
	const struct process_figures *f = &r->profile->figures;
	char text[DIGITS_SIZE];

	buf_clear(&r->scratch);
	for (size_t i = 0; i < sizeof(figures) / sizeof(*figures); i++) {
		uint64_t value = f->value[figures[i].which];

		if (!process_knows(f, figures[i].which) || !value)
			continue;
		if (figures[i].bytes)
			digits_bytes(text, (double)value);
		else
			digits_count(text, value);
		buf_printf(&r->scratch, "%s%s %s", r->scratch.size ? DOT : "",
			   text, value == 1 ? figures[i].one : figures[i].many);
	}
	if (!r->scratch.size)
		return;
	page_style(&r->page, PAGE_DIM);
	page_words(&r->page, buf_str(&r->scratch), 2);
	page_newline(&r->page);
}

/* Of the CPU's own counters, where the machine has them. */
static void add_counters(struct buf *line, const struct profile *p)
{
	static const struct {
		enum process_figure of, by;
		double unit;
		int places;
		const char *text;
	} ratios[] = {
		{ PROCESS_INSTRUCTIONS, PROCESS_CYCLES, 1, 2,
		  "instructions per cycle" },
		{ PROCESS_BRANCH_MISSES, PROCESS_BRANCHES, 100, 1,
		  "% of branches mispredicted" },
		{ PROCESS_CACHE_MISSES, PROCESS_CACHE_REFERENCES, 100, 1,
		  "% of cache references missed" },
	};

	for (size_t i = 0; i < sizeof(ratios) / sizeof(*ratios); i++) {
		double ratio =
			process_ratio(&p->figures, ratios[i].of, ratios[i].by);

		if (!isnan(ratio))
			buf_printf(line, DOT "%.*f %s", ratios[i].places,
				   ratio * ratios[i].unit, ratios[i].text);
	}
}

void report_command(struct report *r)
{
	const char *command = profile_meta(r->profile, META_COMMAND);

	if (!*command)
		buf_add_str(&r->scratch, "(command not known)");
	/* `python -c` often has several lines of code in it. */
	for (; *command; command++)
		buf_add_char(&r->scratch, *command == '\n' ? ' ' : *command);
}

static void put_heading(struct report *r)
{
	const struct profile *p = r->profile;
	const char *python = profile_meta(p, META_PYTHON);
	char wall[DIGITS_SIZE];

	page_style(&r->page, PAGE_BOLD);
	buf_clear(&r->scratch);
	report_command(r);
	page_put(&r->page, buf_str(&r->scratch));
	page_newline(&r->page);

	digits_time(wall, p->wall_ns);
	buf_clear(&r->scratch);
	buf_printf(&r->scratch, "%s" DOT "%s wall", *python ? python : "Python",
		   wall);
	add_cpu(&r->scratch, p);
	add_rest(&r->scratch, p);
	add_counters(&r->scratch, p);
	add_exit(&r->scratch, p);
	page_words(&r->page, buf_str(&r->scratch), 2);
	page_newline(&r->page);
	put_kernel_figures(r);
	if (*r->breakdown.sentence) {
		page_style(&r->page, PAGE_BOLD);
		page_words(&r->page, r->breakdown.sentence, 2);
		page_newline(&r->page);
	}
	page_style(&r->page, PAGE_DIM);
	page_put(&r->page, "net: not estimated yet");
	page_newline(&r->page);
}

static bool index_sources(struct report *r)
{
	const struct profile *p = r->profile;

	for (uint32_t i = 0; i < p->sources.nr; i++) {
		const struct profile_source *s = &p->sources.at[i];

		if (!map_put(&r->sources, (uint64_t)s->file << 32 | s->line, i))
			return false;
	}
	return true;
}

int render_report(struct buf *out, const struct profile *p,
		  const struct render_opts *opts, struct err *err)
{
	struct report r = { .profile = p, .opts = opts };
	struct safe_scope scope;
	int rc;

	r.page = report_page(out, opts);
	r.limit = opts->limit ? opts->limit : LIMIT_DEFAULT;
	if (r.limit > LIMIT_MOST)
		r.limit = LIMIT_MOST;
	safe_enter(&scope);
	rc = summary_make(&r.summary, p, &(struct summary_of){ 0 }, err);
	if (rc != ERR_OK)
		goto out;
	if (!index_sources(&r)) {
		rc = err_nomem(err);
		goto out;
	}
	rc = breakdown_make(&r.breakdown, p, &r.summary, err);
	if (rc != ERR_OK)
		goto out;
	put_heading(&r);
	rc = report_states(&r, err);
	if (rc == ERR_OK)
		rc = report_awaits(&r, err);
	if (rc == ERR_OK)
		rc = report_native(&r, err);
	if (rc == ERR_OK)
		rc = report_merged(&r, err);
	if (rc == ERR_OK)
		rc = report_tables(&r, err);
	if (rc == ERR_OK)
		rc = report_threads(&r, err);
	if (rc == ERR_OK)
		rc = report_processes(&r, err);
	if (rc == ERR_OK)
		rc = report_notes(&r, err);
	if (rc == ERR_OK && (out->failed || r.scratch.failed))
		rc = err_nomem(err);
out:
	breakdown_release(&r.breakdown);
	summary_release(&r.summary);
	map_release(&r.sources);
	buf_release(&r.scratch);
	safe_leave(&scope);
	return rc;
}
