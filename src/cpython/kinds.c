/* SPDX-License-Identifier: MIT */
#include "cpython/kinds.h"

#include <string.h>

/* Offsets that have been the same since 3.9: Include/cpython/object.h. */
enum {
	OBJECT_TYPE = 8,
	TYPE_NAME = 24,
	TYPE_FLAGS = 168,
	TYPE_BASE = 256,
	TYPE_SPAN = 264
};

/* tp_flags: a class that no Python code can change (3.10 and newer). */
#define IMMUTABLE (1u << 8)

/* So many base classes up. */
#define BASES_MAX 16

static const struct {
	const char *name;
	enum py_kind kind;
} known[] = {
	{ "coroutine", PY_KIND_COROUTINE },
	{ "generator", PY_KIND_COROUTINE },
	{ "async_generator", PY_KIND_COROUTINE },
	{ "coroutine_wrapper", PY_KIND_WRAPPER },
	{ "async_generator_asend", PY_KIND_WRAPPER },
	{ "async_generator_athrow", PY_KIND_WRAPPER },
	{ "anext_awaitable", PY_KIND_WRAPPER },
	{ "_asyncio.Task", PY_KIND_TASK },
	{ "_asyncio.Future", PY_KIND_FUTURE },
	{ "_asyncio.FutureIter", PY_KIND_FUTURE_ITERATOR },
	{ "str", PY_KIND_STR },
	{ "int", PY_KIND_INT },
	{ "set", PY_KIND_SET },
	{ "list", PY_KIND_LIST },
	{ "tuple", PY_KIND_TUPLE },
	{ "function", PY_KIND_FUNCTION },
	{ "method", PY_KIND_METHOD },
};

/* The classes of asyncio without its C part have these names. */
static const struct {
	const char *name;
	enum py_kind kind;
} in_python[] = {
	{ "Task", PY_KIND_PYTHON_TASK },
	{ "Future", PY_KIND_PYTHON_FUTURE },
};

static void forget(struct py_kinds *k)
{
	k->type.nr = 0;
	map_clear(&k->ids);
}

void py_kinds_release(struct py_kinds *k)
{
	vec_release(&k->type);
	vec_release(&k->asked);
	map_release(&k->ids);
}

static bool same(const struct py_type *t, const uint8_t *bytes)
{
	return bytes && word_at(bytes + TYPE_NAME) == t->name_addr &&
	       word_at(bytes + TYPE_BASE) == t->base &&
	       word_at(bytes + TYPE_FLAGS) == t->flags;
}

int py_kinds_check(struct py_kinds *k, struct bulk *b, struct err *err)
{
	int rc;

	bulk_clear(b);
	for (uint32_t i = 0; i < k->type.nr; i++)
		bulk_ask(b, k->type.at[i].addr, TYPE_SPAN);
	rc = bulk_run(b, err);
	for (uint32_t i = 0; !rc && i < k->type.nr; i++)
		if (!same(&k->type.at[i], bulk_get(b, i, NULL))) {
			forget(k);
			break;
		}
	bulk_clear(b);
	return rc;
}

enum py_kind py_kinds_get(const struct py_kinds *k, uint64_t type)
{
	uint32_t id = map_get(&k->ids, type);

	return id == MAP_NONE ? PY_KIND_UNKNOWN : k->type.at[id].kind;
}

enum py_kind py_kinds_of(struct py_kinds *k, const uint8_t *head)
{
	uint64_t type = head ? word_at(head + OBJECT_TYPE) : 0;
	enum py_kind kind = py_kinds_get(k, type);

	if (!type || type % 8)
		return PY_KIND_OTHER;
	if (kind == PY_KIND_UNKNOWN &&
	    (!k->asked.nr || k->asked.at[k->asked.nr - 1] != type))
		(void)vec_push(&k->asked, type);
	return kind;
}

static enum py_kind kind_of_name(const struct py_type *t)
{
	if (t->flags & IMMUTABLE) {
		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			if (!strcmp(t->name, known[i].name))
				return known[i].kind;
		return PY_KIND_UNKNOWN;
	}
	for (size_t i = 0; i < sizeof(in_python) / sizeof(in_python[0]); i++)
		if (!strcmp(t->name, in_python[i].name))
			return in_python[i].kind;
	return PY_KIND_UNKNOWN;
}

/* Take in the types that were asked for from `first` on. */
static void take_types(struct py_kinds *k, struct bulk *b, uint32_t first)
{
	for (uint32_t i = first; i < k->type.nr; i++) {
		const uint8_t *bytes = bulk_get(b, i - first, NULL);
		struct py_type *t = &k->type.at[i];

		if (!bytes)
			continue;
		t->name_addr = word_at(bytes + TYPE_NAME);
		t->flags = word_at(bytes + TYPE_FLAGS);
		t->base = word_at(bytes + TYPE_BASE);
	}
	bulk_clear(b);
}

static void take_names(struct py_kinds *k, struct bulk *b, uint32_t first)
{
	for (uint32_t i = first; i < k->type.nr; i++) {
		struct py_type *t = &k->type.at[i];
		uint32_t size = 0;
		const uint8_t *bytes = bulk_get(b, i - first, &size);

		if (bytes)
			memcpy(t->name, bytes,
			       size < sizeof(t->name) ? size
						      : sizeof(t->name) - 1);
		t->kind = kind_of_name(t);
	}
	bulk_clear(b);
}

/* Enter the types that were asked for and are new; true when there are any. */
static bool enter_new(struct py_kinds *k, struct bulk *b)
{
	uint32_t before = k->type.nr;

	for (uint32_t i = 0; i < k->asked.nr; i++) {
		struct py_type t = { .addr = k->asked.at[i] };

		if (t.addr % 8 || !t.addr ||
		    map_get(&k->ids, t.addr) != MAP_NONE ||
		    k->type.nr >= PY_KINDS_MAX ||
		    !map_put(&k->ids, t.addr, k->type.nr))
			continue;
		if (!vec_push(&k->type, t)) {
			forget(k);
			break;
		}
		bulk_ask(b, t.addr, TYPE_SPAN);
	}
	k->asked.nr = 0;
	return k->type.nr > before;
}

/* A type of no known name is what the first of its bases with one is. */
static void inherit(struct py_kinds *k)
{
	for (uint32_t i = 0; i < k->type.nr; i++) {
		struct py_type *t = &k->type.at[i];
		uint64_t base = t->base;

		for (int n = 0; n < BASES_MAX && !t->kind; n++) {
			uint32_t id = map_get(&k->ids, base);

			if (id == MAP_NONE)
				break;
			t->kind = k->type.at[id].kind;
			base = k->type.at[id].base;
		}
		if (!t->kind)
			t->kind = PY_KIND_OTHER;
	}
}

int py_kinds_learn(struct py_kinds *k, struct bulk *b, struct err *err)
{
	int rc = ERR_OK;

	if (!k->asked.nr)
		return ERR_OK;
	if (k->type.nr >= PY_KINDS_MAX)
		forget(k);
	for (int n = 0; n < BASES_MAX && !rc; n++) {
		uint32_t first = k->type.nr;

		bulk_clear(b);
		if (!enter_new(k, b))
			break;
		rc = bulk_run(b, err);
		take_types(k, b, first);
		for (uint32_t i = first; i < k->type.nr; i++)
			bulk_ask_window(b, k->type.at[i].name_addr, 1,
					sizeof(k->type.at[i].name) - 1);
		if (!rc)
			rc = bulk_run(b, err);
		take_names(k, b, first);
		for (uint32_t i = first; i < k->type.nr; i++)
			if (!k->type.at[i].kind && k->type.at[i].base)
				(void)vec_push(&k->asked, k->type.at[i].base);
	}
	k->asked.nr = 0;
	inherit(k);
	bulk_clear(b);
	return rc;
}
