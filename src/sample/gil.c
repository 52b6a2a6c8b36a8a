/* SPDX-License-Identifier: MIT */
#include "sample/gil.h"

#include <pthread.h>

/* Holder, lock word and count lie in a row, each in its own 8 bytes. */
static bool is_in_a_row(const struct py_layout *l)
{
	return l->gil_locked == l->gil_last_holder + 8 &&
	       l->gil_switch_number == l->gil_last_holder + 16;
}

uint64_t gil_addr_of(struct py_process *p, uint64_t interp)
{
	const struct py_layout *l = &p->layout;
	uint64_t addr;
	struct err ignored;

	if (l->runtime_gil != PY_ABSENT)
		return p->runtime_addr + l->runtime_gil;
	if (l->interp_gil == PY_ABSENT ||
	    py_read_word(p, interp + l->interp_gil, &addr, &ignored))
		return 0;
	return addr;
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
	else
		addr = gil_addr_of(p, interp);
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

	g->seen = g->addr && read;
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

uint64_t gil_held_by(const struct gil *g)
{
	/* `locked` is an int in its 8 bytes, -1 before the first use. */
	return g->seen && (int32_t)g->words[1] > 0 ? g->words[0] : 0;
}

/*
 * Behind the count of switches the lock has a condition and a mutex to wait
 * for it, and the same pair to wait until somebody else has it
 * (FORCE_SWITCHING, which all builds have). The pthread types are those of the
 * same machine here; glibc has kept their sizes.
 */
#define WAITS_SIZE (2 * (sizeof(pthread_cond_t) + sizeof(pthread_mutex_t)))

void gil_list_waits(struct py_process *p, const struct py_threads *list,
		    struct wait_context *wait)
{
	wait->gils.nr = 0;
	for (uint32_t i = 0; i < list->interp.nr; i++) {
		uint64_t addr = gil_addr_of(p, list->interp.at[i]);
		struct wait_range range;

		if (!addr)
			continue;
		range.start = addr + p->layout.gil_switch_number + 8;
		range.end = range.start + WAITS_SIZE;
		if (wait->gils.nr &&
		    wait->gils.at[wait->gils.nr - 1].start == range.start)
			continue;
		if (!vec_push(&wait->gils, range))
			return;
	}
}
