/* SPDX-License-Identifier: MIT */
#include "native/merge.h"

#include <string.h>

static uint32_t count(const bool *marks, uint32_t nr)
{
	uint32_t found = 0;

	for (uint32_t i = 0; i < nr; i++)
		found += marks[i];
	return found;
}

struct merging {
	const bool *is_entry;
	uint32_t python_nr, next; /* Python frame to come */
	struct merged *out;
	struct merge_result *result;
};

static void put(struct merging *m, enum merge_from from, uint32_t index)
{
	m->out[m->result->nr].from = from;
	m->out[m->result->nr].index = index;
	m->result->nr++;
}

/* The Python frames of one run; false when there are none left. */
static bool put_run(struct merging *m)
{
	bool some = m->next < m->python_nr;

	while (m->next < m->python_nr) {
		uint32_t i = m->next++;

		put(m, MERGE_PYTHON, i);
		if (m->is_entry[i])
			break;
	}
	return some;
}

static void put_unpaired_run(struct merging *m)
{
	uint32_t before = m->next;

	put_run(m);
	m->result->unpaired_python += m->next - before;
}

void native_merge(const bool *is_loop, uint32_t native_nr, bool whole,
		  const bool *is_entry, uint32_t python_nr, struct merged *out,
		  struct merge_result *result)
{
	struct merging m = { .is_entry = is_entry,
			     .python_nr = python_nr,
			     .out = out,
			     .result = result };
	uint32_t surplus_python = 0, surplus_native = 0;

	memset(result, 0, sizeof(*result));
	result->native_runs = count(is_loop, native_nr);
	result->python_runs = count(is_entry, python_nr);
	/* The oldest frame ends a run, marked or not. */
	if (python_nr && !is_entry[python_nr - 1])
		result->python_runs++;
	if (whole && result->python_runs > result->native_runs)
		surplus_python = result->python_runs - result->native_runs;
	if (whole && result->native_runs > result->python_runs)
		surplus_native = result->native_runs - result->python_runs;
	while (surplus_python--)
		put_unpaired_run(&m);
	for (uint32_t i = 0; i < native_nr; i++) {
		if (!is_loop[i]) {
			put(&m, MERGE_NATIVE, i);
		} else if (surplus_native || !put_run(&m)) {
			surplus_native -= surplus_native != 0;
			result->unpaired_native++;
			put(&m, MERGE_NATIVE, i);
		}
	}
	while (m.next < python_nr)
		put_unpaired_run(&m);
}
