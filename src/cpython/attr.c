/* SPDX-License-Identifier: MIT */
#include "cpython/attr.h"

#include <string.h>

/* So many attributes are looked at, the first that were set. */
#define ATTRS_MAX 64

/* Larger tables of names are taken for damage. */
#define TABLE_MAX (1u << 20)

/* Offsets that have been the same since 3.9: Include/cpython/object.h,
 * dictobject.h. */
enum {
	OBJECT_TYPE = 8,
	TYPE_BASICSIZE = 32,
	TYPE_FLAGS = 168,
	TYPE_DICTOFFSET = 288,
	DICT_KEYS = 32,
	DICT_VALUES = 40
};

/* tp_flags of 3.13: the values follow the object. */
#define INLINE_VALUES (1u << 2)

/* What lies before an object, from 3.11 on. */
#define VALUES_BEFORE 32
#define DICT_BEFORE 24

/* An object larger than this keeps its attributes some other way. */
#define OBJECT_SIZE_MAX 4096

/* Where the attributes are: their names, and the values by the same index;
 * 0: the values are beside the names. */
struct attrs {
	uint64_t keys;
	uint64_t values;
};

/* The names: entries of `stride` bytes, with the key at `key_at` and the value
 * right behind it. */
struct entries {
	uint64_t addr;
	uint8_t bytes[ATTRS_MAX * 24];
	uint32_t nr, stride, key_at;
};

static int from_dict(struct py_process *p, uint64_t dict, struct attrs *out,
		     struct err *err)
{
	int rc;

	if (!dict)
		return err_set(err, ERR_NO, "no attributes");
	rc = py_read_word(p, dict + DICT_KEYS, &out->keys, err);
	if (!rc)
		rc = py_read_word(p, dict + DICT_VALUES, &out->values, err);
	if (!rc && out->values)
		out->values += p->layout.values_head;
	return rc;
}

static int from_type(struct py_process *p, uint64_t type, uint64_t values,
		     struct attrs *out, struct err *err)
{
	out->values = values + p->layout.values_head;
	return py_read_word(p, type + p->layout.type_keys, &out->keys, err);
}

/* 3.9, 3.10: a pointer to a dict, where the type says. */
static int find_in_dict(struct py_process *p, uint64_t object, uint64_t type,
			struct attrs *out, struct err *err)
{
	uint64_t offset, dict = 0;
	int rc = py_read_word(p, type + TYPE_DICTOFFSET, &offset, err);

	if (!rc && (!offset || offset > OBJECT_SIZE_MAX))
		return err_set(err, ERR_NO, "no attributes");
	if (!rc)
		rc = py_read_word(p, object + offset, &dict, err);
	return rc ? rc : from_dict(p, dict, out, err);
}

/* 3.11: two pointers before the object, to values and to a dict. */
static int find_before(struct py_process *p, uint64_t object, uint64_t type,
		       struct attrs *out, struct err *err)
{
	uint64_t values, dict = 0;
	int rc = py_read_word(p, object - VALUES_BEFORE, &values, err);

	if (!rc && values)
		return from_type(p, type, values, out, err);
	if (!rc)
		rc = py_read_word(p, object - DICT_BEFORE, &dict, err);
	return rc ? rc : from_dict(p, dict, out, err);
}

/* 3.12: one pointer before the object; if odd, to the byte before values, else
 * to a dict. */
static int find_tagged(struct py_process *p, uint64_t object, uint64_t type,
		       struct attrs *out, struct err *err)
{
	uint64_t either;
	int rc = py_read_word(p, object - DICT_BEFORE, &either, err);

	if (rc)
		return rc;
	return either & 1 ? from_type(p, type, either + 1, out, err)
			  : from_dict(p, either, out, err);
}

/* 3.13: behind the object, as long as they are valid, or a dict. */
static int find_inline(struct py_process *p, uint64_t object, uint64_t type,
		       struct attrs *out, struct err *err)
{
	uint64_t flags, size = 0, dict = 0;
	uint8_t head[4] = { 0 }; /* capacity, size, embedded, valid */
	int rc = py_read_word(p, type + TYPE_FLAGS, &flags, err);

	if (!rc)
		rc = py_read_word(p, type + TYPE_BASICSIZE, &size, err);
	if (!rc && flags & INLINE_VALUES && size <= OBJECT_SIZE_MAX)
		rc = target_read(p->target, object + size, head, sizeof(head),
				 err);
	if (!rc && head[3] == 1)
		return from_type(p, type, object + size, out, err);
	if (!rc)
		rc = py_read_word(p, object - DICT_BEFORE, &dict, err);
	return rc ? rc : from_dict(p, dict, out, err);
}

typedef int find_fn(struct py_process *p, uint64_t object, uint64_t type,
		    struct attrs *out, struct err *err);

static find_fn *const finders[] = {
	[PY_ATTR_IN_DICT] = find_in_dict,
	[PY_ATTR_BEFORE] = find_before,
	[PY_ATTR_TAGGED] = find_tagged,
	[PY_ATTR_INLINE] = find_inline,
};

/* ---- the names ---------------------------------------------------------- */

/* Bytes of an index of the hash table, by its size, before 3.11. */
static uint32_t index_size(uint64_t size)
{
	return size <= 0xff ? 1 : size <= 0xffff ? 2 : 4;
}

/* The head of a keys object: 3.9, 3.10 { refcnt, size, lookup, usable, nr };
 * from 3.11 on { refcnt, log2s and kind, usable, nr }. */
static int read_entries(struct py_process *p, uint64_t keys,
			struct entries *out, struct err *err)
{
	bool old = p->layout.attr_kind == PY_ATTR_IN_DICT;
	uint8_t head[40];
	uint64_t nr, table;
	int rc = target_read(p->target, keys, head, sizeof(head), err);

	if (rc)
		return rc;
	nr = word_at(head + (old ? 32 : 24));
	/* Entries of the hash table, later bytes of it. */
	table = old ? word_at(head + 8) : 1ull << (head[9] & 31);
	if (nr > table || table > TABLE_MAX)
		return err_set(err, ERR_CORRUPT, "no attribute names");
	if (old)
		table *= index_size(table);
	out->nr = nr < ATTRS_MAX ? (uint32_t)nr : ATTRS_MAX;
	/* Without hashes (kind 1 and 2) where all keys are str. */
	out->stride = !old && head[10] ? 16 : 24;
	out->key_at = out->stride - 16;
	out->addr = keys + (old ? 40 : 32) + table;
	return out->nr ? target_read(p->target, out->addr, out->bytes,
				     out->nr * out->stride, err)
		       : ERR_OK;
}

static int is_named(struct py_process *p, uint64_t key, const char *name,
		    bool *is, struct err *err)
{
	struct buf text = { 0 };
	int rc = py_read_text(p, key, &text, err);

	*is = !rc && !strcmp(buf_str(&text), name);
	buf_release(&text);
	return rc;
}

static int find_entry(struct py_process *p, const struct entries *e,
		      const char *name, uint32_t *index, struct err *err)
{
	for (uint32_t i = 0; i < e->nr; i++) {
		uint64_t key = word_at(e->bytes + i * e->stride + e->key_at);
		bool is = false;
		int rc = key ? is_named(p, key, name, &is, err) : ERR_OK;

		if (rc)
			return rc;
		*index = i;
		if (is)
			return ERR_OK;
	}
	return err_set(err, ERR_NO, "no attribute %s", name);
}

int py_attr_find(struct py_process *p, uint64_t object, const char *name,
		 uint64_t *at, struct err *err)
{
	struct attrs attrs = { 0 };
	struct entries entries = { .nr = 0 };
	uint32_t index = 0;
	uint64_t type = 0;
	int rc;

	if (p->layout.attr_kind == PY_ATTR_UNKNOWN)
		return err_set(err, ERR_NO, "attributes are not read");
	if (!object || object % 8)
		return err_set(err, ERR_CORRUPT, "no object");
	rc = py_read_word(p, object + OBJECT_TYPE, &type, err);
	if (!rc)
		rc = finders[p->layout.attr_kind](p, object, type, &attrs, err);
	if (!rc)
		rc = read_entries(p, attrs.keys, &entries, err);
	if (!rc)
		rc = find_entry(p, &entries, name, &index, err);
	if (rc)
		return rc;
	*at = attrs.values ? attrs.values + index * 8ull
			   : entries.addr + index * entries.stride +
				     entries.key_at + 8;
	return ERR_OK;
}

int py_attr_read(struct py_process *p, uint64_t object, const char *name,
		 uint64_t *value, struct err *err)
{
	uint64_t at = 0;
	int rc = py_attr_find(p, object, name, &at, err);

	return rc ? rc : py_read_word(p, at, value, err);
}
