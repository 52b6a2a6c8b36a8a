/* SPDX-License-Identifier: MIT */
/* What the files of this folder share. */
#ifndef TARE_TARGET_TARGET_INTERNAL_H
#define TARE_TARGET_TARGET_INTERNAL_H

#include "base/buf.h"
#include "target/target.h"

struct target_ops {
	int (*readv)(struct target *t, const struct target_piece *pieces,
		     unsigned nr, unsigned *done, struct err *err);
	/* The text of /proc/PID/maps, malloc'ed. */
	int (*maps_text)(struct target *t, char **text, struct err *err);
	int (*find_symbols)(struct target *t, const struct target_maps *maps,
			    const struct target_map *map,
			    struct target_symbol *symbols, unsigned nr,
			    struct err *err);
	void (*close)(struct target *t);
};

struct target {
	const struct target_ops *ops;
	pid_t pid;
	pid_t task; /* the thread through which it is read, see target_task() */
	struct buf *capture; /* NULL unless capturing */
	void *state;	     /* of the snapshot */
};

/*
 * A capture is a run of records, each a kind, numbers as varints and bytes:
 * see target_snapshot.c. These add one.
 */
void capture_add_maps(struct buf *b, const char *text);
void capture_add_memory(struct buf *b, uint64_t addr, const void *bytes,
			uint32_t size);
void capture_add_symbol(struct buf *b, const char *path, const char *name,
			uint64_t addr);

#endif
