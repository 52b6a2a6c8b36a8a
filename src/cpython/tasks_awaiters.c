/* SPDX-License-Identifier: MIT */
/*
 * Who waits for a task.
 *
 * A task that awaits another one has it as its waiter. Through gather(),
 * wait() and shield() it awaits a future instead: the callbacks of the other
 * task are closures over that future, or methods of a TaskGroup, which knows
 * its parent.
 *
 * "Awaited by", which releases from 3.14 on keep, is not asked: it names the
 * parent of a TaskGroup also while that awaits something else in the body of
 * its `async with`, and the caller of a gather() that has failed and was left.
 */
#include <string.h>

#include "cpython/attr.h"
#include "cpython/tasks_internal.h"

/* The same in all releases whose tasks are read. */
enum {
	FUNCTION_CLOSURE = 72,
	METHOD_SELF = 24,
	CELL_VALUE = 16,
	SIZED_NR = 16,
	LIST_ITEMS = 24
};

/* So many callbacks of a task, variables of a closure. */
#define FAN_OUT 16

#define SEARCH_MAX (1u << 18)
#define WINDOW 128
#define ROUNDS 8

/* What an object is expected to be. */
enum role {
	ROLE_CALLBACKS, /* list of pairs */
	ROLE_ITEMS,	/* what that list has, `nr` of them */
	ROLE_PAIR,	/* callback and context */
	ROLE_CALLBACK,
	ROLE_CLOSURE, /* tuple of cells */
	ROLE_CELL,
};

struct search {
	uint32_t child; /* task */
	uint32_t nr;
	uint64_t addr;
	enum role role;
};

struct edge {
	uint32_t child;
	struct caller caller;
};

struct awaiters {
	struct py_tasks_reader *r;
	VEC(struct search) search, next;
	VEC(struct edge) edges;
	struct map waiters; /* what is waited for -> task */
	struct map selves;  /* TaskGroup -> edge that it made, as parent */
	bool no_memory;
};

static void add_edge(struct awaiters *a, uint32_t child, uint64_t parent,
		     uint64_t via)
{
	struct edge e = { child, { parent, via } };

	if (map_get(&a->r->now->ids, parent) != MAP_NONE &&
	    !vec_push(&a->edges, e))
		a->no_memory = true;
}

/* ---- callbacks ---------------------------------------------------------- */

static void look_at(struct awaiters *a, uint32_t child, uint64_t addr,
		    enum role role, uint32_t nr)
{
	struct search s = { child, nr, addr, role };

	if (!addr || addr % 8 || a->next.nr >= SEARCH_MAX)
		return;
	if (!vec_push(&a->next, s))
		a->no_memory = true;
}

/* The parent of the TaskGroup whose method is the callback. */
static void search_method(struct awaiters *a, const struct search *s,
			  uint64_t self)
{
	uint32_t id = map_get(&a->selves, self);
	uint64_t parent = 0;
	struct err ignored;

	if (id != MAP_NONE) {
		add_edge(a, s->child, a->r->now->task.at[id].addr, 0);
		return;
	}
	if (!a->r->attributes_left) {
		a->r->now->task.at[s->child].cut = true;
		return;
	}
	a->r->attributes_left--;
	if (py_attr_read(a->r->process, self, "_parent_task", &parent,
			 &ignored))
		return;
	id = map_get(&a->r->now->ids, parent);
	if (id == MAP_NONE)
		return;
	if (!map_put(&a->selves, self, id))
		a->no_memory = true;
	add_edge(a, s->child, parent, 0);
}

static uint32_t items(const uint8_t *bytes)
{
	uint64_t nr = word_at(bytes + SIZED_NR);

	return nr < FAN_OUT ? (uint32_t)nr : FAN_OUT;
}

static void search_callback(struct awaiters *a, const struct search *s,
			    const uint8_t *bytes, uint32_t size)
{
	switch (py_kinds_of(&a->r->kinds, bytes)) {
	case PY_KIND_FUNCTION:
		if (size >= FUNCTION_CLOSURE + 8)
			look_at(a, s->child, word_at(bytes + FUNCTION_CLOSURE),
				ROLE_CLOSURE, 0);
		break;
	case PY_KIND_METHOD:
		search_method(a, s, word_at(bytes + METHOD_SELF));
		break;
	default:
		break;
	}
}

static void search_one(struct awaiters *a, const struct search *s,
		       const uint8_t *bytes, uint32_t size)
{
	uint64_t tuple = a->r->layout.tuple_items;
	uint32_t id;

	switch (s->role) {
	case ROLE_CALLBACKS:
		if (py_kinds_of(&a->r->kinds, bytes) == PY_KIND_LIST)
			look_at(a, s->child, word_at(bytes + LIST_ITEMS),
				ROLE_ITEMS, items(bytes));
		break;
	case ROLE_ITEMS:
		for (uint32_t i = 0; i < s->nr && i * 8 + 8 <= size; i++)
			look_at(a, s->child, word_at(bytes + i * 8ull),
				ROLE_PAIR, 0);
		break;
	case ROLE_PAIR:
		if (py_kinds_of(&a->r->kinds, bytes) == PY_KIND_TUPLE &&
		    tuple + 8 <= size)
			look_at(a, s->child, word_at(bytes + tuple),
				ROLE_CALLBACK, 0);
		break;
	case ROLE_CALLBACK:
		search_callback(a, s, bytes, size);
		break;
	case ROLE_CLOSURE:
		if (py_kinds_of(&a->r->kinds, bytes) != PY_KIND_TUPLE)
			break;
		for (uint32_t i = 0; i < items(bytes); i++)
			if (tuple + i * 8ull + 8 <= size)
				look_at(a, s->child,
					word_at(bytes + tuple + i * 8ull),
					ROLE_CELL, 0);
		break;
	case ROLE_CELL:
		id = map_get(&a->waiters, word_at(bytes + CELL_VALUE));
		if (id != MAP_NONE)
			add_edge(a, s->child, a->r->now->task.at[id].addr,
				 word_at(bytes + CELL_VALUE));
		break;
	}
}

static int search_round(struct awaiters *a, struct err *err)
{
	struct bulk *b = &a->r->bulk;
	uint32_t size;
	int rc;

	bulk_clear(b);
	for (uint32_t i = 0; i < a->search.nr; i++)
		bulk_ask_window(b, a->search.at[i].addr, 32, WINDOW);
	rc = bulk_run(b, err);
	for (uint32_t i = 0; !rc && i < a->search.nr; i++) {
		enum role role = a->search.at[i].role;

		if (role != ROLE_ITEMS && role != ROLE_CELL)
			py_kinds_of(&a->r->kinds, bulk_get(b, i, NULL));
	}
	if (!rc)
		rc = py_kinds_learn(&a->r->kinds, &a->r->side, err);
	for (uint32_t i = 0; !rc && i < a->search.nr; i++) {
		const uint8_t *bytes = bulk_get(b, i, &size);

		if (bytes && size >= 32)
			search_one(a, &a->search.at[i], bytes, size);
	}
	return rc;
}

/* Does it wait for that which the callback ends? */
static bool waits_via(const struct awaiters *a, const struct caller *c)
{
	uint32_t id = map_get(&a->r->now->ids, c->parent);

	return id != MAP_NONE &&
	       (!c->via || a->r->now->task.at[id].waiter == c->via);
}

/* The callbacks are what they were: so is who is behind them. */
static bool keep_callers(struct awaiters *a, uint32_t i)
{
	struct py_tasks_reader *r = a->r;
	const struct entry *e = &r->now->task.at[i];
	uint32_t id = map_get(&r->last->ids, e->addr);
	const struct entry *last;

	if (id == MAP_NONE)
		return false;
	last = &r->last->task.at[id];
	if (last->coro != e->coro || last->callback0 != e->callback0 ||
	    last->callbacks != e->callbacks)
		return false;
	for (uint32_t k = 0; k < last->callers.nr; k++)
		if (!waits_via(a, &r->last->callers.at[last->callers.at + k]))
			return false;
	for (uint32_t k = 0; k < last->callers.nr; k++) {
		const struct caller *c =
			&r->last->callers.at[last->callers.at + k];

		add_edge(a, i, c->parent, c->via);
	}
	return last->callers.nr || last->same ||
	       (!e->callback0 && !e->callbacks);
}

static int search_callbacks(struct awaiters *a, struct err *err)
{
	struct py_tasks_reader *r = a->r;
	int rc = ERR_OK;

	for (uint32_t i = 0; i < r->now->task.nr; i++) {
		const struct entry *e = &r->now->task.at[i];

		if (keep_callers(a, i))
			continue;
		look_at(a, i, e->callback0, ROLE_CALLBACK, 0);
		look_at(a, i, e->callbacks, ROLE_CALLBACKS, 0);
	}
	for (int n = 0; !rc && n < ROUNDS && a->next.nr; n++) {
		a->search.nr = 0;
		for (uint32_t i = 0; i < a->next.nr; i++)
			if (!vec_push(&a->search, a->next.at[i]))
				a->no_memory = true;
		a->next.nr = 0;
		rc = search_round(a, err);
	}
	return rc;
}

/* ---- all ---------------------------------------------------------------- */

static enum py_task_waits waits_of_kind(enum py_kind kind)
{
	switch (kind) {
	case PY_KIND_TASK:
	case PY_KIND_PYTHON_TASK:
		return PY_WAITS_TASK;
	case PY_KIND_FUTURE:
	case PY_KIND_PYTHON_FUTURE:
		return PY_WAITS_FUTURE;
	default:
		return PY_WAITS_OTHER;
	}
}

/* What the tasks that changed wait for. */
static int find_waits(struct py_tasks_reader *r, struct err *err)
{
	int rc;

	bulk_clear(&r->bulk);
	for (uint32_t i = 0; i < r->now->task.nr; i++) {
		const struct entry *e = &r->now->task.at[i];

		bulk_ask(&r->bulk, e->waiter, e->same || !e->waiter ? 0 : 16);
	}
	rc = bulk_run(&r->bulk, err);
	for (uint32_t i = 0; !rc && i < r->now->task.nr; i++)
		if (bulk_get(&r->bulk, i, NULL))
			py_kinds_of(&r->kinds, bulk_get(&r->bulk, i, NULL));
	if (!rc)
		rc = py_kinds_learn(&r->kinds, &r->side, err);
	for (uint32_t i = 0; !rc && i < r->now->task.nr; i++) {
		struct entry *e = &r->now->task.at[i];
		const uint8_t *bytes = bulk_get(&r->bulk, i, NULL);

		if (!e->same)
			e->waits =
				e->waiter ? PY_WAITS_OTHER : PY_WAITS_NOTHING;
		if (bytes)
			e->waits = waits_of_kind(py_kinds_of(&r->kinds, bytes));
	}
	return rc;
}

static struct run *run_of(struct entry *e, bool callers)
{
	return callers ? &e->callers : &e->awaiters;
}

/* Give each task the room for its edges in the array. */
static void make_runs(struct awaiters *a, bool callers)
{
	struct generation *g = a->r->now;
	uint32_t at = 0;

	for (uint32_t i = 0; i < g->task.nr; i++)
		*run_of(&g->task.at[i], callers) = (struct run){ 0, 0 };
	for (uint32_t i = 0; i < a->edges.nr; i++)
		run_of(&g->task.at[a->edges.at[i].child], callers)->nr++;
	for (uint32_t i = 0; i < g->task.nr; i++) {
		struct run *run = run_of(&g->task.at[i], callers);

		run->at = at;
		at += run->nr;
		run->nr = 0;
	}
}

static bool has(const struct caller *of, uint32_t nr, uint64_t parent)
{
	for (uint32_t i = 0; i < nr; i++)
		if (of[i].parent == parent)
			return true;
	return false;
}

/* The edges so far, by child, each of them once. */
static void fill_runs(struct awaiters *a, struct caller *array, bool callers)
{
	for (uint32_t i = 0; i < a->edges.nr; i++) {
		struct entry *e = &a->r->now->task.at[a->edges.at[i].child];
		struct run *run = run_of(e, callers);
		const struct caller *c = &a->edges.at[i].caller;

		if (c->parent == e->addr || has(array + run->at, run->nr,
						c->parent))
			continue;
		if (run->nr >= PY_TASK_AWAITERS_MAX)
			e->cut = true;
		else
			array[run->at + run->nr++] = *c;
	}
}

static void keep_edges(struct awaiters *a, bool callers)
{
	struct generation *g = a->r->now;
	struct caller none = { 0 };

	g->callers.nr = callers ? 0 : g->callers.nr;
	g->awaiters.nr = callers ? g->awaiters.nr : 0;
	for (uint32_t i = 0; i < a->edges.nr; i++)
		if (!(callers ? vec_push(&g->callers, none)
			      : vec_push(&g->awaiters, none))) {
			a->no_memory = true;
			return;
		}
	make_runs(a, callers);
	fill_runs(a, callers ? g->callers.at : g->awaiters.at, callers);
}

/* A task that waits for a task itself. */
static void add_direct(struct awaiters *a)
{
	const struct generation *g = a->r->now;

	for (uint32_t i = 0; i < g->task.nr; i++) {
		uint64_t waiter = g->task.at[i].waiter;
		uint32_t id = waiter ? map_get(&g->ids, waiter) : MAP_NONE;

		if (id != MAP_NONE)
			add_edge(a, id, g->task.at[i].addr, waiter);
	}
}

static int find_awaiters(struct awaiters *a, struct err *err)
{
	struct py_tasks_reader *r = a->r;
	int rc = find_waits(r, err);

	for (uint32_t i = 0; i < r->now->task.nr; i++)
		if (r->now->task.at[i].waiter &&
		    !map_put(&a->waiters, r->now->task.at[i].waiter, i))
			a->no_memory = true;
	if (!rc)
		rc = search_callbacks(a, err);
	keep_edges(a, true);
	add_direct(a);
	keep_edges(a, false);
	return !rc && a->no_memory ? err_nomem(err) : rc;
}

int py_tasks_awaiters(struct py_tasks_reader *r, struct err *err)
{
	struct awaiters a = { .r = r };
	int rc = find_awaiters(&a, err);

	vec_release(&a.search);
	vec_release(&a.next);
	vec_release(&a.edges);
	map_release(&a.waiters);
	map_release(&a.selves);
	return rc;
}
