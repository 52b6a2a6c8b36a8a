/* SPDX-License-Identifier: MIT */
#include "cpython/stack_internal.h"

const struct py_frame *py_reader_frames(const struct py_reader *r, uint32_t *nr,
					uint32_t *stable)
{
	*nr = r->frames.nr;
	*stable = r->stable;
	return r->frames.at;
}

static bool head_has(const struct py_reader *r, uint32_t offset, uint64_t value)
{
	return offset == PY_ABSENT || head_word(r, offset) == value;
}

bool py_reader_is(const struct py_reader *r, const struct py_thread *t,
		  uint64_t next_addr)
{
	const struct py_layout *l = &r->process->layout;

	if (!r->has_head)
		return true;
	return head_has(r, l->thread_next, next_addr) &&
	       head_has(r, l->thread_thread_id, t->thread_id) &&
	       head_has(r, l->thread_native_thread_id, t->native_id) &&
	       head_has(r, l->thread_id, t->id);
}

uint64_t py_reader_first_local(const struct py_reader *r)
{
	const struct py_layout *l = &r->process->layout;
	uint64_t code, local;
	struct err ignored;

	if (!l->frame_locals || !r->frames.nr ||
	    py_read_word(r->process, r->oldest_addr + l->frame_code, &code,
			 &ignored) ||
	    (code & ~l->code_tag_mask) !=
		    r->frames.at[r->frames.nr - 1].code_addr ||
	    py_read_word(r->process, r->oldest_addr + l->frame_locals, &local,
			 &ignored))
		return 0;
	return local;
}

uint64_t stack_current(const struct py_reader *r)
{
	const struct py_layout *l = &r->process->layout;

	if (l->frame_kind != PY_FRAME_CFRAME)
		return head_word(r, l->thread_frame);
	return word_at(r->image + r->cframe_at + l->cframe_current_frame);
}

/* Was that frame the current one to the end? */
static bool current_frame_held(const struct py_reader *r)
{
	const struct py_layout *l = &r->process->layout;

	/* A new C frame has the newest frame elsewhere. */
	if (l->frame_kind == PY_FRAME_CFRAME &&
	    head_word(r, l->thread_frame) != r->cframe_addr)
		return false;
	return !r->frame_again ||
	       word_at(r->image + r->frame_again_at) == stack_current(r);
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
	r->has_head = done == r->planned;
	if (!r->has_head && r->planned == 1)
		return err_set(err, ERR_GONE, "the thread has ended");
	if (!r->has_head) {
		stack_forget(r);
		return ERR_OK;
	}
	if (r->process->layout.thread_base_frame != PY_ABSENT)
		r->base = head_word(r, r->process->layout.thread_base_frame);
	rc = stack_learn_head(r, &changed, err);
	if (rc || changed)
		return rc;
	if (r->process->layout.frame_kind == PY_FRAME_CFRAME &&
	    !r->cframe_addr) {
		*look = PY_LOOK_WHOLE; /* between creation and first call */
		return ERR_OK;
	}
	if (!stack_walk(r, &lost)) {
		/* Likely a new frame where we did not look. */
		if (r->narrow && !r->steady)
			return ERR_OK;
		r->lost_nr++;
		r->anchor = 0;
		return lost ? stack_learn_outside(r, lost, err)
			    : err_nomem(err);
	}
	r->lost_nr = 0;
	if (r->unproven) {
		r->stable = 0;
		return stack_learn_outside(r, 0, err);
	}
	if (r->stable == r->frames.nr && current_frame_held(r))
		*look = PY_LOOK_WHOLE;
	else
		*look = PY_LOOK_MOVED;
	return ERR_OK;
}
