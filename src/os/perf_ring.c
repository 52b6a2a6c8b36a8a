/* SPDX-License-Identifier: MIT */
#include "os/perf_ring.h"

#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__) || defined(__aarch64__)
#include <asm/perf_regs.h>
#endif

/* The kernel's number of each register that DWARF numbers, in DWARF's order. */
#if defined(__x86_64__)
static const uint8_t perf_numbers[] = {
	PERF_REG_X86_AX,  PERF_REG_X86_DX,  PERF_REG_X86_CX,  PERF_REG_X86_BX,
	PERF_REG_X86_SI,  PERF_REG_X86_DI,  PERF_REG_X86_BP,  PERF_REG_X86_SP,
	PERF_REG_X86_R8,  PERF_REG_X86_R9,  PERF_REG_X86_R10, PERF_REG_X86_R11,
	PERF_REG_X86_R12, PERF_REG_X86_R13, PERF_REG_X86_R14, PERF_REG_X86_R15,
};
#define PC_NUMBER PERF_REG_X86_IP
#define SP_NUMBER PERF_REG_X86_SP
#elif defined(__aarch64__)
static const uint8_t perf_numbers[] = {
	0,  1,	2,  3,	4,  5,	6,  7,	8,  9,	10, 11, 12, 13, 14, 15,
	16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
};
#define PC_NUMBER PERF_REG_ARM64_PC
#define SP_NUMBER PERF_REG_ARM64_SP
#else
static const uint8_t perf_numbers[] = { 0 };
#define PC_NUMBER 1
#define SP_NUMBER 0
#endif

#define NUMBERS_NR (sizeof(perf_numbers) / sizeof(perf_numbers[0]))

_Static_assert(NUMBERS_NR <= PERF_REGS_MAX, "a register has no place");

/* pid and tid, time: what the kernel adds to every other record. */
#define TRAILER_SIZE 16

/* Where reading of a record has got to. */
struct cursor {
	const uint8_t *at, *end;
	bool short_of; /* more was read than there is */
};

static const void *get_bytes(struct cursor *c, uint64_t size)
{
	const uint8_t *at = c->at;

	if (c->short_of || size > (uint64_t)(c->end - at)) {
		c->short_of = true;
		return NULL;
	}
	c->at += size;
	return at;
}

static uint64_t get_u64(struct cursor *c)
{
	const void *at = get_bytes(c, sizeof(uint64_t));
	uint64_t value = 0;

	if (at)
		memcpy(&value, at, sizeof(value));
	return value;
}

static uint32_t get_u32(struct cursor *c)
{
	const void *at = get_bytes(c, sizeof(uint32_t));
	uint32_t value = 0;

	if (at)
		memcpy(&value, at, sizeof(value));
	return value;
}

uint64_t perf_regs_mask(void)
{
	uint64_t mask = UINT64_C(1) << PC_NUMBER;

	for (size_t i = 0; i < NUMBERS_NR; i++)
		mask |= UINT64_C(1) << perf_numbers[i];
	return mask;
}

/* The place of a register among those that were asked for. */
static unsigned place_of(uint64_t mask, unsigned number)
{
	uint64_t below = mask & ((UINT64_C(1) << number) - 1);

	return (unsigned)__builtin_popcountll(below);
}

static void get_registers(struct cursor *c, struct perf_record *out)
{
	uint64_t mask = perf_regs_mask();
	unsigned nr = (unsigned)__builtin_popcountll(mask);
	uint64_t values[64];
	const void *at;

	/* A thread of the kernel has none, and the kernel then says so. */
	if (get_u64(c) == PERF_SAMPLE_REGS_ABI_NONE)
		return;
	at = get_bytes(c, nr * sizeof(values[0]));
	if (!at)
		return;
	memcpy(values, at, nr * sizeof(values[0]));
	for (size_t i = 0; i < NUMBERS_NR; i++)
		out->regs[i] = values[place_of(mask, perf_numbers[i])];
	out->regs_nr = NUMBERS_NR;
	out->pc = values[place_of(mask, PC_NUMBER)];
	out->sp = values[place_of(mask, SP_NUMBER)];
}

static void get_stack(struct cursor *c, struct perf_record *out)
{
	uint64_t size = get_u64(c), filled;

	if (!size)
		return;
	out->stack = get_bytes(c, size);
	filled = get_u64(c);
	if (c->short_of || filled > size) {
		c->short_of = true;
		return;
	}
	out->stack_size = (uint32_t)filled;
}

static void get_chain(struct cursor *c, struct perf_record *out)
{
	uint64_t nr = get_u64(c);

	if (nr > (uint64_t)(c->end - c->at) / sizeof(uint64_t)) {
		c->short_of = true;
		return;
	}
	out->chain = get_bytes(c, nr * sizeof(uint64_t));
	out->chain_nr = nr < PERF_CHAIN_MAX ? (uint32_t)nr : PERF_CHAIN_MAX;
}

static void get_sample(struct cursor *c, uint16_t misc,
		       const struct perf_shape *shape, struct perf_record *out)
{
	uint16_t mode = misc & PERF_RECORD_MISC_CPUMODE_MASK;

	out->kind = PERF_RECORD_KIND_SAMPLE;
	out->in_kernel = mode == PERF_RECORD_MISC_KERNEL ||
			 mode == PERF_RECORD_MISC_GUEST_KERNEL ||
			 mode == PERF_RECORD_MISC_HYPERVISOR;
	out->ip = get_u64(c);
	out->pid = (pid_t)get_u32(c);
	out->tid = (pid_t)get_u32(c);
	out->time_ns = get_u64(c);
	if (shape->chain)
		get_chain(c, out);
	if (shape->stack) {
		get_registers(c, out);
		get_stack(c, out);
	}
}

static void get_text(struct cursor *c, struct perf_record *out)
{
	size_t left = (size_t)(c->end - c->at);

	if (c->short_of)
		return;
	out->text = (const char *)c->at;
	out->text_size = (uint32_t)strnlen(out->text, left);
}

static void get_mapping(struct cursor *c, struct perf_record *out)
{
	out->kind = PERF_RECORD_KIND_MAPPED;
	get_u64(c); /* pid, tid: the trailer's */
	out->addr = get_u64(c);
	out->size = get_u64(c);
	out->offset = get_u64(c);
	get_u64(c); /* device */
	out->inode = get_u64(c);
	get_u64(c); /* generation */
	get_u64(c); /* protection, flags */
	get_text(c, out);
}

static void get_name(struct cursor *c, uint16_t misc, struct perf_record *out)
{
	out->kind = misc & PERF_RECORD_MISC_COMM_EXEC ? PERF_RECORD_KIND_EXEC
						      : PERF_RECORD_KIND_NAMED;
	get_u64(c); /* pid, tid: the trailer's */
	get_text(c, out);
}

/* The trailer names who did it; these records, who it was done to. */
static void get_task(struct cursor *c, enum perf_record_kind kind,
		     struct perf_record *out)
{
	out->kind = kind;
	out->pid = (pid_t)get_u32(c);
	out->parent_pid = (pid_t)get_u32(c);
	out->tid = (pid_t)get_u32(c);
	out->parent_tid = (pid_t)get_u32(c);
}

static void get_switch(uint16_t misc, struct perf_record *out)
{
	out->kind = misc & PERF_RECORD_MISC_SWITCH_OUT
			    ? PERF_RECORD_KIND_STOPPED
			    : PERF_RECORD_KIND_STARTED;
	out->preempted = misc & PERF_RECORD_MISC_SWITCH_OUT_PREEMPT;
}

static void get_other(struct cursor *c, const struct perf_event_header *head,
		      struct perf_record *out)
{
	struct cursor trailer;

	if (c->end - c->at < TRAILER_SIZE) {
		c->short_of = true;
		return;
	}
	c->end -= TRAILER_SIZE;
	trailer = (struct cursor){ .at = c->end, .end = c->end + TRAILER_SIZE };
	out->pid = (pid_t)get_u32(&trailer);
	out->tid = (pid_t)get_u32(&trailer);
	out->time_ns = get_u64(&trailer);
	switch (head->type) {
	case PERF_RECORD_MMAP2:
		get_mapping(c, out);
		break;
	case PERF_RECORD_COMM:
		get_name(c, head->misc, out);
		break;
	case PERF_RECORD_FORK:
		get_task(c, PERF_RECORD_KIND_FORKED, out);
		break;
	case PERF_RECORD_EXIT:
		get_task(c, PERF_RECORD_KIND_EXITED, out);
		break;
	case PERF_RECORD_LOST:
		out->kind = PERF_RECORD_KIND_LOST;
		get_u64(c); /* which event */
		out->lost = get_u64(c);
		break;
	case PERF_RECORD_LOST_SAMPLES:
		out->kind = PERF_RECORD_KIND_LOST;
		out->lost = get_u64(c);
		break;
	case PERF_RECORD_SWITCH:
		get_switch(head->misc, out);
		break;
	case PERF_RECORD_THROTTLE:
		out->kind = PERF_RECORD_KIND_THROTTLED;
		break;
	default:
		break;
	}
}

bool perf_record_parse(const void *bytes, size_t size,
		       const struct perf_shape *shape, struct perf_record *out)
{
	struct perf_event_header head;
	struct cursor c;

	memset(out, 0, sizeof(*out));
	if (size < sizeof(head))
		return false;
	memcpy(&head, bytes, sizeof(head));
	c = (struct cursor){ .at = (const uint8_t *)bytes + sizeof(head),
			     .end = (const uint8_t *)bytes + size };
	if (head.type == PERF_RECORD_SAMPLE)
		get_sample(&c, head.misc, shape, out);
	else
		get_other(&c, &head, out);
	return !c.short_of;
}

/* Nothing behind a record whose size cannot be right can be found again. */
static bool give_up(struct perf_ring *ring)
{
	ring->damaged++;
	ring->tail = ring->head;
	return false;
}

/* The bytes of the record at the tail, in one piece. */
static const uint8_t *straighten(struct perf_ring *ring, uint32_t size)
{
	uint64_t at = ring->tail & (ring->data_size - 1);
	uint64_t first = ring->data_size - at;

	if (first >= size)
		return ring->data + at;
	if (!ring->bent)
		ring->bent = malloc(UINT16_MAX + 1);
	if (!ring->bent)
		return NULL;
	memcpy(ring->bent, ring->data + at, first);
	memcpy(ring->bent + first, ring->data, size - first);
	return ring->bent;
}

static bool read_one(struct perf_ring *ring, const struct perf_shape *shape)
{
	uint64_t at = ring->tail & (ring->data_size - 1);
	uint64_t there = ring->head - ring->tail;
	struct perf_event_header head;
	const uint8_t *bytes;

	if (there > ring->data_size || there < sizeof(head) ||
	    at % sizeof(head))
		return give_up(ring);
	/* Records begin at multiples of 8, so that no head is bent. */
	memcpy(&head, ring->data + at, sizeof(head));
	if (head.size < sizeof(head) || head.size > there ||
	    head.size % sizeof(head))
		return give_up(ring);
	bytes = straighten(ring, head.size);
	if (!bytes)
		return give_up(ring);
	ring->record_size = head.size;
	if (!perf_record_parse(bytes, head.size, shape, &ring->record)) {
		memset(&ring->record, 0, sizeof(ring->record));
		ring->damaged++;
	}
	return true;
}

const struct perf_record *perf_ring_peek(struct perf_ring *ring,
					 const struct perf_shape *shape)
{
	while (!ring->record_size) {
		if (ring->head == ring->tail || !read_one(ring, shape))
			return NULL;
		if (ring->record.kind == PERF_RECORD_KIND_OTHER)
			perf_ring_take(ring);
	}
	return &ring->record;
}

void perf_ring_take(struct perf_ring *ring)
{
	ring->tail += ring->record_size;
	ring->record_size = 0;
}

void perf_ring_release(struct perf_ring *ring)
{
	free(ring->bent);
	ring->bent = NULL;
}
