/* SPDX-License-Identifier: MIT */
/*
 * Code that the process made, by what it says about it in three ways:
 *
 * - ELF images in its memory, registered for debuggers in the list that GDB
 *   defined ("JIT Compilation Interface" of its manual). LLVM's MCJIT, and so
 *   Numba, always does that; the images have names and unwind tables.
 * - /tmp/perf-PID.map: python -X perf, Node, Java with an agent.
 * - jitdump files, which their writer maps for us to find: python -X
 *   perf_jit, LLVM's other compilers.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "native/native_internal.h"
#include "os/clock.h"
#include "os/procfs.h"
#include "target/elf_symbols.h"

/* Names that are missing are looked for no more often than this. */
#define LOOK_AGAIN_NS (20 * CLOCK_MS_NS)

#define OBJECTS_MAX 16384
#define OBJECT_SIZE_MAX (64u * 1024 * 1024)
#define OBJECTS_SIZE_MAX (512u * 1024 * 1024)

#define DUMPS_MAX 64

/* Read of a perf map in one go; one that grows faster is read next time. */
#define MAP_CHUNK (1u * 1024 * 1024)
#define MAP_CHUNKS_MAX 64

void jit_init(struct jit *j)
{
	j->map_fd = -1;
}

void jit_release(struct jit *j)
{
	for (uint32_t i = 0; i < j->objects.nr; i++)
		elf_file_close(j->objects.at[i].elf);
	for (uint32_t i = 0; i < j->dumps.nr; i++)
		close(j->dumps.at[i].fd);
	if (j->map_fd >= 0)
		close(j->map_fd);
	vec_release(&j->objects);
	vec_release(&j->dumps);
	jit_code_release(&j->code);
	memset(j, 0, sizeof(*j));
	jit_init(j);
}

/*
 * Only what the user of the process wrote: /tmp is everybody's, and names
 * from another hand would be lies.
 */
static int only_own(const struct native *n, int fd)
{
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) ||
	    (st.st_uid != n->root.uid && st.st_uid != 0)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* What the process itself takes for its number, which its files have in
 * their names: the last of "NSpid:". */
static pid_t inner_pid(pid_t pid)
{
	char ids[256];
	const char *last;
	long inner;

	if (!procfs_read_status(pid, "NSpid", ids, sizeof(ids)))
		return pid;
	last = strrchr(ids, '\t');
	inner = strtol(last ? last + 1 : ids, NULL, 10);
	return inner > 0 ? (pid_t)inner : pid;
}

/* ------------------------------------------------------------- perf maps */

static bool read_perf_map(struct native *n)
{
	struct jit *j = &n->jit;
	uint32_t before = j->code.added;
	char path[64], *text;

	if (j->map_fd < 0) {
		snprintf(path, sizeof(path), "/tmp/perf-%d.map",
			 (int)inner_pid(n->pid));
		j->map_fd = only_own(n, file_root_open_file(&n->root, path));
	}
	if (j->map_fd < 0)
		return false;
	text = malloc(MAP_CHUNK);
	for (int i = 0; text && i < MAP_CHUNKS_MAX; i++) {
		ssize_t got =
			pread(j->map_fd, text, MAP_CHUNK, (off_t)j->map_offset);
		size_t taken = 0;

		if (got > 0)
			taken = perf_map_parse(&j->code, text, (size_t)got);
		if (!taken)
			break;
		j->map_offset += taken;
	}
	free(text);
	return j->code.added != before;
}

/* -------------------------------------------------------------- jitdumps */

/* The path in the map of a process in a chroot leads there from our root. */
static int open_dump(const struct native *n, const char *path,
		     const struct target_map *map)
{
	int fd = elf_symbols_open_exact(n->target, map);

	return only_own(n, fd >= 0 ? fd : file_root_open_file(&n->root, path));
}

void jit_note_file(struct native *n, const char *path,
		   const struct target_map *map)
{
	struct jit *j = &n->jit;
	struct jit_dump d = { .inode = map->inode };

	for (uint32_t i = 0; i < j->dumps.nr; i++)
		if (j->dumps.at[i].inode == map->inode)
			return;
	if (j->dumps.nr >= DUMPS_MAX)
		return;
	d.fd = open_dump(n, path, map);
	if (d.fd >= 0 && !vec_push(&j->dumps, d))
		close(d.fd);
}

static size_t read_dump(void *arg, uint64_t offset, void *to, size_t size)
{
	const struct jit_dump *d = arg;
	ssize_t got = pread(d->fd, to, size, (off_t)offset);

	return got > 0 ? (size_t)got : 0;
}

static bool read_dumps(struct native *n)
{
	struct jit *j = &n->jit;
	uint32_t before = j->code.added;

	for (uint32_t i = 0; i < j->dumps.nr; i++) {
		struct jit_dump *d = &j->dumps.at[i];
		struct jitdump_reader reader = { .read = read_dump, .arg = d };

		jitdump_parse(&d->reading, &reader, &j->code);
	}
	return j->code.added != before;
}

/* --------------------------------------------------------------- objects */

static const char list_symbol[] = "__jit_debug_descriptor";

/* What is at that symbol (GDB's manual). */
struct list_head {
	uint32_t version, action;
	uint64_t relevant, first;
};

struct list_entry {
	uint64_t next, prev, addr, size;
};

/* The list is in whatever file was linked with LLVM; each is asked once. */
static void find_list(struct native *n)
{
	struct jit *j = &n->jit;

	if (j->list_addr || j->searched == n->modules.nr)
		return;
	j->searched = n->modules.nr;
	for (uint32_t i = 0; i < n->mappings.nr; i++) {
		uint64_t bias, addr = 0;
		struct elf_file *f;

		f = modules_file(n, &n->mappings.at[i], &bias);
		if (f)
			addr = elf_file_symbol(f, list_symbol);
		if (addr) {
			j->list_addr = addr + bias;
			return;
		}
	}
}

/*
 * The process relocates the unwind table where it runs, not in the image that
 * it registers. Put the one that runs in the place of the other.
 */
static void take_unwind_table(struct native *n, char *bytes, uint64_t size)
{
	uint64_t addr, offset, table_size;
	struct err err;

	if (!elf_image_section(bytes, size, ".eh_frame", &addr, &offset,
			       &table_size) ||
	    !addr || offset > size || table_size > size - offset)
		return;
	/* NOLINTNEXTLINE(bugprone-unused-return-value): the old will do */
	(void)target_read(n->target, addr, bytes + offset, (uint32_t)table_size,
			  &err);
}

/* NULL: it is no image, or enough was read. */
static struct elf_file *read_object(struct native *n,
				    const struct list_entry *e)
{
	struct elf_file *elf = NULL;
	struct jit *j = &n->jit;
	struct err err;
	char *bytes;

	if (!e->size || e->size > OBJECT_SIZE_MAX ||
	    j->objects_size + e->size > OBJECTS_SIZE_MAX)
		return NULL;
	/* Also for what turns out to be none: it is read all the same. */
	j->objects_size += e->size;
	bytes = malloc(e->size);
	if (!bytes)
		return NULL;
	if (!target_read(n->target, e->addr, bytes, (uint32_t)e->size, &err)) {
		if (n->opts.unwind)
			take_unwind_table(n, bytes, e->size);
		elf_file_open_bytes(&elf, bytes, e->size, n->opts.unwind, &err);
	}
	free(bytes);
	return elf;
}

/*
 * What is no image is kept as well, so that it is not read again at each look.
 * False: there is nothing more to find in it.
 */
static bool add_object(struct native *n, uint64_t entry,
		       const struct list_entry *e)
{
	struct jit_object o = { .entry = entry,
				.addr = e->addr,
				.size = e->size };

	if (n->jit.objects.nr >= OBJECTS_MAX)
		return false;
	o.elf = read_object(n, e);
	if (!vec_push(&n->jit.objects, o)) {
		elf_file_close(o.elf);
		return false;
	}
	return o.elf != NULL;
}

static bool is_object_known(const struct jit *j, uint64_t entry,
			    const struct list_entry *e)
{
	for (uint32_t i = j->objects.nr; i-- > 0;) {
		const struct jit_object *o = &j->objects.at[i];

		if (o->entry == entry && o->addr == e->addr &&
		    o->size == e->size)
			return true;
	}
	return false;
}

/*
 * New ones are put at the head of the list, so that the first known one ends
 * the search. They are added oldest first.
 */
static bool read_objects(struct native *n)
{
	VEC(uint64_t) fresh = { 0 };
	struct jit *j = &n->jit;
	struct list_head head;
	struct list_entry e;
	bool added = false;
	struct err err;
	uint64_t at;

	if (j->objects.nr >= OBJECTS_MAX)
		return false;
	find_list(n);
	if (!j->list_addr ||
	    target_read(n->target, j->list_addr, &head, sizeof(head), &err) ||
	    head.version != 1)
		return false;
	for (at = head.first; at && fresh.nr < OBJECTS_MAX; at = e.next) {
		if (target_read(n->target, at, &e, sizeof(e), &err) ||
		    is_object_known(j, at, &e) || !vec_push(&fresh, at))
			break;
	}
	for (uint32_t i = fresh.nr; i-- > 0;)
		if (!target_read(n->target, fresh.at[i], &e, sizeof(e), &err) &&
		    add_object(n, fresh.at[i], &e))
			added = true;
	vec_release(&fresh);
	return added;
}

/* ------------------------------------------------------------------- all */

const char *jit_find_now(struct native *n, uint64_t addr,
			 struct elf_file **object)
{
	struct jit *j = &n->jit;
	struct elf_function f;

	*object = NULL;
	for (uint32_t i = j->objects.nr; i-- > 0;)
		if (j->objects.at[i].elf &&
		    elf_file_find(j->objects.at[i].elf, addr, &f)) {
			*object = j->objects.at[i].elf;
			return f.name;
		}
	return jit_code_find(&j->code, addr);
}

static bool read_all(struct native *n)
{
	bool objects = read_objects(n);
	bool map = read_perf_map(n);
	bool dumps = read_dumps(n);

	n->jit.read_ns = clock_now_ns();
	return objects || map || dumps;
}

const char *jit_find(struct native *n, uint64_t addr, struct elf_file **object)
{
	const char *name = jit_find_now(n, addr, object);

	if (name || clock_now_ns() - n->jit.read_ns < LOOK_AGAIN_NS)
		return name;
	if (!read_all(n))
		return NULL;
	/* An address may have been something else before. */
	map_clear(&n->known);
	unwinder_forget(n->unwinder);
	return jit_find_now(n, addr, object);
}
