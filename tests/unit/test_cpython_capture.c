/* SPDX-License-Identifier: MIT */
/*
 * One captured process of each CPython series, read as a live one would be:
 * they stand in where that interpreter cannot be had. Each ran
 * tests/captures/sleeper.py and was taken with `tare dump --snapshot`.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpython/attr.h"
#include "cpython/code.h"
#include "cpython/process.h"
#include "cpython/stack.h"
#include "target/target.h"

/* "leaf:13 generator:18 ...", the newest first; names as in 3.11. */
static const char main_stack[] =
	"leaf:13 generator:18 by_callback.<locals>.<lambda>:22 "
	"by_callback:22 Größe.method:29 Größe.method:28 Größe.method:28 "
	"Größe.method:28 main:35 <module>:38 ";

/* Before 3.11 code objects have no qualified name. */
static const char old_main_stack[] =
	"leaf:13 generator:18 <lambda>:22 by_callback:22 method:29 method:28 "
	"method:28 method:28 main:35 <module>:38 ";

static void open_capture(const char *series, struct target **target,
			 struct py_process *process)
{
	const char *root = getenv("TARE_SOURCE_ROOT");
	char path[4096];
	struct err err;

	snprintf(path, sizeof(path),
		 "%s/tests/captures/processes/cpython-%s.snap",
		 root ? root : ".", series);
	cr_assert_eq(target_open_snapshot(target, path, &err), ERR_OK, "%s",
		     err.msg);
	cr_assert_eq(py_process_open(process, *target, &err), ERR_OK, "%s",
		     err.msg);
}

static enum py_look look(struct py_process *p, struct py_reader *r)
{
	struct target_piece pieces[TARGET_PIECES_MAX];
	enum py_look look = PY_LOOK_AGAIN;
	struct err err;

	for (int i = 0; i < 16 && look == PY_LOOK_AGAIN; i++) {
		unsigned done, nr;

		nr = py_stack_plan(r, pieces, TARGET_PIECES_MAX);
		cr_assert_gt(nr, 0);
		cr_assert_eq(target_readv(p->target, pieces, nr, &done, &err),
			     ERR_OK);
		cr_assert_eq(py_stack_judge(r, done, &look, &err), ERR_OK, "%s",
			     err.msg);
	}
	return look;
}

/* A letter for each frame of the last look, large for the oldest of a run. */
static void print_entries(const struct py_reader *r, char *out, size_t size)
{
	uint32_t nr, stable;
	bool is_entry[64];

	py_reader_frames(r, &nr, &stable);
	cr_assert_leq(nr, 64);
	cr_assert_lt(nr, size);
	py_reader_entries(r, is_entry);
	for (uint32_t i = 0; i < nr; i++)
		out[i] = (char)((is_entry[i] ? 'A' : 'a') + i);
	out[nr] = '\0';
}

static void print_stack(struct py_process *p, struct py_reader *r,
			struct buf *out)
{
	const struct py_frame *frames;
	uint32_t nr, stable;

	frames = py_reader_frames(r, &nr, &stable);
	cr_assert_eq(stable, nr);
	for (uint32_t i = 0; i < nr; i++) {
		struct py_code code;
		struct err err;
		int32_t offset;

		cr_assert_eq(py_code_read(p, frames[i].code_addr, &code, &err),
			     ERR_OK, "%s", err.msg);
		cr_assert(py_code_offset(&p->layout, &code, frames[i].instr,
					 &offset));
		buf_printf(out, "%s:%u ", code.name,
			   py_code_line(&p->layout, &code, offset));
		py_code_release(&code);
	}
}

/* Less is read of a stack that stays, and now and then all of it. */
static void check_again(struct py_process *p, struct py_reader *r,
			const char *expected)
{
	struct buf text = { 0 };
	char entries[64], now[64];

	print_entries(r, entries, sizeof(entries));
	for (int i = 0; i < 200; i++) {
		cr_assert_eq(look(p, r), PY_LOOK_WHOLE);
		buf_clear(&text);
		print_stack(p, r, &text);
		cr_assert_str_eq(buf_str(&text), expected);
		print_entries(r, now, sizeof(now));
		cr_assert_str_eq(now, entries);
	}
	buf_release(&text);
}

/* The thread's name, as Thread._bootstrap has it at hand. */
static void check_name(struct py_process *p, const struct py_reader *r,
		       const char *series)
{
	struct buf name = { 0 };
	uint64_t value;
	struct err err;

	if (!p->layout.frame_locals)
		return;
	cr_assert_eq(py_attr_read(p, py_reader_first_local(r), "_name", &value,
				  &err),
		     ERR_OK, "%s", err.msg);
	cr_assert_eq(py_read_text(p, value, &name, &err), ERR_OK, "%s",
		     err.msg);
	cr_assert_str_eq(buf_str(&name), strcmp(series, "3.9")
						 ? "Thread-1 (in_thread)"
						 : "Thread-1");
	cr_assert_neq(py_attr_read(p, py_reader_first_local(r), "_no_such",
				   &value, &err),
		      ERR_OK);
	buf_release(&name);
}

/*
 * From 3.11 on a Python function that another one calls stays in the same run
 * of the loop. The generator, which any() resumes, and the callback of sorted()
 * begin runs of their own, and the module is the oldest of all.
 */
static void check_entries(const struct py_reader *r, bool old)
{
	char entries[64];

	print_entries(r, entries, sizeof(entries));
	cr_assert_str_eq(entries, old ? "ABCDEFGHIJ" : "aBCdefghiJ");
}

static void check(const char *series)
{
	bool old = !strcmp(series, "3.9") || !strcmp(series, "3.10");
	struct py_threads threads = { 0 };
	struct py_process process;
	struct target *target;
	struct buf text = { 0 };
	struct err err;

	open_capture(series, &target, &process);
	cr_assert_eq(strncmp(process.version, series, strlen(series)), 0);
	cr_assert_eq(py_threads_read(&process, &threads, &err), ERR_OK, "%s",
		     err.msg);
	cr_assert_eq(threads.thread.nr, 2);
	for (uint32_t i = 0; i < 2; i++) {
		struct py_reader *r =
			py_reader_new(&process, threads.thread.at[i].addr);

		cr_assert_not_null(r);
		cr_assert_eq(look(&process, r), PY_LOOK_WHOLE);
		buf_clear(&text);
		print_stack(&process, r, &text);
		if (i == 1)
			cr_assert_str_eq(buf_str(&text),
					 old ? old_main_stack : main_stack);
		else
			cr_assert_not_null(
				strstr(buf_str(&text), "in_thread:9"), "%s",
				buf_str(&text));
		if (i == 1)
			check_entries(r, old);
		check_again(&process, r, buf_str(&text));
		if (i == 0)
			check_name(&process, r, series);
		py_reader_free(r);
	}
	buf_release(&text);
	py_threads_release(&threads);
	target_close(target);
}

Test(cpython_capture, of_3_9_is_read)
{
	check("3.9");
}

Test(cpython_capture, of_3_10_is_read)
{
	check("3.10");
}

Test(cpython_capture, of_3_11_is_read)
{
	check("3.11");
}

Test(cpython_capture, of_3_12_is_read)
{
	check("3.12");
}

Test(cpython_capture, of_3_13_is_read)
{
	check("3.13");
}

Test(cpython_capture, of_3_14_is_read)
{
	check("3.14");
}

Test(cpython_capture, of_3_15_is_read)
{
	check("3.15");
}

static void read_capture(const char *series, struct buf *out)
{
	const char *root = getenv("TARE_SOURCE_ROOT");
	char path[4096], bytes[4096];
	size_t got;
	FILE *f;

	snprintf(path, sizeof(path),
		 "%s/tests/captures/processes/cpython-%s.snap",
		 root ? root : ".", series);
	f = fopen(path, "rb");
	cr_assert_not_null(f);
	while ((got = fread(bytes, 1, sizeof(bytes), f)))
		buf_add(out, bytes, got);
	fclose(f);
}

/* Open a capture whose 64-bit word at the runtime + `offset` is `value`. */
static int open_changed(const char *series, uint64_t offset, uint64_t value,
			struct err *err)
{
	struct py_process process;
	struct buf file = { 0 };
	struct target *target;
	int rc;

	open_capture(series, &target, &process);
	target_close(target);
	read_capture(series, &file);
	buf_add_char(&file, 'r');
	buf_add_varint(&file, process.runtime_addr + offset);
	buf_add_varint(&file, sizeof(value));
	buf_add(&file, &value, sizeof(value));
	cr_assert_eq(target_open_snapshot_bytes(&target, buf_str(&file),
						file.size, err),
		     ERR_OK);
	buf_release(&file);
	rc = py_process_open(&process, target, err);
	target_close(target);
	return rc;
}

/* _Py_DebugOffsets begins with a cookie, the version and this flag. */
Test(cpython_capture, a_free_threaded_build_is_refused_in_one_clear_line)
{
	struct err err;

	cr_assert_eq(open_changed("3.15", 16, 1, &err), ERR_UNSUPPORTED);
	cr_assert_not_null(strstr(err.msg, "free-threaded CPython 3.15.2"));
	cr_assert_null(strchr(err.msg, '\n'));
	cr_assert_not_null(strstr(err.hint, "ordinary build"));
}

Test(cpython_capture, an_alpha_is_refused)
{
	struct err err;

	cr_assert_eq(open_changed("3.15", 8, 0x030f00a2, &err),
		     ERR_UNSUPPORTED);
	cr_assert_not_null(strstr(err.msg, "3.15.0a2"));
}

Test(cpython_capture, a_release_of_the_future_is_refused_with_advice)
{
	struct err err;

	cr_assert_eq(open_changed("3.15", 8, 0x031100f0, &err),
		     ERR_UNSUPPORTED);
	cr_assert_not_null(strstr(err.hint, "upgrade"));
}

/*
 * Whatever byte of a capture is wrong, reading it ends without a fault. (The
 * fuzz target goes further; this runs everywhere.)
 */
static void survive(const uint8_t *bytes, size_t size)
{
	struct target_piece pieces[TARGET_PIECES_MAX];
	struct py_threads threads = { 0 };
	struct py_process process;
	struct target *target;
	struct err err;

	if (target_open_snapshot_bytes(&target, bytes, size, &err))
		return;
	if (!py_process_open(&process, target, &err))
		(void)!py_threads_read(&process, &threads, &err);
	for (uint32_t i = 0; i < threads.thread.nr && i < 4; i++) {
		struct py_reader *r =
			py_reader_new(&process, threads.thread.at[i].addr);
		enum py_look look = PY_LOOK_AGAIN;
		unsigned done;

		for (int k = 0; r && k < 4 && look == PY_LOOK_AGAIN; k++) {
			unsigned nr =
				py_stack_plan(r, pieces, TARGET_PIECES_MAX);

			if (!nr ||
			    target_readv(target, pieces, nr, &done, &err) ||
			    py_stack_judge(r, done, &look, &err))
				break;
		}
		py_reader_free(r);
	}
	py_threads_release(&threads);
	target_close(target);
}

Test(cpython_capture, damage_is_survived)
{
	const char *const series[] = { "3.9", "3.11", "3.13", "3.15" };
	unsigned state = 3;

	for (size_t s = 0; s < 4; s++) {
		struct buf whole = { 0 };
		uint8_t *damaged;

		read_capture(series[s], &whole);
		damaged = malloc(whole.size);
		cr_assert_not_null(damaged);
		for (int round = 0; round < 1500; round++) {
			memcpy(damaged, whole.data, whole.size);
			for (int k = 0; k <= round % 4; k++) {
				state = state * 1103515245u + 12345u;
				damaged[(state >> 4) % whole.size] =
					(uint8_t)(state >> 24);
			}
			survive(damaged, whole.size);
		}
		free(damaged);
		buf_release(&whole);
	}
}
