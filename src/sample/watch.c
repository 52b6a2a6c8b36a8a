/* SPDX-License-Identifier: MIT */
#include "sample/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "os/child.h"
#include "os/clock.h"
#include "os/procfs.h"
#include "sample/figures.h"

/*
 * Looking for a Python reads the map of the process, 0.1 ms and more: at once,
 * then after 1, 2, 4, ... ms, and from the beginning when it has become
 * another program. A library that is loaded late is seen within a second.
 */
#define SEARCH_STEP_NS CLOCK_MS_NS
#define SEARCH_STEP_MAX_NS CLOCK_SECOND_NS

/*
 * A child that has just been forked is a copy of its parent, and mostly about
 * to execute another program: only after so long is a Python in it its own.
 */
#define CHILD_NS (3 * CLOCK_MS_NS)
#define COPY_NS (20 * CLOCK_MS_NS)

/* On a busy machine it may wait longer than that, but it does not run more. */
#define COPY_CPU_NS (5 * CLOCK_MS_NS)

/* How often the words of a command line that was empty are asked for. */
#define NAMELESS_MAX 100

/* How often to ask which program it executes. */
#define PROGRAM_NS (10 * CLOCK_MS_NS)

/* Figures are read when a process is twice as old, so that little of a short
 * life is missed, but no less often than this. */
#define FIGURES_STEP_NS (4 * CLOCK_MS_NS)
#define FIGURES_STEP_MAX_NS (500 * CLOCK_MS_NS)

static struct profile_process *row(const struct watch *w)
{
	return &w->profile->processes.at[w->process];
}

/* The file that is executed, as one number; 0: not known. */
static uint64_t read_program(pid_t pid)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	if (stat(path, &st))
		return 0;
	return map_hash((uint64_t)st.st_dev) ^ (uint64_t)st.st_ino;
}

/*
 * A process that executes a program has no words for a moment, and a zombie
 * has none any more: the name must do then, unless more is known.
 */
static void note_command(struct watch *w)
{
	struct buf line = { 0 };
	char name[64];

	procfs_add_command(w->pid, &line);
	w->nameless_nr = line.size ? 0 : w->nameless_nr + 1;
	if (!line.size && !row(w)->command &&
	    procfs_read_name(w->pid, name, sizeof(name)))
		buf_printf(&line, "[%s]", name);
	if (line.size)
		row(w)->command =
			profile_string(w->profile, buf_str(&line), line.size);
	buf_release(&line);
}

/* What the kernel has counted since we came. */
static void read_figures(const struct watch *w, struct process_figures *out)
{
	figures_read(out, w->pid, &w->tasks.list);
	process_subtract(out, &w->before);
}

/* False when its number is another process's now. */
static bool note_identity(struct watch *w)
{
	struct procfs_identity id;

	if (!procfs_read_identity(w->pid, &id))
		return true; /* gone, which others see */
	if (!w->start_ticks)
		w->start_ticks = id.start_ticks;
	if (id.start_ticks != w->start_ticks)
		return false;
	w->stack_addr = id.stack_addr;
	return true;
}

int watch_open(struct watch **out, pid_t pid, uint32_t parent,
	       const struct sample_opts *opts, struct profile *p,
	       uint64_t at_ns, bool fresh, struct err *err)
{
	struct watch *w = calloc(1, sizeof(*w));
	int rc;

	*out = NULL;
	if (!w)
		return err_nomem(err);
	w->pid = pid;
	w->opts = opts;
	w->profile = p;
	rc = target_open(&w->target, pid, err);
	if (rc) {
		free(w);
		return rc;
	}
	w->process = profile_add_process(p, pid, parent, at_ns);
	if (p->failed) {
		target_close(w->target);
		free(w);
		return err_nomem(err);
	}
	w->search_step_ns = SEARCH_STEP_NS;
	w->figures_step_ns = FIGURES_STEP_NS;
	w->program = read_program(pid);
	note_command(w);
	if (parent != PROCESS_NONE && fresh)
		w->search_ns = clock_now_ns() + CHILD_NS;
	note_identity(w);
	tasks_init(&w->tasks, w->target, p, w->process, fresh);
	if (!fresh && task_list(pid, &w->tasks.list))
		figures_read(&w->before, pid, &w->tasks.list);
	*out = w;
	return ERR_OK;
}

/* ---- its Python --------------------------------------------------------- */

static void note_python(struct watch *w)
{
	const struct py_process *py = &w->python->process;
	char python[40];

	snprintf(python, sizeof(python), "CPython %s", py->version);
	w->python_text = profile_string(w->profile, python, strlen(python));
	row(w)->trouble = 0;
	w->python_ns = clock_now_ns();
	w->trouble.code = ERR_OK;
	note_command(w);
	note_identity(w);
	if (*profile_meta(w->profile, META_PYTHON))
		return;
	profile_set_meta(w->profile, META_PYTHON, python);
	profile_set_meta(w->profile, META_EXECUTABLE, py->executable);
}

static void note_trouble(struct watch *w, const struct err *err)
{
	w->trouble = *err;
	row(w)->trouble =
		profile_string(w->profile, err->msg, strlen(err->msg));
}

int watch_find_python(struct watch *w, struct err *err)
{
	int rc = interpreter_open(&w->python, w->target, &w->tasks,
				  w->opts->rate_hz, err);

	if (!rc && w->opts->awaits)
		rc = interpreter_follow_tasks(w->python, err);
	if (!rc && w->opts->exact)
		rc = stopper_open(&w->stopper, w->pid, err);
	if (rc) {
		interpreter_close(w->python);
		w->python = NULL;
		if (rc != ERR_NO && rc != ERR_GONE)
			note_trouble(w, err);
		return rc;
	}
	w->python->look.gil_always = w->opts->gil;
	note_python(w);
	return ERR_OK;
}

/*
 * To begin takes 2 ms, so a process has to live for a while first. Where the
 * kernel forbids it, that is said once.
 */
#define NATIVE_AFTER_NS (50 * CLOCK_MS_NS)

/* Stacks that cannot be had leave the instruction pointers, which need less. */
static int open_native(struct watch *w, struct err *err)
{
	struct native_merging merging = { w->python, w->waker };
	int rc;

	if (!w->waker)
		return native_split_open(&w->native, &w->tasks, NULL, err);
	rc = native_split_open(&w->native, &w->tasks, &merging, err);
	if (!rc || rc == ERR_GONE)
		return rc;
	if (!*profile_meta(w->profile, META_MERGED))
		profile_set_meta(w->profile, META_MERGED, err->msg);
	return native_split_open(&w->native, &w->tasks, NULL, err);
}

static void begin_native(struct watch *w, uint64_t now_ns)
{
	struct err err;

	if (!w->native_ns)
		w->native_ns = now_ns + NATIVE_AFTER_NS;
	if (now_ns < w->native_ns)
		return;
	w->native_ns = UINT64_MAX;
	if (w->opts->no_native || !open_native(w, &err) || err.code == ERR_GONE)
		return;
	if (!*profile_meta(w->profile, META_NATIVE))
		profile_set_meta(w->profile, META_NATIVE, err.msg);
}

static void forget_python(struct watch *w)
{
	native_split_close(w->native);
	w->native = NULL;
	w->native_ns = 0;
	stopper_close(w->stopper);
	w->stopper = NULL;
	interpreter_close(w->python);
	w->python = NULL;
	w->tasks.wait.gils.nr = 0;
}

/* It executes something else now, or soon will: begin to look again. */
static void search_anew(struct watch *w, uint64_t now_ns)
{
	w->search_ns = now_ns;
	w->search_step_ns = SEARCH_STEP_NS;
}

/* Was its Python that of its parent all the time? */
static bool was_a_copy(const struct watch *w, uint64_t now_ns)
{
	const struct task *main = tasks_find(&w->tasks, w->pid);

	if (row(w)->parent == PROCESS_NONE)
		return false;
	return now_ns - w->python_ns < COPY_NS ||
	       (main && main->last_ns && main->last.cpu_ns < COPY_CPU_NS);
}

static void check_program(struct watch *w, uint64_t now_ns)
{
	uint64_t now;

	if (w->program && now_ns - w->program_ns < PROGRAM_NS)
		return;
	w->program_ns = now_ns;
	now = read_program(w->pid);
	if (!now || now == w->program)
		return;
	w->program = now;
	/* What it was a copy of before it executed this is not its own. */
	if (was_a_copy(w, now_ns))
		row(w)->python = 0;
	tasks_forget_names(&w->tasks);
	note_command(w);
	search_anew(w, now_ns);
}

static void search(struct watch *w, uint64_t now_ns)
{
	struct err err;

	check_program(w, now_ns);
	if (now_ns < w->search_ns)
		return;
	w->search_ns = now_ns + w->search_step_ns;
	if (w->search_step_ns < SEARCH_STEP_MAX_NS)
		w->search_step_ns *= 2;
	watch_find_python(w, &err);
}

/* ---- ticks -------------------------------------------------------------- */

/*
 * A child that vfork() made has its parent's memory, and so its Python, until
 * it executes another program. Its own is one that has threads here.
 */
static void tell_python(struct watch *w)
{
	if (!w->python_text || !w->python || !w->python->roster.threads.nr)
		return;
	row(w)->python = w->python_text;
	w->python_text = 0;
}

/* Each has a collector of its own, and from 3.12 on it may have a GIL. */
static void tell_interpreters(struct watch *w)
{
	static const char text[] =
		"it has several interpreters: the collector is that of the "
		"main one, and nobody's share of a GIL is known";

	if (w->python && w->python->roster.list.interp.nr > 1 &&
	    !row(w)->trouble)
		row(w)->trouble =
			profile_string(w->profile, text, sizeof(text) - 1);
}

static void look_at_python(struct watch *w, uint64_t now_ns, uint64_t at_ns)
{
	struct err err;
	int rc = ERR_OK;

	if (w->stopper)
		rc = stopper_stop(w->stopper, &err);
	if (!rc)
		rc = interpreter_look(w->python, now_ns, at_ns, &err);
	if (w->stopper) {
		stopper_resume(w->stopper);
		look_rejoin(&w->python->look);
	}
	if (!rc)
		rc = interpreter_check(w->python, now_ns);
	if (!rc)
		return;
	if (rc != ERR_GONE && rc != ERR_NO)
		note_trouble(w, &err);
	forget_python(w);
	w->program = 0;
	check_program(w, now_ns);
}

static void note_end(struct watch *w)
{
	struct child_end end;
	char text[16];
	int status;

	if (!procfs_read_end(w->pid, &status))
		return;
	child_end_of(status, &end);
	child_end_text(&end, text);
	row(w)->end = profile_string(w->profile, text, strlen(text));
}

void watch_catch(struct watch *w)
{
	if (w->native)
		native_split_catch(w->native);
}

void watch_tick(struct watch *w, uint64_t now_ns, uint64_t at_ns)
{
	watch_catch(w);
	if (!w->python && w->trouble.code != ERR_NOMEM)
		search(w, now_ns);
	if (w->python)
		look_at_python(w, now_ns, at_ns);
	if (w->python && !w->native)
		begin_native(w, now_ns);
	if (!tasks_refresh(&w->tasks, now_ns, at_ns)) {
		w->ended = true;
		return;
	}
	if (w->python)
		interpreter_ask(w->python);
	tasks_look(&w->tasks);
	if (tasks_ended(&w->tasks)) {
		note_end(w);
		w->ended = true;
		return;
	}
	if (w->python)
		interpreter_sample(w->python);
	tell_python(w);
	tell_interpreters(w);
	tasks_sample_rest(&w->tasks);
	if (w->python)
		interpreter_read_tasks(w->python, now_ns, at_ns);
	row(w)->end_ns = at_ns;
	if (w->nameless_nr && w->nameless_nr < NAMELESS_MAX)
		note_command(w);
	if (now_ns < w->figures_ns)
		return;
	if (note_identity(w))
		watch_account(w, now_ns, at_ns);
	else
		w->ended = true;
}

int watch_once(struct watch *w, uint64_t now_ns, uint64_t at_ns,
	       struct err *err)
{
	int rc = ERR_OK;

	if (w->stopper)
		rc = stopper_stop(w->stopper, err);
	if (!rc)
		rc = interpreter_look_anew(w->python, now_ns, at_ns, err);
	if (w->stopper)
		stopper_resume(w->stopper);
	if (rc)
		return rc;
	tasks_look(&w->tasks);
	interpreter_sample(w->python);
	interpreter_step_aside(w->python);
	interpreter_list_tasks(w->python, at_ns);
	return ERR_OK;
}

void watch_leave(struct watch *w)
{
	static const char text[] =
		"it lived on: the recording ended with the first process";

	if (!w->ended && !row(w)->trouble && !pid_ended(w->pid))
		row(w)->trouble =
			profile_string(w->profile, text, sizeof(text) - 1);
}

void watch_account(struct watch *w, uint64_t now_ns, uint64_t at_ns)
{
	struct process_figures now;

	w->figures_ns = now_ns + w->figures_step_ns;
	if (w->figures_step_ns < FIGURES_STEP_MAX_NS)
		w->figures_step_ns *= 2;
	read_figures(w, &now);
	if (w->python)
		interpreter_account(w->python, &now);
	process_raise(&row(w)->figures, &now);
	if (w->native)
		native_split_drain(w->native);
	tasks_forget_ended(&w->tasks);
	tasks_account(&w->tasks, at_ns);
}

void watch_close(struct watch *w)
{
	if (!w)
		return;
	forget_python(w);
	if (!w->ended) {
		struct process_figures now;

		read_figures(w, &now);
		process_raise(&row(w)->figures, &now);
	}
	tasks_release(&w->tasks);
	target_close(w->target);
	free(w);
}
