/* SPDX-License-Identifier: MIT */
#include "target/stop.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>

#include "base/vec.h"
#include "os/procfs.h"

/* A thread in a system call that cannot be interrupted stops later. */
#define STOP_PATIENCE_NS 100000000u
#define STOP_NAP_NS 20000u

/* So often is that tried before a thread is given up at the end. */
#define CLOSE_TRIES 20

enum thread_state {
	RUNNING,
	STOPPED,
	ENDED
};

struct stopped_thread {
	pid_t tid;
	enum thread_state state;
	int signal; /* to hand over when it goes on */
	bool group; /* stopped by job control: leave it stopped */
	bool listed;
};

struct stopper {
	pid_t pid;
	VEC(struct stopped_thread) threads;
};

static struct stopped_thread *find(struct stopper *s, pid_t tid)
{
	for (uint32_t i = 0; i < s->threads.nr; i++)
		if (s->threads.at[i].tid == tid)
			return &s->threads.at[i];
	return NULL;
}

static int seize(struct stopper *s, pid_t tid, struct err *err)
{
	struct stopped_thread t = { .tid = tid, .listed = true };

	if (ptrace(PTRACE_SEIZE, tid, NULL, NULL)) {
		int error = errno;
		char state = procfs_state(tid);

		/* One that is ending is refused as if it were not ours. */
		if (error == ESRCH || !state || state == 'Z' || state == 'X')
			return ERR_OK;
		errno = error;
		err_sys(err, "cannot stop process %d", (int)s->pid);
		err_hint(err,
			 "leave out --exact-stacks, or see tare doctor "
			 "%d",
			 (int)s->pid);
		return err->code;
	}
	return vec_push(&s->threads, t) ? ERR_OK : err_nomem(err);
}

/* Bring the list of threads up to date, taking hold of new ones. */
static int seize_all(struct stopper *s, struct err *err)
{
	const struct dirent *entry;
	char path[64];
	int rc = ERR_OK;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)s->pid);
	dir = opendir(path);
	if (!dir)
		return err_set(err, ERR_GONE, "process %d has exited",
			       (int)s->pid);
	for (uint32_t i = 0; i < s->threads.nr; i++)
		s->threads.at[i].listed = false;
	while (!rc && (entry = readdir(dir))) {
		pid_t tid = (pid_t)strtol(entry->d_name, NULL, 10);
		struct stopped_thread *known = find(s, tid);

		if (known)
			known->listed = true;
		else if (tid > 0)
			rc = seize(s, tid, err);
	}
	closedir(dir);
	for (uint32_t i = s->threads.nr; i-- > 0;)
		if (!s->threads.at[i].listed)
			s->threads.at[i] = s->threads.at[--s->threads.nr];
	return rc;
}

int stopper_open(struct stopper **out, pid_t pid, struct err *err)
{
	struct stopper *s = calloc(1, sizeof(*s));
	int rc;

	*out = NULL;
	if (!s)
		return err_nomem(err);
	s->pid = pid;
	rc = seize_all(s, err);
	if (rc) {
		stopper_close(s);
		return rc;
	}
	*out = s;
	return ERR_OK;
}

/*
 * Has the thread stopped, or ended? A traced thread that ended has to be
 * waited for by its tracer, or the process would never be done with; the
 * exit status of the first thread is that of the process, though, and belongs
 * to who started it, so for that one only stops are asked for.
 */
static void poll_stop(struct stopper *s, struct stopped_thread *t)
{
	int what = WSTOPPED | (t->tid != s->pid ? WEXITED : 0);
	siginfo_t info = { 0 };

	if (waitid(P_PID, (id_t)t->tid, &info, what | WNOHANG | __WALL)) {
		t->state = ENDED;
		return;
	}
	if (!info.si_pid) {
		if (t->tid == s->pid && procfs_state(s->pid) == 'Z')
			t->state = ENDED;
		return;
	}
	t->signal = 0;
	t->group = false;
	if (info.si_code != CLD_TRAPPED && info.si_code != CLD_STOPPED) {
		t->state = ENDED;
		return;
	}
	t->state = STOPPED;
	if (info.si_status >> 8 == PTRACE_EVENT_STOP)
		t->group = (info.si_status & 0x7f) != SIGTRAP;
	else
		t->signal = info.si_status & 0x7f;
}

static bool all_stand(struct stopper *s)
{
	bool all = true;

	for (uint32_t i = 0; i < s->threads.nr; i++) {
		struct stopped_thread *t = &s->threads.at[i];

		if (t->state == RUNNING)
			poll_stop(s, t);
		all = all && t->state != RUNNING;
	}
	return all;
}

int stopper_stop(struct stopper *s, struct err *err)
{
	const struct timespec nap = { 0, STOP_NAP_NS };
	uint64_t waited = 0;
	int rc = seize_all(s, err);

	for (uint32_t i = 0; i < s->threads.nr; i++) {
		struct stopped_thread *t = &s->threads.at[i];

		if (t->state == RUNNING)
			poll_stop(s, t);
		if (t->state == RUNNING)
			ptrace(PTRACE_INTERRUPT, t->tid, NULL, NULL);
	}
	while (!all_stand(s) && waited < STOP_PATIENCE_NS) {
		nanosleep(&nap, NULL);
		waited += STOP_NAP_NS;
	}
	return rc;
}

void stopper_resume(struct stopper *s)
{
	for (uint32_t i = 0; i < s->threads.nr; i++) {
		struct stopped_thread *t = &s->threads.at[i];

		if (t->state == STOPPED)
			ptrace(t->group ? PTRACE_LISTEN : PTRACE_CONT, t->tid,
			       NULL, (void *)(intptr_t)t->signal);
		if (t->state == STOPPED && !t->group)
			t->state = RUNNING;
	}
}

/* Let go of the threads that stand; true when none is left that runs. */
static bool detach_all(struct stopper *s)
{
	bool done = true;

	for (uint32_t i = 0; i < s->threads.nr; i++) {
		struct stopped_thread *t = &s->threads.at[i];

		if (t->state == STOPPED && !ptrace(PTRACE_DETACH, t->tid, NULL,
						   (void *)(intptr_t)t->signal))
			t->state = ENDED;
		if (t->state != ENDED) {
			t->state = RUNNING;
			done = false;
		}
	}
	return done;
}

void stopper_close(struct stopper *s)
{
	struct err ignored;

	if (!s)
		return;
	/* Only a thread that stands can be let go, and one that ends while it
	 * is held has to be waited for. */
	for (int i = 0; i < CLOSE_TRIES; i++) {
		stopper_stop(s, &ignored);
		if (detach_all(s))
			break;
	}
	vec_release(&s->threads);
	free(s);
}
