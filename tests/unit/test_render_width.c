/* SPDX-License-Identifier: MIT */
/*
 * Properties of whatever is rendered, over profiles made by chance out of
 * hostile names: no line is wider than the page, and nothing but printable
 * UTF-8 comes out.
 */
#include <criterion/criterion.h>
#include <wchar.h>

#include "base/utf8.h"
#include "render/report.h"
#include "render/safe_text.h"
#include "sketch.h"

static const char *const parts[] = {
	"work",
	"Class.method",
	".<locals>.",
	"/usr/lib/python3.13/",
	"/site-packages/",
	"\xe8\xa8\x88\xe7\xae\x97",
	"\xc3\xbc",
	"e\xcc\x81",
	"\xcc\x81",
	"\033[31m",
	"\033]0;x\007",
	"\n",
	"\r",
	"\t",
	" ",
	"\xe2\x80\xae",
	"\xff\xfe",
	"\xc2\x9b",
	"\xf0\x9f\x90\x8d",
	"\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb",
	"\xef\xb8\x8f",
	"a_very_long_name_that_takes_nearly_all_of_a_narrow_line",
};

#define PART_NR (sizeof(parts) / sizeof(parts[0]))

static uint32_t hostile(struct profile *p)
{
	struct buf text = { 0 };
	uint32_t id;

	for (int nr = rand() % 9; nr > 0; nr--)
		buf_add_str(&text, parts[(size_t)rand() % PART_NR]);
	id = sketch_string(p, buf_str(&text));
	buf_release(&text);
	return id;
}

/* A copy: interning moves the text of a profile. */
static char *hostile_copy(struct profile *p)
{
	return strdup(profile_text(p, hostile(p)));
}

static void set_hostile(struct profile *p, const char *key)
{
	char *text = hostile_copy(p);

	profile_set_meta(p, key, text);
	free(text);
}

static void add_stacks(struct profile *p)
{
	for (int i = rand() % 30; i > 0; i--) {
		uint32_t name = hostile(p), file = hostile(p);
		uint32_t function =
			profile_function(p, name, file, (uint32_t)rand());
		uint32_t line = rand() % 4 ? (uint32_t)rand() : 0;
		uint32_t parent = (uint32_t)rand() % p->nodes.nr;
		char *source = hostile_copy(p);

		profile_node(p, parent, profile_frame(p, function, line));
		profile_add_source(p, file, line, source, strlen(source));
		free(source);
	}
}

static void add_awaits(struct profile *p)
{
	for (int i = rand() % 30; i > 0; i--) {
		uint32_t row = awaits_row(&p->awaits, 0,
					  (uint32_t)rand() % p->nodes.nr,
					  (enum await_kind)(rand() % AWAIT_NR));
		struct await_task t = {
			.name = hostile(p),
			.node = (uint32_t)rand() % p->nodes.nr,
			.kind = (enum await_kind)(rand() % AWAIT_NR),
			.done = rand() % 9 == 0,
			.awaiter = (uint32_t)rand() % 40,
		};

		p->awaits.rows.at[row].us = (uint64_t)rand() << rand() % 20;
		cr_assert(vec_push(&p->awaits.tasks, t));
	}
	if (p->awaits.rows.nr)
		sketch_readings(p, (uint64_t)rand() + 1, (uint64_t)rand());
}

static struct profile *by_chance(void)
{
	struct profile *p = sketch_new((uint64_t)rand() % 100000);

	set_hostile(p, META_COMMAND);
	set_hostile(p, META_DIRECTORY);
	set_hostile(p, META_PYTHON);
	set_hostile(p, META_EXIT);
	profile_set_meta(p, META_EXPECT,
			 "work=50%\nClass.method=1-2%\n\033[1m=3%\nnonsense");
	profile_set_meta(p, META_CPU_NR, "2");
	profile_set_meta(p, META_LOAD, rand() % 2 ? "2000.5" : "\033[1m");
	p->asked_hz = rand() % 2 ? 1e9 : 1000;
	process_set(&p->figures, PROCESS_USER_NS,
		    (uint64_t)rand() * (uint64_t)rand());
	process_set(&p->figures, PROCESS_SYS_NS, (uint64_t)rand());
	p->sampler_cpu_ns = (uint64_t)rand() * (uint64_t)rand();
	add_stacks(p);
	add_awaits(p);
	for (int i = rand() % 15; i > 0; i--) {
		uint32_t t = sketch_thread(p, rand(), "");

		p->threads.at[t].name = hostile(p);
		sketch_books(p, t, (uint64_t)rand() * 100, (uint64_t)rand());
		for (int c = rand() % 20; c > 0; c--)
			profile_add_count(
				p, t, (uint32_t)rand() % p->nodes.nr,
				(enum sample_quality)(rand() % 5),
				(enum thread_state)(rand() % STATE_NR),
				(uint64_t)rand());
	}
	return p;
}

static const char *skip_style(const char *at, bool colour)
{
	while (colour && at[0] == '\033' && at[1] == '[') {
		at += 2 + strspn(at + 2, "0123456789;");
		cr_assert_eq(*at, 'm');
		at++;
	}
	return at;
}

static void check_text(const char *text, const struct render_opts *opts)
{
	unsigned width = 0;
	uint32_t code, last = 'x';

	for (const char *at = text;; last = code) {
		size_t size;

		at = skip_style(at, opts->colour);
		if (!*at)
			break;
		size = utf8_decode(at, &code);
		cr_assert(size, "not UTF-8:\n%s", text);
		at += size;
		if (code == '\n') {
			width = 0;
			continue;
		}
		cr_assert(code >= 0x20 && !(code >= 0x7f && code < 0xa0));
		cr_assert(code < 0x202a || code > 0x202e);
		cr_assert_geq(wcwidth((wchar_t)code), 0);
		width += (unsigned)wcwidth((wchar_t)code);
		cr_assert_leq(width, opts->width, "wider than %u:\n%s",
			      opts->width, text);
	}
	cr_assert_eq(last, '\n');
}

static void check_one(struct safe_scope *scope)
{
	static const unsigned widths[] = { 60, 80, 100, 137, 200 };
	struct profile *p = by_chance();
	struct render_opts opts = {
		.width = widths[rand() % 5],
		.colour = rand() % 2,
		.limit = (unsigned)rand() % 30,
		.threads = rand() % 2,
	};
	struct buf out = { 0 };
	struct err err;
	char *path = hostile_copy(p);

	opts.path = rand() % 4 ? path : NULL;
	cr_assert_eq(render_report(&out, p, &opts, &err), ERR_OK);
	safe_enter(scope);
	check_text(buf_str(&out), &opts);
	safe_leave(scope);
	buf_clear(&out);
	cr_assert_eq(render_dump(&out, p, &opts, &err), ERR_OK);
	safe_enter(scope);
	check_text(buf_str(&out), &opts);
	safe_leave(scope);
	buf_release(&out);
	free(path);
	profile_free(p);
}

Test(render_width, no_line_is_wider_than_the_page_whatever_the_names)
{
	struct safe_scope scope;

	srand(5);
	for (int round = 0; round < 600; round++)
		check_one(&scope);
}
