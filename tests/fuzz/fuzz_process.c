/* SPDX-License-Identifier: MIT */
/*
 * The reader of CPython against any memory: a process snapshot, in which the
 * fuzzer changes what it likes, is opened and sampled as a live one would be.
 * Most changes are to a word of the memory, as those of a process that goes on
 * (or lies) would be: a file changed anywhere is mostly no snapshot any more.
 *
 * clang -fsanitize=fuzzer,address,undefined; seeds: tests/captures/processes.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/random.h"
#include "cpython/code.h"
#include "cpython/collector.h"
#include "cpython/process.h"
#include "cpython/stack.h"
#include "cpython/tasks.h"
#include "target/target.h"

#define ROUNDS 6

/* One change in so many is to the file as it lies there. */
#define ANYWHERE 8

/* libFuzzer's. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t size_max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max,
			       unsigned seed);

/* ---- what to change ------------------------------------------------------ */

#define WORDS_MAX 65536u

/* The words of the memory in a snapshot. */
struct words {
	uint8_t *at[WORDS_MAX];
	uint64_t addr[WORDS_MAX]; /* where each lies in the process */
	uint32_t nr;
};

static void add_words(struct words *w, uint8_t *bytes, uint64_t size,
		      uint64_t addr)
{
	for (uint64_t i = -addr % 8; i + 8 <= size && w->nr < WORDS_MAX;
	     i += 8) {
		w->at[w->nr] = bytes + i;
		w->addr[w->nr++] = addr + i;
	}
}

/* As far as the records of target_snapshot.c are whole. */
static void find_words(struct words *w, uint8_t *data, size_t size)
{
	const uint8_t *at = memchr(data, '\n', size), *end = data + size;
	uint64_t addr, length;

	w->nr = 0;
	if (!at)
		return;
	at++;
	while (at < end) {
		char kind = (char)*at++;

		if (kind == 's')
			for (int i = 0; at && i < 2; i++) {
				at = memchr(at, '\0', (size_t)(end - at));
				at = at ? at + 1 : NULL;
			}
		if (!at || (kind != 'm' && !buf_get_varint(&at, end, &addr)))
			return;
		if (kind == 's')
			continue;
		if (!buf_get_varint(&at, end, &length) ||
		    length > (uint64_t)(end - at))
			return;
		if (kind == 'r')
			add_words(w, data + (at - data), length, addr);
		at += length;
	}
}

/* A word that may lead somewhere: another one, a place, or near to it. */
static void change_word(const struct words *w, uint64_t *random)
{
	uint64_t a = random_word(random), b = random_word(random);
	uint8_t *to = w->at[a % w->nr];
	uint64_t value;

	memcpy(&value, to, sizeof(value));
	switch (b % 8) {
	case 0:
		value = w->addr[(b >> 8) % w->nr];
		break;
	case 1:
		memcpy(&value, w->at[(b >> 8) % w->nr], sizeof(value));
		break;
	case 2:
		value += (uint64_t)((int64_t)((b >> 8) % 257) - 128);
		break;
	case 3:
		value = (b >> 8) % 1024;
		break;
	case 4:
		value = random_word(random);
		break;
	case 5:
		value = 0;
		break;
	default:
		value ^= (uint64_t)1 << ((b >> 8) % 64);
	}
	memcpy(to, &value, sizeof(value));
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max,
			       unsigned seed)
{
	static struct words words;
	uint64_t random = map_hash(seed) | 1;

	find_words(&words, data, size);
	if (!words.nr || random_word(&random) % ANYWHERE == 0)
		return LLVMFuzzerMutate(data, size, size_max);
	for (uint64_t i = random_word(&random) % 4 + 1; i > 0; i--)
		change_word(&words, &random);
	return size;
}

/* ---- what is done with it ------------------------------------------------ */

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
