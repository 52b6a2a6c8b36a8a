/* SPDX-License-Identifier: MIT */
/*
 * Functions that were made at run time, as the program that made them says:
 * in a perf map (text, /tmp/perf-PID.map) or a jitdump (binary). Both are
 * written by the target, which may write anything; what does not make sense
 * is passed over.
 *
 * Code is thrown away and its place used again: the newest word counts.
 */
#ifndef TARE_NATIVE_JIT_CODE_H
#define TARE_NATIVE_JIT_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/vec.h"

/* Beyond so many functions and bytes of names, new ones are not kept. */
#define JIT_FUNCTIONS_MAX (1024u * 1024)
#define JIT_NAMES_MAX (256u * 1024 * 1024)
#define JIT_NAME_MAX 1024

struct jit_function {
	uint64_t start, end;
	uint32_t name; /* offset into jit_code.names, ended by NUL */
	uint32_t age;  /* the larger, the newer */
};

/* Zero-initialised is empty and valid. */
struct jit_code {
	VEC(struct jit_function) functions;
	struct buf names;
	uint32_t added;
	bool sorted;
};

/* False when it was not kept. */
bool jit_code_add(struct jit_code *j, uint64_t start, uint64_t size,
		  const char *name, size_t name_size);

/* The name of what is at `addr`, good until the next addition; NULL. */
const char *jit_code_find(struct jit_code *j, uint64_t addr);

void jit_code_release(struct jit_code *j);

/*
 * Take the whole lines ("START SIZE name", in hexadecimal) of `text`; how
 * many bytes those are. Call again with what follows them.
 */
size_t perf_map_parse(struct jit_code *j, const char *text, size_t size);

/* Reading a jitdump that grows. Zero-initialised is at its beginning. */
struct jitdump {
	uint64_t offset; /* of the next record */
	bool refused;	 /* it is no jitdump of this machine */
};

/* Up to `size` bytes from `offset`; how many there were. */
struct jitdump_reader {
	size_t (*read)(void *arg, uint64_t offset, void *to, size_t size);
	void *arg;
};

/* Take the records that were written since the last call. */
void jitdump_parse(struct jitdump *d, const struct jitdump_reader *reader,
		   struct jit_code *j);

#endif
