/* SPDX-License-Identifier: MIT */
#include "sample/roster.h"

#include <stdlib.h>
#include <string.h>

#include "cpython/attr.h"
#include "cpython/code.h"
#include "os/clock.h"
#include "os/procfs.h"
#include "os/task.h"

void roster_init(struct roster *r, struct py_process *p,
		 struct profile *profile, struct tasks *tasks)
{
	memset(r, 0, sizeof(*r));
	r->process = p;
	r->profile = profile;
	r->tasks = tasks;
	r->foreign_ids = task_has_other_ids(target_pid(p->target));
}

/* So long after it was found, threads without an ID are taken as they are. */
#define IDS_NS (50 * CLOCK_MS_NS)

/* ---- identity ----------------------------------------------------------- */

/*
 * The thread ID that the C library keeps behind pthread_self(), for Pythons
 * that do not keep it themselves (before 3.11). `struct pthread` is private
 * to glibc, but this field has not moved since 2.0 on these machines; what is
 * read there is believed only when the process has such a thread.
 */
#if defined(__x86_64__)
#define PTHREAD_TID 720
#elif defined(__aarch64__)
#define PTHREAD_TID 208
#else
#define PTHREAD_TID 0
#endif

static pid_t tid_of_pthread(struct roster *r, uint64_t pthread)
{
	struct err ignored;
	uint32_t tid = 0;

	if (!PTHREAD_TID ||
	    target_read(r->process->target, pthread + PTHREAD_TID, &tid,
			sizeof(tid), &ignored))
		return 0;
	return (pid_t)tid;
}

/*
 * The kernel's ID here of a thread. What a thread says of itself is true even
 * when it has ended meanwhile; what was found behind pthread_self() is
 * believed only while the process has such a thread.
 */
static pid_t find_tid(struct roster *r, const struct py_thread *raw)
{
	pid_t pid = target_pid(r->process->target);
	pid_t inner = (pid_t)raw->native_id;

	if (!raw->native_id)
		inner = tid_of_pthread(r, raw->thread_id);
	if (inner <= 0)
		return 0;
	if (r->foreign_ids)
		return task_find(pid, inner);
	/* What is nobody's number was not read from where we think. */
	return raw->native_id || task_exists(pid, inner) || procfs_state(inner)
		       ? inner
		       : 0;
}

/* ---- the list ----------------------------------------------------------- */

static void free_thread(struct roster_thread *t)
{
	if (!t)
		return;
	py_reader_free(t->reader);
	names_memory_release(&t->memory);
	free(t);
}

static bool ends_with(const char *text, const char *end)
{
	size_t size = strlen(text), tail = strlen(end);

	return size >= tail && !strcmp(text + size - tail, end);
}

/* Is it the code that every threading.Thread begins with? */
static bool is_bootstrap(struct roster *r, uint64_t code_addr)
{
	struct py_code code;
	struct err ignored;
	bool is;

	if (py_code_read(r->process, code_addr, &code, &ignored))
		return false;
	is = ends_with(code.name, "_bootstrap") &&
	     ends_with(code.file, "threading.py");
	py_code_release(&code);
	return is;
}

/* The name that Python has for a thread. */
static void set_name(struct roster *r, const struct roster_thread *t,
		     const char *name)
{
	struct task *task = tasks_find(r->tasks, t->tid);

	r->profile->threads.at[t->in_profile].name =
		profile_string(r->profile, name, strlen(name));
	if (task)
		task->named = true;
}

void roster_ask_name(struct roster *r, struct roster_thread *t)
{
	struct profile_thread *out = &r->profile->threads.at[t->in_profile];
	struct buf name = { 0 };
	const struct py_frame *frames;
	uint32_t nr, stable;
	uint64_t value;
	struct err ignored;

	if (t->asked_name)
		return;
	frames = py_reader_frames(t->reader, &nr, &stable);
	if (!nr)
		return;
	t->asked_name = true;
	if (r->process->layout.attr_kind != PY_ATTR_UNKNOWN && !out->main &&
	    is_bootstrap(r, frames[nr - 1].code_addr) &&
	    !py_attr_read(r->process, py_reader_first_local(t->reader), "_name",
			  &value, &ignored) &&
	    !py_read_text(r->process, value, &name, &ignored) && name.size)
		set_name(r, t, buf_str(&name));
	buf_release(&name);
}

/*
 * The kernel's thread behind a thread state; one of its own where the kernel
 * does not tell which. A thread of another process is none: between fork() and
 * what Python does after it (with vfork() until the child executes another
 * program) the child has the thread states of its parent.
 */
static bool find_in_profile(struct roster *r, struct roster_thread *t,
			    uint64_t now_ns)
{
	struct task *task;

	/* After fork() the C library clears the IDs of the other threads, and
	 * for a moment the calling one has that of its parent. */
	if (!t->tid && (r->ids_work || now_ns - r->begin_ns < IDS_NS))
		return false;
	if (!t->tid) {
		t->in_profile = profile_add_thread(
			r->profile, r->tasks->process, 0, now_ns);
		return true;
	}
	task = tasks_get(r->tasks, t->tid, now_ns);
	if (task)
		t->in_profile = task->in_profile;
	return task;
}

static struct roster_thread *new_thread(struct roster *r,
					const struct py_thread *raw,
					uint64_t now_ns)
{
	struct roster_thread *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->raw = *raw;
	t->reader = py_reader_new(r->process, raw->addr);
	if (!t->reader) {
		free_thread(t);
		return NULL;
	}
	t->tid = find_tid(r, raw);
	if (!find_in_profile(r, t, now_ns)) {
		free_thread(t);
		return NULL;
	}
	/* The kernel says what the program is called. */
	if (r->profile->threads.at[t->in_profile].main)
		set_name(r, t, "MainThread");
	return t;
}

static struct roster_thread *find_thread(struct roster *r,
					 const struct py_thread *raw)
{
	uint32_t index = map_get(&r->by_addr, raw->addr);
	struct roster_thread *t;

	if (index == MAP_NONE)
		return NULL;
	t = r->threads.at[index];
	return t->raw.id == raw->id && t->raw.thread_id == raw->thread_id &&
			       t->raw.native_id == raw->native_id
		       ? t
		       : NULL;
}

/*
 * A thread state whose thread has not begun has no IDs yet, or (up to 3.11)
 * those of the thread that made it, which is further down in the list.
 */
static bool has_begun(const struct roster *r, uint32_t index)
{
	const struct py_threads *list = &r->list;
	const struct py_thread *raw = &list->thread.at[index];

	if (!raw->thread_id)
		return false;
	if (!raw->native_id &&
	    r->process->layout.thread_native_thread_id != PY_ABSENT)
		return false;
	for (uint32_t i = index + 1; i < list->thread.nr; i++)
		if (list->thread.at[i].thread_id == raw->thread_id &&
		    list->thread.at[i].interp == raw->interp)
			return false;
	return true;
}

static void drop_unlisted(struct roster *r)
{
	uint32_t kept = 0;

	map_clear(&r->by_addr);
	for (uint32_t i = 0; i < r->threads.nr; i++) {
		struct roster_thread *t = r->threads.at[i];

		if (t->listed && map_put(&r->by_addr, t->raw.addr, kept)) {
			r->threads.at[kept++] = t;
			continue;
		}
		free_thread(t);
	}
	r->threads.nr = kept;
}

static uint64_t next_in_list(const struct py_threads *list, uint32_t i)
{
	const struct py_thread *t = &list->thread.at[i];

	if (i + 1 == list->thread.nr || t[1].interp != t->interp)
		return 0;
	return t[1].addr;
}

uint64_t roster_head_addr(const struct roster *r)
{
	return r->list.interp.nr
		       ? r->list.interp.at[0] +
				 r->process->layout.interp_threads_head
		       : 0;
}

uint64_t roster_newest(const struct roster *r)
{
	return r->list.thread.nr ? r->list.thread.at[0].addr : 0;
}

static void note_whether_ids_work(struct roster *r)
{
	pid_t pid = target_pid(r->process->target);

	for (uint32_t i = 0; i < r->list.thread.nr && !r->ids_work; i++)
		r->ids_work =
			task_exists(pid, find_tid(r, &r->list.thread.at[i]));
}

int roster_refresh(struct roster *r, uint64_t now_ns, struct err *err)
{
	bool all_begun = true;
	int rc;

	if (r->all_begun && py_threads_are(r->process, &r->list))
		return ERR_OK;
	r->all_begun = false;
	rc = py_threads_read(r->process, &r->list, err);
	if (rc)
		return rc;
	for (uint32_t i = 0; i < r->threads.nr; i++)
		r->threads.at[i]->listed = false;
	if (!r->begin_ns)
		r->begin_ns = now_ns;
	note_whether_ids_work(r);
	for (uint32_t i = 0; i < r->list.thread.nr; i++) {
		const struct py_thread *raw = &r->list.thread.at[i];
		struct roster_thread *t;

		t = find_thread(r, raw);
		if (!t && !has_begun(r, i)) {
			all_begun = false;
			continue;
		}
		if (!t) {
			t = new_thread(r, raw, now_ns);
			if (!t) {
				all_begun = false;
				continue;
			}
			if (!vec_push(&r->threads, t)) {
				free_thread(t);
				return err_nomem(err);
			}
		}
		t->listed = true;
		t->next_addr = next_in_list(&r->list, i);
	}
	drop_unlisted(r);
	r->all_begun = all_begun;
	return ERR_OK;
}

void roster_release(struct roster *r)
{
	for (uint32_t i = 0; i < r->threads.nr; i++)
		free_thread(r->threads.at[i]);
	vec_release(&r->threads);
	py_threads_release(&r->list);
	map_release(&r->by_addr);
}
