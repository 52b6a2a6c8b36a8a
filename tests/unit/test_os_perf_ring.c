/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "os/perf_ring.h"

static const struct perf_shape plain;
static const struct perf_shape with_chain = { .chain = true };
static const struct perf_shape with_stack = { .stack = true };

static void add_u64(struct buf *b, uint64_t value)
{
	buf_add(b, &value, sizeof(value));
}

/* A record whose size is put right by end(). */
static void begin(struct buf *b, uint32_t type, uint16_t misc)
{
	struct perf_event_header head = { .type = type, .misc = misc };

	memset(b, 0, sizeof(*b));
	buf_add(b, &head, sizeof(head));
}

static void end(struct buf *b)
{
	uint16_t size = (uint16_t)b->size;

	memcpy(b->data + offsetof(struct perf_event_header, size), &size,
	       sizeof(size));
}

static void begin_sample(struct buf *b, uint64_t ip, uint64_t time)
{
	begin(b, PERF_RECORD_SAMPLE, PERF_RECORD_MISC_USER);
	add_u64(b, ip);
	add_u64(b, (uint64_t)22 << 32 | 11); /* tid, pid */
	add_u64(b, time);
}

static void add_trailer(struct buf *b, uint64_t time)
{
	add_u64(b, (uint64_t)22 << 32 | 11);
	add_u64(b, time);
}

Test(os_perf_ring, a_sample_is_read)
{
	struct perf_record r;
	struct buf b;

	begin_sample(&b, 0x1234, 99);
	end(&b);
	cr_assert(perf_record_parse(b.data, b.size, &plain, &r));
	cr_assert_eq(r.kind, PERF_RECORD_KIND_SAMPLE);
	cr_assert_eq(r.ip, 0x1234);
	cr_assert_eq(r.pid, 11);
	cr_assert_eq(r.tid, 22);
	cr_assert_eq(r.time_ns, 99);
	cr_assert_not(r.in_kernel);
	buf_release(&b);
}

Test(os_perf_ring, no_record_is_read_past_its_end)
{
	struct perf_record r;
	struct buf b;

	begin_sample(&b, 1, 2);
	add_u64(&b, 1); /* one address in the chain */
	add_u64(&b, 0x77);
	end(&b);
	for (size_t size = 0; size < b.size; size++) {
		/* exactly so large, for the sanitizer to see */
		char *copy = malloc(size + 1);

		memcpy(copy, b.data, size);
		cr_assert_not(perf_record_parse(copy, size, &with_chain, &r));
		free(copy);
	}
	cr_assert(perf_record_parse(b.data, b.size, &with_chain, &r));
	cr_assert_eq(r.chain_nr, 1);
	cr_assert_eq(r.chain[0], 0x77);
	buf_release(&b);
}

Test(os_perf_ring, a_chain_longer_than_its_record_is_refused)
{
	struct perf_record r;
	struct buf b;

	begin_sample(&b, 1, 2);
	add_u64(&b, UINT64_MAX / 8 + 2); /* times 8 is small */
	add_u64(&b, 0x77);
	end(&b);
	cr_assert_not(perf_record_parse(b.data, b.size, &with_chain, &r));
	buf_release(&b);
}

static struct perf_record parse_switch(uint16_t misc)
{
	struct perf_record r;
	struct buf b;

	begin(&b, PERF_RECORD_SWITCH, misc);
	add_trailer(&b, 99);
	end(&b);
	cr_assert(perf_record_parse(b.data, b.size, &plain, &r));
	cr_assert_eq(r.tid, 22);
	cr_assert_eq(r.time_ns, 99);
	buf_release(&b);
	return r;
}

Test(os_perf_ring, a_thread_that_is_put_aside_is_told_from_one_that_waits)
{
	struct perf_record r = parse_switch(0);

	cr_assert_eq(r.kind, PERF_RECORD_KIND_STARTED);
	r = parse_switch(PERF_RECORD_MISC_SWITCH_OUT);
	cr_assert_eq(r.kind, PERF_RECORD_KIND_STOPPED);
	cr_assert_not(r.preempted);
	r = parse_switch(PERF_RECORD_MISC_SWITCH_OUT |
			 PERF_RECORD_MISC_SWITCH_OUT_PREEMPT);
	cr_assert_eq(r.kind, PERF_RECORD_KIND_STOPPED);
	cr_assert(r.preempted);
}

static void add_registers(struct buf *b)
{
	add_u64(b, PERF_SAMPLE_REGS_ABI_64);
	for (int i = 0; i < __builtin_popcountll(perf_regs_mask()); i++)
		add_u64(b, 1000 + (uint64_t)i);
}

Test(os_perf_ring, registers_and_stack_are_read)
{
	struct perf_record r;
	struct buf b;

	begin_sample(&b, 1, 2);
	add_registers(&b);
	add_u64(&b, 16);
	add_u64(&b, 0xaaaa);
	add_u64(&b, 0xbbbb);
	add_u64(&b, 8); /* half of it was filled */
	end(&b);
	cr_assert(perf_record_parse(b.data, b.size, &with_stack, &r));
	cr_assert_gt(r.regs_nr, 0);
	cr_assert_eq(r.stack_size, 8);
	cr_assert_eq(r.stack[0], 0xaa);
#if defined(__x86_64__)
	/* DWARF: rax rdx rcx rbx rsi rdi rbp rsp; the kernel: ax bx cx dx si
	 * di bp sp ip */
	cr_assert_eq(r.regs[1], 1003);
	cr_assert_eq(r.regs[3], 1001);
	cr_assert_eq(r.sp, 1007);
	cr_assert_eq(r.pc, 1008);
	cr_assert_eq(r.regs[8], 1009);
#endif
	buf_release(&b);
}

Test(os_perf_ring, a_stack_that_is_fuller_than_its_size_is_refused)
{
	struct perf_record r;
	struct buf b;

	begin_sample(&b, 1, 2);
	add_registers(&b);
	add_u64(&b, 8);
	add_u64(&b, 0xaaaa);
	add_u64(&b, 9);
	end(&b);
	cr_assert_not(perf_record_parse(b.data, b.size, &with_stack, &r));
	buf_release(&b);
}

/* The kernel copies no stack for its own threads, and says so by a 0. */
Test(os_perf_ring, a_sample_without_registers_and_stack_is_read)
{
	struct perf_record r;
	struct buf b;

	begin_sample(&b, 1, 2);
	add_u64(&b, PERF_SAMPLE_REGS_ABI_NONE);
	add_u64(&b, 0);
	end(&b);
	cr_assert(perf_record_parse(b.data, b.size, &with_stack, &r));
	cr_assert_eq(r.regs_nr, 0);
	cr_assert_eq(r.stack_size, 0);
	buf_release(&b);
}

Test(os_perf_ring, a_mapping_is_read_and_its_path_has_an_end)
{
	struct perf_record r;
	struct buf b;

	begin(&b, PERF_RECORD_MMAP2, PERF_RECORD_MISC_USER);
	add_u64(&b, (uint64_t)22 << 32 | 11);
	for (uint64_t i = 1; i <= 7; i++)
		add_u64(&b, i);
	buf_add(&b, "/lib/xyz", 8); /* without its NUL */
	add_trailer(&b, 7);
	end(&b);
	cr_assert(perf_record_parse(b.data, b.size, &plain, &r));
	cr_assert_eq(r.kind, PERF_RECORD_KIND_MAPPED);
	cr_assert_eq(r.addr, 1);
	cr_assert_eq(r.size, 2);
	cr_assert_eq(r.offset, 3);
	cr_assert_eq(r.inode, 5);
	cr_assert_eq(r.text_size, 8);
	cr_assert_eq(r.time_ns, 7);
	buf_release(&b);
}

Test(os_perf_ring, a_change_of_program_is_no_mere_name)
{
	struct perf_record r;
	struct buf b;

	begin(&b, PERF_RECORD_COMM, PERF_RECORD_MISC_COMM_EXEC);
	add_u64(&b, (uint64_t)22 << 32 | 11);
	buf_add(&b, "sh\0\0\0\0\0", 8);
	add_trailer(&b, 7);
	end(&b);
	cr_assert(perf_record_parse(b.data, b.size, &plain, &r));
	cr_assert_eq(r.kind, PERF_RECORD_KIND_EXEC);
	cr_assert_eq(r.text_size, 2);
	buf_release(&b);
}

/* ------------------------------------------------------------------ rings */

#define RING_SIZE 256

struct fixture {
	uint8_t data[RING_SIZE];
	struct perf_ring ring;
};

static void set_up(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	f->ring.data = f->data;
	f->ring.data_size = RING_SIZE;
}

static void write_record(struct fixture *f, const struct buf *b)
{
	for (size_t i = 0; i < b->size; i++)
		f->data[(f->ring.head + i) % RING_SIZE] = (uint8_t)b->data[i];
	f->ring.head += b->size;
}

static void write_sample(struct fixture *f, uint64_t ip)
{
	struct buf b;

	begin_sample(&b, ip, ip);
	end(&b);
	write_record(f, &b);
	buf_release(&b);
}

Test(os_perf_ring, records_across_the_end_of_the_ring_are_read_whole)
{
	const struct perf_record *r;
	struct fixture f;

	set_up(&f);
	f.ring.head = f.ring.tail = 8; /* so that 32 does not divide it */
	for (uint64_t i = 0; i < 1000; i++) {
		write_sample(&f, i);
		r = perf_ring_peek(&f.ring, &plain);
		cr_assert(r);
		cr_assert_eq(r->ip, i);
		cr_assert_eq(r->time_ns, i);
		cr_assert_eq(perf_ring_peek(&f.ring, &plain), r);
		perf_ring_take(&f.ring);
		cr_assert_null(perf_ring_peek(&f.ring, &plain));
	}
	cr_assert_eq(f.ring.damaged, 0);
	perf_ring_release(&f.ring);
}

Test(os_perf_ring, what_is_of_no_interest_is_passed_over)
{
	const struct perf_record *r;
	struct fixture f;
	struct buf b;

	set_up(&f);
	begin(&b, 4711, 0); /* a kind that is still to be invented */
	add_trailer(&b, 1);
	end(&b);
	write_record(&f, &b);
	write_sample(&f, 5);
	r = perf_ring_peek(&f.ring, &plain);
	cr_assert(r);
	cr_assert_eq(r->ip, 5);
	buf_release(&b);
}

/* Without its size, the next record cannot be found; time must not be spent
 * on looking for ever. */
Test(os_perf_ring, a_record_without_a_size_ends_the_reading)
{
	const uint16_t sizes[] = { 0, 7, 9, 250, 65535 };
	struct fixture f;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		set_up(&f);
		write_sample(&f, 1);
		write_sample(&f, 2);
		memcpy(f.data + offsetof(struct perf_event_header, size),
		       &sizes[i], sizeof(sizes[i]));
		cr_assert_null(perf_ring_peek(&f.ring, &plain));
		cr_assert_eq(f.ring.damaged, 1);
		cr_assert_eq(f.ring.tail, f.ring.head);
	}
}

Test(os_perf_ring, a_head_that_is_too_far_is_not_followed)
{
	struct fixture f;

	set_up(&f);
	write_sample(&f, 1);
	f.ring.head += 2 * RING_SIZE;
	cr_assert_null(perf_ring_peek(&f.ring, &plain));
	cr_assert_eq(f.ring.damaged, 1);
}

Test(os_perf_ring, a_damaged_record_is_counted_and_the_next_one_read)
{
	const struct perf_record *r;
	struct fixture f;
	struct buf b;

	set_up(&f);
	begin(&b, PERF_RECORD_SAMPLE, 0);
	add_u64(&b, 1);
	end(&b);
	write_record(&f, &b);
	write_sample(&f, 6);
	r = perf_ring_peek(&f.ring, &plain);
	cr_assert(r);
	cr_assert_eq(r->ip, 6);
	cr_assert_eq(f.ring.damaged, 1);
	buf_release(&b);
}
