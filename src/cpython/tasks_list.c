/* SPDX-License-Identifier: MIT */
/* The lists of tasks, and the objects of the tasks that are in them. */
#include <string.h>

#include "cpython/tasks_internal.h"

#define OBJECT_TYPE 8

/* PyWeakReference. */
#define WEAKREF_OBJECT 16

/* struct llist_node: next, previous. */
#define NODE_SIZE 16

/* What is read of a thread state for its loop and its list. */
#define THREAD_SPAN_MAX 256

#define TRIES 3

/*
 * A list is followed page by page: neighbours in it were often made one after
 * the other, and lie in one page or one pool of the allocator. The first few
 * pages are read one by one, for programs with few tasks.
 */
#define PAGE 4096u
#define BLOCK_PAGES 4u /* a pool: Include/internal/pycore_obmalloc.h */
#define SINGLE_PAGES 8u
#define PAGES_MAX 16384u

static uint64_t field(const uint8_t *head, uint32_t offset)
{
	return offset == PY_ABSENT ? 0 : word_at(head + offset);
}

void py_tasks_parse(struct py_tasks_reader *r, const uint8_t *head,
		    struct entry *e)
{
	const struct py_task_layout *l = &r->layout;

	if (!head)
		return;
	e->parsed = true;
	e->type = word_at(head + OBJECT_TYPE);
	e->kind = py_kinds_of(&r->kinds, head);
	e->loop = field(head, l->task_loop);
	e->callback0 = field(head, l->task_callback0);
	e->callbacks = field(head, l->task_callbacks);
	e->waiter = field(head, l->task_waiter);
	e->coro = field(head, l->task_coro);
	e->name_addr = field(head, l->task_name);
	e->fut_state = 0;
	if (l->task_state != PY_ABSENT)
		memcpy(&e->fut_state, head + l->task_state, 4);
}

/* A task to look at, unless it is known; NULL when there are too many. */
static struct entry *add(struct py_tasks_reader *r, uint64_t addr)
{
	struct entry e = { .addr = addr };
	uint32_t id = map_get(&r->now->ids, addr);

	if (id != MAP_NONE)
		return &r->now->task.at[id];
	if (r->now->task.nr >= PY_TASKS_MAX || !vec_push(&r->now->task, e)) {
		r->out.cut = true;
		return NULL;
	}
	if (!map_put(&r->now->ids, addr, r->now->task.nr - 1)) {
		r->now->task.nr--;
		r->out.cut = true;
		return NULL;
	}
	return &r->now->task.at[r->now->task.nr - 1];
}

/* ---- sets --------------------------------------------------------------- */

static int add_weakly(struct py_tasks_reader *r, uint64_t set, struct err *err)
{
	int rc;

	r->entries.of.nr = 0;
	rc = py_set_read(&r->bulk, &r->layout, set, &r->entries, err);
	for (uint32_t i = 0; !rc && i < r->entries.of.nr; i++)
		bulk_ask(&r->bulk, r->entries.of.at[i].key + WEAKREF_OBJECT, 8);
	if (!rc)
		rc = bulk_run(&r->bulk, err);
	for (uint32_t i = 0; !rc && i < r->entries.of.nr; i++) {
		uint64_t addr = bulk_word(&r->bulk, i);

		if (addr && addr % 8 == 0 && !add(r, addr))
			break;
	}
	return rc;
}

static int add_entries(struct py_tasks_reader *r, bool values, int rc)
{
	for (uint32_t i = 0; !rc && i < r->entries.of.nr; i++) {
		const struct py_entry *e = &r->entries.of.at[i];
		uint64_t addr = values ? e->value : e->key;

		if (addr % 8 == 0 && !add(r, addr))
			break;
	}
	return rc;
}

/* The current tasks are read last: they are a task of their loop each. */
static int add_current(struct py_tasks_reader *r, uint64_t dict,
		       struct err *err)
{
	int rc;

	r->entries.of.nr = 0;
	rc = add_entries(r, true,
			 py_dict_read(&r->bulk, dict, &r->entries, err));
	for (uint32_t i = 0; !rc && i < r->entries.of.nr; i++) {
		struct py_task_loop loop = {
			.addr = r->entries.of.at[i].key,
			.running = r->entries.of.at[i].value
		};

		if (!vec_push(&r->out.loop, loop))
			rc = err_nomem(err);
	}
	return rc;
}

/* A set or dict that changes under us is read in the next try. */
static int list_sets(struct py_tasks_reader *r, const struct place *place,
		     struct err *err)
{
	int rc = ERR_OK;

	if (place->set)
		rc = add_weakly(r, place->set, err);
	if (!rc && place->eager) {
		r->entries.of.nr = 0;
		rc = add_entries(r, false,
				 py_set_read(&r->bulk, &r->layout, place->eager,
					     &r->entries, err));
	}
	if (!rc && place->current)
		rc = add_current(r, place->current, err);
	if (rc == ERR_CORRUPT) {
		r->out.torn = true;
		rc = ERR_OK;
	}
	return rc;
}

/* ---- lists -------------------------------------------------------------- */

static int read_pages(struct py_tasks_reader *r, uint64_t addr, struct err *err)
{
	uint32_t nr = r->page_ids.nr < SINGLE_PAGES ? 1 : BLOCK_PAGES;
	uint64_t first = addr / PAGE / nr * nr;

	if (r->page_ids.nr + nr > PAGES_MAX)
		return err_set(err, ERR_CORRUPT, "too many pages of tasks");
	bulk_clear(&r->side);
	for (uint32_t i = 0; i < nr; i++)
		bulk_ask(&r->side, (first + i) * PAGE, PAGE);
	if (bulk_run(&r->side, err))
		return err->code;
	for (uint32_t i = 0; i < nr; i++) {
		const uint8_t *bytes = bulk_get(&r->side, i, NULL);
		uint32_t at = r->pages.nr;

		if (!bytes || map_get(&r->page_ids, first + i) != MAP_NONE)
			continue;
		while (r->pages.cap - at < PAGE)
			if (!vec_grow((void **)&r->pages.at, r->pages.cap,
				      &r->pages.cap, 1))
				return err_nomem(err);
		memcpy(r->pages.at + at, bytes, PAGE);
		r->pages.nr += PAGE;
		if (!map_put(&r->page_ids, first + i, at))
			return err_nomem(err);
	}
	return ERR_OK;
}

/* Copy out of the pages; false when it is not mapped. */
static bool get_bytes(struct py_tasks_reader *r, uint64_t addr, uint8_t *to,
		      uint32_t size)
{
	while (size) {
		uint32_t offset = addr % PAGE, at;
		uint32_t some = PAGE - offset < size ? PAGE - offset : size;
		struct err ignored;

		at = map_get(&r->page_ids, addr / PAGE);
		if (at == MAP_NONE) {
			if (read_pages(r, addr, &ignored))
				return false;
			at = map_get(&r->page_ids, addr / PAGE);
		}
		if (at == MAP_NONE)
			return false;
		memcpy(to, r->pages.at + at + offset, some);
		to += some;
		addr += some;
		size -= some;
	}
	return true;
}

/* The task object at `addr`: from the pieces that were asked for because it was
 * there last time, or from a page. */
static const uint8_t *get_head(struct py_tasks_reader *r, uint64_t addr,
			       uint8_t buffer[PY_TASK_SIZE_MAX])
{
	uint32_t id = map_get(&r->last->ids, addr);
	const uint8_t *bytes =
		id == MAP_NONE ? NULL : bulk_get(&r->bulk, id, NULL);

	if (bytes)
		return bytes;
	return get_bytes(r, addr, buffer, r->layout.task_size) ? buffer : NULL;
}

/*
 * Follow the list whose head is at `head`, from the node `first` on. A node
 * that does not lead back to the one before shows that the list was changed.
 */
static bool walk(struct py_tasks_reader *r, uint64_t head, uint64_t first)
{
	const struct py_task_layout *l = &r->layout;
	uint8_t buffer[PY_TASK_SIZE_MAX];
	uint64_t node = first, before = head;

	while (node != head) {
		uint64_t addr = node - l->task_node;
		const uint8_t *bytes;
		struct entry *e;

		if (!node || node % 8 ||
		    map_get(&r->now->ids, addr) != MAP_NONE)
			return false;
		bytes = get_head(r, addr, buffer);
		if (!bytes || word_at(bytes + l->task_node + 8) != before)
			return false;
		e = add(r, addr);
		if (!e)
			return true;
		py_tasks_parse(r, bytes, e);
		before = node;
		node = word_at(bytes + l->task_node);
	}
	return true;
}

/* Where the fields of a thread state lie, in one run. */
struct span {
	uint32_t from, size;
};

static bool thread_span(const struct py_task_layout *l, struct span *s)
{
	const uint32_t at[] = { l->thread_running_loop, l->thread_running_task,
				l->thread_tasks_head };
	uint32_t low = UINT32_MAX, high = 0;

	for (int i = 0; i < 3; i++) {
		if (at[i] == PY_ABSENT)
			return false;
		low = at[i] < low ? at[i] : low;
		high = at[i] > high ? at[i] : high;
	}
	s->from = low;
	s->size = high + NODE_SIZE - low;
	return s->size <= THREAD_SPAN_MAX;
}

static bool walk_thread(struct py_tasks_reader *r, uint64_t thread,
			const struct span *s, const uint8_t *bytes)
{
	const struct py_task_layout *l = &r->layout;
	struct py_task_loop loop = { .thread_addr = thread };

	if (!bytes)
		return true; /* the thread has ended */
	loop.addr = word_at(bytes + l->thread_running_loop - s->from);
	loop.running = word_at(bytes + l->thread_running_task - s->from);
	if (loop.addr && !vec_push(&r->out.loop, loop))
		return false;
	return walk(r, thread + l->thread_tasks_head,
		    word_at(bytes + l->thread_tasks_head - s->from));
}

/* Ask for all that was there last time, the tasks first: their pieces are
 * numbered as they are. */
static int ask_known(struct py_tasks_reader *r,
		     const struct py_threads *threads, const struct span *s,
		     struct err *err)
{
	bulk_clear(&r->bulk);
	for (uint32_t i = 0; i < r->last->task.nr; i++)
		bulk_ask(&r->bulk, r->last->task.at[i].addr,
			 r->layout.task_size);
	for (uint32_t i = 0; i < threads->thread.nr; i++)
		bulk_ask(&r->bulk, threads->thread.at[i].addr + s->from,
			 s->size);
	for (uint32_t i = 0; i < threads->interp.nr; i++)
		bulk_ask(&r->bulk,
			 threads->interp.at[i] + r->layout.interp_tasks_head,
			 NODE_SIZE);
	return bulk_run(&r->bulk, err);
}

static int list_linked(struct py_tasks_reader *r,
		       const struct py_threads *threads, struct err *err)
{
	uint32_t piece = r->last->task.nr;
	struct span s;
	int rc;

	if (!thread_span(&r->layout, &s) ||
	    r->layout.interp_tasks_head == PY_ABSENT)
		return err_set(err, ERR_CORRUPT, "no lists of tasks");
	rc = ask_known(r, threads, &s, err);
	r->pages.nr = 0;
	map_clear(&r->page_ids);
	for (uint32_t i = 0; !rc && i < threads->thread.nr; i++)
		if (!walk_thread(r, threads->thread.at[i].addr, &s,
				 bulk_get(&r->bulk, piece++, NULL)))
			r->out.torn = true;
	for (uint32_t i = 0; !rc && i < threads->interp.nr; i++) {
		uint64_t head =
			threads->interp.at[i] + r->layout.interp_tasks_head;
		const uint8_t *bytes = bulk_get(&r->bulk, piece++, NULL);

		if (bytes && !walk(r, head, word_at(bytes)))
			r->out.torn = true;
	}
	return rc;
}

/* ---- both --------------------------------------------------------------- */

/* Read the objects of the tasks that were not read with their list. */
static int read_heads(struct py_tasks_reader *r, struct err *err)
{
	uint32_t piece = 0;
	int rc;

	bulk_clear(&r->bulk);
	for (uint32_t i = 0; i < r->now->task.nr; i++)
		if (!r->now->task.at[i].parsed)
			bulk_ask(&r->bulk, r->now->task.at[i].addr,
				 r->layout.task_size);
	rc = bulk_run(&r->bulk, err);
	for (uint32_t i = 0; !rc && i < r->now->task.nr; i++)
		if (!r->now->task.at[i].parsed)
			py_tasks_parse(r, bulk_get(&r->bulk, piece++, NULL),
				       &r->now->task.at[i]);
	return rc ? rc : py_kinds_learn(&r->kinds, &r->side, err);
}

static int list_once(struct py_tasks_reader *r,
		     const struct py_threads *threads, struct err *err)
{
	int rc = ERR_OK;

	r->now->task.nr = 0;
	map_clear(&r->now->ids);
	r->out.loop.nr = 0;
	r->out.torn = false;
	if (r->layout.list == PY_TASKS_LINKED && r->has_section)
		rc = list_linked(r, threads, err);
	for (uint32_t i = 0; i < r->out.loop.nr; i++)
		if (r->out.loop.at[i].running)
			add(r, r->out.loop.at[i].running);
	for (uint32_t i = 0; !rc && i < r->places.nr; i++)
		rc = list_sets(r, &r->places.at[i], err);
	return rc;
}

/* Keep only what is a task by its type. */
static int keep_tasks(struct py_tasks_reader *r, struct err *err)
{
	uint32_t kept = 0;

	map_clear(&r->now->ids);
	for (uint32_t i = 0; i < r->now->task.nr; i++) {
		struct entry e = r->now->task.at[i];

		e.kind = py_kinds_get(&r->kinds, e.type);
		if (e.kind != PY_KIND_TASK && e.kind != PY_KIND_PYTHON_TASK)
			continue;
		if (!map_put(&r->now->ids, e.addr, kept))
			return err_nomem(err);
		r->now->task.at[kept++] = e;
	}
	r->now->task.nr = kept;
	return ERR_OK;
}

int py_tasks_list(struct py_tasks_reader *r, const struct py_threads *threads,
		  struct err *err)
{
	int rc = ERR_OK;

	for (int i = 0; i < TRIES; i++) {
		rc = list_once(r, threads, err);
		if (rc || !r->out.torn)
			break;
	}
	if (!rc)
		rc = read_heads(r, err);
	return rc ? rc : keep_tasks(r, err);
}
