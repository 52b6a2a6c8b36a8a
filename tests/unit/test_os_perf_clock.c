/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/perf_clock.h"
#include "os/perf_refusal.h"
#include "os/task.h"

#define BUSY_NS (100 * CLOCK_MS_NS)

static volatile unsigned sink;

static uint64_t thread_cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * CLOCK_SECOND_NS + (uint64_t)t.tv_nsec;
}

static void be_busy(void)
{
	uint64_t end = thread_cpu_ns() + BUSY_NS;

	while (thread_cpu_ns() < end)
		for (int i = 0; i < 10000; i++)
			sink++;
}

/* Of ourselves; the test is skipped where the kernel forbids it. */
static struct perf_clock *open_self(const struct perf_clock_opts *opts)
{
	struct perf_clock *c;
	struct err err;

	if (perf_clock_open(&c, getpid(), opts, &err))
		cr_skip_test("%s", err.msg);
	return c;
}

static unsigned count_samples(struct perf_clock *c, pid_t tid)
{
	struct perf_record r;
	uint64_t last_ns = 0;
	unsigned nr = 0;

	while (perf_clock_next(c, &r)) {
		cr_assert_geq(r.time_ns, last_ns);
		last_ns = r.time_ns;
		if (r.kind == PERF_RECORD_KIND_SAMPLE && r.tid == tid)
			nr++;
	}
	return nr;
}

Test(os_perf_clock, a_busy_thread_is_sampled_at_the_rate_of_its_cpu_time)
{
	const struct perf_clock_opts opts = { .rate_hz = 1000 };
	struct perf_clock *c = open_self(&opts);
	unsigned nr;

	be_busy();
	nr = count_samples(c, gettid());
	/* some of the time it is in the kernel, to read its clock */
	cr_assert_gt(nr, 30);
	cr_assert_lt(nr, 130);
	clock_sleep(20 * CLOCK_MS_NS);
	cr_assert_lt(count_samples(c, gettid()), 20);
	perf_clock_close(c);
}

static void *run_thread(void *tid)
{
	*(pid_t *)tid = gettid();
	be_busy();
	return NULL;
}

static void a_new_thread_is_found(bool by_thread)
{
	const struct perf_clock_opts opts = { .rate_hz = 1000,
					      .by_thread = by_thread };
	struct perf_clock *c = open_self(&opts);
	struct perf_clock_stats stats;
	struct err err;
	pthread_t thread;
	pid_t tid = 0;

	perf_clock_stats(c, &stats);
	cr_assert_eq(stats.follows, !by_thread);
	cr_assert(!pthread_create(&thread, NULL, run_thread, &tid));
	clock_sleep(5 * CLOCK_MS_NS);
	cr_assert_eq(perf_clock_update(c, &err), ERR_OK);
	pthread_join(thread, NULL);
	cr_assert_gt(count_samples(c, tid), 20);
	perf_clock_close(c);
}

Test(os_perf_clock, the_kernel_follows_new_threads)
{
	a_new_thread_is_found(false);
}

Test(os_perf_clock, new_threads_are_found_where_the_kernel_does_not_follow)
{
	a_new_thread_is_found(true);
}

/* Rings and descriptors of threads that ended are given back. */
Test(os_perf_clock, threads_that_come_and_go_do_not_pile_up)
{
	const struct perf_clock_opts opts = { .rate_hz = 1000,
					      .by_thread = true };
	struct perf_clock *c = open_self(&opts);
	struct perf_clock_stats stats;
	struct err err;
	pid_t tid;

	for (int i = 0; i < 10; i++) {
		pthread_t thread;

		cr_assert(!pthread_create(&thread, NULL, run_thread, &tid));
		clock_sleep(5 * CLOCK_MS_NS);
		cr_assert_eq(perf_clock_update(c, &err), ERR_OK);
		pthread_join(thread, NULL);
		count_samples(c, tid);
	}
	count_samples(c, tid);
	perf_clock_stats(c, &stats);
	cr_assert_leq(stats.rings, 4);
	cr_assert_leq(stats.events, 4);
	perf_clock_close(c);
}

/* Make a busy thread whose number is `wanted`; false: it got another one. */
static bool run_again_as(pid_t wanted, struct perf_clock *c)
{
	pthread_t thread;
	struct err err;
	pid_t tid = 0;
	FILE *f = fopen("/proc/sys/kernel/ns_last_pid", "we");

	if (!f)
		cr_skip_test("this kernel gives no thread a number of choice");
	fprintf(f, "%d", (int)wanted - 1);
	if (fclose(f))
		cr_skip_test("needs root, to give a thread a number again");
	cr_assert(!pthread_create(&thread, NULL, run_thread, &tid));
	clock_sleep(5 * CLOCK_MS_NS);
	cr_assert_eq(perf_clock_update(c, &err), ERR_OK);
	pthread_join(thread, NULL);
	return tid == wanted;
}

/* Numbers that were sampled once were passed over for ever. */
Test(os_perf_clock, a_thread_with_the_number_of_one_that_ended_is_found)
{
	const struct perf_clock_opts opts = { .rate_hz = 1000,
					      .by_thread = true };
	struct perf_clock *c = open_self(&opts);
	pthread_t thread;
	struct err err;
	pid_t tid = 0;
	int tries = 0;

	cr_assert(!pthread_create(&thread, NULL, run_thread, &tid));
	clock_sleep(5 * CLOCK_MS_NS);
	cr_assert_eq(perf_clock_update(c, &err), ERR_OK);
	pthread_join(thread, NULL);
	cr_assert_gt(count_samples(c, tid), 20);
	while (!run_again_as(tid, c) && ++tries < 20)
		count_samples(c, tid);
	if (tries == 20)
		cr_skip_test("others were given the number each time");
	cr_assert_gt(count_samples(c, tid), 20);
	perf_clock_close(c);
}

Test(os_perf_clock, child_processes_are_left_alone)
{
	const struct perf_clock_opts opts = { .rate_hz = 1000 };
	struct perf_clock *c = open_self(&opts);
	struct perf_record r;
	pid_t child = fork();

	if (!child) {
		be_busy();
		_exit(0);
	}
	waitpid(child, NULL, 0);
	while (perf_clock_next(c, &r))
		if (r.kind == PERF_RECORD_KIND_SAMPLE)
			cr_assert_eq(r.pid, getpid());
	perf_clock_close(c);
}

Test(os_perf_clock, stacks_come_with_the_samples)
{
	const struct perf_clock_opts opts = { .rate_hz = 1000,
					      .stack_size = 1024 };
	struct perf_clock *c = open_self(&opts);
	struct perf_record r;
	unsigned nr = 0;

	be_busy();
	while (perf_clock_next(c, &r))
		if (r.kind == PERF_RECORD_KIND_SAMPLE) {
			cr_assert_eq(r.pc, r.ip);
			cr_assert_gt(r.stack_size, 0);
			cr_assert_leq(r.stack_size, 1024);
			nr++;
		}
	cr_assert_gt(nr, 10);
	perf_clock_close(c);
}

Test(os_perf_clock, what_does_not_fit_is_counted)
{
	const struct perf_clock_opts opts = { .rate_hz = 10000,
					      .stack_size = 32768 };
	struct perf_clock *c = open_self(&opts);
	struct perf_clock_stats stats;
	struct perf_record r;

	be_busy();
	be_busy();
	while (perf_clock_next(c, &r))
		;
	be_busy();
	while (perf_clock_next(c, &r))
		;
	perf_clock_stats(c, &stats);
	cr_assert_gt(stats.lost, 0);
	cr_assert_eq(stats.damaged, 0);
	cr_assert_lt(perf_clock_fills_ns(c), 10 * CLOCK_MS_NS);
	perf_clock_close(c);
}

Test(os_perf_clock, few_descriptors_are_got_by_with_or_named_as_the_reason)
{
	const struct perf_clock_opts opts = { .rate_hz = 100 };
	struct rlimit before, few;
	struct perf_clock *c;
	struct err err;
	int rc;

	getrlimit(RLIMIT_NOFILE, &before);
	few = before;
	few.rlim_cur = 4;
	setrlimit(RLIMIT_NOFILE, &few);
	rc = perf_clock_open(&c, getpid(), &opts, &err);
	setrlimit(RLIMIT_NOFILE, &before); /* LeakSanitizer opens files */
	if (rc) {
		cr_assert_null(c);
		cr_assert(err.hint[0]);
	}
	perf_clock_close(c);
}

static rlim_t set_descriptors(rlim_t nr)
{
	struct rlimit limit;
	rlim_t before;

	getrlimit(RLIMIT_NOFILE, &limit);
	before = limit.rlim_cur;
	limit.rlim_cur = nr;
	setrlimit(RLIMIT_NOFILE, &limit);
	return before;
}

/* Once it was said to have exited, so that nobody asked again. */
Test(os_perf_clock, a_process_is_not_gone_because_descriptors_are)
{
	const struct perf_clock_opts opts = { .rate_hz = 100,
					      .by_thread = true };
	struct perf_clock *c = open_self(&opts);
	rlim_t before = set_descriptors(0);
	struct err err;
	int rc = perf_clock_update(c, &err);

	set_descriptors(before);
	cr_assert_eq(rc, ERR_SYS);
	cr_assert_eq(perf_clock_update(c, &err), ERR_OK);
	perf_clock_close(c);
}

#define CROWD 60

static void *wait_for_end(void *pipe)
{
	char byte;

	return read(*(int *)pipe, &byte, 1) ? pipe : NULL;
}

/* A process of many threads left tare no descriptor to look at it with. */
Test(os_perf_clock, the_last_descriptors_are_left_to_others)
{
	const struct perf_clock_opts opts = { .rate_hz = 100,
					      .by_thread = true };
	struct perf_clock *c = open_self(&opts);
	pthread_t threads[CROWD];
	struct perf_clock_stats stats;
	int ends[2], dups[CROWD], nr = 0;
	rlim_t before;
	struct err err;

	cr_assert(!pipe(ends));
	for (int i = 0; i < CROWD; i++)
		cr_assert(!pthread_create(&threads[i], NULL, wait_for_end,
					  &ends[0]));
	before = set_descriptors((rlim_t)ends[1] + CROWD);
	cr_assert_eq(perf_clock_update(c, &err), ERR_SYS);
	while (nr < CROWD && (dups[nr] = dup(ends[0])) >= 0)
		nr++;
	set_descriptors(before);
	perf_clock_stats(c, &stats);
	cr_assert_geq(nr, 30);
	cr_assert_geq(stats.events, 10);
	while (nr)
		close(dups[--nr]);
	/* Those that got none are found when there are more again. */
	cr_assert_eq(perf_clock_update(c, &err), ERR_OK);
	perf_clock_stats(c, &stats);
	cr_assert_eq(stats.events, task_count(getpid()));
	close(ends[1]);
	for (int i = 0; i < CROWD; i++)
		pthread_join(threads[i], NULL);
	close(ends[0]);
	perf_clock_close(c);
}

Test(os_perf_clock, a_process_that_is_gone_is_said_to_be)
{
	const struct perf_clock_opts opts = { .rate_hz = 100 };
	struct perf_clock *c;
	struct err err;
	pid_t child = fork();

	if (!child)
		_exit(0);
	waitpid(child, NULL, 0);
	cr_assert_neq(perf_clock_open(&c, child, &opts, &err), ERR_OK);
	cr_assert_null(c);
}

/* As Docker's default profile does. */
static bool forbid_perf_events(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_perf_event_open, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = { sizeof(code) / sizeof(code[0]), code };

	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	       !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
}

Test(os_perf_clock, a_filter_of_system_calls_is_named_as_the_reason)
{
	const struct perf_clock_opts opts = { .rate_hz = 100 };
	struct perf_clock *c;
	struct err err;

	if (!forbid_perf_events())
		cr_skip_test("this kernel has no seccomp filters");
	cr_assert_eq(perf_clock_open(&c, getpid(), &opts, &err), ERR_PERM);
	cr_assert_null(c);
	cr_assert(strstr(err.msg, "seccomp"), "%s", err.msg);
	cr_assert(strstr(err.hint, "PERFMON"), "%s", err.hint);
}

Test(os_perf_clock, each_refusal_has_its_reason)
{
	static const struct {
		struct perf_facts facts;
		enum err_code code;
		const char *word;
	} cases[] = {
		{ { ESRCH, true, 2, true }, ERR_GONE, "exited" },
		{ { EMFILE, true, 2, true }, ERR_SYS, "open files" },
		{ { ENOSYS, false, 0, false }, ERR_UNSUPPORTED, "no perf" },
		{ { EACCES, true, 3, false }, ERR_PERM, "paranoid" },
		{ { EPERM, true, 2, false }, ERR_PERM, "seccomp" },
		{ { EACCES, true, 2, true }, ERR_PERM, "not yours" },
		{ { ENOENT, true, 2, true }, ERR_UNSUPPORTED, "clock" },
		{ { ENOSPC, true, 2, true }, ERR_SYS, "space" },
	};
	struct err err;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cr_assert_eq(perf_refusal_explain(&err, 1, &cases[i].facts),
			     cases[i].code);
		cr_assert(strstr(err.msg, cases[i].word), "%s", err.msg);
	}
}

static bool is_ready(int waker)
{
	struct epoll_event event;

	return epoll_wait(waker, &event, 1, 0) == 1;
}

/* Once for what has come, so that a thread that ended keeps nobody awake. */
Test(os_perf_clock, a_sample_wakes_who_waits_for_it)
{
	int waker = epoll_create1(EPOLL_CLOEXEC);
	const struct perf_clock_opts opts = { .rate_hz = 1000,
					      .stack_size = 8192,
					      .waker = waker };
	struct perf_clock *c = open_self(&opts);
	unsigned kinds[PERF_RECORD_KIND_STARTED + 1] = { 0 };
	struct perf_record r;

	cr_assert_not(is_ready(waker));
	be_busy();
	clock_sleep(CLOCK_MS_NS);
	cr_assert(is_ready(waker));
	while (is_ready(waker))
		;
	while (perf_clock_next(c, &r))
		kinds[r.kind]++;
	cr_assert_gt(kinds[PERF_RECORD_KIND_SAMPLE], 0);
	cr_assert_gt(kinds[PERF_RECORD_KIND_STOPPED], 0);
	cr_assert_gt(kinds[PERF_RECORD_KIND_STARTED], 0);
	perf_clock_close(c);
	close(waker);
}
