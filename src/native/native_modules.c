/* SPDX-License-Identifier: MIT */
/* The files that a process has mapped to run code from. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "native/native_internal.h"
#include "os/clock.h"
#include "target/elf_symbols.h"

/* The vdso has two pages; one that is larger is none. */
#define VDSO_SIZE_MAX (256u * 1024)

static uint64_t hash_file(const char *path, uint64_t inode)
{
	uint64_t hash = map_hash(inode);

	for (; *path; path++)
		hash = map_hash(hash ^ (uint8_t)*path);
	return hash;
}

uint32_t modules_add(struct native *n, const char *path, uint64_t inode,
		     enum native_module_kind kind)
{
	const char *slash = strrchr(path, '/');
	struct module m = { .inode = inode, .shown.kind = kind };

	if (n->modules.nr >= MODULES_MAX)
		return MODULE_NOT_KNOWN;
	m.path = strdup(path);
	if (!m.path)
		return MODULE_NOT_KNOWN;
	m.shown.path = m.path;
	m.shown.name = slash ? m.path + (slash - path) + 1 : m.path;
	if (!vec_push(&n->modules, m)) {
		free(m.path);
		return MODULE_NOT_KNOWN;
	}
	return n->modules.nr - 1;
}

static bool same_file(const struct module *m, const char *path, uint64_t inode)
{
	return m->inode == inode && !strcmp(m->path, path);
}

/* Two files of one hash are told apart by asking for the next number. */
static uint32_t module_for(struct native *n, const char *path, uint64_t inode)
{
	uint64_t key = hash_file(path, inode);
	uint32_t at;

	while ((at = map_get(&n->module_of, key)) != MAP_NONE) {
		if (same_file(&n->modules.at[at], path, inode))
			return at;
		key++;
	}
	at = modules_add(n, path, inode,
			 native_module_kind_of(strrchr(path, '/')
						       ? strrchr(path, '/') + 1
						       : path));
	if (at != MODULE_NOT_KNOWN)
		map_put(&n->module_of, key, at);
	return at;
}

/*
 * Code without a file behind it, or with one that only stands for memory:
 * made at run time.
 */
static bool is_generated(const char *path)
{
	static const char *const marks[] = { "//anon", "/memfd:", "/dev/zero",
					     "/SYSV",  "[heap]",  "[stack",
					     "[anon" };

	if (!path[0])
		return true;
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (!strncmp(path, marks[i], strlen(marks[i])))
			return true;
	return false;
}

static bool is_jitdump(const char *path)
{
	const char *name = strrchr(path, '/');
	size_t size = strlen(path);

	return name && !strncmp(name, "/jit-", 5) && size > 5 &&
	       !strcmp(path + size - 5, ".dump");
}

static uint32_t module_of_map(struct native *n, const char *path,
			      const struct target_map *map)
{
	if (is_generated(path))
		return MODULE_JIT;
	if (is_jitdump(path)) {
		jit_note_file(n, path, map);
		return MODULE_JIT;
	}
	return module_for(n, path, map->inode);
}

static bool is_same(const struct mapping *a, const struct mapping *b)
{
	return a->start == b->start && a->end == b->end &&
	       a->offset == b->offset && a->module == b->module;
}

/* Is all that was mapped before still there, as it was? */
static bool only_more(const struct mapping *before, uint32_t before_nr,
		      const struct mapping *now, uint32_t now_nr)
{
	uint32_t k = 0;

	for (uint32_t i = 0; i < before_nr; i++) {
		while (k < now_nr && now[k].start < before[i].start)
			k++;
		if (k == now_nr || !is_same(&before[i], &now[k]))
			return false;
	}
	return true;
}

static int take_maps(struct native *n, struct target_maps *maps,
		     struct err *err)
{
	struct mapping *before = n->mappings.at;
	uint32_t before_nr = n->mappings.nr;

	memset(&n->mappings, 0, sizeof(n->mappings));
	for (uint32_t i = 0; i < maps->map.nr; i++) {
		const struct target_map *map = &maps->map.at[i];
		struct mapping m = { .start = map->start,
				     .end = map->end,
				     .offset = map->offset };

		if (!map->executable)
			continue;
		m.module = module_of_map(n, target_map_path(maps, map), map);
		if (!vec_push(&n->mappings, m)) {
			free(before);
			return err_nomem(err);
		}
	}
	if (!only_more(before, before_nr, n->mappings.at, n->mappings.nr)) {
		map_clear(&n->known);
		unwinder_forget(n->unwinder);
	}
	free(before);
	return ERR_OK;
}

int modules_read(struct native *n, struct err *err)
{
	struct target_maps maps;
	int rc;

	n->maps_ns = clock_now_ns();
	n->stale = false;
	rc = target_read_maps(n->target, &maps, err);
	if (rc)
		return rc;
	/* That of a zombie can still be read, and is empty. What is left to
	 * locate was sampled when the last maps held. */
	rc = maps.map.nr ? take_maps(n, &maps, err)
			 : err_set(err, ERR_GONE, "process %d has exited",
				   (int)n->pid);
	target_maps_release(&maps);
	return rc;
}

const struct mapping *modules_find(const struct native *n, uint64_t addr)
{
	uint32_t low = 0, high = n->mappings.nr;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (n->mappings.at[middle].end <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == n->mappings.nr || n->mappings.at[low].start > addr)
		return NULL;
	return &n->mappings.at[low];
}

static int open_in_target(void *arg, const char *path)
{
	const struct native *n = arg;

	return file_root_open_file(&n->root, path);
}

static int read_vdso(struct native *n, const struct mapping *mapping,
		     struct elf_file **out, struct err *err)
{
	uint64_t size = mapping->end - mapping->start;
	char *bytes;
	int rc;

	if (size > VDSO_SIZE_MAX)
		return err_set(err, ERR_CORRUPT, "not a vdso");
	bytes = malloc(size);
	if (!bytes)
		return err_nomem(err);
	rc = target_read(n->target, mapping->start, bytes, (uint32_t)size, err);
	if (!rc)
		rc = elf_file_open_bytes(out, bytes, size, n->opts.unwind, err);
	free(bytes);
	return rc;
}

static int read_file(struct native *n, const struct mapping *mapping,
		     struct elf_file **out, struct err *err)
{
	const struct module *m = &n->modules.at[mapping->module];
	struct elf_opener opener = { .open = open_in_target, .arg = n };
	/* What elf_symbols_open_mapped() wants is a map with its path. */
	struct target_map map = { .start = mapping->start,
				  .end = mapping->end,
				  .offset = mapping->offset,
				  .inode = m->inode,
				  .path = 0 };
	struct target_maps maps = { .text = m->path };
	int fd = elf_symbols_open_mapped(n->target, &maps, &map, err);

	if (fd < 0)
		return err->code;
	return elf_file_open(out, fd, m->path, n->opts.unwind, &opener, err);
}

/* Read the file once; whether it went well is seen by its names. */
static void read_module(struct native *n, const struct mapping *mapping)
{
	struct module *m = &n->modules.at[mapping->module];
	struct err err;
	int rc;

	m->tried = true;
	if (!strcmp(m->path, "[vdso]"))
		rc = read_vdso(n, mapping, &m->elf, &err);
	else if (m->path[0] == '/')
		rc = read_file(n, mapping, &m->elf, &err);
	else
		return; /* [vsyscall], [uprobes] */
	if (rc)
		return;
	m->shown.names = elf_file_names(m->elf);
	m->shown.build_id = elf_file_build_id(m->elf, &m->shown.build_id_size);
	if (elf_file_symbol(m->elf, native_loop_symbol))
		m->shown.kind = NATIVE_MODULE_PYTHON;
}

struct elf_file *modules_file(struct native *n, const struct mapping *mapping,
			      uint64_t *bias)
{
	struct module *m = &n->modules.at[mapping->module];

	if (mapping->module <= MODULE_KERNEL)
		return NULL;
	if (!m->tried)
		read_module(n, mapping);
	if (!m->elf ||
	    !elf_file_bias(m->elf, mapping->start, mapping->offset, bias))
		return NULL;
	return m->elf;
}
