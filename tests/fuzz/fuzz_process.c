/* SPDX-License-Identifier: MIT */
/*
 * The reader of CPython against any memory: a process snapshot, in which the
 * fuzzer changes what it likes, is opened and sampled as a live one would be.
 *
 * clang -fsanitize=fuzzer,address,undefined; seeds: tests/captures/processes.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "cpython/code.h"
#include "cpython/collector.h"
#include "cpython/process.h"
#include "cpython/stack.h"
#include "cpython/tasks.h"
#include "target/target.h"

#define ROUNDS 6

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_codes(struct py_process *p, struct py_reader *r)
{
	const struct py_frame *frames;
	uint32_t nr, stable;
	struct py_code code;
	struct err err;
	int32_t offset;

	frames = py_reader_frames(r, &nr, &stable);
	if (stable > nr)
		abort();
	for (uint32_t i = 0; i < nr && i < 16; i++) {
		if (py_code_read(p, frames[i].code_addr, &code, &err))
			continue;
		if (py_code_offset(&p->layout, &code, frames[i].instr, &offset))
			py_code_line(&p->layout, &code, offset);
		py_code_release(&code);
	}
}

static void sample(struct py_process *p, uint64_t thread_addr)
{
	static struct target_piece pieces[TARGET_PIECES_MAX];
	struct py_reader *r = py_reader_new(p, thread_addr);
	enum py_look look = PY_LOOK_AGAIN;
	struct err err;

	for (int i = 0; r && i < ROUNDS && look != PY_LOOK_WHOLE; i++) {
		unsigned done, nr;

		nr = py_stack_plan(r, pieces, TARGET_PIECES_MAX);
		if (!nr || target_readv(p->target, pieces, nr, &done, &err) ||
		    py_stack_judge(r, done, &look, &err))
			break;
		read_codes(p, r);
	}
	py_reader_free(r);
}

/* What a task refers to has to be there. */
static void check_tasks(const struct py_tasks *t)
{
	if (t->task.nr > PY_TASKS_MAX)
		abort();
	for (uint32_t i = 0; i < t->task.nr; i++) {
		const struct py_task *one = &t->task.at[i];

		if (one->frame_nr > PY_TASK_DEPTH_MAX ||
		    one->frame + one->frame_nr > t->frames.nr ||
		    one->awaiter_nr > PY_TASK_AWAITERS_MAX ||
		    one->awaiter + one->awaiter_nr > t->awaiters.nr ||
		    one->name >= t->text.size)
			abort();
	}
}

static void read_tasks(struct py_process *p, const struct py_threads *threads)
{
	struct py_tasks_reader *r = py_tasks_new(p);
	struct err err;

	for (int i = 0; r && i < 2; i++)
		if (!py_tasks_read(r, threads, &err))
			check_tasks(py_tasks_last(r));
	py_tasks_free(r);
}

static void read_collector(struct py_process *p, uint64_t interp)
{
	struct py_collections n[PY_GENERATIONS];
	struct target_piece piece;
	struct py_collector c;
	struct err err;
	unsigned done;

	if (py_collector_open(&c, p, interp, &err))
		return;
	py_collector_plan(&c, &piece);
	if (!target_readv(p->target, &piece, 1, &done, &err))
		py_collector_judge(&c, done == 1);
	(void)!py_collector_count(&c, n, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct py_threads threads = { 0 };
	struct py_process process;
	struct target *target;
	struct err err;

	if (target_open_snapshot_bytes(&target, data, size, &err))
		return 0;
	if (!py_process_open(&process, target, &err)) {
		(void)!py_threads_read(&process, &threads, &err);
		for (uint32_t i = 0; i < threads.thread.nr && i < 4; i++)
			sample(&process, threads.thread.at[i].addr);
		for (uint32_t i = 0; i < threads.interp.nr && i < 2; i++)
			read_collector(&process, threads.interp.at[i]);
		read_tasks(&process, &threads);
	}
	py_threads_release(&threads);
	target_close(target);
	return 0;
}
