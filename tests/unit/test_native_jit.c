/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <elf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "native/jit_code.h"

#if defined(__aarch64__)
#define MACHINE EM_AARCH64
#else
#define MACHINE EM_X86_64
#endif

static size_t parse(struct jit_code *j, const char *text)
{
	return perf_map_parse(j, text, strlen(text));
}

static void check(struct jit_code *j, uint64_t addr, const char *expected)
{
	const char *name = jit_code_find(j, addr);

	cr_assert_str_eq(name ? name : "-", expected, "%#llx: %s",
			 (unsigned long long)addr, name ? name : "-");
}

Test(native_jit, a_perf_map_names_addresses)
{
	struct jit_code j = { 0 };

	parse(&j, "1000 10 py::f:/a b.py\n0x2000 0x20 other\r\n");
	check(&j, 0x0fff, "-");
	check(&j, 0x1000, "py::f:/a b.py");
	check(&j, 0x100f, "py::f:/a b.py");
	check(&j, 0x1010, "-");
	check(&j, 0x201f, "other");
	jit_code_release(&j);
}

Test(native_jit, half_a_line_waits_for_its_rest)
{
	struct jit_code j = { 0 };
	const char *text = "1000 10 f\n2000 10 gg";

	cr_assert_eq(parse(&j, text), 10);
	check(&j, 0x2000, "-");
	cr_assert_eq(parse(&j, "2000 10 gg\n"), 11);
	check(&j, 0x2000, "gg");
	jit_code_release(&j);
}

Test(native_jit, lines_that_make_no_sense_are_passed_over)
{
	struct jit_code j = { 0 };

	parse(&j, "\n \nxyz\n1000\n1000 \n1000 10\n1000 10 \nzz 10 f\n"
		  "11111111111111111 1 f\nffffffffffffffff 10 f\n1000 0 f\n"
		  "3000 10 good\n");
	cr_assert_eq(j.functions.nr, 1);
	check(&j, 0x3000, "good");
	jit_code_release(&j);
}

/* A line without end must not be kept waiting for for ever. */
Test(native_jit, a_line_without_end_is_given_up)
{
	struct jit_code j = { 0 };
	char *text = malloc(100000);

	memset(text, 'a', 100000);
	cr_assert_eq(perf_map_parse(&j, text, 1000), 0);
	cr_assert_eq(perf_map_parse(&j, text, 100000), 100000);
	free(text);
	jit_code_release(&j);
}

/* Code is thrown away and its place given to something else. */
Test(native_jit, the_newest_word_about_an_address_counts)
{
	struct jit_code j = { 0 };

	parse(&j, "1000 100 old\n2000 10 x\n");
	check(&j, 0x1080, "old");
	parse(&j, "1000 10 new\n1070 20 newer\n");
	check(&j, 0x1000, "new");
	check(&j, 0x1080, "newer");
	check(&j, 0x2000, "x");
	jit_code_release(&j);
}

/* ---------------------------------------------------------------- jitdump */

struct bytes {
	struct buf b;
	size_t there; /* so much of it was written so far */
};

static size_t read_bytes(void *arg, uint64_t offset, void *to, size_t size)
{
	const struct bytes *b = arg;

	if (offset >= b->there)
		return 0;
	if (size > b->there - offset)
		size = b->there - offset;
	memcpy(to, b->b.data + offset, size);
	return size;
}

static void add32(struct bytes *b, uint32_t value)
{
	buf_add(&b->b, &value, sizeof(value));
}

static void add64(struct bytes *b, uint64_t value)
{
	buf_add(&b->b, &value, sizeof(value));
}

static void add_head(struct bytes *b, uint32_t machine)
{
	add32(b, 0x4A695444);
	add32(b, 1);
	add32(b, 40);
	add32(b, machine);
	add64(b, 0);
	add64(b, 0);
	add64(b, 0);
	b->there = b->b.size;
}

static void add_load(struct bytes *b, uint64_t addr, const char *name)
{
	add32(b, 0);
	add32(b, (uint32_t)(56 + strlen(name) + 1 + 16));
	add64(b, 0);
	add64(b, 0);
	add64(b, addr);
	add64(b, addr);
	add64(b, 16);
	add64(b, 1);
	buf_add(&b->b, name, strlen(name) + 1);
	buf_add(&b->b, "codecodecodecode", 16);
	b->there = b->b.size;
}

static void add_move(struct bytes *b, uint64_t from, uint64_t to)
{
	add32(b, 1);
	add32(b, 64);
	add64(b, 0);
	add64(b, 0);
	add64(b, to);
	add64(b, from);
	add64(b, to);
	add64(b, 16);
	add64(b, 1);
	b->there = b->b.size;
}

Test(native_jit, a_jitdump_names_addresses_as_it_grows)
{
	struct bytes b = { 0 };
	struct jitdump_reader reader = { read_bytes, &b };
	struct jit_code j = { 0 };
	struct jitdump d = { 0 };

	jitdump_parse(&d, &reader, &j);
	add_head(&b, MACHINE);
	add_load(&b, 0x1000, "first");
	jitdump_parse(&d, &reader, &j);
	check(&j, 0x1008, "first");
	add_load(&b, 0x2000, "second");
	b.there -= 5; /* still being written */
	jitdump_parse(&d, &reader, &j);
	check(&j, 0x2000, "-");
	b.there += 5;
	jitdump_parse(&d, &reader, &j);
	check(&j, 0x2000, "second");
	add_move(&b, 0x2000, 0x3000);
	add_move(&b, 0x7000, 0x8000);
	jitdump_parse(&d, &reader, &j);
	check(&j, 0x3000, "second");
	check(&j, 0x8000, "-");
	jit_code_release(&j);
	buf_release(&b.b);
}

Test(native_jit, a_jitdump_of_another_machine_is_refused)
{
	struct bytes b = { 0 };
	struct jitdump_reader reader = { read_bytes, &b };
	struct jit_code j = { 0 };
	struct jitdump d = { 0 };

	add_head(&b, EM_S390);
	add_load(&b, 0x1000, "first");
	jitdump_parse(&d, &reader, &j);
	cr_assert(d.refused);
	check(&j, 0x1000, "-");
	jit_code_release(&j);
	buf_release(&b.b);
}

Test(native_jit, a_jitdump_record_without_size_ends_the_reading)
{
	struct bytes b = { 0 };
	struct jitdump_reader reader = { read_bytes, &b };
	struct jit_code j = { 0 };
	struct jitdump d = { 0 };

	add_head(&b, MACHINE);
	add64(&b, 0);
	add64(&b, 0);
	b.there = b.b.size;
	jitdump_parse(&d, &reader, &j);
	cr_assert(d.refused);
	jit_code_release(&j);
	buf_release(&b.b);
}
