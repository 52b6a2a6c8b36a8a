/* SPDX-License-Identifier: MIT */
#include "cpython/process.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COOKIE "xdebugpy"

enum {
	SYMBOL_RUNTIME,
	SYMBOL_SECTION,
	SYMBOL_VERSION,
	SYMBOL_CODE,
	SYMBOL_NR
};

int py_read_word(struct py_process *p, uint64_t addr, uint64_t *out,
		 struct err *err)
{
	return target_read(p->target, addr, out, sizeof(*out), err);
}

/*
 * "python3.9", "libpython3.9.so.1.0", "libpython3.10d.so": the series as
 * PY_VERSION_HEX without the patch level, 0 when the name does not tell.
 */
static uint32_t version_of_name(const char *path)
{
	const char *base = strrchr(path, '/');
	const char *at = strstr(base ? base : path, "python");
	unsigned major, minor;

	if (!at || sscanf(at, "python%1u.%3u", &major, &minor) != 2 ||
	    minor > 255)
		return 0;
	return major << 24 | minor << 16;
}

static bool is_candidate(const char *path)
{
	const char *base = strrchr(path, '/');

	return base && strstr(base, "python");
}

int py_process_read_table(struct py_process *p,
			  const struct py_layout_source **source,
			  uint64_t **table, struct err *err)
{
	int rc = py_layout_find(p->layout.version, source, err);

	*table = NULL;
	if (rc || !(*source)->table_size)
		return rc;
	*table = malloc((*source)->table_size);
	if (!*table)
		return err_nomem(err);
	rc = target_read(p->target, p->runtime_addr, *table,
			 (*source)->table_size, err);
	if (rc) {
		free(*table);
		*table = NULL;
	}
	return rc;
}

/* The published table, when there is one at the runtime's address. */
static int read_published(struct py_process *p, uint32_t *version, bool *found,
			  struct err *err)
{
	const struct py_layout_source *source;
	uint64_t start[2];
	uint64_t *table;
	int rc;

	*found = false;
	rc = target_read(p->target, p->runtime_addr, start, sizeof(start), err);
	if (rc || memcmp(start, COOKIE, 8))
		return rc;
	*found = true;
	*version = (uint32_t)start[1];
	rc = py_layout_find(*version, &source, err);
	if (rc)
		return rc;
	table = malloc(source->table_size);
	if (!table)
		return err_nomem(err);
	rc = target_read(p->target, p->runtime_addr, table, source->table_size,
			 err);
	if (!rc)
		source->fill(&p->layout, table);
	free(table);
	return rc;
}

/* The version of a runtime that publishes no table. */
static int find_version(struct py_process *p, uint64_t version_addr,
			const char *path, uint32_t *version, struct err *err)
{
	uint64_t word = 0;
	int rc;

	if (version_addr) {
		rc = py_read_word(p, version_addr, &word, err);
		if (rc)
			return rc;
		*version = (uint32_t)word;
		return ERR_OK;
	}
	*version = version_of_name(path);
	if (!*version)
		return err_set(err, ERR_UNSUPPORTED,
			       "cannot tell which Python '%s' is", path);
	return ERR_OK;
}

static int read_layout(struct py_process *p, uint64_t version_addr,
		       const char *path, struct err *err)
{
	const struct py_layout_source *source;
	uint32_t version;
	bool published;
	int rc;

	rc = read_published(p, &version, &published, err);
	if (rc)
		return rc;
	if (!published) {
		rc = find_version(p, version_addr, path, &version, err);
		if (!rc)
			rc = py_layout_find(version, &source, err);
		if (rc)
			return rc;
		if (source->table_size)
			return err_set(err, ERR_NO,
				       "Python in process %d is still starting",
				       (int)target_pid(p->target));
		source->fill(&p->layout, NULL);
	}
	p->layout.version = version;
	py_layout_version_text(version, p->version);
	return py_layout_check(&p->layout, err);
}

static int refuse_free_threaded(struct py_process *p, struct err *err)
{
	if (!p->layout.free_threaded)
		return ERR_OK;
	err_set(err, ERR_UNSUPPORTED,
		"process %d runs a free-threaded CPython %s, which tare "
		"cannot sample yet",
		(int)target_pid(p->target), p->version);
	err_hint(err, "run the program with the ordinary build of the same "
		      "version");
	return err->code;
}

/* Is the runtime up: an interpreter with at least one thread? */
static int check_started(struct py_process *p, struct err *err)
{
	const struct py_layout *l = &p->layout;
	uint64_t interp, thread = 0;
	int rc;

	rc = py_read_word(p, p->runtime_addr + l->runtime_interpreters_head,
			  &interp, err);
	if (!rc && interp)
		rc = py_read_word(p, interp + l->interp_threads_head, &thread,
				  err);
	if (rc == ERR_CORRUPT || (!rc && !thread))
		return err_set(err, ERR_NO,
			       "Python in process %d is still starting",
			       (int)target_pid(p->target));
	return rc;
}

static int open_runtime(struct py_process *p, const struct target_maps *maps,
			const struct target_map *map, struct err *err)
{
	struct target_symbol symbol[SYMBOL_NR] = {
		[SYMBOL_RUNTIME] = { "_PyRuntime", 0 },
		[SYMBOL_SECTION] = { ".PyRuntime", 0 },
		[SYMBOL_VERSION] = { "Py_Version", 0 },
		[SYMBOL_CODE] = { "PyCode_Type", 0 },
	};
	int rc;

	rc = target_find_symbols(p->target, maps, map, symbol, SYMBOL_NR, err);
	if (rc)
		return rc;
	p->runtime_addr = symbol[SYMBOL_RUNTIME].addr
				  ? symbol[SYMBOL_RUNTIME].addr
				  : symbol[SYMBOL_SECTION].addr;
	if (!p->runtime_addr)
		return err_set(err, ERR_NO, "no Python in '%s'",
			       target_map_path(maps, map));
	p->code_type_addr = symbol[SYMBOL_CODE].addr;
	rc = read_layout(p, symbol[SYMBOL_VERSION].addr,
			 target_map_path(maps, map), err);
	if (!rc)
		rc = refuse_free_threaded(p, err);
	if (!rc)
		rc = check_started(p, err);
	return rc;
}

/* The first mapping of each file, in the order of /proc/PID/maps. */
static bool is_first_of_file(const struct target_maps *maps, uint32_t i)
{
	const struct target_map *map = &maps->map.at[i];

	return map->path &&
	       (i == 0 || !maps->map.at[i - 1].path ||
		strcmp(target_map_path(maps, map),
		       target_map_path(maps, &maps->map.at[i - 1])));
}

/*
 * The interpreter is in the program itself or in a file with "python" in its
 * name (libpython3.x.so); the program comes first in the map.
 */
static int search_maps(struct py_process *p, const struct target_maps *maps,
		       struct err *err)
{
	bool program = true;
	int rc = ERR_NO;

	err_set(err, ERR_NO, "process %d is not a Python process",
		(int)target_pid(p->target));
	for (uint32_t i = 0; i < maps->map.nr; i++) {
		const struct target_map *map = &maps->map.at[i];
		const char *path = target_map_path(maps, map);
		struct err local;

		if (!is_first_of_file(maps, i) || path[0] != '/')
			continue;
		if (program)
			snprintf(p->executable, sizeof(p->executable), "%s",
				 path);
		if (program || is_candidate(path)) {
			rc = open_runtime(p, maps, map, &local);
			if (rc != ERR_NO && rc != ERR_CORRUPT) {
				*err = local;
				return rc;
			}
		}
		program = false;
	}
	return ERR_NO;
}

int py_process_open(struct py_process *p, struct target *t, struct err *err)
{
	struct target_maps maps;
	int rc;

	memset(p, 0, sizeof(*p));
	p->target = t;
	rc = target_read_maps(t, &maps, err);
	if (rc)
		return rc;
	rc = search_maps(p, &maps, err);
	target_maps_release(&maps);
	if (!rc)
		err->code = ERR_OK;
	return rc;
}

/* ---- text --------------------------------------------------------------- */

/* PyASCIIObject.state: interned:2, kind:3, compact:1, ascii:1. */
#define STATE_KIND(state) ((state) >> 2 & 7)
#define STATE_COMPACT(state) ((state) >> 5 & 1)
#define STATE_ASCII(state) ((state) >> 6 & 1)

static void add_utf8(struct buf *out, uint32_t c)
{
	if (!c || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		c = 0xfffd;
	if (c < 0x80) {
		buf_add_char(out, (char)c);
	} else if (c < 0x800) {
		buf_add_char(out, (char)(0xc0 | c >> 6));
		buf_add_char(out, (char)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		buf_add_char(out, (char)(0xe0 | c >> 12));
		buf_add_char(out, (char)(0x80 | (c >> 6 & 0x3f)));
		buf_add_char(out, (char)(0x80 | (c & 0x3f)));
	} else {
		buf_add_char(out, (char)(0xf0 | c >> 18));
		buf_add_char(out, (char)(0x80 | (c >> 12 & 0x3f)));
		buf_add_char(out, (char)(0x80 | (c >> 6 & 0x3f)));
		buf_add_char(out, (char)(0x80 | (c & 0x3f)));
	}
}

static void add_characters(struct buf *out, const uint8_t *from, uint32_t nr,
			   uint32_t kind)
{
	for (uint32_t i = 0; i < nr; i++) {
		uint32_t c = 0;

		memcpy(&c, from + (size_t)i * kind, kind);
		add_utf8(out, c);
	}
}

int py_read_text(struct py_process *p, uint64_t addr, struct buf *out,
		 struct err *err)
{
	const struct py_layout *l = &p->layout;
	uint8_t characters[PY_TEXT_MAX * 4];
	uint8_t head[256];
	uint64_t length;
	uint32_t state, kind;
	int rc;

	if (l->unicode_size > sizeof(head))
		return err_set(err, ERR_CORRUPT, "impossible str layout");
	rc = target_read(p->target, addr, head,
			 l->unicode_length + 8 > l->unicode_state + 4
				 ? l->unicode_length + 8
				 : l->unicode_state + 4,
			 err);
	if (rc)
		return rc;
	memcpy(&length, head + l->unicode_length, 8);
	memcpy(&state, head + l->unicode_state, 4);
	kind = STATE_KIND(state);
	if (!STATE_COMPACT(state) || (kind != 1 && kind != 2 && kind != 4))
		return err_set(err, ERR_CORRUPT, "no compact str at %#" PRIx64,
			       addr);
	if (length > PY_TEXT_MAX)
		length = PY_TEXT_MAX;
	addr += STATE_ASCII(state) ? l->ascii_size : l->compact_size;
	rc = target_read(p->target, addr, characters, (uint32_t)length * kind,
			 err);
	if (!rc)
		add_characters(out, characters, (uint32_t)length, kind);
	if (!rc && out->failed)
		rc = err_nomem(err);
	return rc;
}

bool py_text_of(struct py_process *p, const uint8_t *bytes, uint32_t size,
		struct buf *out)
{
	const struct py_layout *l = &p->layout;
	uint64_t length, at;
	uint32_t state, kind;

	if (l->unicode_length + 8 > size || l->unicode_state + 4 > size)
		return false;
	length = word_at(bytes + l->unicode_length);
	memcpy(&state, bytes + l->unicode_state, 4);
	kind = STATE_KIND(state);
	at = STATE_ASCII(state) ? l->ascii_size : l->compact_size;
	if (!STATE_COMPACT(state) || (kind != 1 && kind != 2 && kind != 4) ||
	    length > PY_TEXT_MAX || at + length * kind > size)
		return false;
	add_characters(out, bytes + at, (uint32_t)length, kind);
	return true;
}

/* ---- threads ------------------------------------------------------------ */

static int read_threads_of(struct py_process *p, uint64_t interp,
			   struct py_threads *out, struct err *err)
{
	const struct py_layout *l = &p->layout;
	uint8_t head[PY_THREAD_SIZE_MAX];
	struct py_thread thread = { .interp = interp };
	uint64_t addr;
	int rc;

	rc = py_read_word(p, interp + l->interp_threads_head, &addr, err);
	while (!rc && addr) {
		if (out->thread.nr >= PY_THREADS_MAX)
			return err_set(err, ERR_CORRUPT,
				       "the list of threads has no end");
		rc = target_read(p->target, addr, head, l->thread_size, err);
		if (rc)
			break;
		thread.addr = addr;
		memcpy(&thread.thread_id, head + l->thread_thread_id, 8);
		thread.id = 0;
		if (l->thread_id != PY_ABSENT)
			memcpy(&thread.id, head + l->thread_id, 8);
		thread.native_id = 0;
		if (l->thread_native_thread_id != PY_ABSENT)
			memcpy(&thread.native_id,
			       head + l->thread_native_thread_id, 8);
		memcpy(&addr, head + l->thread_next, 8);
		if (!vec_push(&out->thread, thread))
			rc = err_nomem(err);
	}
	return rc;
}

int py_threads_read(struct py_process *p, struct py_threads *out,
		    struct err *err)
{
	const struct py_layout *l = &p->layout;
	uint64_t interp;
	int rc;

	out->thread.nr = 0;
	out->interp.nr = 0;
	rc = py_read_word(p, p->runtime_addr + l->runtime_interpreters_head,
			  &interp, err);
	while (!rc && interp) {
		if (out->interp.nr >= PY_INTERPRETERS_MAX)
			return err_set(err, ERR_CORRUPT,
				       "the list of interpreters has no end");
		if (!vec_push(&out->interp, interp))
			return err_nomem(err);
		rc = read_threads_of(p, interp, out, err);
		if (!rc)
			rc = py_read_word(p, interp + l->interp_next, &interp,
					  err);
	}
	/* A thread that ended while we came past it may have led us astray. */
	if (!rc && !py_threads_are(p, out))
		rc = err_set(err, ERR_CORRUPT,
			     "the list of threads changed meanwhile");
	return rc;
}

/* Links of the lists: where each is, and what it should be. */
struct links {
	struct py_process *process;
	struct target_piece pieces[TARGET_PIECES_MAX];
	uint64_t found[TARGET_PIECES_MAX];
	uint64_t expected[TARGET_PIECES_MAX];
	unsigned nr;
	bool same;
};

static void links_compare(struct links *k)
{
	struct err ignored;
	unsigned done;

	if (!k->same || !k->nr)
		return;
	if (target_readv(k->process->target, k->pieces, k->nr, &done,
			 &ignored) ||
	    done < k->nr ||
	    memcmp(k->found, k->expected, k->nr * sizeof(k->found[0])))
		k->same = false;
	k->nr = 0;
}

static void links_add(struct links *k, uint64_t addr, uint64_t expected)
{
	if (k->nr == TARGET_PIECES_MAX)
		links_compare(k);
	k->pieces[k->nr].addr = addr;
	k->pieces[k->nr].to = &k->found[k->nr];
	k->pieces[k->nr].size = sizeof(k->found[0]);
	k->expected[k->nr++] = expected;
}

bool py_threads_are(struct py_process *p, const struct py_threads *t)
{
	const struct py_layout *l = &p->layout;
	uint64_t at = p->runtime_addr + l->runtime_interpreters_head;
	struct links links = { .process = p, .same = true };
	uint32_t k = 0;

	for (uint32_t i = 0; i < t->interp.nr; i++) {
		uint64_t interp = t->interp.at[i];

		links_add(&links, at, interp);
		at = interp + l->interp_threads_head;
		for (; k < t->thread.nr && t->thread.at[k].interp == interp;
		     k++) {
			links_add(&links, at, t->thread.at[k].addr);
			at = t->thread.at[k].addr + l->thread_next;
		}
		links_add(&links, at, 0);
		at = interp + l->interp_next;
	}
	links_add(&links, at, 0);
	links_compare(&links);
	return links.same;
}

void py_threads_release(struct py_threads *t)
{
	vec_release(&t->thread);
	vec_release(&t->interp);
}
