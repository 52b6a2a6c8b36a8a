/* SPDX-License-Identifier: MIT */
/*
 * What src/native and the ring of perf events read of files and memory that
 * somebody else has written: the first byte says what the rest is taken for.
 *
 * clang -fsanitize=fuzzer,address,undefined; tools/fuzz.py makes them.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "native/elf_file.h"
#include "native/jit_code.h"
#include "native/readable.h"
#include "native/unwind.h"
#include "os/perf_ring.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_elf(const uint8_t *data, size_t size)
{
	uint64_t addr, section_size, offset, bias;
	struct elf_function found;
	struct elf_file *f;
	struct err err;
	char *copy;

	if (elf_file_open_bytes(&f, data, size, false, &err))
		return;
	for (uint64_t at = 0; at < 65536; at += 257)
		if (elf_file_find(f, at, &found) && strlen(found.name) > size)
			abort();
	elf_file_bias(f, 0x1000, 0, &bias);
	elf_file_symbol(f, "main");
	elf_file_section(f, ".text", &addr, &section_size);
	elf_file_close(f);
	copy = malloc(size);
	if (copy) {
		memcpy(copy, data, size);
		elf_image_section(copy, size, ".eh_frame", &addr, &offset,
				  &section_size);
	}
	free(copy);
}

static void fuzz_map(const uint8_t *data, size_t size)
{
	struct jit_code j = { 0 };

	if (perf_map_parse(&j, (const char *)data, size) > size)
		abort();
	for (uint64_t at = 0; at < 65536; at += 257)
		jit_code_find(&j, at);
	jit_code_release(&j);
}

struct bytes {
	const uint8_t *data;
	size_t size;
};

static size_t read_bytes(void *arg, uint64_t offset, void *to, size_t size)
{
	const struct bytes *b = arg;

	if (offset >= b->size)
		return 0;
	if (size > b->size - offset)
		size = b->size - offset;
	memcpy(to, b->data + offset, size);
	return size;
}

static void fuzz_jitdump(const uint8_t *data, size_t size)
{
	struct bytes b = { data, size };
	struct jitdump_reader reader = { read_bytes, &b };
	struct jit_code j = { 0 };
	struct jitdump d = { 0 };

	jitdump_parse(&d, &reader, &j);
	jitdump_parse(&d, &reader, &j);
	for (uint64_t at = 0; at < 65536; at += 257)
		jit_code_find(&j, at);
	jit_code_release(&j);
}

/* A file that says how to unwind, and a stack that does not fit to it. */
static void in_file(void *arg, uint64_t addr, struct unwind_place *out)
{
	(void)addr;
	out->cfi = elf_file_cfi(arg);
	out->is_code = true;
}

static void fuzz_unwind(const uint8_t *data, size_t size)
{
	static struct chain chain;
	struct perf_record r = { .regs_nr = 16, .sp = 0x7000 };
	uint64_t stack[64];
	struct unwinder *u;
	struct elf_file *f;
	struct err err;

	if (elf_file_open_bytes(&f, data, size, true, &err))
		return;
	u = unwinder_new(in_file, f);
	for (uint64_t pc = 0x1000; u && pc < 0x1100; pc += 7) {
		for (uint64_t i = 0; i < 64; i++)
			stack[i] = pc + i;
		r.pc = r.ip = pc;
		r.stack = (const uint8_t *)stack;
		r.stack_size = sizeof(stack);
		unwinder_walk(u, &r, &chain);
	}
	unwinder_free(u);
	elf_file_close(f);
}

static void nowhere(void *arg, uint64_t addr, struct unwind_place *out)
{
	(void)arg;
	out->is_code = addr & 1;
}

/* Size of the ring and where reading begins come from the input, too. */
static void fuzz_ring(const uint8_t *data, size_t size, uint8_t how)
{
	const struct perf_shape shape = { .chain = how & 1, .stack = how & 2 };
	struct perf_ring ring = { .data_size = 1024 };
	struct unwinder *u = unwinder_new(nowhere, NULL);
	const struct perf_record *r;
	static struct chain chain;
	uint64_t *copy = calloc(1, 1024);

	if (!copy || !u)
		abort();
	memcpy(copy, data, size < 1024 ? size : 1024);
	ring.data = (const uint8_t *)copy;
	ring.tail = (uint64_t)(how & 0xf8) * 4;
	ring.head = ring.tail + (size & ~(size_t)7);
	while ((r = perf_ring_peek(&ring, &shape))) {
		if (r->stack_size && r->stack[r->stack_size - 1] == 1 &&
		    r->stack[0] == 2)
			chain.nr = 1;
		if (r->kind == PERF_RECORD_KIND_SAMPLE)
			unwinder_walk(u, r, &chain);
		chain_from_pointers(r, &chain);
		perf_ring_take(&ring);
	}
	perf_ring_release(&ring);
	unwinder_free(u);
	free(copy);
}

static void fuzz_name(const uint8_t *data, size_t size)
{
	char in[256], out[128];

	if (size >= sizeof(in))
		size = sizeof(in) - 1;
	memcpy(in, data, size);
	in[size] = '\0';
	readable_name(in, out, sizeof(out));
	if (strlen(out) >= sizeof(out))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	switch (data[0] % 6) {
	case 0:
		fuzz_elf(data + 1, size - 1);
		break;
	case 5:
		fuzz_unwind(data + 1, size - 1);
		break;
	case 1:
		fuzz_map(data + 1, size - 1);
		break;
	case 2:
		fuzz_jitdump(data + 1, size - 1);
		break;
	case 3:
		fuzz_ring(data + 2, size - 2, data[1]);
		break;
	default:
		fuzz_name(data + 1, size - 1);
		break;
	}
	return 0;
}
