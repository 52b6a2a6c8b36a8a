/* SPDX-License-Identifier: MIT */
/*
 * CPython 3.13: the order of its published table (_Py_DebugOffsets), as far as
 * tare reads it.
 */
#include "cpython/collector_layout.h"
#include "cpython/layouts/layouts.h"
#include "cpython/task_layout.h"

#define TABLE(X)                            \
	X(cookie)                           \
	X(version)                          \
	X(free_threaded)                    \
	X(runtime_size)                     \
	X(runtime_finalizing)               \
	X(runtime_interpreters_head)        \
	X(interp_size)                      \
	X(interp_id)                        \
	X(interp_next)                      \
	X(interp_threads_head)              \
	X(interp_gc)                        \
	X(interp_imports_modules)           \
	X(interp_sysdict)                   \
	X(interp_builtins)                  \
	X(interp_ceval_gil)                 \
	X(interp_gil_runtime_state)         \
	X(interp_gil_runtime_state_enabled) \
	X(interp_gil_runtime_state_locked)  \
	X(interp_gil_runtime_state_holder)  \
	X(thread_size)                      \
	X(thread_prev)                      \
	X(thread_next)                      \
	X(thread_interp)                    \
	X(thread_current_frame)             \
	X(thread_thread_id)                 \
	X(thread_native_thread_id)          \
	X(thread_datastack_chunk)           \
	X(thread_status)                    \
	X(frame_size)                       \
	X(frame_previous)                   \
	X(frame_executable)                 \
	X(frame_instr_ptr)                  \
	X(frame_localsplus)                 \
	X(frame_owner)                      \
	X(code_size)                        \
	X(code_filename)                    \
	X(code_name)                        \
	X(code_qualname)                    \
	X(code_linetable)                   \
	X(code_firstlineno)                 \
	X(code_argcount)                    \
	X(code_localsplusnames)             \
	X(code_localspluskinds)             \
	X(code_co_code_adaptive)            \
	X(pyobject_size)                    \
	X(pyobject_ob_type)                 \
	X(type_object_size)                 \
	X(type_object_tp_name)              \
	X(type_object_tp_repr)              \
	X(type_object_tp_flags)             \
	X(tuple_object_size)                \
	X(tuple_object_ob_item)             \
	X(tuple_object_ob_size)             \
	X(list_object_size)                 \
	X(list_object_ob_item)              \
	X(list_object_ob_size)              \
	X(dict_object_size)                 \
	X(dict_object_ma_keys)              \
	X(dict_object_ma_values)            \
	X(float_object_size)                \
	X(float_object_ob_fval)             \
	X(long_object_size)                 \
	X(long_object_lv_tag)               \
	X(long_object_ob_digit)             \
	X(bytes_size)                       \
	X(bytes_ob_size)                    \
	X(bytes_ob_sval)                    \
	X(unicode_size)                     \
	X(unicode_state)                    \
	X(unicode_length)                   \
	X(unicode_asciiobject_size)         \
	X(gc_size)                          \
	X(gc_collecting)

#define CODE_TAG_MASK 0
#define PUBLISHED_BASE_FRAME(t) PY_ABSENT
#include "cpython/layouts/published.h"

/* Attributes are not published; from the headers of 3.13.0. */
static void fill(struct py_layout *l, const uint64_t *table)
{
	published_fill(l, table);
	l->attr_kind = PY_ATTR_INLINE;
	l->type_keys = 880;
	l->values_head = 8;
	l->frame_locals = narrow(table[AT_frame_localsplus]);
}

/* From the headers and the debugging information of 3.13.0. */
static void fill_tasks(struct py_task_layout *l, const uint64_t *table)
{
	published_fill_tasks(l, table);
	l->list = PY_TASKS_IN_SETS;
	l->await_kind = PY_AWAIT_BY_COUNT;
	l->await_depth = 1;
	l->created = -3;
	l->awaiting = -1;
	l->executing = 0;
	/* What asyncio needs follows the thread state proper. */
	l->thread_running_loop = l->thread_size;
	l->thread_size += 8;
	l->task_loop = 16;
	l->task_callback0 = 24;
	l->task_callbacks = 40;
	l->task_state = 96;
	l->task_waiter = 112;
	l->task_coro = 120;
	l->task_name = 128;
	l->task_size = 144;
	l->gen_frame_state = 67;
	l->gen_frame = 72;
	l->gen_size = 160;
	l->frame_stack = 64;
	l->set_used = 24;
	l->set_mask = 32;
	l->set_table = 40;
	l->set_size = 200;
}

static void fill_collector(struct py_collector_layout *l, const uint64_t *table)
{
	published_fill_collector(l, table);
	if (l->gc_size != 240 || l->collecting != 200)
		return;
	l->generation0 = 96;
	l->stats = 128;
}

const struct py_layout_source py_layout_cp313 = {
	.major = 3,
	.minor = 13,
	.table_size = PUBLISHED_TABLE_SIZE,
	.fill = fill,
	.fill_tasks = fill_tasks,
	.fill_collector = fill_collector,
};
