/* SPDX-License-Identifier: MIT */
/* One reading of all tasks, put together. */
#include "cpython/tasks.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cpython/attr.h"
#include "cpython/tasks_internal.h"

/* A task that moves while it is read is read so often in all. */
#define TRIES 2

/* Objects of classes written in Python cost a hundred calls each. */
#define ATTRIBUTES_MAX 64

/* PyLongObject, from 3.12 on: the number of digits of 30 bits, and digits. */
enum {
	INT_TAG = 16,
	INT_DIGITS = 24,
	INT_DIGITS_MAX = 2,
	INT_BITS = 30
};

/* What is read of a name at once; most names are shorter. */
#define NAME_WINDOW 104

struct py_tasks_reader *py_tasks_new(struct py_process *p)
{
	struct py_tasks_reader *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->process = p;
	r->bulk.process = p;
	r->side.process = p;
	r->known = true;
	r->now = &r->generations[0];
	r->last = &r->generations[1];
	return r;
}

static void release_generation(struct generation *g)
{
	vec_release(&g->task);
	vec_release(&g->links);
	vec_release(&g->awaiters);
	vec_release(&g->callers);
	buf_release(&g->text);
	map_release(&g->ids);
}

void py_tasks_free(struct py_tasks_reader *r)
{
	if (!r)
		return;
	release_generation(r->now);
	release_generation(r->last);
	bulk_release(&r->bulk);
	bulk_release(&r->side);
	py_kinds_release(&r->kinds);
	vec_release(&r->places);
	vec_release(&r->entries.of);
	vec_release(&r->pool);
	vec_release(&r->fresh);
	vec_release(&r->loop_threads);
	vec_release(&r->pages);
	map_release(&r->page_ids);
	vec_release(&r->out.task);
	vec_release(&r->out.frames);
	vec_release(&r->out.awaiters);
	vec_release(&r->out.loop);
	buf_release(&r->out.text);
	free(r);
}

bool py_tasks_known(const struct py_tasks_reader *r)
{
	return r->known;
}

const struct py_tasks *py_tasks_last(const struct py_tasks_reader *r)
{
	return &r->out;
}

static bool is_done(const struct entry *e)
{
	return e->fut_state != 0;
}

/* ---- tasks of classes written in Python --------------------------------- */

static uint64_t attribute(struct py_tasks_reader *r, const struct entry *e,
			  const char *name)
{
	uint64_t value = 0;
	struct err ignored;

	if (py_attr_read(r->process, e->addr, name, &value, &ignored))
		return 0;
	return value;
}

static void parse_python_task(struct py_tasks_reader *r, struct entry *e)
{
	struct buf state = { 0 };
	struct err ignored;

	e->callback0 = e->callbacks = 0;
	e->fut_state = 0;
	e->coro = e->waiter = e->loop = e->name_addr = 0;
	if (!r->attributes_left) {
		e->cut = true;
		return;
	}
	r->attributes_left--;
	e->coro = attribute(r, e, "_coro");
	e->waiter = attribute(r, e, "_fut_waiter");
	e->loop = attribute(r, e, "_loop");
	e->name_addr = attribute(r, e, "_name");
	if (!py_read_text(r->process, attribute(r, e, "_state"), &state,
			  &ignored))
		e->fut_state = strcmp(buf_str(&state), "PENDING") != 0;
	buf_release(&state);
}

/* ---- what is as it was -------------------------------------------------- */

/* The entry of the last reading that may be this one unchanged. */
static const struct entry *earlier(const struct py_tasks_reader *r,
				   const struct entry *e)
{
	uint32_t id = map_get(&r->last->ids, e->addr);
	const struct entry *l;

	if (id == MAP_NONE)
		return NULL;
	l = &r->last->task.at[id];
	if (l->coro != e->coro || l->waiter != e->waiter ||
	    l->fut_state != e->fut_state || l->name_addr != e->name_addr ||
	    l->moved || l->cut || l->executing)
		return NULL;
	return l;
}

/* Keep the links of the last reading, if they all are as they were. */
static bool keep_links(struct py_tasks_reader *r, struct entry *e,
		       const struct entry *l, uint32_t piece)
{
	for (uint32_t i = 0; i < l->link_nr; i++)
		if (!link_is(r, &r->last->links.at[l->link + i],
			     bulk_get(&r->bulk, piece + i, NULL)))
			return false;
	e->link = r->now->links.nr;
	for (uint32_t i = 0; i < l->link_nr; i++)
		if (!vec_push(&r->now->links, r->last->links.at[l->link + i]))
			return false;
	e->link_nr = l->link_nr;
	e->opaque = l->opaque;
	e->waits = l->waits;
	e->same = true;
	return true;
}

/* Keep what did not change, and put the others into r->fresh. */
static int keep_same(struct py_tasks_reader *r, struct err *err)
{
	uint32_t piece = 0;
	int rc;

	bulk_clear(&r->bulk);
	r->fresh.nr = 0;
	for (uint32_t i = 0; i < r->now->task.nr; i++) {
		const struct entry *l = earlier(r, &r->now->task.at[i]);

		for (uint32_t k = 0; l && k < l->link_nr; k++)
			link_ask(r, &r->last->links.at[l->link + k]);
	}
	rc = bulk_run(&r->bulk, err);
	for (uint32_t i = 0; !rc && i < r->now->task.nr; i++) {
		struct entry *e = &r->now->task.at[i];
		const struct entry *l = earlier(r, e);
		uint32_t at = piece;

		piece += l ? l->link_nr : 0;
		if ((l && keep_links(r, e, l, at)) || is_done(e))
			continue;
		if (!vec_push(&r->fresh, i))
			rc = err_nomem(err);
	}
	return rc;
}

/* ---- what moved meanwhile ----------------------------------------------- */

/*
 * All that was taken from the object: a program that makes and ends many tasks
 * has another one at the same place in no time, with a coroutine that is at the
 * place of the former one, too. Two that have not begun differ in their names
 * only (once in 500,000 tasks on 3.14 and 3.15, by a reader of low priority).
 */
static bool is_same_entry(const struct entry *a, const struct entry *b)
{
	return a->type == b->type && a->coro == b->coro &&
	       a->waiter == b->waiter && a->fut_state == b->fut_state &&
	       a->name_addr == b->name_addr && a->loop == b->loop &&
	       a->callback0 == b->callback0 && a->callbacks == b->callbacks;
}

/* Judge one task by its second reading, from piece *piece on. */
static bool held(struct py_tasks_reader *r, struct entry *e, uint32_t *piece)
{
	struct entry again = *e;
	bool same = true;

	again.parsed = false;
	if (e->kind == PY_KIND_TASK) {
		py_tasks_parse(r, bulk_get(&r->bulk, (*piece)++, NULL), &again);
		same = again.parsed && is_same_entry(e, &again);
	}
	for (uint32_t i = 0; i < e->link_nr; i++)
		if (!link_is(r, &r->now->links.at[e->link + i],
			     bulk_get(&r->bulk, (*piece)++, NULL)))
			same = false;
	/* Take it as it is now, should it be tried again. */
	if (!same && again.parsed && again.type == e->type)
		*e = again;
	return same;
}

/*
 * Read the fresh tasks a second time. Those that are not what they were stay in
 * r->fresh.
 */
static int verify(struct py_tasks_reader *r, struct err *err)
{
	uint32_t piece = 0, left = 0;
	int rc;

	bulk_clear(&r->bulk);
	for (uint32_t i = 0; i < r->fresh.nr; i++) {
		const struct entry *e = &r->now->task.at[r->fresh.at[i]];

		if (e->kind == PY_KIND_TASK)
			bulk_ask(&r->bulk, e->addr, r->layout.task_size);
		for (uint32_t k = 0; k < e->link_nr; k++)
			link_ask(r, &r->now->links.at[e->link + k]);
	}
	rc = bulk_run(&r->bulk, err);
	for (uint32_t i = 0; !rc && i < r->fresh.nr; i++) {
		struct entry *e = &r->now->task.at[r->fresh.at[i]];

		e->moved = !held(r, e, &piece);
		if (e->moved && !e->executing)
			r->fresh.at[left++] = r->fresh.at[i];
	}
	r->fresh.nr = left;
	return rc;
}

static int chain_fresh(struct py_tasks_reader *r, struct err *err)
{
	int rc = ERR_OK;

	for (int i = 0; !rc && i < TRIES && r->fresh.nr; i++) {
		rc = py_tasks_chain(r, err);
		if (!rc)
			rc = verify(r, err);
	}
	return rc;
}

/* ---- names -------------------------------------------------------------- */

static void add_number(struct buf *out, const uint8_t *bytes, uint32_t size)
{
	uint64_t digits = word_at(bytes + INT_TAG) >> 3, value = 0;

	if (digits > INT_DIGITS_MAX || size < INT_DIGITS + 8)
		return;
	for (uint64_t i = 0; i < digits; i++) {
		uint32_t digit;

		memcpy(&digit, bytes + INT_DIGITS + i * 4, 4);
		value |= (uint64_t)digit << (i * INT_BITS);
	}
	buf_printf(out, "Task-%" PRIu64, value);
}

static void add_name(struct py_tasks_reader *r, struct entry *e,
		     const uint8_t *bytes, uint32_t size)
{
	struct buf *out = &r->now->text;
	struct err ignored;

	e->name = (uint32_t)out->size;
	switch (py_kinds_of(&r->kinds, bytes)) {
	case PY_KIND_INT:
		add_number(out, bytes, size);
		break;
	case PY_KIND_STR:
		if (py_text_of(r->process, bytes, size, out))
			break;
		if (r->bulk.calls_left < 2)
			break;
		r->bulk.calls_left -= 2;
		(void)!py_read_text(r->process, e->name_addr, out, &ignored);
		break;
	default:
		break;
	}
	buf_add_char(out, '\0');
}

static bool keep_name(struct py_tasks_reader *r, struct entry *e)
{
	uint32_t id = map_get(&r->last->ids, e->addr);
	const struct entry *l;
	const char *name;

	if (id == MAP_NONE)
		return false;
	l = &r->last->task.at[id];
	if (l->coro != e->coro || l->name_addr != e->name_addr)
		return false;
	name = r->last->text.data + l->name;
	e->name = (uint32_t)r->now->text.size;
	buf_add(&r->now->text, name, strlen(name) + 1);
	return true;
}

static int read_names(struct py_tasks_reader *r, struct err *err)
{
	uint32_t piece = 0;
	int rc;

	bulk_clear(&r->bulk);
	r->fresh.nr = 0;
	buf_clear(&r->now->text);
	for (uint32_t i = 0; i < r->now->task.nr; i++) {
		struct entry *e = &r->now->task.at[i];

		if (keep_name(r, e))
			continue;
		bulk_ask_window(&r->bulk, e->name_addr, INT_DIGITS,
				NAME_WINDOW);
		if (!vec_push(&r->fresh, i))
			return err_nomem(err);
	}
	rc = bulk_run(&r->bulk, err);
	for (uint32_t i = 0; !rc && i < r->fresh.nr; i++)
		py_kinds_of(&r->kinds, bulk_get(&r->bulk, i, NULL));
	if (!rc)
		rc = py_kinds_learn(&r->kinds, &r->side, err);
	for (uint32_t i = 0; !rc && i < r->fresh.nr; i++) {
		uint32_t size = 0;
		const uint8_t *bytes = bulk_get(&r->bulk, piece++, &size);

		add_name(r, &r->now->task.at[r->fresh.at[i]], bytes, size);
	}
	if (!rc && r->now->text.failed)
		rc = err_nomem(err);
	return rc;
}

/* ---- all ---------------------------------------------------------------- */

static enum py_task_state state_of(const struct py_tasks_reader *r,
				   const struct entry *e)
{
	if (is_done(e))
		return PY_TASK_DONE;
	for (uint32_t i = 0; i < r->out.loop.nr; i++)
		if (r->out.loop.at[i].running == e->addr)
			return PY_TASK_RUNNING;
	if (e->executing)
		return PY_TASK_RUNNING;
	return e->waits == PY_WAITS_NOTHING ? PY_TASK_READY : PY_TASK_WAITING;
}

static bool publish_one(struct py_tasks_reader *r, const struct entry *e)
{
	struct py_task t = {
		.addr = e->addr,
		.coro = e->coro,
		.loop = e->loop,
		.waiter = e->waiter,
		.state = state_of(r, e),
		.waits = e->waits,
		.name = e->name,
		.frame = r->out.frames.nr,
		.frame_nr = e->link_nr,
		.awaiter = r->out.awaiters.nr,
		.awaiter_nr = e->awaiters.nr,
		.same = e->same,
		.moved = e->moved,
		.cut = e->cut,
		.opaque = e->opaque,
	};

	for (uint32_t i = 0; i < e->link_nr; i++)
		if (!vec_push(&r->out.frames,
			      r->now->links.at[e->link + i].frame))
			return false;
	for (uint32_t i = 0; i < e->awaiters.nr; i++) {
		const struct caller *c =
			&r->now->awaiters.at[e->awaiters.at + i];
		struct py_task_awaiter by = { c->parent, !c->via };

		if (!vec_push(&r->out.awaiters, by))
			return false;
	}
	return vec_push(&r->out.task, t);
}

static int publish(struct py_tasks_reader *r, struct err *err)
{
	r->out.task.nr = 0;
	r->out.frames.nr = 0;
	r->out.awaiters.nr = 0;
	buf_clear(&r->out.text);
	buf_add(&r->out.text, buf_str(&r->now->text), r->now->text.size);
	for (uint32_t i = 0; i < r->now->task.nr; i++)
		if (!publish_one(r, &r->now->task.at[i]))
			return err_nomem(err);
	r->out.cut = r->out.cut || r->bulk.cut || r->side.cut;
	r->out.calls =
		2 * TASKS_CALLS_MAX - r->bulk.calls_left - r->side.calls_left;
	return r->out.text.failed ? err_nomem(err) : ERR_OK;
}

static void begin(struct py_tasks_reader *r)
{
	struct generation *now = r->last;

	r->last = r->now;
	r->now = now;
	now->task.nr = 0;
	now->links.nr = 0;
	map_clear(&now->ids);
	r->out.cut = false;
	r->bulk.calls_left = r->side.calls_left = TASKS_CALLS_MAX;
	r->bulk.cut = r->side.cut = false;
	r->attributes_left = ATTRIBUTES_MAX;
}

static int read_all(struct py_tasks_reader *r, const struct py_threads *threads,
		    struct err *err)
{
	int rc = py_kinds_check(&r->kinds, &r->side, err);

	if (!rc)
		rc = py_tasks_find(r, threads, err);
	if (!rc)
		rc = py_tasks_list(r, threads, err);
	if (!rc)
		rc = py_tasks_loops(r, threads, err);
	for (uint32_t i = 0; !rc && i < r->now->task.nr; i++)
		if (r->now->task.at[i].kind == PY_KIND_PYTHON_TASK)
			parse_python_task(r, &r->now->task.at[i]);
	if (!rc)
		rc = keep_same(r, err);
	if (!rc)
		rc = chain_fresh(r, err);
	if (!rc)
		rc = py_tasks_awaiters(r, err);
	if (!rc)
		rc = read_names(r, err);
	return rc ? rc : publish(r, err);
}

int py_tasks_read(struct py_tasks_reader *r, const struct py_threads *threads,
		  struct err *err)
{
	int rc = ERR_OK;

	if (!r->known)
		return err_set(err, ERR_NO,
			       "the tasks of asyncio are not known on CPython "
			       "%s",
			       r->process->version);
	if (!r->has_layout)
		rc = py_task_layout_read(r->process, &r->layout, err);
	if (rc == ERR_NO || rc == ERR_CORRUPT || rc == ERR_UNSUPPORTED)
		r->known = false;
	if (rc)
		return rc == ERR_CORRUPT ? err_set(err, ERR_NO, "%s", err->msg)
					 : rc;
	r->has_layout = true;
	begin(r);
	rc = read_all(r, threads, err);
	if (rc) {
		r->now->task.nr = 0;
		map_clear(&r->now->ids);
		r->out.task.nr = 0;
		r->out.loop.nr = 0;
	}
	return rc;
}
