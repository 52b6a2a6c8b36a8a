/* SPDX-License-Identifier: MIT */
/* CPython 3.9, x86-64 and aarch64; from the headers of 3.9.18. */
#include "cpython/collector_layout.h"
#include "cpython/layouts/layouts.h"

static const struct py_layout layout = {
	.frame_kind = PY_FRAME_OBJECT,
	.instr_kind = PY_INSTR_BYTE,
	.line_kind = PY_LINE_LNOTAB,
	.owner_no_code = UINT8_MAX,
	.attr_kind = PY_ATTR_IN_DICT,
	.type_keys = 864,
	.values_head = 0,
	.frame_locals = 360,
	.ascii_size = 48,
	.compact_size = 72,
	.runtime_interpreters_head = 32,
	.runtime_gil = 352,
	.interp_next = 0,
	.interp_threads_head = 8,
	.interp_gil = PY_ABSENT,
	.gil_last_holder = 8,
	.gil_locked = 16,
	.gil_switch_number = 24,
	.thread_next = 8,
	.thread_frame = 24,
	.thread_base_frame = PY_ABSENT,
	.thread_thread_id = 176,
	.thread_native_thread_id = PY_ABSENT,
	.thread_id = 256,
	.thread_datastack_chunk = PY_ABSENT,
	.cframe_current_frame = PY_ABSENT,
	.cframe_previous = PY_ABSENT,
	.frame_previous = 24,
	.frame_code = 32,
	.frame_instr = 104,
	.frame_owner = PY_ABSENT,
	.frame_stacktop = PY_ABSENT,
	.frame_is_entry = PY_ABSENT,
	.code_filename = 104,
	.code_qualname = 112,
	.code_linetable = 120,
	.code_firstlineno = 40,
	.code_bytecode = 48,
	.unicode_state = 32,
	.unicode_length = 16,
	.bytes_length = 16,
	.bytes_data = 32,
	.runtime_size = 656,
	.interp_size = 5656,
	.gil_size = 32,
	.thread_size = 264,
	.cframe_size = 0,
	.frame_size = 368,
	.code_size = 176,
	.unicode_size = 48,
	.bytes_size = 40,
};

static void fill(struct py_layout *l, const uint64_t *table)
{
	(void)table;
	*l = layout;
}

static void fill_collector(struct py_collector_layout *l, const uint64_t *table)
{
	(void)table;
	l->interp_gc = 616;
	l->gc_size = 240;
	l->generation0 = 96;
	l->stats = 128;
	l->collecting = 200;
}

const struct py_layout_source py_layout_cp39 = {
	.major = 3,
	.minor = 9,
	.fill = fill,
	.fill_collector = fill_collector,
};
