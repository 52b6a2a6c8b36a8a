/* SPDX-License-Identifier: MIT */
/*
 * Captured processes that ran tests/captures/waiter.py, each read as a live one
 * would be: the tasks and the garbage collector. Taken with read_tasks of
 * tests/live.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpython/code.h"
#include "cpython/collector.h"
#include "cpython/process.h"
#include "cpython/tasks.h"
#include "target/target.h"

static void read_file(const char *series, struct buf *out)
{
	const char *root = getenv("TARE_SOURCE_ROOT");
	char path[4096], bytes[4096];
	size_t got;
	FILE *f;

	snprintf(path, sizeof(path),
		 "%s/tests/captures/processes/asyncio-%s.snap",
		 root ? root : ".", series);
	f = fopen(path, "rb");
	cr_assert_not_null(f);
	while ((got = fread(bytes, 1, sizeof(bytes), f)))
		buf_add(out, bytes, got);
	fclose(f);
}

static void open_bytes(const struct buf *file, struct target **target,
		       struct py_process *process, struct py_threads *threads)
{
	struct err err;

	memset(threads, 0, sizeof(*threads));
	cr_assert_eq(target_open_snapshot_bytes(target, buf_str(file),
						file->size, &err),
		     ERR_OK, "%s", err.msg);
	cr_assert_eq(py_process_open(process, *target, &err), ERR_OK, "%s",
		     err.msg);
	cr_assert_eq(py_threads_read(process, threads, &err), ERR_OK, "%s",
		     err.msg);
}

static void put_word(struct buf *file, uint64_t addr, const void *value,
		     uint32_t size)
{
	buf_add_char(file, 'r');
	buf_add_varint(file, addr);
	buf_add_varint(file, size);
	buf_add(file, value, size);
}

static const struct py_task *find(const struct py_tasks *t, const char *name)
{
	for (uint32_t i = 0; i < t->task.nr; i++)
		if (!strcmp(t->text.data + t->task.at[i].name, name))
			return &t->task.at[i];
	return NULL;
}

static void print_frames(struct py_process *p, const struct py_tasks *t,
			 const struct py_task *one, struct buf *out)
{
	buf_clear(out);
	for (uint32_t i = 0; i < one->frame_nr; i++) {
		const struct py_frame *f = &t->frames.at[one->frame + i];
		struct py_code code;
		struct err err;
		int32_t offset;

		cr_assert_eq(py_code_read(p, f->code_addr, &code, &err), ERR_OK,
			     "%s", err.msg);
		cr_assert(py_code_offset(&p->layout, &code, f->instr, &offset));
		buf_printf(out, "%s:%u ", code.name,
			   py_code_line(&p->layout, &code, offset));
		py_code_release(&code);
	}
}

static const struct {
	const char *name, *frames, *awaiter;
} expected[] = {
	{ "Task-1", "main:35 ", NULL },
	{ "nested",
	  "leaf:9 numbers:14 nested:21 nested:19 nested:19 nested:19 ",
	  "Task-1" },
	{ "größer", "leaf:9 ", "group" },
	{ "other", "leaf:9 ", "group" },
};

static void check_tasks(struct py_process *p, const struct py_tasks *t)
{
	struct buf text = { 0 };

	cr_assert_eq(t->task.nr, 5);
	cr_assert_not(t->torn);
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		const struct py_task *one = find(t, expected[i].name);

		cr_assert_not_null(one, "%s", expected[i].name);
		cr_assert_eq(one->state, PY_TASK_WAITING);
		cr_assert_eq(one->waits, PY_WAITS_FUTURE);
		cr_assert_not(one->moved || one->cut || one->opaque);
		print_frames(p, t, one, &text);
		cr_assert_str_eq(buf_str(&text), expected[i].frames);
		cr_assert_eq(one->awaiter_nr, expected[i].awaiter != NULL);
		if (expected[i].awaiter)
			cr_assert_eq(t->awaiters.at[one->awaiter].addr,
				     find(t, expected[i].awaiter)->addr);
	}
	cr_assert_not_null(find(t, "group"));
	cr_assert_eq(t->loop.nr, 1);
	cr_assert_neq(t->loop.at[0].thread_addr, 0);
	cr_assert_eq(t->loop.at[0].addr, t->task.at[0].loop);
	buf_release(&text);
}

static void check(const char *series)
{
	struct py_tasks_reader *reader;
	struct py_threads threads;
	struct py_process process;
	struct target *target;
	struct buf file = { 0 };
	struct err err;

	read_file(series, &file);
	open_bytes(&file, &target, &process, &threads);
	reader = py_tasks_new(&process);
	cr_assert_not_null(reader);
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(py_tasks_read(reader, &threads, &err), ERR_OK,
			     "%s", err.msg);
		check_tasks(&process, py_tasks_last(reader));
		cr_assert_eq(py_tasks_last(reader)->task.at[0].same, i > 0);
	}
	py_tasks_free(reader);
	py_threads_release(&threads);
	target_close(target);
	buf_release(&file);
}

Test(cpython_tasks, of_3_12_are_read)
{
	check("3.12");
}

Test(cpython_tasks, of_3_13_are_read)
{
	check("3.13");
}

Test(cpython_tasks, of_3_14_are_read)
{
	check("3.14");
}

Test(cpython_tasks, of_3_15_are_read)
{
	check("3.15");
}

/* ---- the collector ------------------------------------------------------ */

static enum py_collecting judge(const struct buf *file)
{
	struct target_piece piece;
	struct py_threads threads;
	struct py_process process;
	struct py_collector c;
	struct target *target;
	struct err err;
	unsigned done;

	open_bytes(file, &target, &process, &threads);
	cr_assert_eq(
		py_collector_open(&c, &process, threads.interp.at[0], &err),
		ERR_OK, "%s", err.msg);
	py_collector_plan(&c, &piece);
	cr_assert_eq(target_readv(target, &piece, 1, &done, &err), ERR_OK);
	py_threads_release(&threads);
	target_close(target);
	return py_collector_judge(&c, done == 1);
}

/* Where the collector of a capture is. */
static struct py_collector collector_of(const struct buf *file)
{
	struct py_threads threads;
	struct py_process process;
	struct py_collector c;
	struct target *target;
	struct err err;

	open_bytes(file, &target, &process, &threads);
	cr_assert_eq(
		py_collector_open(&c, &process, threads.interp.at[0], &err),
		ERR_OK, "%s", err.msg);
	py_threads_release(&threads);
	target_close(target);
	return c;
}

/* waiter.py collects the three generations so often itself. */
static void check_counts(const struct buf *file)
{
	static const uint64_t least[PY_GENERATIONS] = { 3, 2, 1 };
	struct py_collections n[PY_GENERATIONS];
	struct py_threads threads;
	struct py_process process;
	struct py_collector c;
	struct target *target;
	struct err err;

	open_bytes(file, &target, &process, &threads);
	cr_assert_eq(
		py_collector_open(&c, &process, threads.interp.at[0], &err),
		ERR_OK);
	cr_assert_eq(py_collector_count(&c, n, &err), ERR_OK, "%s", err.msg);
	for (int i = 0; i < PY_GENERATIONS; i++) {
		cr_assert_geq(n[i].nr, least[i]);
		cr_assert_lt(n[i].nr, 100);
	}
	py_threads_release(&threads);
	target_close(target);
}

static void check_collector(const char *series)
{
	static const struct {
		int32_t counts[PY_GENERATIONS];
		enum py_collecting is;
	} rows[] = {
		{ { 0, 1, 3 }, PY_COLLECTING_0 },
		{ { 7, 1, 0 }, PY_COLLECTING_0 },
		{ { 0, 0, 1 }, PY_COLLECTING_1 },
		{ { 9, 0, 0 }, PY_COLLECTING_2 },
	};
	const int32_t yes = 1;
	struct buf file = { 0 };
	struct py_collector c;

	read_file(series, &file);
	cr_assert_eq(judge(&file), PY_COLLECTING_NO);
	check_counts(&file);
	c = collector_of(&file);
	put_word(&file, c.addr + c.layout.collecting, &yes, sizeof(yes));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (int k = 0; k < PY_GENERATIONS; k++)
			put_word(&file, c.addr + c.count[k], &rows[i].counts[k],
				 sizeof(int32_t));
		cr_assert_eq(judge(&file), rows[i].is);
	}
	buf_release(&file);
}

Test(cpython_tasks, the_generation_that_is_collected_follows_from_the_counts)
{
	check_collector("3.12");
	check_collector("3.13");
	check_collector("3.14");
	check_collector("3.15");
}

Test(cpython_tasks, a_collector_of_another_size_has_no_generations)
{
	struct buf file = { 0 };
	struct py_threads threads;
	struct py_process process;
	struct target *target;
	uint64_t table[128], size = 240;
	struct err err;
	unsigned i = 0;

	/* The size is followed by where the flag is: 264, 192 in 3.14.10. */
	read_file("3.14", &file);
	open_bytes(&file, &target, &process, &threads);
	cr_assert_eq(
		target_read(target, process.runtime_addr, table, 85 * 8, &err),
		ERR_OK);
	while (i < 84 && (table[i] != 264 || table[i + 1] != 192))
		i++;
	cr_assert_lt(i, 84);
	put_word(&file, process.runtime_addr + i * 8, &size, sizeof(size));
	py_threads_release(&threads);
	target_close(target);
	cr_assert_eq(collector_of(&file).count[1], PY_ABSENT);
	cr_assert_eq(judge(&file), PY_COLLECTING_NO);
	buf_release(&file);
}

/* ---- hostile memory ----------------------------------------------------- */

static void survive(const struct buf *file)
{
	struct py_threads threads = { 0 };
	struct py_tasks_reader *reader;
	struct py_process process;
	struct target *target;
	struct err err;

	if (target_open_snapshot_bytes(&target, buf_str(file), file->size,
				       &err))
		return;
	if (!py_process_open(&process, target, &err) &&
	    !py_threads_read(&process, &threads, &err)) {
		reader = py_tasks_new(&process);
		for (int i = 0; reader && i < 3; i++)
			(void)!py_tasks_read(reader, &threads, &err);
		py_tasks_free(reader);
	}
	py_threads_release(&threads);
	target_close(target);
}

static void damage(const char *series)
{
	struct buf file = { 0 };
	uint32_t random = 1;

	read_file(series, &file);
	for (int i = 0; i < 300; i++) {
		size_t at;
		char kept;

		random = random * 1664525u + 1013904223u;
		/* The map comes first, and is not of interest here. */
		at = file.size / 3 +
		     (random >> 4) % (file.size - file.size / 3);
		kept = file.data[at];
		file.data[at] = (char)(random >> 24);
		survive(&file);
		if (i % 3)
			file.data[at] = kept;
	}
	buf_release(&file);
}

Test(cpython_tasks, damage_to_a_capture_is_survived, .timeout = 100)
{
	damage("3.12");
	damage("3.15");
}

/*
 * The state of a coroutine is published to be behind all that was read of one:
 * it has to be read from there, not from whatever follows in our memory.
 */
Test(cpython_tasks, the_state_of_a_coroutine_may_lie_behind_its_frame)
{
	const uint64_t elsewhere = 504;
	const int8_t awaiting = -1;
	struct buf file = { 0 };
	struct py_tasks_reader *reader;
	struct py_threads threads;
	struct py_process process;
	struct target *target;
	const struct py_layout_source *source;
	uint64_t *table, size = 512;
	const struct py_task *one;
	struct err err;
	unsigned i = 0;

	/* Size, name, frame and state of a generator of 3.14. */
	read_file("3.14", &file);
	open_bytes(&file, &target, &process, &threads);
	cr_assert_eq(py_process_read_table(&process, &source, &table, &err),
		     ERR_OK);
	while ((i + 4) * 8 < source->table_size &&
	       (table[i + 2] != 72 || table[i + 3] != 67))
		i++;
	cr_assert_eq(table[i + 3], 67);
	free(table);
	reader = py_tasks_new(&process);
	cr_assert_eq(py_tasks_read(reader, &threads, &err), ERR_OK);
	one = find(py_tasks_last(reader), "other");
	put_word(&file, process.runtime_addr + i * 8, &size, sizeof(size));
	put_word(&file, process.runtime_addr + (i + 3) * 8, &elsewhere,
		 sizeof(elsewhere));
	put_word(&file, one->coro + elsewhere, &awaiting, sizeof(awaiting));
	py_tasks_free(reader);
	py_threads_release(&threads);
	target_close(target);
	open_bytes(&file, &target, &process, &threads);
	reader = py_tasks_new(&process);
	cr_assert_eq(py_tasks_read(reader, &threads, &err), ERR_OK);
	one = find(py_tasks_last(reader), "other");
	cr_assert_eq(one->frame_nr, 1);
	py_tasks_free(reader);
	py_threads_release(&threads);
	target_close(target);
	buf_release(&file);
}

/* A coroutine that awaits itself: the chain ends at a bound. */
static void loop_back(const char *series)
{
	struct py_tasks_reader *reader;
	const struct py_tasks *tasks;
	struct py_threads threads;
	struct py_process process;
	struct target *target;
	struct buf file = { 0 };
	const struct py_task *one;
	uint64_t coro, words[40];
	struct err err;

	read_file(series, &file);
	open_bytes(&file, &target, &process, &threads);
	reader = py_tasks_new(&process);
	cr_assert_eq(py_tasks_read(reader, &threads, &err), ERR_OK);
	one = find(py_tasks_last(reader), "nested");
	coro = one->coro;
	cr_assert_eq(target_read(target, coro, words, sizeof(words), &err),
		     ERR_OK);
	py_tasks_free(reader);
	py_threads_release(&threads);
	target_close(target);
	/* Whatever word behind the frame's head names the awaited one. */
	for (unsigned i = 19; i < 30; i++)
		put_word(&file, coro + i * 8, &coro, sizeof(coro));
	open_bytes(&file, &target, &process, &threads);
	reader = py_tasks_new(&process);
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(py_tasks_read(reader, &threads, &err), ERR_OK);
		tasks = py_tasks_last(reader);
		one = find(tasks, "nested");
		cr_assert(one->cut);
		cr_assert_eq(one->frame_nr, PY_TASK_DEPTH_MAX);
	}
	py_tasks_free(reader);
	py_threads_release(&threads);
	target_close(target);
	buf_release(&file);
}

Test(cpython_tasks, a_coroutine_that_awaits_itself_is_cut)
{
	loop_back("3.12");
	loop_back("3.14");
	loop_back("3.15");
}
