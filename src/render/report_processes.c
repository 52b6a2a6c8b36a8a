/* SPDX-License-Identifier: MIT */
/* The processes of a job of several, and which could not be followed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "render/digits.h"
#include "render/report_parts.h"

#define MARGIN 2
#define GAP 2
#define PID_END 10
#define WALL_END (PID_END + GAP + 8)
#define CPU_END (WALL_END + GAP + 8)
#define PEAK_END (CPU_END + GAP + 8)
#define EXIT_END (PEAK_END + GAP + 9)
#define ROWS 8
#define TROUBLES 5

/* CPU time: that of its threads, or the kernel's own if it says more. */
static uint64_t cpu_ns(const struct profile *p, uint32_t process)
{
	const struct process_figures *f = &p->processes.at[process].figures;
	uint64_t sum = 0,
		 all = f->value[PROCESS_USER_NS] + f->value[PROCESS_SYS_NS];

	for (uint32_t i = 0; i < p->threads.nr; i++)
		if (p->threads.at[i].process == process)
			sum += p->threads.at[i].cpu_ns;
	return all > sum ? all : sum;
}

struct process_row {
	uint32_t process;
	uint64_t cpu_ns;
};

/* The first process, then by CPU time. */
static int by_cpu(const void *a, const void *b)
{
	const struct process_row *x = a, *y = b;

	if (!x->process || !y->process)
		return x->process ? 1 : -1;
	if (x->cpu_ns != y->cpu_ns)
		return x->cpu_ns > y->cpu_ns ? -1 : 1;
	return x->process < y->process ? -1 : 1;
}

static void put_right(struct page *pg, const char *text, size_t end)
{
	page_right(pg, *text ? text : "\xc2\xb7", end);
}

static void put_head(struct page *pg)
{
	page_style(pg, PAGE_DIM);
	page_right(pg, "pid", PID_END);
	page_right(pg, "wall", WALL_END);
	page_right(pg, "CPU", CPU_END);
	page_right(pg, "memory", PEAK_END);
	page_right(pg, "exit", EXIT_END);
	page_to(pg, EXIT_END + GAP);
	page_put(pg, "command");
	page_newline(pg);
}

static void put_process(struct report *r, const struct process_row *row)
{
	const struct profile *p = r->profile;
	const struct profile_process *of = &p->processes.at[row->process];
	struct page *pg = &r->page;
	char text[DIGITS_SIZE] = "";

	snprintf(text, sizeof(text), "%d", of->pid);
	page_style(pg, PAGE_PLAIN);
	page_right(pg, text, PID_END);
	digits_time(text, of->end_ns - of->start_ns);
	page_right(pg, text, WALL_END);
	digits_time(text, row->cpu_ns);
	page_right(pg, text, CPU_END);
	text[0] = '\0';
	if (process_knows(&of->figures, PROCESS_PEAK_BYTES))
		digits_bytes(text,
			     (double)of->figures.value[PROCESS_PEAK_BYTES]);
	put_right(pg, text, PEAK_END);
	put_right(pg, profile_text(p, of->end), EXIT_END);
	page_to(pg, EXIT_END + GAP);
	page_style(pg, *profile_text(p, of->python) ? PAGE_BOLD : PAGE_DIM);
	page_fit(pg, profile_text(p, of->command), SIZE_MAX, SAFE_CUT_MIDDLE);
	page_newline(pg);
}

static void put_rest(struct report *r, uint32_t nr)
{
	char text[80];

	if (!nr)
		return;
	snprintf(text, sizeof(text), "%u more process%s", nr,
		 nr == 1 ? "" : "es");
	page_style(&r->page, PAGE_DIM);
	page_to(&r->page, MARGIN);
	page_put(&r->page, text);
	page_newline(&r->page);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Does `text` name "process 12", and not "process 123"? */
static bool names(const char *text, const char *process)
{
	const char *at = strstr(text, process);

	return at && !is_digit(at[strlen(process)]);
}

/* None of them silent: what could not be followed is said. */
static void put_troubles(struct report *r)
{
	const struct profile *p = r->profile;
	char process[32];
	uint32_t nr = 0;

	for (uint32_t i = 0; i < p->processes.nr; i++) {
		const struct profile_process *of = &p->processes.at[i];
		const char *trouble = profile_text(p, of->trouble);

		if (!*trouble || nr++ >= TROUBLES)
			continue;
		snprintf(process, sizeof(process), "process %d", of->pid);
		buf_clear(&r->scratch);
		if (!names(trouble, process))
			buf_printf(&r->scratch, "%s: ", process);
		buf_add_str(&r->scratch, trouble);
		page_style(&r->page, PAGE_YELLOW);
		page_to(&r->page, MARGIN);
		page_words(&r->page, buf_str(&r->scratch), MARGIN + GAP);
		page_newline(&r->page);
	}
	if (nr > TROUBLES)
		put_rest(r, nr - TROUBLES);
}

/* What is less, or a smaller part of the job, may be the kernel's rounding. */
#define UNSEEN_NS 20000000u
#define UNSEEN_SHARE 0.02

/* What the kernel has counted for the job, less what was seen of it. */
static void put_unseen(struct report *r, const struct process_row *rows,
		       uint32_t nr)
{
	uint64_t all_ns, seen_ns = 0;
	char time[DIGITS_SIZE];

	if (!profile_cpu_ns(r->profile, &all_ns))
		return;
	for (uint32_t i = 0; i < nr; i++)
		seen_ns += rows[i].cpu_ns;
	if (seen_ns + UNSEEN_NS >= all_ns ||
	    (double)seen_ns >= (1 - UNSEEN_SHARE) * (double)all_ns)
		return;
	digits_time(time, all_ns - seen_ns);
	buf_clear(&r->scratch);
	buf_printf(&r->scratch,
		   "%s of CPU time (%.0f %%) is of processes that ended before "
		   "they could be looked at, and of the last moments of others",
		   time, 100 * (1 - (double)seen_ns / (double)all_ns));
	page_style(&r->page, PAGE_YELLOW);
	page_to(&r->page, MARGIN);
	page_words(&r->page, buf_str(&r->scratch), MARGIN + GAP);
	page_newline(&r->page);
}

static void put_table(struct report *r, const struct process_row *rows,
		      uint32_t all)
{
	uint32_t nr = all < ROWS ? all : ROWS;

	page_newline(&r->page);
	page_style(&r->page, PAGE_BOLD);
	page_put(&r->page, "processes");
	page_newline(&r->page);
	put_head(&r->page);
	for (uint32_t i = 0; i < nr; i++)
		put_process(r, &rows[i]);
	put_rest(r, all - nr);
}

int report_processes(struct report *r, struct err *err)
{
	const struct profile *p = r->profile;
	uint32_t all = p->processes.nr;
	struct process_row *rows = calloc((size_t)all + 1, sizeof(*rows));

	if (!rows)
		return err_nomem(err);
	for (uint32_t i = 0; i < all; i++)
		rows[i] = (struct process_row){ i, cpu_ns(p, i) };
	qsort(rows, all, sizeof(*rows), by_cpu);
	if (all > 1)
		put_table(r, rows, all);
	put_unseen(r, rows, all);
	put_troubles(r);
	free(rows);
	return ERR_OK;
}
