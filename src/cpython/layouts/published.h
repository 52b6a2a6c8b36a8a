/* SPDX-License-Identifier: MIT */
/*
 * How a published table (CPython 3.13 and newer) becomes a py_layout. Included
 * by the layouts/ files that define TABLE, the ordered names of its 64-bit
 * entries, CODE_TAG_MASK, and PUBLISHED_BASE_FRAME(t), that entry of table `t`.
 */
#ifndef TARE_CPYTHON_LAYOUTS_PUBLISHED_H
#define TARE_CPYTHON_LAYOUTS_PUBLISHED_H

enum published_entry {
#define X(name) AT_##name,
	TABLE(X)
#undef X
	AT_NR
};

#define PUBLISHED_TABLE_SIZE (AT_NR * 8)

/* A hostile number that does not fit becomes one that no check lets pass. */
static uint32_t narrow(uint64_t value)
{
	return value < PY_ABSENT ? (uint32_t)value : PY_ABSENT - 1;
}

/*
 * The table gives the fields of the interpreter's own GIL, which ceval_gil
 * points to. switch_number is not published; in every release that publishes
 * a table it follows `locked`, padded to 8 bytes.
 */
static void published_fill_gil(struct py_layout *l, const uint64_t *t)
{
	uint64_t gil = t[AT_interp_gil_runtime_state];

	l->runtime_gil = PY_ABSENT;
	l->interp_gil = narrow(t[AT_interp_ceval_gil]);
	l->gil_size = 64;
	l->gil_last_holder =
		narrow(t[AT_interp_gil_runtime_state_holder] - gil);
	l->gil_locked = narrow(t[AT_interp_gil_runtime_state_locked] - gil);
	l->gil_switch_number = l->gil_locked + 8;
}

/* What a list of tasks needs; the rest is not published in every release. */
static void published_fill_tasks(struct py_task_layout *l, const uint64_t *t)
{
#define X(group, name, width) l->group##_##name = PY_ABSENT;
	PY_TASK_FIELDS(X)
#undef X
	l->interp_modules = narrow(t[AT_interp_imports_modules]);
	l->interp_size = narrow(t[AT_interp_size]);
	l->thread_size = narrow(t[AT_thread_size]);
	l->frame_locals = narrow(t[AT_frame_localsplus]);
	l->frame_size = narrow(t[AT_frame_size]);
	l->tuple_items = narrow(t[AT_tuple_object_ob_item]);
	l->tuple_size = narrow(t[AT_tuple_object_size]);
}

/* Where the collector is; what more is in it, only its size can tell. */
static void published_fill_collector(struct py_collector_layout *l,
				     const uint64_t *t)
{
	l->interp_gc = narrow(t[AT_interp_gc]);
	l->gc_size = narrow(t[AT_gc_size]);
	l->collecting = narrow(t[AT_gc_collecting]);
	l->generation0 = PY_ABSENT;
	l->stats = PY_ABSENT;
}

static void published_fill(struct py_layout *l, const uint64_t *t)
{
	l->free_threaded = t[AT_free_threaded] != 0;
	l->frame_kind = PY_FRAME_CURRENT;
	l->instr_kind = PY_INSTR_AT;
	l->line_kind = PY_LINE_LOCATIONS;
	l->code_tag_mask = CODE_TAG_MASK;
	l->owner_no_code = 3;
	l->attr_kind = PY_ATTR_UNKNOWN;
	l->type_keys = l->values_head = l->frame_locals = 0;
	l->runtime_size = narrow(t[AT_runtime_size]);
	l->runtime_interpreters_head = narrow(t[AT_runtime_interpreters_head]);
	l->interp_size = narrow(t[AT_interp_size]);
	l->interp_next = narrow(t[AT_interp_next]);
	l->interp_threads_head = narrow(t[AT_interp_threads_head]);
	published_fill_gil(l, t);
	l->thread_size = narrow(t[AT_thread_size]);
	l->thread_next = narrow(t[AT_thread_next]);
	l->thread_frame = narrow(t[AT_thread_current_frame]);
	l->thread_base_frame = PUBLISHED_BASE_FRAME(t);
	l->thread_thread_id = narrow(t[AT_thread_thread_id]);
	l->thread_native_thread_id = narrow(t[AT_thread_native_thread_id]);
	l->thread_id = PY_ABSENT;
	l->thread_datastack_chunk = narrow(t[AT_thread_datastack_chunk]);
	l->cframe_size = 0;
	l->cframe_current_frame = PY_ABSENT;
	l->cframe_previous = PY_ABSENT;
	l->frame_size = narrow(t[AT_frame_size]);
	l->frame_previous = narrow(t[AT_frame_previous]);
	l->frame_code = narrow(t[AT_frame_executable]);
	l->frame_instr = narrow(t[AT_frame_instr_ptr]);
	l->frame_owner = narrow(t[AT_frame_owner]);
	l->frame_stacktop = PY_ABSENT;
	l->frame_is_entry = PY_ABSENT;
	l->code_size = narrow(t[AT_code_size]);
	l->code_filename = narrow(t[AT_code_filename]);
	l->code_qualname = narrow(t[AT_code_qualname]);
	l->code_linetable = narrow(t[AT_code_linetable]);
	l->code_firstlineno = narrow(t[AT_code_firstlineno]);
	l->code_bytecode = narrow(t[AT_code_co_code_adaptive]);
	l->unicode_size = narrow(t[AT_unicode_size]);
	l->unicode_state = narrow(t[AT_unicode_state]);
	l->unicode_length = narrow(t[AT_unicode_length]);
	l->ascii_size = narrow(t[AT_unicode_asciiobject_size]);
	/* One pointer and one length more; published from 3.15 on only. */
	l->compact_size = l->ascii_size + 16;
	l->bytes_size = narrow(t[AT_bytes_size]);
	l->bytes_length = narrow(t[AT_bytes_ob_size]);
	l->bytes_data = narrow(t[AT_bytes_ob_sval]);
}

#endif
