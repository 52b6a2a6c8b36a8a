/* SPDX-License-Identifier: MIT */
/* CPython 3.11, x86-64 and aarch64; from the headers of 3.11.7. */
#include "cpython/collector_layout.h"
#include "cpython/layouts/layouts.h"

static const struct py_layout layout = {
	.frame_kind = PY_FRAME_CFRAME,
	.instr_kind = PY_INSTR_BEFORE,
	.line_kind = PY_LINE_LOCATIONS,
	.owner_no_code = UINT8_MAX,
	.attr_kind = PY_ATTR_BEFORE,
	.type_keys = 872,
	.values_head = 0,
	.frame_locals = 72,
	.ascii_size = 48,
	.compact_size = 72,
	.runtime_interpreters_head = 40,
	.runtime_gil = 360,
	.interp_next = 0,
	.interp_threads_head = 16,
	.interp_gil = PY_ABSENT,
	.gil_last_holder = 8,
	.gil_locked = 16,
	.gil_switch_number = 24,
	.thread_next = 8,
	.thread_frame = 56,
	.thread_base_frame = PY_ABSENT,
	.thread_thread_id = 152,
	.thread_native_thread_id = 160,
	.thread_id = 240,
	.thread_datastack_chunk = 296,
	.cframe_current_frame = 8,
	.cframe_previous = 16,
	.frame_previous = 48,
	.frame_code = 32,
	.frame_instr = 56,
	.frame_owner = 69,
	.frame_stacktop = 64,
	.frame_is_entry = 68,
	.code_filename = 112,
	.code_qualname = 128,
	.code_linetable = 136,
	.code_firstlineno = 72,
	.code_bytecode = 184,
	.unicode_state = 32,
	.unicode_length = 16,
	.bytes_length = 16,
	.bytes_data = 32,
	.runtime_size = 166688,
	.interp_size = 107752,
	.gil_size = 32,
	.thread_size = 360,
	.cframe_size = 24,
	.frame_size = 72,
	.code_size = 192,
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
	l->interp_gc = 648;
	l->gc_size = 240;
	l->generation0 = 96;
	l->stats = 128;
	l->collecting = 200;
}

const struct py_layout_source py_layout_cp311 = {
	.major = 3,
	.minor = 11,
	.fill = fill,
	.fill_collector = fill_collector,
};
