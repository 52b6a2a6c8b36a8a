/* SPDX-License-Identifier: MIT */
#include "cpython/dict.h"

#include <string.h>

/* Include/internal/pycore_dict.h, dictobject.h; the same from 3.12 on. */
enum {
	DICT_USED = 16,
	DICT_KEYS = 32,
	DICT_VALUES = 40,
	DICT_SPAN = 48,
	KEYS_LOG2 = 8,	     /* of the size of the hash table */
	KEYS_LOG2_BYTES = 9, /* of its size in bytes */
	KEYS_KIND = 10,	     /* 0: any keys, with their hashes; else str */
	KEYS_NR = 24,	     /* entries in use */
	KEYS_SPAN = 32,
	SET_ENTRY = 16 /* key, hash */
};

/* A name that is looked for has at most so many characters. */
#define NAME_MAX_SIZE 64

/* Where the entries of a dict are. */
struct table {
	uint64_t keys, entries;
	uint32_t nr, stride;
};

static int find_table(struct bulk *b, uint64_t addr, struct table *t,
		      struct err *err)
{
	struct target *target = b->process->target;
	uint8_t dict[DICT_SPAN], keys[KEYS_SPAN];
	uint64_t nr, bytes;
	int rc;

	if (!addr || addr % 8)
		return err_set(err, ERR_CORRUPT, "no dict");
	rc = target_read(target, addr, dict, sizeof(dict), err);
	if (rc)
		return rc;
	/* Values of their own: the attributes of an instance. */
	if (word_at(dict + DICT_VALUES))
		return err_set(err, ERR_CORRUPT, "a dict with shared keys");
	t->keys = word_at(dict + DICT_KEYS);
	rc = target_read(target, t->keys, keys, sizeof(keys), err);
	if (rc)
		return rc;
	nr = word_at(keys + KEYS_NR);
	bytes = 1ull << (keys[KEYS_LOG2_BYTES] & 31);
	if (nr > PY_DICT_MAX || keys[KEYS_LOG2] > 31)
		return err_set(err, ERR_CORRUPT, "a dict of impossible size");
	t->nr = (uint32_t)nr;
	t->stride = keys[KEYS_KIND] ? 16 : 24;
	t->entries = t->keys + KEYS_SPAN + bytes;
	return ERR_OK;
}

int py_dict_stamp(struct bulk *b, uint64_t addr, uint64_t *stamp,
		  struct err *err)
{
	uint8_t dict[DICT_SPAN];
	uint64_t nr = 0;
	int rc;

	if (!addr || addr % 8)
		return err_set(err, ERR_CORRUPT, "no dict");
	rc = target_read(b->process->target, addr, dict, sizeof(dict), err);
	if (!rc)
		rc = py_read_word(b->process,
				  word_at(dict + DICT_KEYS) + KEYS_NR, &nr,
				  err);
	*stamp = word_at(dict + DICT_KEYS) ^ nr << 48 ^ addr << 7;
	return rc;
}

int py_dict_read(struct bulk *b, uint64_t addr, struct py_entries *out,
		 struct err *err)
{
	struct table t = { 0 };
	const uint8_t *bytes;
	int rc = find_table(b, addr, &t, err);

	bulk_clear(b);
	if (rc || !t.nr)
		return rc;
	bulk_ask(b, t.entries, t.nr * t.stride);
	rc = bulk_run(b, err);
	if (rc)
		return rc;
	bytes = bulk_get(b, 0, NULL);
	if (!bytes)
		return err_set(err, ERR_CORRUPT, "a dict without its entries");
	for (uint32_t i = 0; !rc && i < t.nr; i++) {
		const uint8_t *at = bytes + i * t.stride + t.stride - 16;
		struct py_entry e = { word_at(at), word_at(at + 8) };

		if (e.key && e.value && !vec_push(&out->of, e))
			rc = err_nomem(err);
	}
	bulk_clear(b);
	return rc;
}

/* Is the str whose beginning is at `bytes` this text? */
static bool is_text(const struct py_layout *l, const uint8_t *bytes,
		    uint32_t size, const char *text)
{
	size_t length = strlen(text);

	return bytes && size >= l->ascii_size + length &&
	       l->unicode_length + 8 <= l->ascii_size &&
	       word_at(bytes + l->unicode_length) == length &&
	       !memcmp(bytes + l->ascii_size, text, length);
}

int py_dict_find(struct bulk *b, uint64_t addr, const char *const *names,
		 uint32_t nr, uint64_t *values, struct err *err)
{
	const struct py_layout *l = &b->process->layout;
	struct py_entries entries = { 0 };
	int rc = py_dict_read(b, addr, &entries, err);

	memset(values, 0, nr * sizeof(values[0]));
	for (uint32_t i = 0; !rc && i < entries.of.nr; i++)
		bulk_ask_window(b, entries.of.at[i].key, l->ascii_size,
				l->ascii_size + NAME_MAX_SIZE);
	if (!rc)
		rc = bulk_run(b, err);
	for (uint32_t i = 0; !rc && i < entries.of.nr; i++) {
		uint32_t size = 0;
		const uint8_t *bytes = bulk_get(b, i, &size);

		for (uint32_t k = 0; k < nr; k++)
			if (!values[k] && is_text(l, bytes, size, names[k]))
				values[k] = entries.of.at[i].value;
	}
	vec_release(&entries.of);
	bulk_clear(b);
	return rc;
}

int py_set_read(struct bulk *b, const struct py_task_layout *l, uint64_t addr,
		struct py_entries *out, struct err *err)
{
	uint8_t head[PY_SET_SIZE_MAX];
	const uint8_t *bytes;
	uint64_t mask, used;
	int rc;

	bulk_clear(b);
	if (!addr || addr % 8)
		return err_set(err, ERR_CORRUPT, "no set");
	rc = target_read(b->process->target, addr, head, l->set_size, err);
	if (rc)
		return rc;
	mask = word_at(head + l->set_mask);
	used = word_at(head + l->set_used);
	if (mask & (mask + 1) || mask >= PY_DICT_MAX * 4 || used > mask + 1)
		return err_set(err, ERR_CORRUPT, "a set of impossible size");
	if (!used)
		return ERR_OK;
	bulk_ask(b, word_at(head + l->set_table),
		 (uint32_t)(mask + 1) * SET_ENTRY);
	rc = bulk_run(b, err);
	if (rc)
		return rc;
	bytes = bulk_get(b, 0, NULL);
	if (!bytes)
		return err_set(err, ERR_CORRUPT, "a set without its table");
	for (uint64_t i = 0; !rc && i <= mask; i++) {
		struct py_entry e = { word_at(bytes + i * SET_ENTRY),
				      word_at(bytes + i * SET_ENTRY + 8) };

		/* The hash -1 marks what was removed. */
		if (e.key && e.value != UINT64_MAX && !vec_push(&out->of, e))
			rc = err_nomem(err);
	}
	bulk_clear(b);
	return rc;
}
