/* SPDX-License-Identifier: MIT */
/*
 * What kind of object an object of the target is, by its type.
 *
 * The types of coroutines and of asyncio are no symbols of the interpreter, so
 * they are told by their names, which for types written in C (immutable ones)
 * nothing can change; a class written in Python is what it derives from.
 */
#ifndef TARE_CPYTHON_KINDS_H
#define TARE_CPYTHON_KINDS_H

#include <stdint.h>

#include "base/map.h"
#include "base/vec.h"
#include "cpython/bulk.h"

enum py_kind {
	PY_KIND_UNKNOWN, /* not learnt */
	PY_KIND_OTHER,
	PY_KIND_COROUTINE, /* coroutine, generator, asynchronous generator */
	PY_KIND_WRAPPER,   /* leads to another object, its first field */
	PY_KIND_TASK,
	PY_KIND_FUTURE,
	PY_KIND_FUTURE_ITERATOR, /* what a future is awaited through */
	PY_KIND_PYTHON_TASK,	 /* of the classes that are written in Python */
	PY_KIND_PYTHON_FUTURE,
	PY_KIND_STR,
	PY_KIND_INT,
	PY_KIND_SET,
	PY_KIND_LIST,
	PY_KIND_TUPLE,
	PY_KIND_FUNCTION,
	PY_KIND_METHOD,
};

/* So many types are remembered; then all are forgotten. */
#define PY_KINDS_MAX 1024

struct py_type {
	uint64_t addr, name_addr, base;
	uint64_t flags;
	enum py_kind kind;
	char name[32];
};

struct py_kinds {
	VEC(struct py_type) type;
	struct map ids; /* address -> type */
	VEC(uint64_t) asked;
};

void py_kinds_release(struct py_kinds *k);

/* Forget types that are not what they were: a class can be deleted, and another
 * one take its place. */
int py_kinds_check(struct py_kinds *k, struct bulk *b, struct err *err);

/* The kind of objects whose type is at `type`. */
enum py_kind py_kinds_get(const struct py_kinds *k, uint64_t type);

/* The same for an object whose first 16 bytes are at `head` (may be NULL);
 * remembers what is not known for py_kinds_learn(). */
enum py_kind py_kinds_of(struct py_kinds *k, const uint8_t *head);

/* Learn all types that py_kinds_of() was asked for in vain. Clears `b`. */
int py_kinds_learn(struct py_kinds *k, struct bulk *b, struct err *err);

#endif
