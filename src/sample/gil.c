/* SPDX-License-Identifier: MIT */
#include "sample/gil.h"

/* Holder, lock word and count lie in a row, each in its own 8 bytes. */
static bool is_in_a_row(const struct py_layout *l)
{
	return l->gil_locked == l->gil_last_holder + 8 &&
	       l->gil_switch_number == l->gil_last_holder + 16;
}

void gil_find(struct gil *g, struct py_process *p)
{
	const struct py_layout *l = &p->layout;
	uint64_t interp, next, addr = 0;
	struct err ignored;

	if (!is_in_a_row(l) ||
	    py_read_word(p, p->runtime_addr + l->runtime_interpreters_head,
			 &interp, &ignored) ||
	    py_read_word(p, interp + l->interp_next, &next, &ignored) || next)
		addr = 0;
	else if (l->runtime_gil != PY_ABSENT)
		addr = p->runtime_addr + l->runtime_gil;
	else if (l->interp_gil == PY_ABSENT ||
		 py_read_word(p, interp + l->interp_gil, &addr, &ignored))
		addr = 0;
	if (addr != g->addr)
		g->known = false;
	g->addr = addr;
}

bool gil_plan(struct gil *g, const struct py_layout *l,
	      struct target_piece *piece)
{
	if (!g->addr)
		return false;
	piece->addr = g->addr + l->gil_last_holder;
	piece->to = g->words;
	piece->size = sizeof(g->words);
	return true;
}

enum gil_news gil_judge(struct gil *g, bool read)
{
	uint64_t switches = g->words[2] - g->switch_nr;
	bool was_known = g->known;

	if (!g->addr || !read) {
		g->known = false;
		return GIL_UNKNOWN;
	}
	/* No switch yet the holder differs: not the lock we take it for. */
	if (was_known && !switches && g->words[0] != g->holder)
		was_known = false;
	g->known = true;
	g->holder = g->words[0];
	g->switch_nr = g->words[2];
	if (!was_known || switches > 1)
		return GIL_UNKNOWN;
	return switches ? GIL_ONE_SWITCH : GIL_SAME;
}
