/* SPDX-License-Identifier: MIT */
/*
 * Reading the rings that the kernel's perf events are written into. No system
 * calls here: a ring is memory, and what is in it is checked as if a stranger
 * had written it.
 */
#ifndef TARE_OS_PERF_RING_H
#define TARE_OS_PERF_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Most registers that DWARF numbers on a machine we run on (aarch64). */
#define PERF_REGS_MAX 32

/* Deepest chain that is looked at; the kernel's own default limit is 127. */
#define PERF_CHAIN_MAX 1024

enum perf_record_kind {
	PERF_RECORD_KIND_OTHER, /* nothing of interest */
	PERF_RECORD_KIND_SAMPLE,
	PERF_RECORD_KIND_MAPPED, /* code was mapped */
	PERF_RECORD_KIND_NAMED,	 /* a thread got a name */
	PERF_RECORD_KIND_EXEC,	 /* the process became another program */
	PERF_RECORD_KIND_FORKED, /* `tid` is new, made by `parent_tid` */
	PERF_RECORD_KIND_EXITED,
	PERF_RECORD_KIND_LOST, /* `lost` records did not fit */
	PERF_RECORD_KIND_THROTTLED,
	PERF_RECORD_KIND_STOPPED, /* `tid` was put off its CPU ... */
	PERF_RECORD_KIND_STARTED, /* ... and got one again */
};

struct perf_record {
	enum perf_record_kind kind;
	pid_t pid, tid;
	pid_t parent_pid, parent_tid;
	uint64_t time_ns; /* CLOCK_MONOTONIC */
	uint64_t lost;
	/* of STOPPED: for the sake of another thread, not to wait; it stands
	 * where the interrupt before met it */
	bool preempted;

	/* of a sample */
	uint64_t ip;
	bool in_kernel; /* `ip` is the kernel's */
	/* The addresses by frame pointers, with the kernel's context marks. */
	const uint64_t *chain;
	uint32_t chain_nr;
	/* Registers of user code by their DWARF numbers; regs_nr 0: none. */
	uint64_t pc, sp;
	uint64_t regs[PERF_REGS_MAX];
	uint32_t regs_nr;
	/* A copy of the stack from `sp` up. */
	const uint8_t *stack;
	uint32_t stack_size;

	/* of a mapping */
	uint64_t addr, size, offset, inode;
	/* of a mapping or a name; not ended by NUL */
	const char *text;
	uint32_t text_size;
};

/* What samples consist of, as it was asked for. */
struct perf_shape {
	bool chain;
	bool stack; /* user registers and stack */
};

/* Which registers to ask the kernel for. */
uint64_t perf_regs_mask(void);

/*
 * Make sense of the `size` bytes of one record, aligned to 8; false when they
 * make none. Pointers in `out` lead into `bytes`.
 */
bool perf_record_parse(const void *bytes, size_t size,
		       const struct perf_shape *shape, struct perf_record *out);

/* `tail` up to `head` is unread; both count bytes for ever. */
struct perf_ring {
	const uint8_t *data;
	uint64_t data_size; /* a power of two */
	uint64_t head, tail;
	uint8_t *bent; /* a record that lay across the end, made straight */
	struct perf_record record;
	uint32_t record_size; /* 0: `record` holds nothing */
	uint64_t damaged;     /* times that the rest had to be thrown away */
};

/*
 * The next record of `ring`, read but not taken; NULL when there is none
 * (left). Stays as it is until it is taken. Records that make no sense are
 * counted and skipped.
 */
const struct perf_record *perf_ring_peek(struct perf_ring *ring,
					 const struct perf_shape *shape);
void perf_ring_take(struct perf_ring *ring);

/* Free what reading needed; the data is not the ring's. */
void perf_ring_release(struct perf_ring *ring);

#endif
