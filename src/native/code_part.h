/* SPDX-License-Identifier: MIT */
/* Parts of a function that lie elsewhere, where no symbol tells. */
#ifndef TARE_NATIVE_CODE_PART_H
#define TARE_NATIVE_CODE_PART_H

#include <stdbool.h>
#include <stdint.h>

struct Dwarf_CFI_s;

/* A file, by its own addresses. */
struct code_image {
	/* The bytes at `addr`; NULL when they are not all there. */
	const uint8_t *(*bytes)(void *arg, uint64_t addr, uint64_t size);
	void *arg;
	uint64_t index_addr, index_size; /* of .eh_frame_hdr */
	struct Dwarf_CFI_s *cfi;
};

/*
 * Find the part of the function at `addr` that its code jumps to and that is
 * no function of its own: by its unwind table the frame stands already where
 * the part begins. Of several, the one that is jumped to most. False: it has
 * no such part, or that cannot be told on this machine.
 */
bool code_part_find(const struct code_image *image, uint64_t addr,
		    uint64_t size, uint64_t *start, uint64_t *end);

#endif
