/* SPDX-License-Identifier: MIT */
/*
 * Many small pieces of a target, read with few system calls.
 *
 * Ask for pieces, run, look at what came. A piece that is not mapped costs a
 * call more and comes back as NULL; the others are not affected. What a whole
 * piece of work may cost is bounded: after `calls_left` calls nothing is read
 * any more, and `cut` says so.
 */
#ifndef TARE_CPYTHON_BULK_H
#define TARE_CPYTHON_BULK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/map.h"
#include "base/vec.h"
#include "cpython/process.h"

struct bulk_piece {
	uint64_t addr;
	uint32_t size; /* 0: not read */
	uint32_t read; /* which of the reads has it */
};

/* What the kernel is asked for: a piece, or a page that has several. */
struct bulk_read {
	uint64_t addr;
	uint32_t size; /* 0: did not come */
	uint32_t at;   /* in the image */
	uint32_t nr;   /* pieces in it */
};

struct bulk {
	struct py_process *process; /* not owned */
	uint32_t calls_left;
	bool cut; /* pieces were left out: calls or room ran out */
	bool no_memory;
	VEC(struct bulk_piece) pieces;
	uint32_t read_nr; /* so many of them were read, or tried */
	VEC(struct bulk_read) reads;
	struct map pages; /* page -> read */
	uint8_t *image;
	uint64_t image_nr, image_cap;
};

/* Forget all pieces but keep the memory. */
void bulk_clear(struct bulk *b);
void bulk_release(struct bulk *b);

/* Ask for `size` bytes at `addr` (hostile); the number of the piece. */
uint32_t bulk_ask(struct bulk *b, uint64_t addr, uint32_t size);

/*
 * As bulk_ask(), for what is likely to be readable beyond `least`: up to
 * `most` bytes, but not beyond the end of the page in which the first `least`
 * bytes end.
 */
uint32_t bulk_ask_window(struct bulk *b, uint64_t addr, uint32_t least,
			 uint32_t most);

/*
 * Read those that were asked for since the last time. Fails only when nothing
 * can be read of the process.
 */
int bulk_run(struct bulk *b, struct err *err);

/* What came of piece `i`; NULL when it did not. *size may be NULL. */
const uint8_t *bulk_get(const struct bulk *b, uint32_t i, uint32_t *size);

/* The pointer-sized number that piece `i` is, 0 when it did not come. */
uint64_t bulk_word(const struct bulk *b, uint32_t i);

#endif
