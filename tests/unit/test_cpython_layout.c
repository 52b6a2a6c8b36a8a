/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "cpython/process.h"
#include "cpython/task_layout.h"

static struct py_layout constant_layout(uint32_t version)
{
	const struct py_layout_source *source;
	struct py_layout l = { 0 };
	struct err err;

	cr_assert_eq(py_layout_find(version, &source, &err), ERR_OK);
	cr_assert_eq(source->table_size, 0);
	source->fill(&l, NULL);
	return l;
}

Test(cpython_layout, every_constant_layout_is_sound)
{
	const uint32_t versions[] = { 0x03090000, 0x030a0000, 0x030b07f0,
				      0x030c01f0 };
	struct err err;

	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		struct py_layout l = constant_layout(versions[i]);

		cr_assert_eq(py_layout_check(&l, &err), ERR_OK, "%s", err.msg);
	}
}

Test(cpython_layout, an_offset_past_the_end_is_refused)
{
	struct py_layout l = constant_layout(0x030b07f0);
	struct err err;

	l.frame_previous = l.frame_size;
	cr_assert_eq(py_layout_check(&l, &err), ERR_CORRUPT);
	cr_assert_not_null(strstr(err.msg, "frame.previous"));
}

/* offset + width must not wrap round to a small number and pass. */
Test(cpython_layout, an_offset_that_would_overflow_is_refused)
{
	struct py_layout l = constant_layout(0x030b07f0);
	struct err err;

	l.thread_next = UINT32_MAX - 7;
	cr_assert_eq(py_layout_check(&l, &err), ERR_CORRUPT);
}

Test(cpython_layout, a_misaligned_offset_is_refused)
{
	struct py_layout l = constant_layout(0x030b07f0);
	struct err err;

	l.code_filename += 1;
	cr_assert_eq(py_layout_check(&l, &err), ERR_CORRUPT);
}

Test(cpython_layout, structures_of_impossible_size_are_refused)
{
	struct py_layout l = constant_layout(0x030b07f0);
	struct err err;

	l.frame_size = PY_FRAME_SIZE_MAX + 8;
	cr_assert_eq(py_layout_check(&l, &err), ERR_CORRUPT);
	l.frame_size = 0;
	cr_assert_eq(py_layout_check(&l, &err), ERR_CORRUPT);
}

/* The top of the data stack, which is read too, was not asked for. */
Test(cpython_layout, what_is_read_next_to_a_field_lies_inside_as_well)
{
	struct py_layout l = constant_layout(0x030b07f0);
	struct err err;

	l.thread_datastack_chunk = l.thread_size - 16;
	cr_assert_eq(py_layout_check(&l, &err), ERR_OK, "%s", err.msg);
	l.thread_datastack_chunk = l.thread_size - 8;
	cr_assert_eq(py_layout_check(&l, &err), ERR_CORRUPT);
	cr_assert_not_null(strstr(err.msg, "thread.datastack_chunk"));
}

/* As asyncio publishes them, with the node of its lists at `node`. */
static int check_task_layout(uint32_t node, struct err *err)
{
	struct py_process p = { .layout.version = 0x030e00f0 };
	struct py_task_layout l = { 0 };
	uint64_t section[16];

	/* Sizes and fields of zero are sound where nothing else is said. */
	for (size_t i = 0; i < sizeof(section) / sizeof(section[0]); i++)
		section[i] = 64;
	section[0] = PY_TASK_SIZE_MAX;
	section[6] = node;
	section[7] = section[9] = 128;
	l.gen_size = l.frame_size = l.set_size = l.tuple_size = 64;
	l.thread_dict = PY_ABSENT;
	section[3] = 68; /* the state is the word of four bytes before */
	return py_task_layout_add(&p, &l, section, err);
}

/* A task at the end of its object has one of the two words of its node. */
Test(cpython_layout, a_node_of_a_list_of_tasks_is_two_words)
{
	struct err err;

	cr_assert_eq(check_task_layout(PY_TASK_SIZE_MAX - 16, &err), ERR_OK,
		     "%s", err.msg);
	cr_assert_eq(check_task_layout(PY_TASK_SIZE_MAX - 8, &err),
		     ERR_CORRUPT);
	cr_assert_not_null(strstr(err.msg, "task.node"));
}

static uint32_t *field(struct py_layout *l, unsigned i)
{
	uint32_t *const fields[] = {
#define X(group, name, width) &l->group##_##name,
		PY_LAYOUT_FIELDS(X)
#undef X
#define X(group) &l->group##_size,
			PY_LAYOUT_GROUPS(X)
#undef X
	};

	return fields[i % (sizeof(fields) / sizeof(fields[0]))];
}

/* Whatever a process publishes: refused, or safe to use unchecked. */
Test(cpython_layout, what_passes_the_check_is_safe_to_use)
{
	unsigned state = 7, accepted = 0, refused = 0;
	struct err err;

	for (unsigned round = 0; round < 30000; round++) {
		struct py_layout l = constant_layout(0x030b07f0);

		state = state * 1103515245u + 12345u;
		*field(&l, round) = state % 3 ? state >> 20 & 0x1ff : state;
		if (py_layout_check(&l, &err)) {
			refused++;
			continue;
		}
		accepted++;
		cr_assert_leq(l.thread_frame + 8, l.thread_size);
		cr_assert_leq(l.thread_datastack_chunk + 16, l.thread_size);
		cr_assert_leq(l.frame_previous + 8, l.frame_size);
		cr_assert_leq(l.frame_owner + 1, l.frame_size);
		cr_assert_leq(l.frame_size, PY_FRAME_SIZE_MAX);
		cr_assert_leq(l.code_filename + 8, l.code_size);
		cr_assert_leq(l.code_size, PY_CODE_SIZE_MAX);
		cr_assert_leq(l.cframe_current_frame + 8, l.cframe_size);
	}
	cr_assert_gt(accepted, 1000);
	cr_assert_gt(refused, 1000);
}

/* Tables made of noise: all that matters is that nothing is overrun. */
Test(cpython_layout, any_published_table_is_survived)
{
	const uint32_t versions[] = { 0x030d00f0, 0x030e00f0, 0x030f00f0 };
	unsigned state = 7;
	struct err err;

	for (unsigned round = 0; round < 3000; round++) {
		const struct py_layout_source *source;
		struct py_layout l = { 0 };
		uint64_t *table;

		cr_assert_eq(py_layout_find(versions[round % 3], &source, &err),
			     ERR_OK);
		table = malloc(source->table_size);
		cr_assert_not_null(table);
		for (size_t i = 0; i < source->table_size / 8; i++) {
			state = state * 1103515245u + 12345u;
			table[i] = ~(uint64_t)0 - state;
		}
		source->fill(&l, table);
		cr_assert_eq(py_layout_check(&l, &err), ERR_CORRUPT);
		free(table);
	}
}

Test(cpython_layout, versions_that_tare_does_not_know_are_refused_with_advice)
{
	const struct py_layout_source *source;
	struct err err;

	cr_assert_eq(py_layout_find(0x030800f0, &source, &err),
		     ERR_UNSUPPORTED);
	cr_assert_not_null(strstr(err.msg, "3.8.0"));
	cr_assert_not_null(strstr(err.hint, "3.9"));
	cr_assert_eq(py_layout_find(0x031000f0, &source, &err),
		     ERR_UNSUPPORTED);
	cr_assert_not_null(strstr(err.hint, "upgrade"));
}

Test(cpython_layout, alphas_and_betas_are_refused_and_candidates_are_not)
{
	const struct py_layout_source *source;
	struct err err;

	cr_assert_eq(py_layout_find(0x030f00a3, &source, &err),
		     ERR_UNSUPPORTED);
	cr_assert_not_null(strstr(err.msg, "3.15.0a3"));
	cr_assert_eq(py_layout_find(0x030f00b1, &source, &err),
		     ERR_UNSUPPORTED);
	cr_assert_eq(py_layout_find(0x030f00c1, &source, &err), ERR_OK);
}
