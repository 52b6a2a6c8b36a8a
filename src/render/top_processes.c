/* SPDX-License-Identifier: MIT */
/* The view of processes: who started whom, and what each takes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "render/digits.h"
#include "render/top_parts.h"

#define GAP 2
#define PID_END 8
#define CPU_END 15
#define GIL_END 21
#define MEMORY_END 31
#define THREADS_END 40
#define STATE_COLUMN 42
#define COMMAND_COLUMN 51

/* Deeper trees are shown as if they were so deep. */
#define DEPTH_MOST 8

struct node {
	uint32_t process;
	uint32_t depth;
};

struct tree {
	struct node *at;
	uint32_t nr;
	bool *shown;
};

static const char *state_word(char state)
{
	switch (state) {
	case 0:
	case 'X':
	case 'x':
		return "ended";
	case 'R':
		return "running";
	case 'S':
	case 'I':
		return "asleep";
	case 'D':
		return "in disk";
	case 'T':
		return "stopped";
	case 't':
		return "traced";
	case 'Z':
		return "zombie";
	default:
		return "?";
	}
}

/* Those that live, and those that did in the window. */
static void mark_shown(struct tree *tree, const struct top_data *d)
{
	const struct profile *p = d->view;

	for (uint32_t i = 0; i < p->processes.nr; i++)
		tree->shown[i] = d->processes[i].state;
	for (uint32_t i = 0; i < p->threads.nr; i++)
		for (int q = 0; q < SAMPLE_QUALITY_NR; q++)
			if (p->threads.at[i].looks[q])
				tree->shown[p->threads.at[i].process] = true;
}

/* Children of each process, as in profile/tally.c; entry 0 is nobody's. */
struct links {
	uint32_t *first_child, *next_sibling;
};

static bool make_links(struct links *l, const struct profile *p)
{
	size_t nr = (size_t)p->processes.nr + 1;

	l->first_child = calloc(nr, sizeof(*l->first_child));
	l->next_sibling = calloc(nr, sizeof(*l->next_sibling));
	if (!l->first_child || !l->next_sibling)
		return false;
	for (uint32_t i = p->processes.nr; i > 0; i--) {
		uint32_t parent = p->processes.at[i - 1].parent;
		uint32_t at = parent == PROCESS_NONE ? 0 : parent + 1;

		l->next_sibling[i] = l->first_child[at];
		l->first_child[at] = i;
	}
	return true;
}

/* Depth first, without a stack: parents are known. */
static void walk(struct tree *tree, const struct profile *p,
		 const struct links *l)
{
	uint32_t at = l->first_child[0], depth = 0;

	while (at) {
		if (tree->shown[at - 1])
			tree->at[tree->nr++] = (struct node){
				at - 1, depth < DEPTH_MOST ? depth : DEPTH_MOST
			};
		if (l->first_child[at]) {
			at = l->first_child[at];
			depth++;
			continue;
		}
		while (at && !l->next_sibling[at]) {
			uint32_t parent = p->processes.at[at - 1].parent;

			at = parent == PROCESS_NONE ? 0 : parent + 1;
			depth--;
		}
		at = l->next_sibling[at];
	}
}

static bool add_all(struct tree *tree, const struct profile *p)
{
	struct links l = { 0 };
	bool ok = make_links(&l, p);

	if (ok)
		walk(tree, p, &l);
	free(l.first_child);
	free(l.next_sibling);
	return ok;
}

struct sorting {
	const struct top_data *data;
	unsigned order;
};

static int compare(const void *a, const void *b, void *arg)
{
	const struct sorting *s = arg;
	const struct node *x = a, *y = b;
	uint64_t u = top_cpu_ns(s->data->view, x->process);
	uint64_t v = top_cpu_ns(s->data->view, y->process);

	if (s->order == 2) {
		u = s->data->processes[x->process].memory_bytes;
		v = s->data->processes[y->process].memory_bytes;
	}
	if (u != v)
		return u < v ? 1 : -1;
	return (x->process > y->process) - (x->process < y->process);
}

static int make_tree(struct tree *tree, const struct top_data *d,
		     unsigned order, struct err *err)
{
	struct sorting s = { d, order };
	size_t nr = (size_t)d->view->processes.nr + 1;

	tree->nr = 0;
	tree->at = calloc(nr, sizeof(*tree->at));
	tree->shown = calloc(nr, sizeof(*tree->shown));
	if (!tree->at || !tree->shown)
		return err_nomem(err);
	mark_shown(tree, d);
	if (!add_all(tree, d->view))
		return err_nomem(err);
	if (!order)
		return ERR_OK;
	for (uint32_t i = 0; i < tree->nr; i++)
		tree->at[i].depth = 0;
	qsort_r(tree->at, tree->nr, sizeof(*tree->at), compare, &s);
	return ERR_OK;
}

static void put_heads(struct top *t)
{
	unsigned order = t->choice->order[TOP_PROCESSES];

	top_head(t, "pid", PID_END, false);
	top_head(t, "CPU %", CPU_END, order == 1);
	top_head(t, "GIL %", GIL_END, false);
	top_head(t, "memory", MEMORY_END, order == 2);
	top_head(t, "threads", THREADS_END, false);
	page_style(&t->page, PAGE_DIM);
	page_to(&t->page, STATE_COLUMN);
	page_put(&t->page, "state");
	page_to(&t->page, COMMAND_COLUMN);
	page_put(&t->page, "command");
	top_newline(t);
}

static void put_command(struct top *t, const struct node *n)
{
	const struct profile *p = t->data->view;
	const struct profile_process *of = &p->processes.at[n->process];
	const char *command = profile_text(p, of->command);

	page_to(&t->page, COMMAND_COLUMN + (n->depth ? 2 * (n->depth - 1) : 0));
	if (n->depth) {
		page_style(&t->page, PAGE_DIM);
		page_put(&t->page, "\xe2\x94\x94 ");
	}
	page_style(&t->page, of->python ? PAGE_PLAIN : PAGE_DIM);
	buf_clear(&t->scratch);
	top_command(&t->scratch, command);
	page_fit(&t->page, t->scratch.size ? buf_str(&t->scratch) : "?",
		 SIZE_MAX, SAFE_CUT_MIDDLE);
}

static void put_row(struct top *t, const struct node *n)
{
	const struct profile *p = t->data->view;
	const struct top_process *now = &t->data->processes[n->process];
	char text[DIGITS_SIZE];
	double gil = top_gil_share(p, n->process);

	page_style(&t->page, PAGE_BOLD);
	snprintf(text, sizeof(text), "%d", p->processes.at[n->process].pid);
	page_right(&t->page, text, PID_END);
	page_style(&t->page, PAGE_PLAIN);
	top_share(t,
		  p->wall_ns ? (double)top_cpu_ns(p, n->process) /
				       (double)p->wall_ns
			     : 0,
		  CPU_END);
	if (gil >= 0)
		top_share(t, gil, GIL_END);
	digits_bytes(text, now->memory_bytes);
	if (now->memory_bytes)
		page_right(&t->page, text, MEMORY_END);
	snprintf(text, sizeof(text), "%u", top_thread_nr(p, n->process));
	page_right(&t->page, text, THREADS_END);
	page_to(&t->page, STATE_COLUMN);
	page_put(&t->page, state_word(now->state));
	put_command(t, n);
	top_newline(t);
}

int top_processes(struct top *t, struct err *err)
{
	uint32_t *first = &t->choice->first[TOP_PROCESSES];
	struct tree tree = { 0 };
	int rc =
		make_tree(&tree, t->data, t->choice->order[TOP_PROCESSES], err);

	if (rc == ERR_OK) {
		top_clamp(first, tree.nr, t->room);
		put_heads(t);
		for (uint32_t i = *first; i < tree.nr && i - *first < t->room;
		     i++)
			put_row(t, &tree.at[i]);
	}
	free(tree.at);
	free(tree.shown);
	return rc;
}
