/* SPDX-License-Identifier: MIT */
/*
 * A process whose memory can be read: a live one, or one captured in a file
 * (target_snapshot.c) for tests. Knows nothing of Python.
 *
 * Nothing here writes to the process, stops it or sends it a signal; the one
 * exception is trace.h, which says so.
 */
#ifndef TARE_TARGET_TARGET_H
#define TARE_TARGET_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/vec.h"

struct target;

/* One run of bytes to copy out of the target. */
struct target_piece {
	uint64_t addr;
	void *to;
	uint32_t size;
};

/* Most pieces one target_readv() takes (UIO_MAXIOV of the kernel). */
#define TARGET_PIECES_MAX 1024

/* One line of /proc/PID/maps. */
struct target_map {
	uint64_t start, end, offset;
	uint64_t inode;
	bool executable;
	bool writable;
	uint32_t path; /* offset into target_maps.text; 0: no path */
};

struct target_maps {
	VEC(struct target_map) map;
	char *text; /* the paths, each ended by NUL; text[0] is "" */
};

/*
 * Open the live process `pid`. Succeeds for any process that exists; the
 * first read tells whether reading is allowed. *out is the caller's to
 * release with target_close().
 */
int target_open(struct target **out, pid_t pid, struct err *err);

/* As target_open(), for a process captured in the file `path`. */
int target_open_snapshot(struct target **out, const char *path,
			 struct err *err);

/* The same for a snapshot in memory, which is copied. */
int target_open_snapshot_bytes(struct target **out, const void *bytes,
			       size_t size, struct err *err);

/* Release `t`. NULL is allowed. */
void target_close(struct target *t);

pid_t target_pid(const struct target *t);

/*
 * A thread of it that lives: one that has ended has no memory, files or root
 * directory any more, also if it was the main one and the others go on.
 */
pid_t target_task(const struct target *t);

/*
 * Copy all pieces, in order, in one system call. *done is how many came over
 * whole; fewer than `nr` means that piece `*done` is not mapped (any more).
 * Fails with ERR_GONE or ERR_PERM when nothing can be read at all.
 */
int target_readv(struct target *t, const struct target_piece *pieces,
		 unsigned nr, unsigned *done, struct err *err);

/* Copy one run of bytes; ERR_CORRUPT when it is not mapped. */
int target_read(struct target *t, uint64_t addr, void *to, uint32_t size,
		struct err *err);

/* What is mapped now; the caller's to release with target_maps_release(). */
int target_read_maps(struct target *t, struct target_maps *maps,
		     struct err *err);
void target_maps_release(struct target_maps *maps);

/* The path of `map`, "" when it has none. */
const char *target_map_path(const struct target_maps *maps,
			    const struct target_map *map);

/* `name` is a symbol or, with a leading '.', a section. */
struct target_symbol {
	const char *name;
	uint64_t addr; /* in the process; 0: not found */
};

/*
 * Look the `nr` names up in the ELF file of `map`. Symbols that are not there
 * keep addr 0. Fails when the file cannot be read as ELF.
 */
int target_find_symbols(struct target *t, const struct target_maps *maps,
			const struct target_map *map,
			struct target_symbol *symbols, unsigned nr,
			struct err *err);

/*
 * Log every byte read from now on, so that target_save_snapshot() can write a
 * capture from which the same reads give the same answers.
 */
int target_start_capture(struct target *t, struct err *err);
int target_save_snapshot(struct target *t, const char *path, struct err *err);

#endif
