/* SPDX-License-Identifier: MIT */
/*
 * Collapsed stacks, the input of flame graph programs: a line is the frames
 * from the root on, joined by ';', a blank and the number of samples (of
 * asyncio's tasks, milliseconds).
 *
 * Frames that are written alike are alike for the reader, though they may be
 * different functions here. So the stacks are first put into a tree of
 * texts, where equal ones meet; a second profile serves as that tree. It is
 * then walked in the order of the texts, which is the order of the lines.
 */
#include <stdlib.h>
#include <string.h>

#include "export/clean.h"
#include "export/export.h"

/* A step from a frame to one that it calls. */
struct edge {
	uint32_t parent, child; /* nodes of the tree */
	const char *text;	/* what the child is called; the tree's */
};

/* A node on the way from the root to where the walk is. */
struct step {
	uint32_t edge; /* the next one to take from here */
	uint32_t node;
	size_t prefix; /* size of the line up to here */
};

struct collapse {
	const struct profile *profile;
	const struct export_opts *opts;
	struct profile *tree;
	struct buf scratch;
	uint32_t *frames;      /* tree frame for each profile frame, or 0 */
	struct map node_ids;   /* thread label, profile node -> tree node */
	VEC(uint32_t) path;    /* profile nodes still to be put in */
	VEC(uint64_t) samples; /* of each tree node */
	VEC(struct edge) edges;
	VEC(struct step) steps;
};

/* Frame 0 of the tree is kept for "none". */
static uint32_t tree_frame(struct collapse *c, const char *text)
{
	uint32_t name = profile_string(c->tree, text, strlen(text));

	return profile_frame(c->tree, profile_function(c->tree, name, 0, 0), 1);
}

static void put_text(struct collapse *c, uint32_t string)
{
	const char *text = profile_text(c->profile, string);

	clean_line(&c->scratch, *text ? text : "?", ';');
}

static uint32_t frame_of(struct collapse *c, uint32_t frame)
{
	const struct profile_frame *f = &c->profile->frames.at[frame];
	const struct profile_function *fn =
		&c->profile->functions.at[f->function];

	if (c->frames[frame])
		return c->frames[frame];
	buf_clear(&c->scratch);
	put_text(c, fn->name);
	buf_add_str(&c->scratch, " (");
	put_text(c, fn->file);
	if (f->line)
		buf_printf(&c->scratch, ":%u", f->line);
	buf_add_char(&c->scratch, ')');
	c->frames[frame] = tree_frame(c, buf_str(&c->scratch));
	return c->frames[frame];
}

/* The tree node under which the stacks of `thread` go. */
static uint32_t root_of(struct collapse *c, uint32_t thread)
{
	const struct profile_thread *t = &c->profile->threads.at[thread];
	const char *name = profile_text(c->profile, t->name);

	if (!c->opts->threads)
		return 0;
	buf_clear(&c->scratch);
	buf_add_str(&c->scratch, "thread ");
	clean_line(&c->scratch, name, ';');
	buf_add_str(&c->scratch, *name ? " " : "");
	if (t->tid)
		buf_printf(&c->scratch, "(tid %d)", t->tid);
	else
		buf_printf(&c->scratch, "(tid not known, %u)", thread);
	return profile_node(c->tree, 0, tree_frame(c, buf_str(&c->scratch)));
}

/* The tree node of `node`, put in with all that it stands on. */
static bool put_stack(struct collapse *c, uint32_t root, uint32_t node,
		      uint32_t *out)
{
	uint32_t at = MAP_NONE;

	c->path.nr = 0;
	for (; node; node = c->profile->nodes.at[node].parent) {
		at = map_get(&c->node_ids, (uint64_t)root << 32 | node);
		if (at != MAP_NONE)
			break;
		if (!vec_push(&c->path, node))
			return false;
	}
	if (!node)
		at = root;
	while (c->path.nr) {
		node = c->path.at[--c->path.nr];
		at = profile_node(
			c->tree, at,
			frame_of(c, c->profile->nodes.at[node].frame));
		if (c->tree->failed ||
		    !map_put(&c->node_ids, (uint64_t)root << 32 | node, at))
			return false;
	}
	*out = at;
	return true;
}

static bool add_samples(struct collapse *c, uint32_t node, uint64_t nr)
{
	while (c->samples.nr <= node)
		if (!vec_push(&c->samples, 0))
			return false;
	c->samples.at[node] += nr;
	return true;
}

static bool put_count(struct collapse *c, const struct profile_count *count)
{
	static const char *const marks[SAMPLE_QUALITY_NR] = {
		[SAMPLE_SALVAGED] = "[salvaged]",
		[SAMPLE_INCONSISTENT] = "[inconsistent]",
		[SAMPLE_LOST] = "[lost]",
	};
	const char *mark = marks[count->quality];
	uint32_t node;

	if ((mark && !c->opts->marked) || !count->nr ||
	    count->quality == SAMPLE_NO_PYTHON)
		return true;
	if (!put_stack(c, root_of(c, count->thread), count->node, &node))
		return false;
	/* A line needs a frame, also where no Python was running. */
	if (!mark && !count->node)
		mark = "[no Python frame]";
	if (mark)
		node = profile_node(c->tree, node, tree_frame(c, mark));
	return !c->tree->failed && add_samples(c, node, count->nr);
}

/* Where a task waits; what it does there is a frame of its own if it is not
 * just that. */
static bool put_await(struct collapse *c, const struct await_row *row)
{
	static const char *const marks[AWAIT_NR] = {
		[AWAIT_READY] = "[ready to run]",
		[AWAIT_TASK] = "[waiting for tasks]",
	};
	const char *mark = marks[row->kind];
	uint64_t ms = (row->us + 500) / 1000;
	uint32_t node;

	if (!(AWAIT_BIT(row->kind) & AWAITS_AWAITED) || !ms)
		return true;
	if (!put_stack(c, 0, row->node, &node))
		return false;
	if (!mark && !row->node)
		mark = "[no Python frame]";
	if (mark)
		node = profile_node(c->tree, node, tree_frame(c, mark));
	return !c->tree->failed && add_samples(c, node, ms);
}

static bool put_merge(struct collapse *c, const struct profile_merge *m)
{
	uint32_t node;

	if (m->outcome > MERGE_CUT && !c->opts->marked)
		return true;
	if (!put_stack(c, root_of(c, m->thread), m->node, &node))
		return false;
	if (m->outcome > MERGE_CUT)
		node = profile_node(c->tree, node,
				    tree_frame(c, "[not merged]"));
	return !c->tree->failed && add_samples(c, node, m->nr);
}

static bool put_all(struct collapse *c)
{
	const struct profile *p = c->profile;
	bool ok = true;

	if (c->opts->awaits)
		for (uint32_t i = 0; ok && i < p->awaits.rows.nr; i++)
			ok = put_await(c, &p->awaits.rows.at[i]);
	else if (c->opts->native)
		for (uint32_t i = 0; ok && i < p->merges.nr; i++)
			ok = put_merge(c, &p->merges.at[i]);
	else
		for (uint32_t i = 0; ok && i < p->counts.nr; i++)
			ok = put_count(c, &p->counts.at[i]);
	return ok;
}

static int by_parent_and_text(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;

	if (x->parent != y->parent)
		return x->parent < y->parent ? -1 : 1;
	return strcmp(x->text, y->text);
}

static bool list_edges(struct collapse *c)
{
	const struct profile *t = c->tree;

	for (uint32_t i = 1; i < t->nodes.nr; i++) {
		uint32_t fn = t->frames.at[t->nodes.at[i].frame].function;
		struct edge edge = {
			.parent = t->nodes.at[i].parent,
			.child = i,
			.text = profile_text(t, t->functions.at[fn].name),
		};

		if (!vec_push(&c->edges, edge))
			return false;
	}
	if (c->edges.nr)
		qsort(c->edges.at, c->edges.nr, sizeof(*c->edges.at),
		      by_parent_and_text);
	return true;
}

/* The first of the edges that leave `node`. */
static uint32_t first_edge(const struct collapse *c, uint32_t node)
{
	uint32_t low = 0, high = c->edges.nr;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (c->edges.at[middle].parent < node)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool descend(struct collapse *c, uint32_t node)
{
	struct step step = {
		.edge = first_edge(c, node),
		.node = node,
		.prefix = c->scratch.size,
	};

	return vec_push(&c->steps, step);
}

static bool walk(struct collapse *c, struct buf *out)
{
	buf_clear(&c->scratch);
	if (!descend(c, 0))
		return false;
	while (c->steps.nr) {
		struct step *top = &c->steps.at[c->steps.nr - 1];
		const struct edge *edge;

		if (top->edge == c->edges.nr ||
		    c->edges.at[top->edge].parent != top->node) {
			c->steps.nr--;
			continue;
		}
		edge = &c->edges.at[top->edge++];
		c->scratch.size = top->prefix;
		if (top->node)
			buf_add_char(&c->scratch, ';');
		buf_add_str(&c->scratch, edge->text);
		if (edge->child < c->samples.nr && c->samples.at[edge->child])
			buf_printf(
				out, "%s %llu\n", buf_str(&c->scratch),
				(unsigned long long)c->samples.at[edge->child]);
		if (!descend(c, edge->child))
			return false;
	}
	return true;
}

static int run(struct buf *out, const struct profile *p,
	       const struct export_opts *opts, struct err *err)
{
	struct collapse c = { .profile = p, .opts = opts };
	int rc = ERR_NOMEM;

	c.tree = profile_new();
	c.frames = calloc((size_t)p->frames.nr + 1, sizeof(*c.frames));
	if (!c.tree || !c.frames)
		goto out;
	tree_frame(&c, "");
	if (put_all(&c) && list_edges(&c) && walk(&c, out) && !c.tree->failed &&
	    !c.scratch.failed && !out->failed)
		rc = ERR_OK;
out:
	profile_free(c.tree);
	buf_release(&c.scratch);
	free(c.frames);
	map_release(&c.node_ids);
	vec_release(&c.path);
	vec_release(&c.samples);
	vec_release(&c.edges);
	vec_release(&c.steps);
	return rc == ERR_OK ? rc : err_nomem(err);
}

const struct exporter exporter_collapsed = {
	.name = "collapsed",
	.summary = "stacks for flame graphs, one a line: a;b;c 12",
	.run = run,
};
