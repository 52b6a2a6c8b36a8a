/* SPDX-License-Identifier: MIT */
/*
 * One stack out of two: the native chain of a thread, and its Python frames.
 *
 * The interpreter's loop runs Python frames, and calls of Python functions
 * by Python functions mostly stay in the same run of the loop, so that one
 * native frame of the loop stands for one or more Python frames. The oldest
 * Python frame of each run is its entry; CPython marks it.
 */
#ifndef TARE_NATIVE_MERGE_H
#define TARE_NATIVE_MERGE_H

#include <stdbool.h>
#include <stdint.h>

enum merge_from {
	MERGE_NATIVE,
	MERGE_PYTHON,
};

struct merged {
	enum merge_from from;
	uint32_t index; /* into the list that it is from */
};

struct merge_result {
	uint32_t nr; /* frames, newest first */
	/* Runs of the loop on each side; when the native stack is whole and
	 * these differ, the two were not taken at the same instant. */
	uint32_t native_runs, python_runs;
	/* Python frames that no native frame stands for. */
	uint32_t unpaired_python;
	/* Native frames of the loop that no Python frame is for. */
	uint32_t unpaired_native;
};

/*
 * Merge, newest first: is_loop[i] says whether the i-th native frame is the
 * loop; is_entry[i] whether the i-th Python frame is the oldest of its run.
 * The frames of the loop are replaced by the Python frames that they run.
 * `whole`: the native chain reaches the root of the thread. Then the two are
 * fitted together from the root, where stacks change least; else from the
 * newest frame, the only thing that they are known to share.
 *
 * `out` has room for native_nr + python_nr.
 */
void native_merge(const bool *is_loop, uint32_t native_nr, bool whole,
		  const bool *is_entry, uint32_t python_nr, struct merged *out,
		  struct merge_result *result);

#endif
