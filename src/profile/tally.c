/* SPDX-License-Identifier: MIT */
#include "profile/tally.h"

#include <stdlib.h>
#include <string.h>

/* Children of each node, as two arrays of node numbers; 0 ends a list. */
struct links {
	uint32_t *first_child, *next_sibling;
};

static int make_links(struct links *l, const struct profile *p, struct err *err)
{
	uint32_t nr = p->nodes.nr;

	l->first_child = calloc(nr, sizeof(*l->first_child));
	l->next_sibling = calloc(nr, sizeof(*l->next_sibling));
	if (!l->first_child || !l->next_sibling)
		return err_nomem(err);
	for (uint32_t i = nr - 1; i > 0; i--) {
		uint32_t parent = p->nodes.at[i].parent;

		l->next_sibling[i] = l->first_child[parent];
		l->first_child[parent] = i;
	}
	return ERR_OK;
}

/* How often a function and a frame are on the path to the present node. */
struct path {
	uint32_t *function_nr, *frame_nr;
};

static void enter_node(struct tally *t, struct path *path, uint32_t node)
{
	uint32_t frame = t->profile->nodes.at[node].frame;
	uint32_t function = t->profile->frames.at[frame].function;

	t->outer_function[node] = !path->function_nr[function]++;
	t->outer_frame[node] = !path->frame_nr[frame]++;
}

static void leave_node(const struct tally *t, struct path *path, uint32_t node)
{
	uint32_t frame = t->profile->nodes.at[node].frame;

	path->function_nr[t->profile->frames.at[frame].function]--;
	path->frame_nr[frame]--;
}

/* Depth first over the whole tree, without a stack: parents are known. */
static void walk(struct tally *t, const struct links *l, struct path *path)
{
	uint32_t node = l->first_child[0];

	while (node) {
		enter_node(t, path, node);
		if (l->first_child[node]) {
			node = l->first_child[node];
			continue;
		}
		leave_node(t, path, node);
		while (node && !l->next_sibling[node]) {
			node = t->profile->nodes.at[node].parent;
			if (node)
				leave_node(t, path, node);
		}
		if (node)
			node = l->next_sibling[node];
	}
}

static int mark_outermost(struct tally *t, struct err *err)
{
	const struct profile *p = t->profile;
	struct links l = { 0 };
	struct path path = { 0 };
	int rc;

	path.function_nr =
		calloc(p->functions.nr + 1, sizeof(*path.function_nr));
	path.frame_nr = calloc(p->frames.nr + 1, sizeof(*path.frame_nr));
	if (!path.function_nr || !path.frame_nr) {
		rc = err_nomem(err);
		goto out;
	}
	rc = make_links(&l, p, err);
	if (rc)
		goto out;
	walk(t, &l, &path);
out:
	free(path.function_nr);
	free(path.frame_nr);
	free(l.first_child);
	free(l.next_sibling);
	return rc;
}

static bool table_init(struct tally_table *t, size_t nr)
{
	/* One more than needed: calloc(0) may be NULL. */
	t->sums = calloc(nr + 1, sizeof(*t->sums));
	t->is_seen = calloc(nr + 1, sizeof(*t->is_seen));
	t->seen = calloc(nr + 1, sizeof(*t->seen));
	return t->sums && t->is_seen && t->seen;
}

static void table_release(struct tally_table *t)
{
	free(t->sums);
	free(t->is_seen);
	free(t->seen);
}

static struct tally_sum *table_at(struct tally_table *t, uint32_t id)
{
	if (!t->is_seen[id]) {
		t->is_seen[id] = true;
		t->seen[t->seen_nr++] = id;
	}
	return &t->sums[id];
}

static void table_clear(struct tally_table *t)
{
	for (uint32_t i = 0; i < t->seen_nr; i++) {
		t->sums[t->seen[i]] = (struct tally_sum){ 0 };
		t->is_seen[t->seen[i]] = false;
	}
	t->seen_nr = 0;
}

int tally_init(struct tally *t, const struct profile *p, struct err *err)
{
	size_t nr = p->nodes.nr;
	int rc;

	memset(t, 0, sizeof(*t));
	t->profile = p;
	t->outer_function = calloc(nr, sizeof(*t->outer_function));
	t->outer_frame = calloc(nr, sizeof(*t->outer_frame));
	t->below = calloc(nr, sizeof(*t->below));
	t->is_touched = calloc(nr, sizeof(*t->is_touched));
	t->touched = calloc(nr, sizeof(*t->touched));
	if (!t->outer_function || !t->outer_frame || !t->below ||
	    !t->is_touched || !t->touched ||
	    !table_init(&t->functions, p->functions.nr) ||
	    !table_init(&t->frames, p->frames.nr))
		rc = err_nomem(err);
	else
		rc = mark_outermost(t, err);
	if (rc)
		tally_release(t);
	return rc;
}

/* A node that was touched has all nodes above it touched. */
static void touch(struct tally *t, uint32_t node)
{
	while (node && !t->is_touched[node]) {
		t->is_touched[node] = true;
		t->touched[t->touched_nr++] = node;
		node = t->profile->nodes.at[node].parent;
	}
}

static void add_self(struct tally_sum *sum, uint64_t nr, double seconds)
{
	sum->self_nr += nr;
	sum->self_s += seconds;
}

static void add_total(struct tally_sum *sum, const struct tally_below *below)
{
	sum->total_nr += below->nr;
	sum->total_s += below->s;
}

void tally_add(struct tally *t, uint32_t node, uint64_t nr, double seconds)
{
	const struct profile *p = t->profile;
	uint32_t frame;

	if (!node) {
		t->bare.self_nr += nr;
		t->bare.self_s += seconds;
		t->bare.total_nr += nr;
		t->bare.total_s += seconds;
		return;
	}
	touch(t, node);
	t->below[node].nr += nr;
	t->below[node].s += seconds;
	frame = p->nodes.at[node].frame;
	add_self(table_at(&t->frames, frame), nr, seconds);
	add_self(table_at(&t->functions, p->frames.at[frame].function), nr,
		 seconds);
}

static int by_number_falling(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x < y) - (x > y);
}

/* Children first, which is by falling number: parents have smaller ones. */
static void order_touched(struct tally *t)
{
	uint32_t nr = 0;

	/* Sorting costs some 20 steps an entry, a scan one a node. */
	if (t->touched_nr < t->profile->nodes.nr / 16) {
		qsort(t->touched, t->touched_nr, sizeof(*t->touched),
		      by_number_falling);
		return;
	}
	for (uint32_t i = t->profile->nodes.nr - 1; i > 0; i--)
		if (t->is_touched[i])
			t->touched[nr++] = i;
}

void tally_finish(struct tally *t)
{
	const struct profile *p = t->profile;

	order_touched(t);
	for (uint32_t i = 0; i < t->touched_nr; i++) {
		uint32_t node = t->touched[i];
		uint32_t frame = p->nodes.at[node].frame;
		uint32_t function = p->frames.at[frame].function;
		struct tally_below *above = &t->below[p->nodes.at[node].parent];

		if (t->outer_function[node])
			add_total(table_at(&t->functions, function),
				  &t->below[node]);
		if (t->outer_frame[node])
			add_total(table_at(&t->frames, frame), &t->below[node]);
		above->nr += t->below[node].nr;
		above->s += t->below[node].s;
	}
}

void tally_clear(struct tally *t)
{
	for (uint32_t i = 0; i < t->touched_nr; i++) {
		t->below[t->touched[i]] = (struct tally_below){ 0 };
		t->is_touched[t->touched[i]] = false;
	}
	t->touched_nr = 0;
	t->below[0] = (struct tally_below){ 0 };
	t->bare = (struct tally_sum){ 0 };
	table_clear(&t->functions);
	table_clear(&t->frames);
}

void tally_release(struct tally *t)
{
	free(t->outer_function);
	free(t->outer_frame);
	free(t->below);
	free(t->is_touched);
	free(t->touched);
	table_release(&t->functions);
	table_release(&t->frames);
	memset(t, 0, sizeof(*t));
}
