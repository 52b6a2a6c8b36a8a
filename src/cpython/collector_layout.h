/* SPDX-License-Identifier: MIT */
/*
 * How one build of CPython lays out its garbage collector, as data. Filled by
 * the files in layouts/.
 */
#ifndef TARE_CPYTHON_COLLECTOR_LAYOUT_H
#define TARE_CPYTHON_COLLECTOR_LAYOUT_H

#include <stdint.h>

#define PY_GENERATIONS 3

struct py_collector_layout {
	uint32_t interp_gc;  /* in the interpreter */
	uint32_t gc_size;    /* of all of it */
	uint32_t collecting; /* int: does it run? */
	/*
	 * A pointer to the first of the three generations, which are inside of
	 * the structure. PY_ABSENT: not known, so neither is which generation
	 * is being collected.
	 */
	uint32_t generation0;
	/*
	 * Of each generation, collections, objects collected and not
	 * collectable; or, where stats_size is not 0, a pointer to so many
	 * bytes of which collector.c says more. PY_ABSENT: not known.
	 */
	uint32_t stats;
	uint32_t stats_size;
};

#endif
