/* SPDX-License-Identifier: MIT */
#include "cpython/stack.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"

/*
 * CPython's data stack is a list of chunks, newest first:
 * { previous, size in bytes, used words when it was left, words... }. The
 * thread state has the newest chunk and, next to it, the top of use.
 */
enum {
	CHUNK_PREVIOUS = 0,
	CHUNK_SIZE = 8,
	CHUNK_TOP = 16,
	CHUNK_DATA = 24
};

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
 * How far above the last known top to read, and how far below it the second
 * reading begins: a thread that calls and returns between two looks usually
 * stays within. More costs copying (about 25 ns a KiB), less costs a second
 * system call (1.7 us).
 */
#define ABOVE_TOP 1024u
#define BELOW_TOP 2048u

/*
 * Outside frames read a second time: those next to the newest. Of the newest
 * ones of a stack, so many must have been among them.
 */
#define AGAIN_MAX 8
#define AGAIN_SIZE_MAX 16384u
#define PROVEN_MIN 4

/* A run of target memory and where its copy is in the reader's image. */
struct region {
	uint64_t addr;
	uint32_t size;
	uint32_t at;
};

struct chunk {
	uint64_t addr;
	uint32_t used; /* bytes worth reading, with the header */
	uint32_t size; /* bytes in all */
};

struct py_reader {
	struct py_process *process;
	uint64_t thread_addr;

	/* What earlier looks taught. */
	uint64_t cframe_addr, outer_cframe_addr;
	uint64_t top_addr;
	VEC(struct chunk) chunks; /* newest first */
	VEC(uint64_t) outside;	  /* newest first */
	VEC(struct region) runs;  /* the same, sorted and merged */
	struct map outside_ids;	  /* the same, to look up */

	/* What the present look brings. */
	uint8_t *image;
	uint32_t image_cap, image_nr;
	VEC(struct region) first; /* chunks, then outside frames */
	VEC(struct region) again; /* the same, read a second time */
	uint32_t head_at, cframe_at, outer_at;
	uint32_t head_again_at, cframe_again_at;
	unsigned planned;
	uint32_t planned_chunks; /* so many of `first` are chunks */

	VEC(struct py_frame) frames;
	VEC(uint64_t) seen_outside;
	uint32_t stable;
	bool unproven;	  /* one of the newest frames was read only once */
	unsigned lost_nr; /* walks in a row that met an unknown frame */
};

struct py_reader *py_reader_new(struct py_process *p, uint64_t thread_addr)
{
	struct py_reader *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->process = p;
	r->thread_addr = thread_addr;
	return r;
}

void py_reader_free(struct py_reader *r)
{
	if (!r)
		return;
	vec_release(&r->chunks);
	vec_release(&r->outside);
	vec_release(&r->runs);
	map_release(&r->outside_ids);
	vec_release(&r->first);
	vec_release(&r->again);
	vec_release(&r->frames);
	vec_release(&r->seen_outside);
	free(r->image);
	free(r);
}

const struct py_frame *py_reader_frames(const struct py_reader *r, uint32_t *nr,
					uint32_t *stable)
{
	*nr = r->frames.nr;
	*stable = r->stable;
	return r->frames.at;
}

static uint64_t word_at(const uint8_t *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
	return word;
}

static uint64_t head_word(const struct py_reader *r, uint32_t offset)
{
	return word_at(r->image + r->head_at + offset);
}

static bool head_has(const struct py_reader *r, uint32_t offset, uint64_t value)
{
	return offset == PY_ABSENT || head_word(r, offset) == value;
}

bool py_reader_is(const struct py_reader *r, const struct py_thread *t,
		  uint64_t next_addr)
{
	const struct py_layout *l = &r->process->layout;

	return head_has(r, l->thread_next, next_addr) &&
	       head_has(r, l->thread_thread_id, t->thread_id) &&
	       head_has(r, l->thread_native_thread_id, t->native_id) &&
	       head_has(r, l->thread_id, t->id);
}

/* ---- planning ----------------------------------------------------------- */

static uint32_t max32(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/* The head of a thread state: up to the last field that is read. */
static uint32_t head_size(const struct py_layout *l)
{
	const uint32_t offsets[] = { l->thread_frame, l->thread_next,
				     l->thread_thread_id,
				     l->thread_native_thread_id, l->thread_id };
	uint32_t end = 0;

	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++)
		if (offsets[i] != PY_ABSENT)
			end = max32(end, offsets[i] + 8);
	if (l->thread_datastack_chunk != PY_ABSENT)
		end = max32(end, l->thread_datastack_chunk + 16);
	return end < l->thread_size ? end : l->thread_size;
}

/* The part of a frame that is read: up to the last field. */
static uint32_t frame_span(const struct py_layout *l)
{
	uint32_t end =
		max32(max32(l->frame_previous, l->frame_code), l->frame_instr) +
		8;

	if (l->frame_owner != PY_ABSENT)
		end = max32(end, l->frame_owner + 1);
	if (l->frame_stacktop != PY_ABSENT)
		end = max32(end, l->frame_stacktop + 4);
	return (end + 7u) & ~7u;
}

/* Pieces are planned with offsets into the image, which may still move. */
struct plan {
	struct py_reader *r;
	struct target_piece *pieces;
	unsigned nr, room;
	bool failed;
};

static uint32_t plan_piece(struct plan *plan, uint64_t addr, uint32_t size)
{
	uint32_t at = plan->r->image_nr;

	if (plan->nr == plan->room) {
		plan->failed = true;
		return 0;
	}
	plan->pieces[plan->nr].addr = addr;
	plan->pieces[plan->nr].to = NULL;
	plan->pieces[plan->nr].size = size;
	plan->nr++;
	plan->r->image_nr += (size + 7u) & ~7u;
	return at;
}

static void plan_first(struct plan *plan, uint64_t addr, uint32_t size)
{
	struct region region = { addr, size, plan_piece(plan, addr, size) };

	if (!vec_push(&plan->r->first, region))
		plan->failed = true;
}

static void plan_again(struct plan *plan, uint64_t addr, uint32_t size)
{
	struct region region = { addr, size, plan_piece(plan, addr, size) };

	if (!vec_push(&plan->r->again, region))
		plan->failed = true;
}

static void plan_first_reading(struct plan *plan)
{
	struct py_reader *r = plan->r;
	const struct py_layout *l = &r->process->layout;

	r->head_at = plan_piece(plan, r->thread_addr, head_size(l));
	if (r->cframe_addr) {
		r->cframe_at = plan_piece(plan, r->cframe_addr, l->cframe_size);
		r->outer_at = plan_piece(
			plan, r->outer_cframe_addr + l->cframe_current_frame,
			8);
	}
	for (uint32_t i = 0; i < r->chunks.nr; i++)
		plan_first(plan, r->chunks.at[i].addr, r->chunks.at[i].used);
	r->planned_chunks = r->chunks.nr;
	for (uint32_t i = 0; i < r->runs.nr; i++)
		plan_first(plan, r->runs.at[i].addr, r->runs.at[i].size);
}

/* All runs a second time, or, when that is too much, the newest frames. */
static void plan_outside_again(struct plan *plan)
{
	struct py_reader *r = plan->r;
	uint32_t nr = r->outside.nr < AGAIN_MAX ? r->outside.nr : AGAIN_MAX;
	uint32_t size = 0;

	for (uint32_t i = 0; i < r->runs.nr; i++)
		size += r->runs.at[i].size;
	if (r->runs.nr <= AGAIN_MAX && size <= AGAIN_SIZE_MAX) {
		for (uint32_t i = 0; i < r->runs.nr; i++)
			plan_again(plan, r->runs.at[i].addr,
				   r->runs.at[i].size);
		return;
	}
	for (uint32_t i = 0; i < nr; i++)
		plan_again(plan, r->outside.at[i],
			   frame_span(&r->process->layout));
}

static void plan_second_reading(struct plan *plan)
{
	struct py_reader *r = plan->r;
	const struct py_layout *l = &r->process->layout;

	plan_outside_again(plan);
	if (r->chunks.nr) {
		const struct chunk *c = &r->chunks.at[0];
		uint32_t from = c->used > ABOVE_TOP + BELOW_TOP
					? c->used - ABOVE_TOP - BELOW_TOP
					: 0;

		from &= ~7u;
		plan_again(plan, c->addr + from, c->used - from);
	}
	if (r->cframe_addr)
		r->cframe_again_at = plan_piece(
			plan, r->cframe_addr + l->cframe_current_frame, 8);
	r->head_again_at =
		plan_piece(plan, r->thread_addr + l->thread_frame, 8);
}

unsigned py_stack_plan(struct py_reader *r, struct target_piece *pieces,
		       unsigned room)
{
	struct plan plan = { .r = r, .pieces = pieces, .room = room };
	uint32_t at = 0;

	r->image_nr = 0;
	r->first.nr = 0;
	r->again.nr = 0;
	plan_first_reading(&plan);
	plan_second_reading(&plan);
	if (r->image_nr > r->image_cap) {
		uint8_t *image = realloc(r->image, r->image_nr);

		if (!image)
			return 0;
		r->image = image;
		r->image_cap = r->image_nr;
	}
	if (plan.failed)
		return 0;
	for (unsigned i = 0; i < plan.nr; i++) {
		pieces[i].to = r->image + at;
		at += (pieces[i].size + 7u) & ~7u;
	}
	r->planned = plan.nr;
	return plan.nr;
}

/* ---- judging ------------------------------------------------------------ */

/* One frame as copied; `bytes` is NULL when it is in no region. */
struct seen {
	const uint8_t *bytes;
	bool outside;
};

static bool in_region(const struct region *region, uint64_t addr, uint32_t span)
{
	return addr >= region->addr && addr - region->addr <= region->size &&
	       region->size - (addr - region->addr) >= span;
}

/* The run among the sorted ones that begins last before `addr`. */
static uint32_t run_before(const struct py_reader *r, uint64_t addr)
{
	uint32_t low = r->planned_chunks, high = r->first.nr;

	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (r->first.at[middle].addr <= addr)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/*
 * The copy of the frame at `addr`. *hint is the region of the frame before
 * it, which is nearly always that of this one, too.
 */
static struct seen find_frame(const struct py_reader *r, uint64_t addr,
			      uint32_t span, uint32_t *hint)
{
	struct seen seen = { 0 };
	uint32_t k = *hint;

	if (k >= r->first.nr || !in_region(&r->first.at[k], addr, span)) {
		for (k = 0; k < r->planned_chunks; k++)
			if (in_region(&r->first.at[k], addr, span))
				break;
		if (k == r->planned_chunks)
			k = run_before(r, addr);
	}
	if (k >= r->first.nr || !in_region(&r->first.at[k], addr, span))
		return seen;
	*hint = k;
	seen.bytes =
		r->image + r->first.at[k].at + (addr - r->first.at[k].addr);
	seen.outside = k >= r->planned_chunks;
	return seen;
}

/* The second copy of the frame at `addr`, NULL when there is none. */
static const uint8_t *find_again(const struct py_reader *r, uint64_t addr,
				 uint32_t span)
{
	for (uint32_t i = r->again.nr; i-- > 0;) {
		const struct region *region = &r->again.at[i];

		if (in_region(region, addr, span))
			return r->image + region->at + (addr - region->addr);
	}
	return NULL;
}

static uint64_t current_frame(const struct py_reader *r)
{
	const struct py_layout *l = &r->process->layout;

	if (l->frame_kind != PY_FRAME_CFRAME)
		return head_word(r, l->thread_frame);
	return word_at(r->image + r->cframe_at + l->cframe_current_frame);
}

static uint64_t current_frame_again(const struct py_reader *r)
{
	if (r->process->layout.frame_kind != PY_FRAME_CFRAME)
		return word_at(r->image + r->head_again_at);
	/* A new C frame has the newest frame elsewhere. */
	if (word_at(r->image + r->head_again_at) != r->cframe_addr)
		return 0;
	return word_at(r->image + r->cframe_again_at);
}

/*
 * Do the two copies of a frame tell the same? The newest frame may go on to
 * other instructions of its own; one that waits for its callee may not.
 */
static bool frames_agree(const struct py_layout *l, const uint8_t *a,
			 const uint8_t *b, bool newest)
{
	return word_at(a + l->frame_code) == word_at(b + l->frame_code) &&
	       word_at(a + l->frame_previous) ==
		       word_at(b + l->frame_previous) &&
	       (newest || !memcmp(a + l->frame_instr, b + l->frame_instr,
				  l->instr_kind < PY_INSTR_BEFORE ? 4 : 8));
}

static bool has_python_code(const struct py_layout *l, const uint8_t *bytes)
{
	return l->frame_owner == PY_ABSENT ||
	       bytes[l->frame_owner] < l->owner_no_code;
}

static bool add_frame(struct py_reader *r, const uint8_t *bytes)
{
	const struct py_layout *l = &r->process->layout;
	struct py_frame frame = {
		.code_addr = word_at(bytes + l->frame_code) & ~l->code_tag_mask,
	};

	if (l->instr_kind < PY_INSTR_BEFORE)
		memcpy(&frame.instr, bytes + l->frame_instr, 4);
	else
		frame.instr = word_at(bytes + l->frame_instr);
	return vec_push(&r->frames, frame);
}

/* Is this the first frame of its C frame? */
static bool is_boundary(const struct py_layout *l, const uint8_t *bytes)
{
	if (l->frame_is_entry != PY_ABSENT)
		return bytes[l->frame_is_entry] != 0;
	return !has_python_code(l, bytes);
}

/* Has the frame given back control already, or not yet got it? */
static bool is_idle(const struct py_layout *l, const uint8_t *bytes)
{
	int32_t stacktop;

	if (l->frame_stacktop == PY_ABSENT)
		return false;
	memcpy(&stacktop, bytes + l->frame_stacktop, 4);
	return stacktop >= 0;
}

/*
 * Where the chain begins. A thread that enters the interpreter from C links
 * its new C frame before it says which frame is current there (3.11, 3.12:
 * ceval.c, _PyEval_EvalFrameDefault); until then that word is what an earlier
 * use of the C stack left, often a frame that is dead. So the frames of a C
 * frame must lead to the current frame of the C frame outside; where they do
 * not, nothing was entered yet and the stack is that of the outside one. In
 * 3.11 a boundary frame that is current but idle is such a left-over too.
 */
static uint64_t chain_start(const struct py_reader *r)
{
	const struct py_layout *l = &r->process->layout;
	uint64_t start = current_frame(r), addr = start, outer;
	uint32_t span = frame_span(l), hint = 0;

	if (l->frame_kind != PY_FRAME_CFRAME)
		return start;
	outer = word_at(r->image + r->outer_at);
	for (uint32_t i = 0; addr && addr % 8 == 0 && i < PY_DEPTH_MAX; i++) {
		struct seen seen = find_frame(r, addr, span, &hint);

		/* A frame in no copy: the walk will find out, unless it
		 * has tried already. */
		if (!seen.bytes)
			return r->lost_nr < 3 ? start : outer;
		if (i == 0 && is_boundary(l, seen.bytes) &&
		    is_idle(l, seen.bytes))
			return outer;
		addr = word_at(seen.bytes + l->frame_previous);
		if (is_boundary(l, seen.bytes))
			return addr == outer ? start : outer;
	}
	return outer;
}

/*
 * Follow the chain through the copies. Ends at the root (true), or at *lost,
 * a frame that is in no copy. Frames on which the second reading disagrees
 * make `stable` start anew below them.
 */
static bool walk(struct py_reader *r, uint64_t *lost)
{
	const struct py_layout *l = &r->process->layout;
	uint32_t span = frame_span(l), hint = 0, agreed_from = 0, depth = 0;
	uint64_t addr = chain_start(r);
	bool newest = true;

	r->frames.nr = 0;
	r->seen_outside.nr = 0;
	r->stable = 0;
	r->unproven = false;
	*lost = 0;
	while (addr) {
		struct seen seen = find_frame(r, addr, span, &hint);
		const uint8_t *again;

		if (!seen.bytes || addr % 8 || r->frames.nr >= PY_DEPTH_MAX ||
		    r->seen_outside.nr >= PY_DEPTH_MAX) {
			*lost = addr;
			return false;
		}
		if (seen.outside && !vec_push(&r->seen_outside, addr))
			return false;
		if (has_python_code(l, seen.bytes) && !add_frame(r, seen.bytes))
			return false;
		again = find_again(r, addr, span);
		if (!again && depth < PROVEN_MIN && (newest || seen.outside))
			r->unproven = true;
		if (again && !frames_agree(l, seen.bytes, again, newest))
			agreed_from = r->frames.nr;
		addr = word_at(seen.bytes + l->frame_previous);
		newest = false;
		depth++;
	}
	r->stable = r->frames.nr - agreed_from;
	return true;
}

/* ---- learning ----------------------------------------------------------- */

/*
 * Ask for the newest chunk up to a little above the top of use; CHUNK_SIZE of
 * a chunk is hostile.
 */
static uint32_t newest_used(const struct py_reader *r, const struct chunk *c)
{
	uint64_t used = r->top_addr - c->addr;

	if (r->top_addr < c->addr || used > c->size)
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
	int rc = ERR_OK;

	r->top_addr = head_word(r, l->thread_datastack_chunk + 8);
	if (r->chunks.nr && r->chunks.at[0].addr == addr) {
		r->chunks.at[0].used = newest_used(r, &r->chunks.at[0]);
		return ERR_OK;
	}
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

static bool knows_outside(const struct py_reader *r, uint64_t addr)
{
	return map_get(&r->outside_ids, addr) != MAP_NONE;
}

static bool add_outside(struct py_reader *r, uint64_t addr, uint32_t limit)
{
	return r->outside.nr >= limit || knows_outside(r, addr) ||
	       (map_put(&r->outside_ids, addr, r->outside.nr) &&
		vec_push(&r->outside, addr));
}

static int compare_addresses(const void *a, const void *b)
{
	const struct region *x = a, *y = b;

	return (x->addr > y->addr) - (x->addr < y->addr);
}

/* Sort the frames outside of the chunks and merge neighbours into runs. */
static bool make_runs(struct py_reader *r)
{
	uint32_t span = frame_span(&r->process->layout), kept = 0;

	r->runs.nr = 0;
	for (uint32_t i = 0; i < r->outside.nr; i++) {
		struct region run = { r->outside.at[i], span, 0 };

		if (!vec_push(&r->runs, run))
			return false;
	}
	if (r->runs.nr)
		qsort(r->runs.at, r->runs.nr, sizeof(r->runs.at[0]),
		      compare_addresses);
	for (uint32_t i = 1; i < r->runs.nr; i++) {
		struct region *last = &r->runs.at[kept];
		uint64_t size = r->runs.at[i].addr + span - last->addr;

		if (r->runs.at[i].addr - last->addr - last->size <= RUN_GAP &&
		    size <= RUN_SIZE_MAX)
			last->size = (uint32_t)size;
		else
			r->runs.at[++kept] = r->runs.at[i];
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
	uint32_t span = frame_span(l), hint = 0;
	int rc = ERR_OK;

	for (uint32_t i = 0; addr && !rc && i < PY_DEPTH_MAX; i++) {
		struct seen seen = find_frame(r, addr, span, &hint);

		if (!seen.bytes || seen.outside) {
			/* A frame met twice: the chain was torn. */
			if (addr % 8 || r->outside.nr >= OUTSIDE_MAX ||
			    knows_outside(r, addr))
				break;
			if (!add_outside(r, addr, OUTSIDE_MAX))
				return err_nomem(err);
		}
		if (!seen.bytes) {
			rc = target_read(r->process->target, addr, bytes, span,
					 err);
			seen.bytes = bytes;
		}
		if (!rc)
			addr = word_at(seen.bytes + l->frame_previous);
	}
	return rc == ERR_CORRUPT ? ERR_OK : rc;
}

/*
 * Make the list of frames outside of the chunks anew: those of this stack,
 * newest first, then older acquaintances, since places are used again (a
 * generator that is resumed, frames from a free list).
 */
static int learn_outside(struct py_reader *r, uint64_t addr, struct err *err)
{
	VEC(uint64_t) known = { 0 };
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

/* Forget all but the thread state: something asked for is gone. */
static void forget(struct py_reader *r)
{
	r->cframe_addr = 0;
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

static int learn_head(struct py_reader *r, bool *changed, struct err *err)
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

int py_stack_judge(struct py_reader *r, unsigned done, enum py_look *look,
		   struct err *err)
{
	uint64_t lost;
	bool changed;
	int rc;

	r->frames.nr = 0;
	r->stable = 0;
	*look = PY_LOOK_AGAIN;
	if (!done)
		return err_set(err, ERR_GONE, "the thread has ended");
	if (done < r->planned) {
		forget(r);
		return ERR_OK;
	}
	rc = learn_head(r, &changed, err);
	if (rc || changed)
		return rc;
	if (r->process->layout.frame_kind == PY_FRAME_CFRAME &&
	    !r->cframe_addr) {
		*look = PY_LOOK_WHOLE; /* between creation and first call */
		return ERR_OK;
	}
	if (!walk(r, &lost)) {
		r->lost_nr++;
		return lost ? learn_outside(r, lost, err) : err_nomem(err);
	}
	r->lost_nr = 0;
	if (r->unproven) {
		r->stable = 0;
		return learn_outside(r, 0, err);
	}
	if (r->stable == r->frames.nr &&
	    current_frame(r) == current_frame_again(r))
		*look = PY_LOOK_WHOLE;
	else
		*look = PY_LOOK_MOVED;
	return ERR_OK;
}
