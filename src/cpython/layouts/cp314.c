/* SPDX-License-Identifier: MIT */
/*
 * CPython 3.14: the order of its published table (_Py_DebugOffsets), as far as
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
	X(interp_threads_main)              \
	X(interp_gc)                        \
	X(interp_imports_modules)           \
	X(interp_sysdict)                   \
	X(interp_builtins)                  \
	X(interp_ceval_gil)                 \
	X(interp_gil_runtime_state)         \
	X(interp_gil_runtime_state_enabled) \
	X(interp_gil_runtime_state_locked)  \
	X(interp_gil_runtime_state_holder)  \
	X(interp_code_object_generation)    \
	X(interp_tlbc_generation)           \
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
	X(frame_stackpointer)               \
	X(frame_tlbc_index)                 \
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
	X(code_co_tlbc)                     \
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
	X(set_object_size)                  \
	X(set_object_used)                  \
	X(set_object_table)                 \
	X(set_object_mask)                  \
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
	X(gc_collecting)                    \
	X(gen_object_size)                  \
	X(gen_object_gi_name)               \
	X(gen_object_gi_iframe)             \
	X(gen_object_gi_frame_state)        \
	X(llist_node_next)                  \
	X(llist_node_prev)

#define CODE_TAG_MASK 7
#define PUBLISHED_BASE_FRAME(t) PY_ABSENT
#include "cpython/layouts/published.h"
#include "cpython/layouts/published_tasks.h"

static void fill(struct py_layout *l, const uint64_t *table)
{
	published_fill(l, table);
	l->attr_kind = PY_ATTR_INLINE;
	l->type_keys = 880;
	l->values_head = 8;
}

static void fill_tasks(struct py_task_layout *l, const uint64_t *table)
{
	linked_fill_tasks(l, table);
	l->await_depth = 1;
	l->created = -3;
	l->awaiting = -1;
	l->executing = 0;
}

static void fill_collector(struct py_collector_layout *l, const uint64_t *table)
{
	published_fill_collector(l, table);
	/*
	 * The collector of 3.14.0 to 3.14.4 is another one (240 bytes): it has
	 * no such generations, but the same statistics.
	 */
	if (l->collecting != 192)
		return;
	if (l->gc_size == 264)
		l->generation0 = 256;
	if (l->gc_size == 264 || l->gc_size == 240)
		l->stats = 120;
}

const struct py_layout_source py_layout_cp314 = {
	.major = 3,
	.minor = 14,
	.table_size = PUBLISHED_TABLE_SIZE,
	.fill = fill,
	.fill_tasks = fill_tasks,
	.add_tasks = linked_add_tasks,
	.fill_collector = fill_collector,
};
