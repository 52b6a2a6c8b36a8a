/* SPDX-License-Identifier: MIT */
/*
 * How the tables of an interpreter that keeps its tasks in lists become a
 * py_task_layout: its own (published.h) and that of asyncio, which is in a
 * section of the file with _asyncio, the same since there is one. Included
 * after published.h.
 */
#ifndef TARE_CPYTHON_LAYOUTS_PUBLISHED_TASKS_H
#define TARE_CPYTHON_LAYOUTS_PUBLISHED_TASKS_H

enum section_entry {
	SECTION_task_size,
	SECTION_task_name,
	SECTION_task_awaited_by,
	SECTION_task_is_task,
	SECTION_task_awaited_by_is_set,
	SECTION_task_coro,
	SECTION_task_node,
	SECTION_interp_size,
	SECTION_interp_tasks_head,
	SECTION_thread_size,
	SECTION_thread_running_loop,
	SECTION_thread_running_task,
	SECTION_thread_tasks_head,
	SECTION_NR
};

static void linked_fill_tasks(struct py_task_layout *l, const uint64_t *t)
{
	published_fill_tasks(l, t);
	l->list = PY_TASKS_LINKED;
	l->await_kind = PY_AWAIT_BY_POINTER;
	l->section_size = SECTION_NR * 8;
	l->gen_frame_state = narrow(t[AT_gen_object_gi_frame_state]);
	l->gen_frame = narrow(t[AT_gen_object_gi_iframe]);
	l->gen_size = narrow(t[AT_gen_object_size]);
	l->frame_stack = narrow(t[AT_frame_stackpointer]);
	l->set_used = narrow(t[AT_set_object_used]);
	l->set_mask = narrow(t[AT_set_object_mask]);
	l->set_table = narrow(t[AT_set_object_table]);
	l->set_size = narrow(t[AT_set_object_size]);
}

/*
 * The first fields of a future and that before the coroutine are not
 * published; they are in Modules/_asynciomodule.c: loop, first callback, its
 * context, further callbacks; ... awaited by, state, "is a task"; ... waiter,
 * coroutine.
 */
static void linked_add_tasks(struct py_task_layout *l, const uint64_t *s)
{
	l->task_size = narrow(s[SECTION_task_size]);
	l->task_loop = 16;
	l->task_callback0 = 24;
	l->task_callbacks = 40;
	l->task_state = narrow(s[SECTION_task_is_task] - 4);
	l->task_waiter = narrow(s[SECTION_task_coro] - 8);
	l->task_coro = narrow(s[SECTION_task_coro]);
	l->task_name = narrow(s[SECTION_task_name]);
	l->task_node = narrow(s[SECTION_task_node]);
	l->interp_size = narrow(s[SECTION_interp_size]);
	l->interp_tasks_head = narrow(s[SECTION_interp_tasks_head]);
	l->thread_size = narrow(s[SECTION_thread_size]);
	l->thread_running_loop = narrow(s[SECTION_thread_running_loop]);
	l->thread_running_task = narrow(s[SECTION_thread_running_task]);
	l->thread_tasks_head = narrow(s[SECTION_thread_tasks_head]);
}

#endif
