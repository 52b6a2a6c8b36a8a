/* SPDX-License-Identifier: MIT */
/* What is in a dict or a set of the target, found without running its code. */
#ifndef TARE_CPYTHON_DICT_H
#define TARE_CPYTHON_DICT_H

#include <stdint.h>

#include "cpython/bulk.h"
#include "cpython/task_layout.h"

/* More entries are taken for damage. */
#define PY_DICT_MAX (1u << 18)

/*
 * The values of the keys `names` (ASCII) in the dict at `addr` (hostile): 0 for
 * one that is not there. Of a dict made by 3.12 or newer. Clears `b`.
 */
int py_dict_find(struct bulk *b, uint64_t addr, const char *const *names,
		 uint32_t nr, uint64_t *values, struct err *err);

/* A word that changes when entries come to the dict at `addr`. */
int py_dict_stamp(struct bulk *b, uint64_t addr, uint64_t *stamp,
		  struct err *err);

struct py_entry {
	uint64_t key, value;
};

struct py_entries {
	VEC(struct py_entry) of;
};

/* Append all entries of the dict at `addr`. Clears `b`. */
int py_dict_read(struct bulk *b, uint64_t addr, struct py_entries *out,
		 struct err *err);

/* Append the elements of the set at `addr` as keys. Clears `b`. */
int py_set_read(struct bulk *b, const struct py_task_layout *l, uint64_t addr,
		struct py_entries *out, struct err *err);

#endif
