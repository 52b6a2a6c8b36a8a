/* SPDX-License-Identifier: MIT */
/*
 * From the registers and a copy of the top of the stack to the chain of
 * callers, by the unwind tables that compilers write for exceptions
 * (.eh_frame), and by frame pointers where there is no table.
 *
 * What a table says about an address is worked out once, by libdw, and then
 * kept as a rule of a few numbers, so that a step is a look-up and two reads
 * of the copied stack.
 */
#ifndef TARE_NATIVE_UNWIND_H
#define TARE_NATIVE_UNWIND_H

#include <stdbool.h>
#include <stdint.h>

#include "os/perf_ring.h"

/* A native stack deeper than this is cut. */
#define CHAIN_DEPTH_MAX 512

enum chain_end {
	CHAIN_WHOLE,	/* down to where the thread began */
	CHAIN_CUT,	/* the copied piece of the stack ended */
	CHAIN_NO_RULE,	/* no table says how to go on */
	CHAIN_TOO_DEEP, /* CHAIN_DEPTH_MAX */
	CHAIN_STRANGE,	/* what the tables say cannot be */
};

struct chain {
	/* Newest first. Addresses inside the instruction that runs or calls,
	 * which is what names are looked up with. */
	uint64_t addr[CHAIN_DEPTH_MAX];
	uint32_t nr;
	enum chain_end end;
};

/* Where an address of the process is in some file. */
struct unwind_place {
	struct Dwarf_CFI_s *cfi; /* NULL: the file has none */
	uint64_t bias;		 /* address in the process - in the file */
	bool is_code;		 /* something is mapped there to be run */
	/* Code without a table that is known all the same: so many bytes are
	 * on the stack above the address to return to. */
	bool is_stub;
	uint32_t stub_frame;
};

struct unwinder;

/*
 * `place` tells where an address is; it is asked once for each address. NULL
 * without memory.
 */
struct unwinder *unwinder_new(void (*place)(void *arg, uint64_t addr,
					    struct unwind_place *out),
			      void *arg);
void unwinder_free(struct unwinder *u);

/* Forget all rules: something else was mapped, or files were closed. */
void unwinder_forget(struct unwinder *u);

/* The chain of a sample that has registers and a stack. */
void unwinder_walk(struct unwinder *u, const struct perf_record *sample,
		   struct chain *out);

/* Is the frame pointer what the function at `addr` finds its frame by? */
bool unwinder_keeps_pointer(struct unwinder *u, uint64_t addr);

/* The chain that the kernel found by frame pointers. */
void chain_from_pointers(const struct perf_record *sample, struct chain *out);

#endif
