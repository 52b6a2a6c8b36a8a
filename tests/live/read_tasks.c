/* SPDX-License-Identifier: MIT */
/*
 * The asyncio tasks of a process, as src/cpython/tasks.c sees them:
 *
 *   read_tasks [-e] PID [TIMES [PAUSE_US [CAPTURE]]]
 *
 * prints the last of TIMES readings as one line of JSON, with what all of them
 * cost and how many tasks were not to be believed; -e: each of them. CAPTURE: a
 * snapshot of what was read, for tests/captures.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cpython/code.h"
#include "cpython/collector.h"
#include "cpython/process.h"
#include "cpython/tasks.h"
#include "target/target.h"

struct totals {
	uint64_t readings, failed, torn, tasks, moved, cut, same;
	uint64_t least_ns, most_ns, sum_ns, first_ns;
	uint64_t first_calls;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static json_t *frame_json(struct py_process *p, const struct py_frame *f)
{
	struct py_code code;
	struct err err;
	json_t *j = NULL;
	int32_t offset;

	if (py_code_read(p, f->code_addr, &code, &err))
		return NULL;
	if (py_code_offset(&p->layout, &code, f->instr, &offset))
		j = json_pack("[s, i]", code.name,
			      (int)py_code_line(&p->layout, &code, offset));
	py_code_release(&code);
	return j;
}

static json_t *task_json(struct py_process *p, const struct py_tasks *t,
			 const struct py_task *one)
{
	static const char *const states[] = { "ready", "waiting", "running",
					      "done" };
	static const char *const waits[] = { "nothing", "task", "future",
					     "other" };
	json_t *frames = json_array(), *awaiters = json_array();

	for (uint32_t i = 0; i < one->frame_nr; i++) {
		json_t *j = frame_json(p, &t->frames.at[one->frame + i]);

		json_array_append_new(frames, j ? j : json_null());
	}
	for (uint32_t i = 0; i < one->awaiter_nr; i++)
		json_array_append_new(awaiters,
				      json_integer((json_int_t)t->awaiters
							   .at[one->awaiter + i]
							   .addr));
	return json_pack("{s:I, s:s, s:s, s:s, s:o, s:o, s:I, s:b, s:b, s:b}",
			 "id", (json_int_t)one->addr, "name",
			 t->text.data + one->name, "state", states[one->state],
			 "waits", waits[one->waits], "frames", frames,
			 "awaiters", awaiters, "loop", (json_int_t)one->loop,
			 "moved", one->moved, "cut", one->cut, "opaque",
			 one->opaque);
}

static json_t *tasks_json(struct py_process *p, const struct py_tasks *t)
{
	json_t *all = json_array(), *loops = json_array();

	for (uint32_t i = 0; i < t->task.nr; i++)
		json_array_append_new(all, task_json(p, t, &t->task.at[i]));
	for (uint32_t i = 0; i < t->loop.nr; i++)
		json_array_append_new(
			loops,
			json_pack("{s:I, s:I, s:I}", "id",
				  (json_int_t)t->loop.at[i].addr, "thread",
				  (json_int_t)t->loop.at[i].thread_addr,
				  "running",
				  (json_int_t)t->loop.at[i].running));
	return json_pack("{s:o, s:o, s:i}", "tasks", all, "loops", loops,
			 "calls", (int)t->calls);
}

static void count(struct totals *n, const struct py_tasks *t, uint64_t ns)
{
	if (!n->readings || ns < n->least_ns)
		n->least_ns = ns;
	if (ns > n->most_ns)
		n->most_ns = ns;
	if (!n->readings) {
		n->first_ns = ns;
		n->first_calls = t->calls;
	}
	n->readings++;
	n->sum_ns += ns;
	n->torn += t->torn;
	n->tasks += t->task.nr;
	for (uint32_t i = 0; i < t->task.nr; i++) {
		n->moved += t->task.at[i].moved;
		n->cut += t->task.at[i].cut;
		n->same += t->task.at[i].same;
	}
}

static json_t *totals_json(const struct totals *n)
{
	return json_pack(
		"{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:f, s:f, s:I}",
		"readings", (json_int_t)n->readings, "failed",
		(json_int_t)n->failed, "torn", (json_int_t)n->torn, "tasks",
		(json_int_t)n->tasks, "moved", (json_int_t)n->moved, "cut",
		(json_int_t)n->cut, "same", (json_int_t)n->same, "first_us",
		(double)n->first_ns / 1e3, "least_us",
		(double)n->least_ns / 1e3, "mean_us",
		n->readings ? (double)n->sum_ns / (double)n->readings / 1e3
			    : 0.0,
		"most_us", (double)n->most_ns / 1e3, "first_calls",
		(json_int_t)n->first_calls);
}

static int read_once(struct py_process *p, struct py_tasks_reader *r,
		     struct totals *n, struct err *err)
{
	struct py_threads threads = { 0 };
	uint64_t begin;
	int rc;

	for (int i = 0; i < 100; i++) {
		rc = py_threads_read(p, &threads, err);
		if (rc != ERR_CORRUPT)
			break;
	}
	begin = now_ns();
	if (!rc)
		rc = py_tasks_read(r, &threads, err);
	if (rc)
		n->failed++;
	else
		count(n, py_tasks_last(r), now_ns() - begin);
	py_threads_release(&threads);
	return rc;
}

static void print(struct py_process *p, const struct py_tasks_reader *r,
		  const struct totals *n)
{
	json_t *j = tasks_json(p, py_tasks_last(r));

	json_object_set_new(j, "known", json_boolean(py_tasks_known(r)));
	json_object_set_new(j, "totals", totals_json(n));
	json_dumpf(j, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(j);
}

static int show(struct py_process *p, bool each, int times, unsigned pause_us,
		struct err *err)
{
	struct py_tasks_reader *r = py_tasks_new(p);
	struct totals n = { 0 };
	int rc = ERR_OK;

	for (int i = 0; r && i < times; i++) {
		if (i && pause_us)
			usleep(pause_us);
		rc = read_once(p, r, &n, err);
		if (rc == ERR_GONE)
			break;
		if (each && !rc)
			print(p, r, &n);
	}
	if (!each)
		print(p, r, &n);
	py_tasks_free(r);
	return n.readings ? ERR_OK : rc;
}

/* For a capture: the collector, too. */
static int read_collector(struct py_process *p, struct err *err)
{
	struct py_collections n[PY_GENERATIONS];
	struct py_threads threads = { 0 };
	struct target_piece piece;
	struct py_collector c;
	unsigned done;
	int rc = py_threads_read(p, &threads, err);

	if (!rc)
		rc = py_collector_open(&c, p, threads.interp.at[0], err);
	if (!rc)
		rc = py_collector_count(&c, n, err);
	if (!rc) {
		py_collector_plan(&c, &piece);
		rc = target_readv(p->target, &piece, 1, &done, err);
	}
	py_threads_release(&threads);
	return rc;
}

int main(int argc, char **argv)
{
	bool each = argc > 1 && !strcmp(argv[1], "-e");
	int times = 1;
	unsigned pause_us = 0;
	struct py_process process;
	struct target *target = NULL;
	struct err err;
	int rc;

	argc -= each;
	argv += each;
	if (argc < 2)
		return 2;
	if (argc > 2)
		times = (int)strtol(argv[2], NULL, 10);
	if (argc > 3)
		pause_us = (unsigned)strtoul(argv[3], NULL, 10);
	rc = target_open(&target, (pid_t)strtol(argv[1], NULL, 10), &err);
	if (!rc && argc > 4)
		rc = target_start_capture(target, &err);
	if (!rc)
		rc = py_process_open(&process, target, &err);
	if (!rc)
		rc = show(&process, each, times, pause_us, &err);
	if (!rc && argc > 4)
		rc = read_collector(&process, &err);
	if (!rc && argc > 4)
		rc = target_save_snapshot(target, argv[4], &err);
	if (rc)
		fprintf(stderr, "%s\n", err.msg);
	target_close(target);
	return rc == ERR_OK ? 0 : rc == ERR_NO ? 1 : 3;
}
