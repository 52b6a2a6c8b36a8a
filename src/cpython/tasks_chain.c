/* SPDX-License-Identifier: MIT */
/*
 * From the coroutine of a task to the innermost await, for many tasks at once:
 * one round of reading takes all of them one coroutine further.
 */
#include <string.h>

#include "cpython/tasks_internal.h"

/* Where an object that only leads to another one has it. */
#define WRAPPED 16

/*
 * A stack that reaches further than this into a coroutine is taken for none: a
 * link is read again from its beginning up to there.
 */
#define STACK_MAX 16384u

enum step {
	STEP_OBJECT, /* `at` is an object to look at */
	STEP_WORD,   /* `at` is where the address of the next one is */
};

/* How far one task was followed. */
struct cursor {
	uint32_t task;
	uint32_t last; /* link, MAP_NONE before the first */
	uint32_t depth;
	enum step step;
	uint64_t at;
	uint64_t check; /* an instruction that has to be one that awaits */
	uint32_t piece, check_piece;
};

static uint64_t untag(const struct py_tasks_reader *r, uint64_t word)
{
	return word & ~r->process->layout.code_tag_mask;
}

/*
 * Where in the coroutine at `bytes` (`gen`) is the address of what it awaits;
 * 0 when it awaits nothing.
 */
static uint32_t awaited_offset(const struct py_tasks_reader *r, uint64_t gen,
			       const uint8_t *bytes)
{
	const struct py_task_layout *l = &r->layout;
	uint64_t offset, top;
	int32_t count;

	if ((int8_t)bytes[l->gen_frame_state] != l->awaiting)
		return 0;
	if (l->await_kind == PY_AWAIT_BY_POINTER) {
		top = word_at(bytes + l->gen_frame + l->frame_stack);
		offset = top - gen;
	} else {
		memcpy(&count, bytes + l->gen_frame + l->frame_stack, 4);
		if (count <= 0 || count > (int32_t)(STACK_MAX / 8))
			return 0;
		offset = l->gen_frame + l->frame_locals + (uint64_t)count * 8;
	}
	if (offset > STACK_MAX || offset % 8 ||
	    offset < l->gen_frame + l->frame_locals + l->await_depth * 8)
		return 0;
	return (uint32_t)offset - l->await_depth * 8;
}

/* How much of a coroutine has all that a link is made of. */
static uint32_t link_span(const struct py_tasks_reader *r)
{
	const struct py_task_layout *l = &r->layout;
	const struct py_layout *f = &r->process->layout;
	uint32_t end = f->frame_instr + 8;

	if (f->frame_code + 8 > end)
		end = f->frame_code + 8;
	if (l->frame_stack + 8 > end)
		end = l->frame_stack + 8;
	end += l->gen_frame;
	return end > l->gen_frame_state ? end : l->gen_frame_state + 1;
}

static void take_link(const struct py_tasks_reader *r, uint64_t gen,
		      const uint8_t *bytes, struct link *k)
{
	const struct py_layout *f = &r->process->layout;
	const uint8_t *frame = bytes + r->layout.gen_frame;

	k->gen = gen;
	k->state = (int8_t)bytes[r->layout.gen_frame_state];
	k->frame.code_addr = untag(r, word_at(frame + f->frame_code));
	k->frame.instr = word_at(frame + f->frame_instr);
	k->awaited_at = awaited_offset(r, gen, bytes);
	k->awaited = 0;
}

uint32_t link_ask(struct py_tasks_reader *r, const struct link *k)
{
	uint32_t span = link_span(r);

	if (k->awaited_at + 8 > span)
		span = k->awaited_at + 8;
	return bulk_ask(&r->bulk, k->gen, span);
}

bool link_is(const struct py_tasks_reader *r, const struct link *k,
	     const uint8_t *bytes)
{
	struct link now;

	if (!bytes)
		return false;
	take_link(r, k->gen, bytes, &now);
	if (now.state != k->state ||
	    now.frame.code_addr != k->frame.code_addr ||
	    now.frame.instr != k->frame.instr)
		return false;
	/* Elsewhere, and it is not in what was asked for. */
	if (k->awaited && now.awaited_at != k->awaited_at)
		return false;
	return !k->awaited ||
	       untag(r, word_at(bytes + k->awaited_at)) == k->awaited;
}

/* Is a coroutine in this state one with a frame? */
static bool has_frame(const struct py_task_layout *l, int8_t state)
{
	return state <= l->executing;
}

/* Go on with the object at `addr`, if there is one. */
static bool go_on(struct cursor *c, uint64_t addr)
{
	c->at = addr;
	c->step = STEP_OBJECT;
	return addr && addr % 8 == 0;
}

/* A coroutine: one link more. False at the end of the chain. */
static bool step_coroutine(struct py_tasks_reader *r, struct cursor *c,
			   const uint8_t *bytes, uint32_t size)
{
	const struct py_task_layout *l = &r->layout;
	struct entry *e = &r->now->task.at[c->task];
	struct link k = { .outer = c->last };

	if (size < link_span(r)) {
		e->cut = true;
		return false;
	}
	take_link(r, c->at, bytes, &k);
	if (!has_frame(l, k.state))
		return false;
	if (c->depth++ >= PY_TASK_DEPTH_MAX ||
	    r->pool.nr >= PY_TASK_FRAMES_MAX || !vec_push(&r->pool, k)) {
		e->cut = true;
		return false;
	}
	c->last = r->pool.nr - 1;
	if (k.state == l->executing)
		e->executing = true;
	if (!k.awaited_at)
		return false;
	c->check = l->await_kind == PY_AWAIT_BY_RESUME ? k.frame.instr + 2 : 0;
	if (k.awaited_at + 8 <= size) {
		r->pool.at[c->last].awaited =
			untag(r, word_at(bytes + k.awaited_at));
		return go_on(c, r->pool.at[c->last].awaited);
	}
	c->at += k.awaited_at;
	c->step = STEP_WORD;
	return true;
}

/* Does the instruction say that the frame awaits something? */
static bool check_holds(struct py_tasks_reader *r, const struct cursor *c)
{
	const uint8_t *code;

	if (!c->check)
		return true;
	code = bulk_get(&r->bulk, c->check_piece, NULL);
	return code &&
	       (code[0] == r->layout.resume ||
		code[0] == r->layout.resume_other) &&
	       (code[1] & 3) >= 2;
}

/* Take what was read for `c` in; false at the end of the chain. */
static bool step(struct py_tasks_reader *r, struct cursor *c)
{
	uint32_t size = 0;
	const uint8_t *bytes = bulk_get(&r->bulk, c->piece, &size);
	bool awaits = check_holds(r, c);

	if (!awaits && c->last != MAP_NONE) {
		r->pool.at[c->last].awaited = 0;
		r->pool.at[c->last].awaited_at = 0;
		return false;
	}
	if (!bytes) {
		r->now->task.at[c->task].cut = true;
		return false;
	}
	c->check = 0;
	if (c->step == STEP_WORD) {
		r->pool.at[c->last].awaited = untag(r, word_at(bytes));
		return go_on(c, r->pool.at[c->last].awaited);
	}
	switch (py_kinds_of(&r->kinds, bytes)) {
	case PY_KIND_COROUTINE:
		return step_coroutine(r, c, bytes, size);
	case PY_KIND_WRAPPER:
		/* No loop of these only: each counts as one step down. */
		return c->depth++ < PY_TASK_DEPTH_MAX &&
		       go_on(c, word_at(bytes + WRAPPED));
	case PY_KIND_OTHER:
		r->now->task.at[c->task].opaque = true;
		return false;
	default:
		return false;
	}
}

static void ask(struct py_tasks_reader *r, struct cursor *c)
{
	if (c->step == STEP_WORD)
		c->piece = bulk_ask(&r->bulk, c->at, 8);
	else
		c->piece = bulk_ask_window(&r->bulk, c->at, COROUTINE_LEAST,
					   COROUTINE_WINDOW);
	c->check_piece = c->check ? bulk_ask(&r->bulk, c->check, 2) : 0;
}

/*
 * A coroutine whose window the end of a page cut short is asked for whole: it
 * is known to be one, so the next page is there.
 */
static bool is_short(struct py_tasks_reader *r, const struct cursor *c)
{
	uint32_t size = 0;
	const uint8_t *bytes = bulk_get(&r->bulk, c->piece, &size);

	return c->step == STEP_OBJECT && bytes && size < link_span(r) &&
	       py_kinds_of(&r->kinds, bytes) == PY_KIND_COROUTINE;
}

struct cursors {
	VEC(struct cursor) of;
};

static void flatten(struct py_tasks_reader *r, const struct cursor *c)
{
	struct entry *e = &r->now->task.at[c->task];

	e->link = r->now->links.nr;
	for (uint32_t i = c->last; i != MAP_NONE; i = r->pool.at[i].outer)
		if (!vec_push(&r->now->links, r->pool.at[i]))
			e->cut = true;
	e->link_nr = r->now->links.nr - e->link;
}

static int read_round(struct py_tasks_reader *r, struct cursors *active,
		      struct err *err)
{
	bool unknown = false;
	int rc;

	bulk_clear(&r->bulk);
	for (uint32_t i = 0; i < active->of.nr; i++)
		ask(r, &active->of.at[i]);
	rc = bulk_run(&r->bulk, err);
	for (uint32_t i = 0; !rc && i < active->of.nr; i++) {
		const struct cursor *c = &active->of.at[i];
		const uint8_t *bytes = bulk_get(&r->bulk, c->piece, NULL);

		if (bytes && c->step == STEP_OBJECT &&
		    py_kinds_of(&r->kinds, bytes) == PY_KIND_UNKNOWN)
			unknown = true;
	}
	if (!rc && unknown)
		rc = py_kinds_learn(&r->kinds, &r->side, err);
	return rc;
}

/* Once more, whole, for those that a page cut short. */
static int read_short(struct py_tasks_reader *r, struct cursors *active,
		      struct err *err)
{
	uint32_t nr = 0;

	for (uint32_t i = 0; i < active->of.nr; i++) {
		struct cursor *c = &active->of.at[i];

		if (!is_short(r, c))
			continue;
		c->piece = bulk_ask(&r->bulk, c->at, link_span(r));
		nr++;
	}
	return nr ? bulk_run(&r->bulk, err) : ERR_OK;
}

static bool begin(struct py_tasks_reader *r, struct cursors *active)
{
	for (uint32_t i = 0; i < r->fresh.nr; i++) {
		struct entry *e = &r->now->task.at[r->fresh.at[i]];
		struct cursor c = { .task = r->fresh.at[i],
				    .last = MAP_NONE,
				    .at = e->coro };

		e->link = e->link_nr = 0;
		e->cut = e->opaque = e->executing = false;
		if (!e->coro || e->coro % 8)
			continue;
		if (!vec_push(&active->of, c))
			return false;
	}
	return true;
}

int py_tasks_chain(struct py_tasks_reader *r, struct err *err)
{
	struct cursors active = { 0 };
	int rc = ERR_OK;

	r->pool.nr = 0;
	if (!begin(r, &active))
		rc = err_nomem(err);
	while (!rc && active.of.nr) {
		uint32_t left = 0;

		rc = read_round(r, &active, err);
		if (!rc)
			rc = read_short(r, &active, err);
		for (uint32_t i = 0; !rc && i < active.of.nr; i++) {
			struct cursor c = active.of.at[i];

			if (step(r, &c))
				active.of.at[left++] = c;
			else
				flatten(r, &c);
		}
		active.of.nr = left;
	}
	vec_release(&active.of);
	return rc;
}
