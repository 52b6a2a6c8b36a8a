/* SPDX-License-Identifier: MIT */
#include "profile/awaits.h"

const struct await_words await_words[AWAIT_NR] = {
	[AWAIT_UNKNOWN] = { "unknown", "not known" },
	[AWAIT_RUNNING] = { "running", "running" },
	[AWAIT_READY] = { "ready", "ready to run" },
	[AWAIT_TASK] = { "task", "waiting for tasks" },
	[AWAIT_FUTURE] = { "future", "waiting" },
	[AWAIT_OTHER] = { "other", "waiting for something else" },
};

const char *const await_count_key[AWAIT_COUNT_NR] = {
	[AWAIT_READINGS] = "readings",
	[AWAIT_TORN] = "torn_readings",
	[AWAIT_CUT] = "cut_readings",
	[AWAIT_SEEN] = "tasks_seen",
	[AWAIT_MOST] = "tasks_at_once",
	[AWAIT_TASKS] = "task_readings",
	[AWAIT_DOUBTFUL] = "doubtful_task_readings",
	[AWAIT_SEVERAL] = "task_readings_of_several_awaiters",
};

uint32_t awaits_row(struct awaits *a, uint32_t process, uint32_t node,
		    enum await_kind kind)
{
	struct await_row row = { .process = process,
				 .node = node,
				 .kind = kind };
	uint64_t key =
		map_hash((uint64_t)process << 32 | node) ^ (uint64_t)kind;

	/* Different rows of one hash take the keys that follow it. */
	for (;; key++) {
		uint32_t id = map_get(&a->row_ids, key);
		const struct await_row *old;

		if (id == MAP_NONE)
			break;
		old = &a->rows.at[id];
		if (old->process == process && old->node == node &&
		    old->kind == kind)
			return id;
	}
	if (!vec_push(&a->rows, row))
		return MAP_NONE;
	if (!map_put(&a->row_ids, key, a->rows.nr - 1)) {
		a->rows.nr--;
		return MAP_NONE;
	}
	return a->rows.nr - 1;
}

struct await_process *awaits_process(struct awaits *a, uint32_t process)
{
	struct await_process fresh = { .process = process };

	for (uint32_t i = 0; i < a->processes.nr; i++)
		if (a->processes.at[i].process == process)
			return &a->processes.at[i];
	if (!vec_push(&a->processes, fresh))
		return NULL;
	return &a->processes.at[a->processes.nr - 1];
}

void awaits_release(struct awaits *a)
{
	vec_release(&a->rows);
	vec_release(&a->processes);
	vec_release(&a->tasks);
	map_release(&a->row_ids);
}
