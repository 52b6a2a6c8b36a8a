/* SPDX-License-Identifier: MIT */
/*
 * The CPython runtime inside a process: where it is and how it is laid out.
 */
#ifndef TARE_CPYTHON_PROCESS_H
#define TARE_CPYTHON_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/vec.h"
#include "cpython/layout.h"
#include "target/target.h"

struct py_process {
	struct target *target; /* not owned */
	struct py_layout layout;
	uint64_t runtime_addr;
	uint64_t code_type_addr; /* 0: not known, types go unchecked */
	char version[24];	 /* "3.13.0" */
	char executable[4096];	 /* path inside the target's root */
};

/*
 * Find the runtime in `t`. ERR_NO: there is none (yet): not a Python process,
 * or one that is still starting. ERR_UNSUPPORTED: one that tare cannot read;
 * `err` says why and what to do.
 */
int py_process_open(struct py_process *p, struct target *t, struct err *err);

/*
 * The source of the layout of `p` and, where the interpreter publishes a table,
 * a copy of that, malloc'ed; else NULL.
 */
int py_process_read_table(struct py_process *p,
			  const struct py_layout_source **source,
			  uint64_t **table, struct err *err);

/* The pointer-sized number at `bytes`, which need not be aligned. */
static inline uint64_t word_at(const uint8_t *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
	return word;
}

/* Read a pointer-sized number. */
int py_read_word(struct py_process *p, uint64_t addr, uint64_t *out,
		 struct err *err);

/*
 * Append the text of the str object at `addr` to `out` as UTF-8: at most
 * PY_TEXT_MAX characters, lone surrogates and NUL as U+FFFD.
 */
#define PY_TEXT_MAX 4096
int py_read_text(struct py_process *p, uint64_t addr, struct buf *out,
		 struct err *err);

/*
 * The same from a copy of the object's first `size` bytes; false when those do
 * not hold all of the text, or it is no compact str.
 */
bool py_text_of(struct py_process *p, const uint8_t *bytes, uint32_t size,
		struct buf *out);

/* One thread state in one interpreter. */
struct py_thread {
	uint64_t addr;	    /* of its PyThreadState */
	uint64_t interp;    /* of its PyInterpreterState */
	uint64_t thread_id; /* pthread_self() */
	uint64_t id;	    /* never given twice; 0: not kept by this release */
	uint64_t native_id; /* what the thread itself sees as its TID; or 0 */
};

#define PY_THREADS_MAX 16384
#define PY_INTERPRETERS_MAX 1024

struct py_threads {
	VEC(struct py_thread) thread;
	VEC(uint64_t) interp; /* addresses of the interpreters */
};

/*
 * All threads of all interpreters, newest first as CPython keeps them. The
 * lists may change while they are read: ERR_CORRUPT then; ask again.
 */
int py_threads_read(struct py_process *p, struct py_threads *out,
		    struct err *err);

/*
 * Are the lists still as `t` has them? One system call for a thousand
 * threads. False also when they cannot be read.
 */
bool py_threads_are(struct py_process *p, const struct py_threads *t);

void py_threads_release(struct py_threads *t);

#endif
