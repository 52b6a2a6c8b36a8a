/* SPDX-License-Identifier: MIT */
/*
 * A code object of the target, copied: its names and its map from
 * instructions to lines.
 */
#ifndef TARE_CPYTHON_CODE_H
#define TARE_CPYTHON_CODE_H

#include <stdbool.h>
#include <stdint.h>

#include "cpython/process.h"

/* A line table longer than this is taken for damage. */
#define PY_LINETABLE_MAX (8u << 20)

/*
 * What tells one code object from another that came to lie at the same
 * address later: the addresses of its parts and its first line.
 */
struct py_code_identity {
	uint64_t filename, qualname, linetable;
	uint32_t first_line;
};

struct py_code {
	uint64_t addr;
	struct py_code_identity identity;
	char *file, *name; /* UTF-8, owned */
	uint32_t first_line;
	uint64_t bytecode_addr; /* 0 where instructions are offsets */
	uint32_t bytecode_size; /* bytes */
	uint8_t *linetable;	/* owned */
	uint32_t linetable_size;
	/*
	 * A frame of the interpreter's own, which tracebacks leave out: from
	 * 3.12 on one stands between a class and its __init__ to check what
	 * that returns. Its file name and its name are one and the same
	 * object (Python/specialize.c, _Py_InitCleanup).
	 */
	bool hidden;
};

/*
 * Copy the code object at `addr` (hostile). ERR_CORRUPT when there is none.
 * On success py_code_release() must be called.
 */
int py_code_read(struct py_process *p, uint64_t addr, struct py_code *out,
		 struct err *err);
void py_code_release(struct py_code *c);

/* Only what py_code_identity holds, to see whether `addr` is still it. */
int py_code_read_identity(struct py_process *p, uint64_t addr,
			  struct py_code_identity *out, struct err *err);

/*
 * The offset in bytes of the instruction a frame's raw `instr` stands for; -2
 * for a frame that has not begun. False when it is outside of the code, so
 * the frame cannot be one of it.
 */
bool py_code_offset(const struct py_layout *l, const struct py_code *c,
		    uint64_t instr, int32_t *offset);

/* The line of the instruction at `offset`; 0 when it has none. */
uint32_t py_code_line(const struct py_layout *l, const struct py_code *c,
		      int32_t offset);

#endif
