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
#define WINDOW (PY_TUPLE_HEAD_MAX + FAN_OUT * 8)
#define ROUNDS 12

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
	uint32_t size; /* of the object, 0: not known yet */
	struct proof proof;
	uint64_t addr;
	enum role role;
};

struct edge {
	uint32_t child;
	struct caller caller;
};

/* Where a TaskGroup has its parent, and that. */
struct group {
	uint64_t at, parent;
};

struct awaiters {
	struct py_tasks_reader *r;
	VEC(struct search) search, next;
	VEC(struct edge) edges;
	struct map waiters; /* what is waited for -> task */
	struct map selves;  /* TaskGroup -> groups */
	VEC(struct group) groups;
	bool no_memory;
};

static void add_edge(struct awaiters *a, uint32_t child,
		     const struct caller *caller)
{
	struct edge e = { child, *caller };

	if (map_get(&a->r->now->ids, caller->parent) != MAP_NONE &&
	    !vec_push(&a->edges, e))
		a->no_memory = true;
}

/* ---- callbacks ---------------------------------------------------------- */

/* One word more that was followed. */
static bool prove(struct proof *p, uint64_t at, uint64_t value)
{
	if (p->nr >= PROOF_MAX)
		return false;
	p->at[p->nr] = at;
	p->value[p->nr++] = value;
	return true;
}

static void push(struct awaiters *a, const struct search *s)
{
	if (!s->addr || s->addr % 8 || a->next.nr >= SEARCH_MAX)
		return;
	if (!vec_push(&a->next, *s))
		a->no_memory = true;
}

/* Begin with a word of the task itself. */
static void look_at(struct awaiters *a, uint32_t child, uint64_t addr,
		    enum role role)
{
	struct search s = { .child = child, .addr = addr, .role = role };

	push(a, &s);
}

/* Go on to the object that `s`, of which `bytes` are, has at `offset`. */
static void go_on(struct awaiters *a, const struct search *s,
		  const uint8_t *bytes, uint64_t offset, enum role role,
		  uint32_t nr)
{
	struct search next = *s;

	next.addr = word_at(bytes + offset);
	next.role = role;
	next.nr = nr;
	next.size = 0;
	if (prove(&next.proof, s->addr + offset, next.addr))
		push(a, &next);
}

static uint32_t items(const uint8_t *bytes)
{
	uint64_t nr = word_at(bytes + SIZED_NR);

	return nr < FAN_OUT ? (uint32_t)nr : FAN_OUT;
}

/*
 * Is all of the object there? The end of a page cuts short what is read of it
 * at first: then once more, now that its size is known. (Objects come to lie
 * where others lay: what was missed stayed so for 15 % of the tasks of one
 * program.)
 */
static bool is_whole(struct awaiters *a, const struct search *s, uint64_t needs,
		     uint32_t size)
{
	struct search again = *s;

	if (needs <= size)
		return true;
	again.size = (uint32_t)needs;
	if (!s->size && needs <= WINDOW && !vec_push(&a->next, again))
		a->no_memory = true;
	return false;
}

static uint64_t tuple_size(const struct awaiters *a, const uint8_t *bytes)
{
	return a->r->layout.tuple_items + items(bytes) * 8ull;
}

/* The group, MAP_NONE when it cannot be read. */
static uint32_t find_group(struct awaiters *a, uint32_t child, uint64_t self)
{
	uint32_t id = map_get(&a->selves, self);
	struct group g = { 0 };
	struct err ignored;

	if (id != MAP_NONE)
		return id;
	if (!a->r->attributes_left) {
		a->r->now->task.at[child].cut = true;
		return MAP_NONE;
	}
	a->r->attributes_left--;
	if (py_attr_find(a->r->process, self, "_parent_task", &g.at,
			 &ignored) ||
	    py_read_word(a->r->process, g.at, &g.parent, &ignored))
		return MAP_NONE;
	if (!vec_push(&a->groups, g) ||
	    !map_put(&a->selves, self, a->groups.nr - 1)) {
		a->no_memory = true;
		return MAP_NONE;
	}
	return a->groups.nr - 1;
}

/* The parent of the TaskGroup whose method is the callback. */
static void search_method(struct awaiters *a, const struct search *s,
			  const uint8_t *bytes)
{
	uint64_t self = word_at(bytes + METHOD_SELF);
	uint32_t id = find_group(a, s->child, self);
	struct caller c = { .proof = s->proof };

	if (id == MAP_NONE)
		return;
	c.parent = a->groups.at[id].parent;
	if (prove(&c.proof, s->addr + METHOD_SELF, self) &&
	    prove(&c.proof, a->groups.at[id].at, c.parent))
		add_edge(a, s->child, &c);
}

static void search_callback(struct awaiters *a, const struct search *s,
			    const uint8_t *bytes, uint32_t size)
{
	switch (py_kinds_of(&a->r->kinds, bytes)) {
	case PY_KIND_FUNCTION:
		if (is_whole(a, s, FUNCTION_CLOSURE + 8, size))
			go_on(a, s, bytes, FUNCTION_CLOSURE, ROLE_CLOSURE, 0);
		break;
	case PY_KIND_METHOD:
		search_method(a, s, bytes);
		break;
	default:
		break;
	}
}

static void search_cell(struct awaiters *a, const struct search *s,
			const uint8_t *bytes)
{
	struct caller c = { .via = word_at(bytes + CELL_VALUE),
			    .proof = s->proof };
	uint32_t id = map_get(&a->waiters, c.via);

	if (id == MAP_NONE)
		return;
	c.parent = a->r->now->task.at[id].addr;
	if (prove(&c.proof, s->addr + CELL_VALUE, c.via))
		add_edge(a, s->child, &c);
}

static void search_one(struct awaiters *a, const struct search *s,
		       const uint8_t *bytes, uint32_t size)
{
	uint64_t tuple = a->r->layout.tuple_items;

	switch (s->role) {
	case ROLE_CALLBACKS:
		if (py_kinds_of(&a->r->kinds, bytes) == PY_KIND_LIST)
			go_on(a, s, bytes, LIST_ITEMS, ROLE_ITEMS,
			      items(bytes));
		break;
	case ROLE_ITEMS:
		if (!is_whole(a, s, s->nr * 8ull, size))
			break;
		for (uint32_t i = 0; i < s->nr; i++)
			go_on(a, s, bytes, i * 8ull, ROLE_PAIR, 0);
		break;
	case ROLE_PAIR:
		if (py_kinds_of(&a->r->kinds, bytes) == PY_KIND_TUPLE &&
		    is_whole(a, s, tuple + 8, size))
			go_on(a, s, bytes, tuple, ROLE_CALLBACK, 0);
		break;
	case ROLE_CALLBACK:
		search_callback(a, s, bytes, size);
		break;
	case ROLE_CLOSURE:
		if (py_kinds_of(&a->r->kinds, bytes) != PY_KIND_TUPLE ||
		    !is_whole(a, s, tuple_size(a, bytes), size))
			break;
		for (uint32_t i = 0; i < items(bytes); i++)
			go_on(a, s, bytes, tuple + i * 8ull, ROLE_CELL, 0);
		break;
	case ROLE_CELL:
		search_cell(a, s, bytes);
		break;
	}
}

static int search_round(struct awaiters *a, struct err *err)
{
	struct bulk *b = &a->r->bulk;
	uint32_t size;
	int rc;

	bulk_clear(b);
	for (uint32_t i = 0; i < a->search.nr; i++) {
		const struct search *s = &a->search.at[i];

		if (s->size)
			bulk_ask(b, s->addr, s->size);
		else
			bulk_ask_window(b, s->addr, 32, WINDOW);
	}
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

		if (bytes && (size >= 32 || a->search.at[i].size))
			search_one(a, &a->search.at[i], bytes, size);
	}
	return rc;
}

/* ---- what was found before ---------------------------------------------- */

/* The task as it was, if its callbacks are where they were. */
static const struct entry *earlier(const struct awaiters *a, uint32_t i)
{
	const struct py_tasks_reader *r = a->r;
	const struct entry *e = &r->now->task.at[i];
	uint32_t id = map_get(&r->last->ids, e->addr);
	const struct entry *last;

	if (id == MAP_NONE)
		return NULL;
	last = &r->last->task.at[id];
	return last->coro == e->coro && last->callback0 == e->callback0 &&
			       last->callbacks == e->callbacks
		       ? last
		       : NULL;
}

/*
 * Read the words again that led to who is behind the callbacks: a program that
 * does the same again and again has other objects where the former ones lay,
 * the task, its coroutine and its callback among them.
 */
static int ask_proofs(struct awaiters *a, struct err *err)
{
	struct py_tasks_reader *r = a->r;

	bulk_clear(&r->bulk);
	for (uint32_t i = 0; i < r->now->task.nr; i++) {
		const struct entry *last = earlier(a, i);

		for (uint32_t k = 0; last && k < last->callers.nr; k++) {
			const struct proof *p =
				&r->last->callers.at[last->callers.at + k]
					 .proof;

			for (uint32_t n = 0; n < p->nr; n++)
				bulk_ask(&r->bulk, p->at[n], 8);
		}
	}
	return bulk_run(&r->bulk, err);
}

/* Does it still lead there, and does that one still wait for it? */
static bool holds(const struct awaiters *a, const struct caller *c,
		  uint32_t *piece)
{
	uint32_t id = map_get(&a->r->now->ids, c->parent);
	bool same = id != MAP_NONE &&
		    (!c->via || a->r->now->task.at[id].waiter == c->via);

	for (uint32_t n = 0; n < c->proof.nr; n++)
		if (bulk_word(&a->r->bulk, (*piece)++) != c->proof.value[n])
			same = false;
	return same;
}

/* True when there is no need to look at the callbacks of task `i`. */
static bool keep_callers(struct awaiters *a, uint32_t i, uint32_t *piece)
{
	struct py_tasks_reader *r = a->r;
	const struct entry *e = &r->now->task.at[i], *last = earlier(a, i);
	bool same = true;

	if (!last)
		return false;
	for (uint32_t k = 0; k < last->callers.nr; k++)
		if (!holds(a, &r->last->callers.at[last->callers.at + k],
			   piece))
			same = false;
	if (!same)
		return false;
	for (uint32_t k = 0; k < last->callers.nr; k++)
		add_edge(a, i, &r->last->callers.at[last->callers.at + k]);
	/* That there is none is believed of a task that has not changed since
	 * it was asked about twice: its awaiter may not have waited yet. */
	return last->callers.nr || (last->same && e->same) ||
	       (!e->callback0 && !e->callbacks);
}

static int search_callbacks(struct awaiters *a, struct err *err)
{
	struct py_tasks_reader *r = a->r;
	uint32_t piece = 0;
	int rc = ask_proofs(a, err);

	for (uint32_t i = 0; !rc && i < r->now->task.nr; i++) {
		const struct entry *e = &r->now->task.at[i];

		if (keep_callers(a, i, &piece))
			continue;
		look_at(a, i, e->callback0, ROLE_CALLBACK);
		look_at(a, i, e->callbacks, ROLE_CALLBACKS);
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

		if (c->parent == e->addr ||
		    has(array + run->at, run->nr, c->parent))
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
			add_edge(a, id,
				 &(struct caller){ .parent = g->task.at[i].addr,
						   .via = waiter });
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
	vec_release(&a.groups);
	return rc;
}
