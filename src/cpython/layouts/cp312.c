/* SPDX-License-Identifier: MIT */
/* CPython 3.12, x86-64 and aarch64; from the headers of 3.12.1. */
#include "cpython/collector_layout.h"
#include "cpython/layouts/layouts.h"
#include "cpython/task_layout.h"

static const struct py_layout layout = {
	.frame_kind = PY_FRAME_CFRAME,
	.instr_kind = PY_INSTR_BEFORE,
	.line_kind = PY_LINE_LOCATIONS,
	.owner_no_code = 3,
	.attr_kind = PY_ATTR_TAGGED,
	.type_keys = 880,
	.values_head = 0,
	.frame_locals = 72,
	.ascii_size = 40,
	.compact_size = 56,
	.runtime_interpreters_head = 40,
	.runtime_gil = PY_ABSENT,
	.interp_next = 0,
	.interp_threads_head = 72,
	.interp_gil = 384,
	.gil_last_holder = 8,
	.gil_locked = 16,
	.gil_switch_number = 24,
	.thread_next = 8,
	.thread_frame = 56,
	.thread_base_frame = PY_ABSENT,
	.thread_thread_id = 136,
	.thread_native_thread_id = 144,
	.thread_id = 224,
	.thread_datastack_chunk = 232,
	.cframe_current_frame = 0,
	.cframe_previous = 8,
	.frame_previous = 8,
	.frame_code = 0,
	.frame_instr = 56,
	.frame_owner = 70,
	.frame_stacktop = PY_ABSENT,
	.frame_is_entry = PY_ABSENT,
	.code_filename = 112,
	.code_qualname = 128,
	.code_linetable = 136,
	.code_firstlineno = 68,
	.code_bytecode = 192,
	.unicode_state = 32,
	.unicode_length = 16,
	.bytes_length = 16,
	.bytes_data = 32,
	.runtime_size = 459944,
	.interp_size = 383552,
	.gil_size = 32,
	.thread_size = 288,
	.cframe_size = 16,
	.frame_size = 72,
	.code_size = 200,
	.unicode_size = 40,
	.bytes_size = 40,
};

static void fill(struct py_layout *l, const uint64_t *table)
{
	(void)table;
	*l = layout;
}

/* From the headers and the debugging information of 3.12.1. */
static const struct py_task_layout task_layout = {
	.list = PY_TASKS_IN_SETS,
	.await_kind = PY_AWAIT_BY_RESUME,
	.await_depth = 1,
	.created = -2,
	.awaiting = -1,
	.executing = 0,
	.resume = 151,
	.resume_other = 240,
	.interp_modules = 944,
	.interp_tasks_head = PY_ABSENT,
	.thread_dict = 112,
	.thread_running_loop = PY_ABSENT,
	.thread_running_task = PY_ABSENT,
	.thread_tasks_head = PY_ABSENT,
	.task_loop = 16,
	.task_callback0 = 24,
	.task_callbacks = 40,
	.task_state = 88,
	.task_waiter = 128,
	.task_coro = 136,
	.task_name = 144,
	.task_node = PY_ABSENT,
	.gen_frame_state = 67,
	.gen_frame = 72,
	.frame_stack = 64,
	.frame_locals = 72,
	.set_used = 24,
	.set_mask = 32,
	.set_table = 40,
	.tuple_items = 24,
	.interp_size = 383552,
	.thread_size = 288,
	.task_size = 176,
	.gen_size = 152,
	.frame_size = 80,
	.set_size = 200,
	.tuple_size = 32,
};

static void fill_tasks(struct py_task_layout *l, const uint64_t *table)
{
	(void)table;
	*l = task_layout;
}

static void fill_collector(struct py_collector_layout *l, const uint64_t *table)
{
	(void)table;
	l->interp_gc = 112;
	l->gc_size = 240;
	l->generation0 = 96;
	l->stats = 128;
	l->collecting = 200;
}

const struct py_layout_source py_layout_cp312 = {
	.major = 3,
	.minor = 12,
	.fill = fill,
	.fill_tasks = fill_tasks,
	.fill_collector = fill_collector,
};
