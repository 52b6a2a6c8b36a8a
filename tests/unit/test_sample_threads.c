/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "one_process.h"
#include "os/clock.h"
#include "os/procfs.h"
#include "sample/threads.h"

/* A thread that waits for a semaphore, then for the next one. */
struct sleeper {
	pthread_t thread;
	pid_t tid;
	sem_t begun, go;
	bool over;
};

static void *sleep_on(void *arg)
{
	struct sleeper *s = arg;

	s->tid = (pid_t)syscall(SYS_gettid);
	do {
		sem_post(&s->begun);
		while (sem_wait(&s->go)) {
		}
	} while (!s->over);
	return NULL;
}

static void wait_until_asleep(struct sleeper *s)
{
	while (sem_wait(&s->begun)) {
	}
	while (procfs_state(s->tid) != 'S')
		clock_sleep(CLOCK_MS_NS);
}

static void begin(struct sleeper *s)
{
	s->over = false;
	sem_init(&s->begun, 0, 0);
	sem_init(&s->go, 0, 0);
	cr_assert(!pthread_create(&s->thread, NULL, sleep_on, s));
	wait_until_asleep(s);
}

static void wake(struct sleeper *s)
{
	sem_post(&s->go);
	wait_until_asleep(s);
}

static void end(struct sleeper *s)
{
	s->over = true;
	sem_post(&s->go);
	pthread_join(s->thread, NULL);
}

/* The threads of this process, and one of them that sleeps. */
struct fixture {
	struct sleeper sleeper;
	struct profile *profile;
	struct target *target;
	struct tasks tasks;
	struct task *task;
};

static void look(struct fixture *f)
{
	uint64_t now = clock_now_ns();

	f->profile->now_ns = now;
	cr_assert(tasks_refresh(&f->tasks, now, now));
	tasks_look(&f->tasks);
}

static void set_up(struct fixture *f)
{
	struct err err;

	begin(&f->sleeper);
	f->profile = one_process();
	cr_assert(!target_open(&f->target, getpid(), &err));
	tasks_init(&f->tasks, f->target, f->profile, 0, false);
	look(f);
	look(f);
	f->task = tasks_find(&f->tasks, f->sleeper.tid);
	cr_assert_not_null(f->task);
	cr_assert_eq(f->task->state, STATE_LOCK);
}

static void tear_down(struct fixture *f)
{
	end(&f->sleeper);
	tasks_release(&f->tasks);
	target_close(f->target);
	profile_free(f->profile);
}

Test(sample_threads, one_that_sleeps_has_slept_since_it_was_found_asleep)
{
	struct fixture f;

	set_up(&f);
	cr_assert(task_has_slept(f.task, clock_now_ns()));
	/* Before that nothing is known. */
	cr_assert_not(task_has_slept(f.task, f.task->since_ns - 1));
	tear_down(&f);
}

Test(sample_threads, one_that_was_up_in_between_has_not)
{
	struct fixture f;
	uint64_t since;

	set_up(&f);
	since = clock_now_ns();
	wake(&f.sleeper);
	cr_assert_not(task_has_slept(f.task, since));
	tear_down(&f);
}

/* That nobody looked at it since does not make it one that slept on. */
Test(sample_threads, accounts_in_between_do_not_hide_that_it_was_up)
{
	struct fixture f;
	uint64_t since;

	set_up(&f);
	since = clock_now_ns();
	wake(&f.sleeper);
	tasks_account(&f.tasks, since);
	cr_assert_not(task_has_slept(f.task, since));
	/* Found asleep again: from then on it has. */
	look(&f);
	cr_assert_not(task_has_slept(f.task, since));
	cr_assert(task_has_slept(f.task, clock_now_ns()));
	tear_down(&f);
}

/* Its counts were read before it was found asleep, and are still the same. */
Test(sample_threads, a_wait_begins_when_the_counts_of_it_were_first_read)
{
	struct fixture f;
	uint64_t probed;

	set_up(&f);
	wake(&f.sleeper);
	cr_assert_not(task_has_slept(f.task, clock_now_ns()));
	probed = f.task->probe_ns;
	look(&f);
	cr_assert_eq(f.task->since_ns, probed);
	tear_down(&f);
}

/* Some kernels have the file, with zeros in it. */
Test(sample_threads, a_kernel_that_does_not_count_tells_nothing)
{
	char path[] = "/tmp/tare-test-XXXXXX";
	struct fixture f;
	int zeros, kept;

	set_up(&f);
	zeros = mkstemp(path);
	cr_assert_eq(write(zeros, "0 0 0\n", 6), 6);
	unlink(path);
	kept = f.task->files.sched;
	f.task->files.sched = zeros;
	f.task->last = (struct task_sched){ 0 };
	cr_assert_not(task_has_slept(f.task, clock_now_ns()));
	f.task->files.sched = kept;
	close(zeros);
	tear_down(&f);
}
