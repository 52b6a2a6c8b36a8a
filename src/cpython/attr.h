/* SPDX-License-Identifier: MIT */
/* An attribute of an object of the target, found without running its code. */
#ifndef TARE_CPYTHON_ATTR_H
#define TARE_CPYTHON_ATTR_H

#include <stdint.h>

#include "cpython/process.h"

/*
 * The value of the attribute `name` that the object at `object` (hostile), an
 * instance of a class written in Python, has itself. ERR_NO: it has none, or
 * the layout does not say how such objects are made; ERR_CORRUPT: it is no
 * such object.
 */
int py_attr_read(struct py_process *p, uint64_t object, const char *name,
		 uint64_t *value, struct err *err);

/* Where that value is, so that it can be read again. */
int py_attr_find(struct py_process *p, uint64_t object, const char *name,
		 uint64_t *at, struct err *err);

#endif
