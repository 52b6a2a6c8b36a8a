/* SPDX-License-Identifier: MIT */
/*
 * The garbage collector of a process, as src/cpython/collector.c sees it:
 *
 *   read_collector PID TIMES PAUSE_US
 *
 * looks TIMES times and prints how often it saw which generation being
 * collected, and the exact counts before and after, as one line of JSON.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cpython/collector.h"
#include "cpython/process.h"
#include "target/target.h"

static json_t *counts_json(struct py_collector *c)
{
	struct py_collections n[PY_GENERATIONS];
	json_t *all = json_array();
	struct err err;

	if (py_collector_count(c, n, &err)) {
		json_decref(all);
		return json_null();
	}
	for (int i = 0; i < PY_GENERATIONS; i++)
		json_array_append_new(
			all, json_pack("[I, I, I, f]", (json_int_t)n[i].nr,
				       (json_int_t)n[i].collected,
				       (json_int_t)n[i].uncollectable,
				       n[i].seconds));
	return all;
}

static int show(struct py_process *p, int times, unsigned pause_us,
		struct err *err)
{
	struct py_threads threads = { 0 };
	json_int_t seen[PY_COLLECTING_ANY + 1] = { 0 };
	struct py_collector c;
	struct target_piece piece;
	json_t *j, *list;
	unsigned done;
	int rc = py_threads_read(p, &threads, err);

	if (!rc)
		rc = py_collector_open(&c, p, threads.interp.at[0], err);
	py_threads_release(&threads);
	if (rc)
		return rc;
	j = json_object();
	json_object_set_new(j, "before", counts_json(&c));
	for (int i = 0; i < times; i++) {
		py_collector_plan(&c, &piece);
		rc = target_readv(p->target, &piece, 1, &done, err);
		if (rc)
			break;
		seen[py_collector_judge(&c, done == 1)]++;
		if (pause_us)
			usleep(pause_us);
	}
	json_object_set_new(j, "after", counts_json(&c));
	list = json_array();
	for (int i = 0; i <= PY_COLLECTING_ANY; i++)
		json_array_append_new(list, json_integer(seen[i]));
	json_object_set_new(j, "seen", list);
	json_dumpf(j, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(j);
	return ERR_OK;
}

int main(int argc, char **argv)
{
	struct py_process process;
	struct target *target = NULL;
	struct err err;
	int rc;

	if (argc < 4)
		return 2;
	rc = target_open(&target, (pid_t)strtol(argv[1], NULL, 10), &err);
	if (!rc)
		rc = py_process_open(&process, target, &err);
	if (!rc)
		rc = show(&process, (int)strtol(argv[2], NULL, 10),
			  (unsigned)strtoul(argv[3], NULL, 10), &err);
	if (rc)
		fprintf(stderr, "%s\n", err.msg);
	target_close(target);
	return rc == ERR_OK ? 0 : rc == ERR_NO ? 1 : 3;
}
