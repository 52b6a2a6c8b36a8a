/* SPDX-License-Identifier: MIT */
/* Where the frames of a thread are. */
#include <stdlib.h>

#include "cpython/stack_internal.h"

/* CPython starts with 16 KiB and doubles for one huge frame only. */
#define CHUNK_SIZE_MAX (64u << 20)
#define CHUNKS_MAX 400

/*
 * Frames outside of the chunks that are asked for ahead of need. Those that
 * lie near each other (the frame objects of a recursion do) are read as one
 * run: a piece more costs 350 ns, a KiB more 25 ns. A gap below a page cannot
 * hold one that is not mapped.
 */
#define OUTSIDE_MAX 8192
#define RUNS_MAX 500
#define RUN_GAP 4095u
#define RUN_SIZE_MAX 65536u

/* Frames asked for although the last stack did not have them: up to as many
 * again as it had, and these. */
#define OUTSIDE_SPARE 4

/*
 * How far above the highest top of late to read. A thread that calls and
 * returns between two looks usually stays within. More costs copying (about 25
 * ns a KiB), less costs a second system call (1.7 us).
 */
#define ABOVE_TOP 1024u

/* What was lately is forgotten by a part of so much with each look. */
#define REACH_SHARE 16

/*
 * Ask for the newest chunk up to a little above the top of use; CHUNK_SIZE of
 * a chunk is hostile.
 */
static uint32_t newest_used(const struct py_reader *r, const struct chunk *c)
{
	uint64_t used = r->high_addr - c->addr;

	if (r->high_addr < c->addr || used > c->size)
		used = CHUNK_DATA;
	used += ABOVE_TOP;
	return (uint32_t)(used < c->size ? used : c->size) & ~7u;
}

static int read_chunk(struct py_reader *r, uint64_t addr, bool newest,
		      uint64_t *previous, struct err *err)
{
	struct chunk c = { .addr = addr };
	uint64_t head[3];
	uint64_t used;
	int rc;

	if (addr % 8)
		return err_set(err, ERR_CORRUPT, "misaligned chunk");
	rc = target_read(r->process->target, addr, head, sizeof(head), err);
	if (rc)
		return rc;
	if (head[1] < CHUNK_DATA || head[1] > CHUNK_SIZE_MAX)
		return err_set(err, ERR_CORRUPT, "impossible chunk");
	c.size = (uint32_t)head[1] & ~7u;
	used = head[2] < c.size ? CHUNK_DATA + head[2] * 8 : c.size;
	if (used > c.size)
		used = c.size;
	c.used = newest ? newest_used(r, &c) : (uint32_t)used;
	*previous = head[0];
	return vec_push(&r->chunks, c) ? ERR_OK : err_nomem(err);
}

static int learn_chunks(struct py_reader *r, struct err *err)
{
	const struct py_layout *l = &r->process->layout;
	uint64_t addr = head_word(r, l->thread_datastack_chunk);
	uint64_t top = head_word(r, l->thread_datastack_chunk + 8);
	int rc = ERR_OK;

	if (r->chunks.nr && r->chunks.at[0].addr == addr) {
		if (r->high_addr <= top)
			r->high_addr = top;
		else
			r->high_addr -= (r->high_addr - top) / REACH_SHARE;
		/* Also when the newest frame lies outside (a generator). */
		if (r->low_addr > top)
			r->low_addr = top;
		r->chunks.at[0].used = newest_used(r, &r->chunks.at[0]);
		return ERR_OK;
	}
	r->low_addr = r->high_addr = top;
	r->chunks.nr = 0;
	while (addr && !rc && r->chunks.nr < CHUNKS_MAX)
		rc = read_chunk(r, addr, !r->chunks.nr, &addr, err);
	/* Chunks that went away meanwhile are learnt at the next look. */
	if (rc == ERR_CORRUPT) {
		r->chunks.nr = 0;
		rc = ERR_OK;
	}
	return rc;
}

void stack_learn_newest(struct py_reader *r, uint64_t addr)
{
	const struct chunk *c = r->chunks.at;

	r->steady = addr == r->newest_addr ? r->steady + 1 : 0;
	r->newest_addr = addr;
	if (!r->chunks.nr || addr < c->addr || addr - c->addr >= c->size)
		return;
	if (addr <= r->low_addr)
		r->low_addr = addr;
	else
		r->low_addr += (addr - r->low_addr) / REACH_SHARE;
}

static bool knows_outside(const struct py_reader *r, uint64_t addr)
{
	return map_get(&r->outside_ids, addr) != MAP_NONE;
}

static bool add_outside(struct py_reader *r, struct outside one, uint32_t limit)
{
	return r->outside.nr >= limit || knows_outside(r, one.addr) ||
	       (map_put(&r->outside_ids, one.addr, r->outside.nr) &&
		vec_push(&r->outside, one));
}

static int compare_addresses(const void *a, const void *b)
{
	const struct run *x = a, *y = b;

	return (x->addr > y->addr) - (x->addr < y->addr);
}

/* Sort the frames outside of the chunks and merge neighbours into runs. */
static bool make_runs(struct py_reader *r)
{
	uint32_t kept = 0;

	r->runs.nr = 0;
	for (uint32_t i = 0; i < r->outside.nr; i++) {
		struct run run = { r->outside.at[i].addr, r->span,
				   r->outside.at[i].has_code };

		if (!vec_push(&r->runs, run))
			return false;
	}
	if (r->runs.nr)
		qsort(r->runs.at, r->runs.nr, sizeof(r->runs.at[0]),
		      compare_addresses);
	for (uint32_t i = 1; i < r->runs.nr; i++) {
		struct run *last = &r->runs.at[kept], *next = &r->runs.at[i];
		uint64_t size = next->addr + next->size - last->addr;

		if (next->addr - last->addr - last->size <= RUN_GAP &&
		    size <= RUN_SIZE_MAX) {
			last->size = (uint32_t)size;
			last->has_code = last->has_code || next->has_code;
		} else {
			r->runs.at[++kept] = *next;
		}
	}
	if (r->runs.nr)
		r->runs.nr = kept + 1 < RUNS_MAX ? kept + 1 : RUNS_MAX;
	return true;
}

/*
 * Read the frames from `addr` on one by one, as far as they are in no copy,
 * and note where they are.
 */
static int follow_outside(struct py_reader *r, uint64_t addr, struct err *err)
{
	const struct py_layout *l = &r->process->layout;
	uint8_t bytes[PY_FRAME_SIZE_MAX];
	uint32_t hint = 0;
	int rc = ERR_OK;

	for (uint32_t i = 0; addr && addr != r->base && i < PY_DEPTH_MAX; i++) {
		struct seen seen = stack_find(r, addr, &hint);

		if (!seen.bytes || seen.outside) {
			/* A frame met twice: the chain was torn. */
			if (addr % 8 || r->outside.nr >= OUTSIDE_MAX ||
			    knows_outside(r, addr))
				break;
		}
		if (!seen.bytes) {
			rc = target_read(r->process->target, addr, bytes,
					 r->span, err);
			if (rc)
				break;
			seen = (struct seen){ bytes, true };
		}
		if (seen.outside &&
		    !add_outside(r,
				 (struct outside){
					 addr, has_python_code(l, seen.bytes) },
				 OUTSIDE_MAX))
			return err_nomem(err);
		addr = word_at(seen.bytes + l->frame_previous);
	}
	return rc == ERR_CORRUPT ? ERR_OK : rc;
}

int stack_learn_outside(struct py_reader *r, uint64_t addr, struct err *err)
{
	VEC(struct outside) known = { 0 };
	uint32_t limit;
	int rc = ERR_OK;

	/* The list becomes the old one; a new one is begun. */
	known.at = r->outside.at;
	known.nr = r->outside.nr;
	memset(&r->outside, 0, sizeof(r->outside));
	map_clear(&r->outside_ids);
	for (uint32_t i = 0; i < r->seen_outside.nr && !rc; i++)
		if (!add_outside(r, r->seen_outside.at[i], OUTSIDE_MAX))
			rc = err_nomem(err);
	if (!rc)
		rc = follow_outside(r, addr, err);
	limit = r->outside.nr * 2 + OUTSIDE_SPARE;
	if (limit > OUTSIDE_MAX)
		limit = OUTSIDE_MAX;
	for (uint32_t i = 0; i < known.nr && !rc; i++)
		if (!add_outside(r, known.at[i], limit))
			rc = err_nomem(err);
	vec_release(&known);
	if (!rc && !make_runs(r))
		rc = err_nomem(err);
	return rc;
}

void stack_forget(struct py_reader *r)
{
	r->cframe_addr = 0;
	r->anchor = 0;
	r->steady = 0;
	r->chunks.nr = 0;
	r->outside.nr = 0;
	r->runs.nr = 0;
	map_clear(&r->outside_ids);
}

static int learn_cframe(struct py_reader *r, bool *changed, struct err *err)
{
	const struct py_layout *l = &r->process->layout;
	uint64_t cframe = head_word(r, l->thread_frame), outer = 0;
	int rc = ERR_OK;

	if (cframe && cframe == r->cframe_addr)
		outer = word_at(r->image + r->cframe_at + l->cframe_previous);
	else if (cframe)
		rc = py_read_word(r->process, cframe + l->cframe_previous,
				  &outer, err);
	/* The outermost C frame is part of the thread state. */
	if (!outer)
		outer = cframe;
	*changed = cframe != r->cframe_addr || outer != r->outer_cframe_addr;
	r->cframe_addr = cframe;
	r->outer_cframe_addr = outer;
	return rc == ERR_CORRUPT ? ERR_OK : rc;
}

int stack_learn_head(struct py_reader *r, bool *changed, struct err *err)
{
	const struct py_layout *l = &r->process->layout;
	uint64_t chunk, top;
	int rc;

	*changed = false;
	if (l->frame_kind == PY_FRAME_CFRAME) {
		rc = learn_cframe(r, changed, err);
		if (rc)
			return rc;
	}
	if (l->frame_kind == PY_FRAME_OBJECT)
		return ERR_OK;
	chunk = head_word(r, l->thread_datastack_chunk);
	top = head_word(r, l->thread_datastack_chunk + 8);
	if (r->chunks.nr ? r->chunks.at[0].addr != chunk ||
				   top > chunk + r->chunks.at[0].used
			 : chunk != 0)
		*changed = true;
	return learn_chunks(r, err);
}
