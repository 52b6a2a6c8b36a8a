/* SPDX-License-Identifier: MIT */
#include "native/code_part.h"

#if defined(__x86_64__)

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <stdlib.h>
#include <string.h>

/* All that a call puts on the stack: what to go back to. */
#define ENTRY_FRAME 8
#define REG_SP 7

/* Different parts that are counted; the loop has one. */
#define PARTS_MAX 16

/* The search table that the linker makes of .eh_frame, in the only encoding
 * that is in use (LSB 5.0, "Exception Frame Header"). */
struct index_head {
	uint8_t version, frame_encoding, count_encoding, table_encoding;
	int32_t frame;
	uint32_t count;
};

struct index_entry {
	int32_t start, frame; /* from the head's address */
};

/* What a frame description begins with, its pointers as above. */
struct description {
	uint32_t size, common;
	int32_t start; /* from this field's address */
	uint32_t range;
};

struct part {
	uint64_t start, end;
	unsigned jumps;
};

static bool read_at(const struct code_image *image, uint64_t addr, void *to,
		    uint64_t size)
{
	const uint8_t *bytes = image->bytes(image->arg, addr, size);

	if (bytes)
		memcpy(to, bytes, size);
	return bytes != NULL;
}

/* The last entry that does not begin behind `addr`. */
static bool find_entry(const struct code_image *image, uint64_t addr,
		       struct index_entry *out)
{
	uint64_t table = image->index_addr + sizeof(struct index_head);
	struct index_head head;
	uint32_t low = 0, high;

	if (!read_at(image, image->index_addr, &head, sizeof(head)) ||
	    head.version != 1 || head.count_encoding != DW_EH_PE_udata4 ||
	    head.table_encoding != (DW_EH_PE_datarel | DW_EH_PE_sdata4) ||
	    head.count > image->index_size / sizeof(*out))
		return false;
	high = head.count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (!read_at(image, table + middle * sizeof(*out), out,
			     sizeof(*out)))
			return false;
		if (image->index_addr + (uint64_t)(int64_t)out->start <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low && read_at(image, table + (low - 1) * sizeof(*out), out,
			      sizeof(*out));
}

/* The range of code that has one description with `addr`. */
static bool find_range(const struct code_image *image, uint64_t addr,
		       struct part *out)
{
	struct index_entry entry;
	struct description d;

	if (!find_entry(image, addr, &entry) ||
	    !read_at(image, image->index_addr + (uint64_t)(int64_t)entry.frame,
		     &d, sizeof(d)))
		return false;
	out->start = image->index_addr + (uint64_t)(int64_t)entry.start;
	out->end = out->start + d.range;
	return addr >= out->start && addr < out->end;
}

/* Does the frame stand at the beginning already? */
static bool begins_inside(const struct code_image *image, uint64_t start)
{
	Dwarf_Frame *frame;
	bool inside;
	Dwarf_Op *ops;
	size_t nr;

	if (dwarf_cfi_addrframe(image->cfi, start, &frame))
		return false;
	inside = !dwarf_frame_cfa(frame, &ops, &nr) && nr == 1 &&
		 ops[0].atom == DW_OP_bregx &&
		 (ops[0].number != REG_SP || ops[0].number2 != ENTRY_FRAME);
	free(frame);
	return inside;
}

/* jmp rel32 is e9, the conditional ones are 0f 80 to 0f 8f. */
static bool is_jump(const uint8_t *code)
{
	return code[1] == 0xe9 || (code[0] == 0x0f && (code[1] & 0xf0) == 0x80);
}

static void count_jump(const struct code_image *image, uint64_t target,
		       struct part *parts, unsigned *nr)
{
	struct part part = { .jumps = 1 };

	for (unsigned i = 0; i < *nr; i++)
		if (target >= parts[i].start && target < parts[i].end) {
			parts[i].jumps++;
			return;
		}
	if (*nr < PARTS_MAX && find_range(image, target, &part) &&
	    begins_inside(image, part.start))
		parts[(*nr)++] = part;
}

bool code_part_find(const struct code_image *image, uint64_t addr,
		    uint64_t size, uint64_t *start, uint64_t *end)
{
	const uint8_t *code = image->bytes(image->arg, addr, size);
	struct part parts[PARTS_MAX];
	const struct part *best = NULL;
	unsigned nr = 0;

	/* Instructions are not told apart from what is inside of them: what
	 * looks like a jump and is none does not lead to a part. */
	for (uint64_t i = 0; code && i + 6 <= size; i++) {
		uint64_t target;
		int32_t distance;

		if (!is_jump(code + i))
			continue;
		memcpy(&distance, code + i + 2, sizeof(distance));
		target = addr + i + 6 + (uint64_t)(int64_t)distance;
		if (target < addr || target >= addr + size)
			count_jump(image, target, parts, &nr);
	}
	for (unsigned i = 0; i < nr; i++)
		if (!best || parts[i].jumps > best->jumps)
			best = &parts[i];
	if (!best)
		return false;
	*start = best->start;
	*end = best->end;
	return true;
}

#else

#include <stddef.h>

bool code_part_find(const struct code_image *image, uint64_t addr,
		    uint64_t size, uint64_t *start, uint64_t *end)
{
	(void)image;
	(void)addr;
	(void)size;
	*start = *end = 0;
	return false;
}

#endif
