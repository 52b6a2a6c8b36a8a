/* SPDX-License-Identifier: MIT */
/*
 * How one build of CPython lays out what tare reads, as data.
 *
 * To add a version: one file in layouts/, one line in layouts/layouts.def,
 * and run `make test-pythons`. Before 3.13 the numbers are constants, taken
 * from the headers of real builds by tools/print_layout.c; from 3.13 on the
 * interpreter publishes them (_Py_DebugOffsets) and the file only says in
 * which order. Code outside layouts/ asks for a shape, never for a version.
 */
#ifndef TARE_CPYTHON_LAYOUT_H
#define TARE_CPYTHON_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* Where frames live and how the newest one is found. */
enum py_frame_kind {
	PY_FRAME_OBJECT,  /* heap objects; thread.frame -> f_back -> ... */
	PY_FRAME_CFRAME,  /* data stack; thread.frame -> C frame -> newest */
	PY_FRAME_CURRENT, /* data stack; thread.frame -> newest */
};

/* How frame.instr tells the instruction. */
enum py_instr_kind {
	PY_INSTR_BYTE,	 /* int, offset in bytes of the one executing */
	PY_INSTR_UNIT,	 /* int, the same in units of two bytes */
	PY_INSTR_BEFORE, /* pointer to the unit before the next one */
	PY_INSTR_AT,	 /* pointer to the one executing */
};

/* How code.linetable maps instructions to lines. */
enum py_line_kind {
	PY_LINE_LNOTAB,	   /* pairs of bytecode and line increments */
	PY_LINE_RANGES,	   /* PEP 626 ranges, signed line increments */
	PY_LINE_LOCATIONS, /* PEP 657 location entries */
};

/* How an instance of a class written in Python keeps its attributes. */
enum py_attr_kind {
	PY_ATTR_UNKNOWN, /* not read: nothing is needed of this release */
	PY_ATTR_IN_DICT, /* a dict at tp_dictoffset */
	PY_ATTR_BEFORE,	 /* two pointers before the object */
	PY_ATTR_TAGGED,	 /* one pointer before it, with a tag */
	PY_ATTR_INLINE,	 /* behind the object */
};

/*
 * The fields tare reads: group, name, width in bytes, with what is read next
 * to it (the top of the data stack). An offset that a build does not have is
 * PY_ABSENT; py_layout_check() knows which may be.
 */
#define PY_LAYOUT_FIELDS(X)              \
	X(runtime, interpreters_head, 8) \
	X(runtime, gil, 1)               \
	X(interp, next, 8)               \
	X(interp, threads_head, 8)       \
	X(interp, gil, 8)                \
	X(gil, last_holder, 8)           \
	X(gil, locked, 4)                \
	X(gil, switch_number, 8)         \
	X(thread, next, 8)               \
	X(thread, frame, 8)              \
	X(thread, base_frame, 8)         \
	X(thread, thread_id, 8)          \
	X(thread, native_thread_id, 8)   \
	X(thread, id, 8)                 \
	X(thread, datastack_chunk, 16)   \
	X(cframe, current_frame, 8)      \
	X(cframe, previous, 8)           \
	X(frame, previous, 8)            \
	X(frame, code, 8)                \
	X(frame, instr, 8)               \
	X(frame, owner, 1)               \
	X(frame, stacktop, 4)            \
	X(frame, is_entry, 1)            \
	X(code, filename, 8)             \
	X(code, qualname, 8)             \
	X(code, linetable, 8)            \
	X(code, firstlineno, 4)          \
	X(code, bytecode, 8)             \
	X(unicode, state, 4)             \
	X(unicode, length, 8)            \
	X(bytes, length, 8)              \
	X(bytes, data, 1)

#define PY_LAYOUT_GROUPS(X) \
	X(runtime)          \
	X(interp)           \
	X(gil)              \
	X(thread)           \
	X(cframe)           \
	X(frame)            \
	X(code)             \
	X(unicode)          \
	X(bytes)

#define PY_ABSENT UINT32_MAX

/* Bounds on what is copied whole into fixed buffers (twice what exists). */
#define PY_FRAME_SIZE_MAX 768
#define PY_THREAD_SIZE_MAX 2048
#define PY_CODE_SIZE_MAX 512
#define PY_CFRAME_SIZE_MAX 64

struct py_layout {
	uint32_t version; /* PY_VERSION_HEX of the target */
	bool free_threaded;
	enum py_frame_kind frame_kind;
	enum py_instr_kind instr_kind;
	enum py_line_kind line_kind;
	uint64_t code_tag_mask; /* bits of frame.code that are no pointer */
	uint8_t owner_no_code;	/* frame.owner >= this: not Python code */
	enum py_attr_kind attr_kind;
	uint32_t type_keys;    /* from a type to the names that it shares */
	uint32_t values_head;  /* bytes before the first shared value */
	uint32_t frame_locals; /* from a frame to its first local variable */
	uint32_t ascii_size;   /* header of a compact ASCII string */
	uint32_t compact_size; /* header of another compact string */
#define X(group, name, width) uint32_t group##_##name;
	PY_LAYOUT_FIELDS(X)
#undef X
#define X(group) uint32_t group##_size;
	PY_LAYOUT_GROUPS(X)
#undef X
};

struct py_task_layout;
struct py_collector_layout;

/* What one file in layouts/ provides. */
struct py_layout_source {
	uint8_t major, minor;
	/* Bytes of the published table to read; 0: constants. */
	uint32_t table_size;
	/*
	 * Fill `l`. `table` is the published table, hostile, or NULL.
	 */
	void (*fill)(struct py_layout *l, const uint64_t *table);
	/*
	 * The same for what tasks.c and collector.c read; NULL: not known.
	 * add_tasks takes the table that asyncio publishes for itself.
	 */
	void (*fill_tasks)(struct py_task_layout *l, const uint64_t *table);
	void (*add_tasks)(struct py_task_layout *l, const uint64_t *table);
	void (*fill_collector)(struct py_collector_layout *l,
			       const uint64_t *table);
};

/*
 * The source for a PY_VERSION_HEX. ERR_UNSUPPORTED, with what to do, for one
 * that tare does not know.
 */
int py_layout_find(uint32_t version, const struct py_layout_source **out,
		   struct err *err);

/*
 * Check `l` once, before the first sample: every field inside its structure,
 * aligned, structures of a sane size. The numbers may come from another
 * process, so they are hostile until this returns; afterwards the sampling
 * loop uses them unchecked.
 */
int py_layout_check(const struct py_layout *l, struct err *err);

/* "3.13.0", "3.15.0rc1"; for constants without patch level "3.9". */
void py_layout_version_text(uint32_t version, char text[24]);

#endif
