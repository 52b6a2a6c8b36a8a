/* SPDX-License-Identifier: MIT */
/* The chain of frames, followed through the copies. */
#include "cpython/stack_internal.h"

/* Of the newest frames outside of the chunks, so many must have been read a
 * second time. */
#define PROVEN_MIN 16

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

/* The region with the frame at `addr`, r->first.nr when there is none. */
static uint32_t find_region(const struct py_reader *r, uint64_t addr)
{
	uint32_t k;

	for (k = 0; k < r->planned_chunks; k++)
		if (in_region(&r->first.at[k], addr, r->span))
			return k;
	k = run_before(r, addr);
	return k < r->first.nr && in_region(&r->first.at[k], addr, r->span)
		       ? k
		       : r->first.nr;
}

static inline struct seen find_frame(const struct py_reader *r, uint64_t addr,
				     uint32_t *hint)
{
	struct seen seen = { 0 };
	const struct region *region;

	if (*hint >= r->first.nr ||
	    !in_region(&r->first.at[*hint], addr, r->span)) {
		uint32_t k = find_region(r, addr);

		if (k == r->first.nr)
			return seen;
		*hint = k;
	}
	region = &r->first.at[*hint];
	seen.bytes = r->image + region->at + (addr - region->addr);
	seen.outside = *hint >= r->planned_chunks;
	return seen;
}

struct seen stack_find(const struct py_reader *r, uint64_t addr, uint32_t *hint)
{
	return find_frame(r, addr, hint);
}

/* The second copy of the frame at `addr`, NULL when there is none. */
static const uint8_t *find_again(const struct py_reader *r, uint64_t addr)
{
	for (uint32_t i = r->again.nr; i-- > 0;) {
		const struct region *region = &r->again.at[i];

		if (in_region(region, addr, r->span))
			return r->image + region->at + (addr - region->addr);
	}
	return NULL;
}

static uint64_t instr_at(const struct py_layout *l, const uint8_t *bytes)
{
	uint32_t index;

	if (l->instr_kind >= PY_INSTR_BEFORE)
		return word_at(bytes + l->frame_instr);
	memcpy(&index, bytes + l->frame_instr, sizeof(index));
	return index;
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
	       (newest || instr_at(l, a) == instr_at(l, b));
}

static bool add_frame(struct py_reader *r, const uint8_t *bytes)
{
	const struct py_layout *l = &r->process->layout;
	struct py_frame frame = {
		.code_addr = word_at(bytes + l->frame_code) & ~l->code_tag_mask,
		.instr = instr_at(l, bytes),
	};

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
	uint64_t start = stack_current(r), addr = start, outer;
	uint32_t hint = 0;

	if (l->frame_kind != PY_FRAME_CFRAME)
		return start;
	outer = word_at(r->image + r->outer_at);
	for (uint32_t i = 0; addr && addr % 8 == 0 && i < PY_DEPTH_MAX; i++) {
		struct seen seen = find_frame(r, addr, &hint);

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

/* Where on its way down the chain a walk is. */
struct walk {
	uint64_t addr; /* the next frame */
	uint64_t from; /* the one that leads to it */
	uint64_t over; /* the one that leads to that */
	uint32_t region;
	uint32_t depth;
	uint32_t agreed_from; /* frames from here on agreed */
};

/*
 * Judge one frame of the chain by its second copy. Frames on which the second
 * reading disagrees make the stable ones begin anew below them.
 */
static void compare_again(struct py_reader *r, struct walk *w,
			  const struct seen *seen)
{
	const uint8_t *again = find_again(r, w->addr);

	if (again) {
		if (!frames_agree(&r->process->layout, seen->bytes, again,
				  !w->depth))
			w->agreed_from = r->frames.nr;
	} else if (w->depth < PROVEN_MIN && (!w->depth || seen->outside)) {
		r->unproven = true;
	}
}

/*
 * Take the next frames that lie, each below the one before, in the region of
 * the last one and below what was read a second time: there is nothing to
 * compare. Most frames of a deep stack are such, and they are worth a loop
 * without a call and with the offsets in registers.
 */
static void walk_quiet(struct py_reader *r, struct walk *w)
{
	const struct py_layout *l = &r->process->layout;
	const uint32_t previous = l->frame_previous, code = l->frame_code,
		       owner = l->frame_owner;
	const uint64_t tags = ~l->code_tag_mask;
	const struct region region = r->first.at[w->region];
	const uint8_t *image = r->image + region.at;
	uint64_t addr = w->addr, above = w->from;
	uint64_t end = region.addr + region.size - r->span + 1;
	uint32_t nr = r->frames.nr, depth = w->depth;

	if (w->region == 0 && r->again_from < end)
		end = r->again_from;
	while (addr >= region.addr && addr < end && addr % 8 == 0 &&
	       nr < r->frames.cap && depth < PY_DEPTH_MAX) {
		const uint8_t *bytes = image + (addr - region.addr);
		struct py_frame *frame = &r->frames.at[nr];

		frame->code_addr = word_at(bytes + code) & tags;
		frame->instr = instr_at(l, bytes);
		nr += bytes[owner] < l->owner_no_code;
		depth++;
		above = end = addr;
		addr = word_at(bytes + previous);
	}
	r->frames.nr = nr;
	w->depth = depth;
	w->from = above;
	w->addr = addr;
}

/* Does the stack end before the next frame? */
static bool is_end(const struct py_reader *r, const struct walk *w)
{
	return !w->addr || w->addr == r->base ||
	       (r->trust_anchor && w->addr == r->anchor &&
		w->from == r->anchored);
}

/* Did the walk end on an entry frame? The oldest one with code is then before
 * it. */
static bool ended_on_entry(const struct py_reader *r, const struct walk *w)
{
	const struct outside *last;

	if (!r->seen_outside.nr)
		return false;
	last = &r->seen_outside.at[r->seen_outside.nr - 1];
	return last->addr == w->from && !last->has_code;
}

/* Is the entry frame on which the walk ended an anchor? */
static void learn_anchor(struct py_reader *r, const struct walk *w)
{
	r->anchor = 0;
	if (r->process->layout.frame_kind != PY_FRAME_CURRENT ||
	    !r->chunks.nr || !ended_on_entry(r, w) ||
	    w->over - r->chunks.at[r->chunks.nr - 1].addr > CHUNK_DATA + 8)
		return;
	r->anchor = w->from;
	r->anchored = w->over;
	r->anchor_age = 0;
}

/* Take the frame of which a copy was found; false without memory. */
static bool take(struct py_reader *r, struct walk *w, const struct seen *seen)
{
	const struct py_layout *l = &r->process->layout;
	bool has_code = has_python_code(l, seen->bytes);
	struct outside one = { w->addr, has_code };

	if (seen->outside && !vec_push(&r->seen_outside, one))
		return false;
	if (has_code && !add_frame(r, seen->bytes))
		return false;
	if (has_code)
		compare_again(r, w, seen);
	w->depth++;
	w->over = w->from;
	w->from = w->addr;
	w->addr = word_at(seen->bytes + l->frame_previous);
	return true;
}

/* Does the frame at `bytes`, which is no entry frame itself, hang on one? */
static bool ends_run(const struct py_reader *r, const struct walk *next,
		     const uint8_t *bytes)
{
	const struct py_layout *l = &r->process->layout;
	uint32_t hint = next->region;
	struct seen seen;

	if (l->frame_kind == PY_FRAME_OBJECT || is_end(r, next))
		return true;
	if (l->frame_is_entry != PY_ABSENT)
		return bytes[l->frame_is_entry] != 0;
	seen = find_frame(r, next->addr, &hint);
	return !seen.bytes || !has_python_code(l, seen.bytes);
}

void py_reader_entries(const struct py_reader *r, bool *is_entry)
{
	const struct py_layout *l = &r->process->layout;
	struct walk w = { .addr = chain_start(r) };
	uint32_t nr = 0;

	while (nr < r->frames.nr && !is_end(r, &w)) {
		struct seen seen = find_frame(r, w.addr, &w.region);

		if (!seen.bytes)
			break;
		w.from = w.addr;
		w.addr = word_at(seen.bytes + l->frame_previous);
		if (has_python_code(l, seen.bytes))
			is_entry[nr++] = ends_run(r, &w, seen.bytes);
	}
	/* It was walked before, so this does not happen. */
	while (nr < r->frames.nr)
		is_entry[nr++] = true;
}

bool stack_walk(struct py_reader *r, uint64_t *lost)
{
	struct walk w = { .addr = chain_start(r) };

	stack_learn_newest(r, w.addr);
	r->frames.nr = 0;
	r->seen_outside.nr = 0;
	r->stable = 0;
	r->unproven = false;
	*lost = 0;
	while (!is_end(r, &w)) {
		struct seen seen = find_frame(r, w.addr, &w.region);

		if (!seen.bytes || w.addr % 8 || w.depth >= PY_DEPTH_MAX) {
			*lost = w.addr;
			return false;
		}
		if (!take(r, &w, &seen))
			return false;
		if (!seen.outside)
			walk_quiet(r, &w);
	}
	if (!r->trust_anchor)
		learn_anchor(r, &w);
	r->oldest_addr = ended_on_entry(r, &w) ? w.over : w.from;
	r->stable = r->frames.nr - w.agreed_from;
	return true;
}
