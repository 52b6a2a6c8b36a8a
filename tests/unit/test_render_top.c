/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "render/safe_text.h"
#include "render/top.h"
#include "sketch.h"

static struct err err;

/* A profile, its window, and all that a screen is made of. */
struct scene {
	struct profile *p;
	struct window w;
	struct profile view;
	struct summary summary;
	struct breakdown breakdown;
	struct top_process processes[8];
	struct top_choice choice;
	struct top_data data;
};

static void tick_all(struct profile *p, const uint32_t *nodes,
		     const enum thread_state *states, uint32_t nr)
{
	p->wall_ns += MS;
	profile_tick(p, p->wall_ns, 0);
	for (uint32_t i = 0; i < nr; i++)
		profile_sample(p, i, nodes[i], SAMPLE_COMPLETE, states[i]);
}

static void begin(struct scene *s)
{
	memset(s, 0, sizeof(*s));
	s->p = sketch_new(0);
	profile_set_meta(s->p, META_COMMAND, "/usr/bin/python3 work.py --all");
	profile_set_meta(s->p, META_PYTHON, "CPython 3.13.0");
	s->choice.thread = TOP_ALL_THREADS;
	sketch_thread(s->p, 100, "MainThread");
	sketch_thread(s->p, 101, "worker-1");
	s->p->processes.at[0].python = sketch_string(s->p, "CPython");
	cr_assert(!window_init(&s->w, s->p, 5000 * MS, &err));
}

static void watch(struct scene *s, const char *hot)
{
	uint32_t nodes[2] = { sketch_stack(s->p, "main@work.py:1:2"), 0 };
	enum thread_state states[2] = { STATE_ON_CPU, STATE_LOCK };
	char stack[200];

	snprintf(stack, sizeof(stack), "main@work.py:1:2;%s@work.py:7:9", hot);
	nodes[0] = sketch_stack(s->p, stack);
	nodes[1] = sketch_stack(s->p, "wait@queue.py:3:4");
	for (int i = 0; i < 1000; i++)
		tick_all(s->p, nodes, states, 2);
	s->p->threads.at[0].gil_ticks = 970;
	s->p->processes.at[0].gil_ticks = 1000;
	s->p->processes.at[0].gil_held_ticks = 970;
}

static void sum_up(struct scene *s)
{
	struct summary_of of = { 0 };

	s->processes[0] = (struct top_process){ 'R', 12345678 };
	s->processes[1] = (struct top_process){ 'S', 2345678 };
	cr_assert(!window_step(&s->w, s->p, &err));
	cr_assert(!window_view(&s->view, &s->w, s->p, false, &err));
	cr_assert(!summary_make(&s->summary, &s->view, &of, &err));
	cr_assert(!breakdown_make(&s->breakdown, &s->view, &s->summary, &err));
	s->data = (struct top_data){
		.profile = s->p,
		.window = &s->w,
		.view = &s->view,
		.summary = &s->summary,
		.breakdown = &s->breakdown,
		.processes = s->processes,
		.pid = 100,
		.watched_ns = 61000 * MS,
		.note = "",
	};
}

static void end(struct scene *s)
{
	breakdown_release(&s->breakdown);
	summary_release(&s->summary);
	window_view_release(&s->view);
	window_release(&s->w);
	profile_free(s->p);
}

/* SGR sequences taken out. */
static void strip(struct buf *out)
{
	size_t size = 0;

	for (size_t i = 0; i < out->size; i++) {
		if (out->data[i] == '\033')
			while (out->data[i] != 'm')
				i++;
		else
			out->data[size++] = out->data[i];
	}
	out->size = size;
	out->data[size] = '\0';
}

static void screen(struct scene *s, struct buf *out, unsigned width,
		   unsigned height)
{
	buf_clear(out);
	cr_assert(!top_screen(out, &s->data, &s->choice, width, height, &err));
	strip(out);
}

static unsigned lines_of(const struct buf *out)
{
	unsigned nr = 1;

	for (size_t i = 0; i < out->size; i++)
		nr += out->data[i] == '\n';
	return nr;
}

static bool fits(const struct buf *out, size_t width)
{
	struct safe_scope scope;
	char *copy = strdup(buf_str(out)), *rest = copy, *line;
	bool fit = true;

	safe_enter(&scope);
	while ((line = strsep(&rest, "\n")))
		fit = fit && safe_width(line) <= width;
	safe_leave(&scope);
	free(copy);
	return fit;
}

static bool has(const struct buf *out, const char *text)
{
	return strstr(buf_str(out), text) != NULL;
}

Test(render_top, every_view_fits_every_size)
{
	struct scene s;
	struct buf out = { 0 };

	begin(&s);
	watch(&s, "a_function_with_a_name_that_is_longer_than_any_screen_is_wi"
		  "de_and_then_some_more_of_it_to_be_sure");
	sum_up(&s);
	for (int view = 0; view < TOP_VIEW_NR; view++)
		for (unsigned width = 1; width < 220; width += 9)
			for (unsigned height = 1; height < 60; height += 7) {
				s.choice.view = (enum top_view)view;
				screen(&s, &out, width, height);
				cr_assert(fits(&out, width), "%d: %u", view,
					  width);
				cr_assert_geq(lines_of(&out), height);
				if (height > 7)
					cr_assert_eq(lines_of(&out), height);
			}
	buf_release(&out);
	end(&s);
}

Test(render_top, the_first_lines_say_what_and_how_much)
{
	struct scene s;
	struct buf out = { 0 };

	begin(&s);
	watch(&s, "hot");
	sum_up(&s);
	screen(&s, &out, 80, 24);
	cr_assert(has(&out, "100 python3 work.py --all"));
	cr_assert(has(&out, "CPython 3.13.0 \xc2\xb7 watched 61 s"));
	cr_assert(has(&out, "GIL held 97 %"));
	cr_assert(has(&out, "2 threads"));
	cr_assert(has(&out, "1000/1000 Hz"));
	cr_assert(has(&out, "last 1.0 s"));
	cr_assert(has(&out, "it computes all the time"));
	cr_assert(has(&out, "% of wall time, 2 threads"));
	cr_assert(has(&out, "hot"));
	buf_release(&out);
	end(&s);
}

Test(render_top, threads_show_states_gil_and_where_they_are)
{
	struct scene s;
	struct buf out = { 0 };

	begin(&s);
	watch(&s, "hot");
	sum_up(&s);
	s.choice.view = TOP_THREADS;
	screen(&s, &out, 120, 24);
	cr_assert(has(&out, "holds"));
	cr_assert(has(&out, "97  hot work.py:9"));
	cr_assert(has(&out, "wait queue.py:4"));
	/* The one that computes comes first. */
	cr_assert_lt(strstr(buf_str(&out), "MainThread"),
		     strstr(buf_str(&out), "worker-1"));
	s.choice.order[TOP_THREADS] = 2;
	screen(&s, &out, 120, 24);
	cr_assert(has(&out, "MainThread"));
	buf_release(&out);
	end(&s);
}

Test(render_top, hostile_names_stay_text)
{
	struct scene s;
	struct buf out = { 0 };
	struct buf raw = { 0 };

	begin(&s);
	profile_set_meta(s.p, META_COMMAND, "python3 \033[2J\xff\n.py");
	s.p->threads.at[1].name = sketch_string(s.p, "w\033]0;x\007");
	watch(&s, "f\033[31m\xe2\x80\xae");
	sum_up(&s);
	for (int view = 0; view < TOP_VIEW_NR; view++) {
		s.choice.view = (enum top_view)view;
		buf_clear(&raw);
		cr_assert(!top_snapshot(&raw, &s.data, &s.choice, 120, false,
					10, &err));
		cr_assert_null(strchr(buf_str(&raw), '\033'));
		cr_assert_null(strchr(buf_str(&raw), '\007'));
		screen(&s, &out, 80, 24);
		cr_assert_eq(lines_of(&out), 24);
	}
	cr_assert(has(&raw, "f\\x1b[31m\\u202e"));
	buf_release(&raw);
	buf_release(&out);
	end(&s);
}

Test(render_top, processes_are_a_tree)
{
	struct scene s;
	struct buf out = { 0 };
	uint32_t child, thread;

	begin(&s);
	child = profile_add_process(s.p, 200, 0, 0);
	s.p->processes.at[child].command = sketch_string(s.p, "python3 child");
	thread = profile_add_thread(s.p, child, 200, 0);
	cr_assert_eq(thread, 2);
	watch(&s, "hot");
	sum_up(&s);
	s.choice.view = TOP_PROCESSES;
	screen(&s, &out, 100, 24);
	cr_assert(has(&out, "12.3 MB"));
	cr_assert(has(&out, "asleep"));
	cr_assert(has(&out, "\xe2\x94\x94 python3 child"));
	s.choice.order[TOP_PROCESSES] = 2;
	screen(&s, &out, 100, 24);
	cr_assert(!has(&out, "\xe2\x94\x94"));
	buf_release(&out);
	end(&s);
}

Test(render_top, scrolling_stops_at_the_end)
{
	struct scene s;
	struct buf out = { 0 };

	begin(&s);
	for (int i = 0; i < 40; i++) {
		char name[20];

		snprintf(name, sizeof(name), "function_%02d", i);
		watch(&s, name);
	}
	sum_up(&s);
	s.choice.first[TOP_FUNCTIONS] = 1000000;
	screen(&s, &out, 80, 24);
	cr_assert_leq(s.choice.first[TOP_FUNCTIONS], 41 - (24 - 7));
	cr_assert_gt(s.choice.first[TOP_FUNCTIONS], 0);
	s.choice.view = TOP_THREADS;
	s.choice.selected = 9;
	screen(&s, &out, 80, 24);
	cr_assert_eq(s.choice.selected, 1);
	s.choice.thread = 77;
	screen(&s, &out, 80, 24);
	cr_assert_eq(s.choice.thread, TOP_ALL_THREADS);
	buf_release(&out);
	end(&s);
}

Test(render_top, nothing_to_show_is_said)
{
	struct scene s;
	struct buf out = { 0 };

	begin(&s);
	sum_up(&s);
	for (int view = 0; view < TOP_VIEW_NR; view++) {
		s.choice.view = (enum top_view)view;
		screen(&s, &out, 80, 24);
		cr_assert_eq(lines_of(&out), 24);
	}
	s.choice.view = TOP_FUNCTIONS;
	screen(&s, &out, 80, 24);
	cr_assert(has(&out, "no stack was seen yet"));
	cr_assert(!has(&out, "nan") && !has(&out, "inf"));
	s.choice.help = true;
	screen(&s, &out, 80, 24);
	cr_assert(has(&out, "leave; the program runs on"));
	cr_assert_eq(lines_of(&out), 24);
	buf_release(&out);
	end(&s);
}

Test(render_top, orders_have_names)
{
	cr_assert_eq(top_order_find(TOP_FUNCTIONS, "total"), 1);
	cr_assert_eq(top_order_find(TOP_FUNCTIONS, "size"), TOP_ORDER_NR);
	cr_assert_str_eq(top_order_name(TOP_PROCESSES, 5), "memory");
}
