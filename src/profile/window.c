/* SPDX-License-Identifier: MIT */
#include "profile/window.h"

#include <stdlib.h>
#include <string.h>

/* ---- moments ------------------------------------------------------------ */

/* Make an array hold exactly `nr` elements; their values are not set. */
#define resize(v, want)                                                     \
	resize_to((void **)&(v)->at, &(v)->nr, &(v)->cap, sizeof(*(v)->at), \
		  want)

static bool resize_to(void **at, uint32_t *nr, uint32_t *cap, size_t size,
		      uint32_t want)
{
	if (want > *cap) {
		/* Some more, as it will be asked for again. */
		size_t room = (size_t)want + want / 4;
		void *more =
			room <= UINT32_MAX ? realloc(*at, room * size) : NULL;

		if (!more)
			return false;
		*at = more;
		*cap = (uint32_t)room;
	}
	*nr = want;
	return true;
}

static void release_moment(struct moment *m)
{
	vec_release(&m->counts);
	vec_release(&m->threads);
	vec_release(&m->processes);
}

static void copy_thread(struct moment_thread *to,
			const struct profile_thread *from)
{
	memcpy(to->looks, from->looks, sizeof(to->looks));
	memcpy(to->state_ticks, from->state_ticks, sizeof(to->state_ticks));
	to->cpu_ns = from->cpu_ns;
	to->run_queue_ns = from->run_queue_ns;
	to->end_ns = from->end_ns;
	to->gil_ticks = from->gil_ticks;
	to->last_count = from->codes.nr ? from->track.last_count : UINT32_MAX;
}

static bool take(struct moment *m, const struct profile *p)
{
	if (!resize(&m->counts, p->counts.nr) ||
	    !resize(&m->threads, p->threads.nr) ||
	    !resize(&m->processes, p->processes.nr))
		return false;
	m->at_ns = p->wall_ns;
	m->tick_nr = p->tick_nr;
	m->missed_nr = p->missed_nr;
	for (uint32_t i = 0; i < p->counts.nr; i++)
		m->counts.at[i] =
			(struct moment_count){ p->counts.at[i].nr,
					       p->counts.at[i].ticks };
	for (uint32_t i = 0; i < p->threads.nr; i++)
		copy_thread(&m->threads.at[i], &p->threads.at[i]);
	for (uint32_t i = 0; i < p->processes.nr; i++)
		m->processes.at[i] = (struct moment_process){
			p->processes.at[i].gil_ticks,
			p->processes.at[i].gil_held_ticks,
		};
	return true;
}

#define copy_array(to, from)       \
	(resize(to, (from)->nr) && \
	 (!(from)->nr ||           \
	  memcpy((to)->at, (from)->at, (from)->nr * sizeof(*(to)->at))))

static bool copy_moment(struct moment *to, const struct moment *from)
{
	to->at_ns = from->at_ns;
	to->tick_nr = from->tick_nr;
	to->missed_nr = from->missed_nr;
	return copy_array(&to->counts, &from->counts) &&
	       copy_array(&to->threads, &from->threads) &&
	       copy_array(&to->processes, &from->processes);
}

/* ---- the window --------------------------------------------------------- */

/* The first of the past goes behind the last, to be used again. */
static void rotate(struct window *w)
{
	struct moment first = w->past[0];

	memmove(w->past, w->past + 1, (w->past_nr - 1) * sizeof(first));
	w->past[--w->past_nr] = first;
}

/* Keep the present as a possible beginning, one for each tenth of a window. */
static bool keep_present(struct window *w)
{
	struct moment *next = &w->past[w->past_nr];

	if (w->past_nr && w->now.at_ns - w->past[w->past_nr - 1].at_ns <
				  w->length_ns / WINDOW_STEPS)
		return true;
	/* Cannot be: the steps between them would be a window long. */
	if (w->past_nr > WINDOW_STEPS) {
		rotate(w);
		next = &w->past[w->past_nr];
	}
	if (!copy_moment(next, &w->now))
		return false;
	w->past_nr++;
	return true;
}

int window_init(struct window *w, const struct profile *p, uint64_t length_ns,
		struct err *err)
{
	memset(w, 0, sizeof(*w));
	w->length_ns = length_ns;
	if (!take(&w->now, p))
		return err_nomem(err);
	return window_reset(w, err);
}

int window_step(struct window *w, const struct profile *p, struct err *err)
{
	struct moment before = w->now;

	w->now = (struct moment){ 0 };
	if (!take(&w->now, p)) {
		release_moment(&w->now);
		w->now = before;
		return err_nomem(err);
	}
	release_moment(&before);
	while (w->past_nr > 1 &&
	       w->now.at_ns - w->past[1].at_ns >= w->length_ns)
		rotate(w);
	return keep_present(w) ? ERR_OK : err_nomem(err);
}

int window_reset(struct window *w, struct err *err)
{
	w->past_nr = 0;
	if (!copy_moment(&w->origin, &w->now) || !keep_present(w))
		return err_nomem(err);
	return ERR_OK;
}

void window_release(struct window *w)
{
	for (size_t i = 0; i < sizeof(w->past) / sizeof(*w->past); i++)
		release_moment(&w->past[i]);
	release_moment(&w->origin);
	release_moment(&w->now);
	memset(w, 0, sizeof(*w));
}

/* ---- the view ----------------------------------------------------------- */

static struct moment_count gained(const struct moment *from,
				  const struct moment *to, uint32_t count)
{
	struct moment_count c = to->counts.at[count];

	if (count < from->counts.nr) {
		c.nr -= from->counts.at[count].nr;
		c.ticks -= from->counts.at[count].ticks;
	}
	return c;
}

/* What came between, a count and its thread's code for each. */
static bool add_counts(struct profile *view, const struct profile *p,
		       const struct moment *from, const struct moment *to)
{
	for (uint32_t i = 0; i < to->counts.nr; i++) {
		struct moment_count c = gained(from, to, i);
		struct profile_count count = p->counts.at[i];

		if (!c.nr)
			continue;
		count.nr = c.nr;
		count.ticks = c.ticks;
		count.code = view->threads.at[count.thread].codes.nr;
		if (!vec_push(&view->threads.at[count.thread].codes,
			      view->counts.nr) ||
		    !vec_push(&view->counts, count))
			return false;
	}
	return true;
}

static uint64_t later(uint64_t ns, uint64_t than)
{
	return ns > than ? ns - than : 0;
}

static struct profile_thread make_thread(const struct profile_thread *t,
					 const struct moment_thread *old,
					 const struct moment_thread *now,
					 const struct moment *from)
{
	struct profile_thread out = {
		.process = t->process,
		.tid = t->tid,
		.name = t->name,
		.main = t->main,
		.has_sched = t->has_sched,
		.cpu_ns = now->cpu_ns - old->cpu_ns,
		.run_queue_ns = now->run_queue_ns - old->run_queue_ns,
		.gil_ticks = now->gil_ticks - old->gil_ticks,
		.start_ns = later(t->start_ns, from->at_ns),
		.end_ns = later(now->end_ns, from->at_ns),
	};
	uint64_t looks = 0;

	for (int q = 0; q < SAMPLE_QUALITY_NR; q++) {
		out.looks[q] = now->looks[q] - old->looks[q];
		looks += out.looks[q];
	}
	for (int s = 0; s < STATE_NR; s++)
		out.state_ticks[s] = now->state_ticks[s] - old->state_ticks[s];
	/* It was over before, whatever the books say of the last moment. */
	if (!looks)
		out.end_ns = out.start_ns;
	return out;
}

static bool add_threads(struct profile *view, const struct profile *p,
			const struct moment *from, const struct moment *to)
{
	static const struct moment_thread none;

	for (uint32_t i = 0; i < to->threads.nr; i++) {
		const struct moment_thread *old =
			i < from->threads.nr ? &from->threads.at[i] : &none;

		if (!vec_push(&view->threads,
			      make_thread(&p->threads.at[i], old,
					  &to->threads.at[i], from)))
			return false;
	}
	return true;
}

static bool add_processes(struct profile *view, const struct profile *p,
			  const struct moment *from, const struct moment *to)
{
	for (uint32_t i = 0; i < to->processes.nr; i++) {
		struct profile_process process = p->processes.at[i];

		process.gil_ticks = to->processes.at[i].gil_ticks;
		process.gil_held_ticks = to->processes.at[i].gil_held_ticks;
		if (i < from->processes.nr) {
			process.gil_ticks -= from->processes.at[i].gil_ticks;
			process.gil_held_ticks -=
				from->processes.at[i].gil_held_ticks;
		}
		process.start_ns = later(process.start_ns, from->at_ns);
		process.end_ns = later(process.end_ns, from->at_ns);
		if (!vec_push(&view->processes, process))
			return false;
	}
	return true;
}

int window_view(struct profile *view, const struct window *w,
		const struct profile *p, bool all, struct err *err)
{
	const struct moment *from = all ? &w->origin : &w->past[0];
	const struct moment *to = &w->now;

	*view = *p;
	memset(&view->processes, 0, sizeof(view->processes));
	memset(&view->threads, 0, sizeof(view->threads));
	memset(&view->counts, 0, sizeof(view->counts));
	/* Not told apart by moments, so not of this window. */
	memset(&view->natives, 0, sizeof(view->natives));
	memset(&view->awaits, 0, sizeof(view->awaits));
	memset(&view->merges, 0, sizeof(view->merges));
	memset(&view->figures, 0, sizeof(view->figures));
	view->wall_ns = to->at_ns - from->at_ns;
	view->tick_nr = to->tick_nr - from->tick_nr;
	view->missed_nr = to->missed_nr - from->missed_nr;
	if (add_processes(view, p, from, to) &&
	    add_threads(view, p, from, to) && add_counts(view, p, from, to))
		return ERR_OK;
	window_view_release(view);
	return err_nomem(err);
}

void window_view_release(struct profile *view)
{
	for (uint32_t i = 0; i < view->threads.nr; i++)
		vec_release(&view->threads.at[i].codes);
	vec_release(&view->threads);
	vec_release(&view->processes);
	vec_release(&view->counts);
}

uint32_t window_last_look(const struct window *w, uint32_t thread)
{
	uint32_t count;

	if (thread >= w->now.threads.nr)
		return UINT32_MAX;
	count = w->now.threads.at[thread].last_count;
	return count < w->now.counts.nr ? count : UINT32_MAX;
}

/* A slot of a map and its empty neighbours. */
#define MAP_COST 32

uint64_t window_weight(const struct profile *p)
{
	uint64_t moments = WINDOW_STEPS + 3;

	return p->text.size + (uint64_t)p->strings.nr * (4 + MAP_COST) +
	       (uint64_t)p->functions.nr * (12 + MAP_COST) +
	       (uint64_t)p->frames.nr * (8 + MAP_COST) +
	       (uint64_t)p->nodes.nr * (8 + MAP_COST) +
	       (uint64_t)p->counts.nr *
		       (sizeof(struct profile_count) + 4 + MAP_COST +
			moments * sizeof(struct moment_count)) +
	       (uint64_t)p->threads.nr *
		       (sizeof(struct profile_thread) +
			moments * sizeof(struct moment_thread));
}
