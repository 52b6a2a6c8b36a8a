/* SPDX-License-Identifier: MIT */
/*
 * The kernel's software counters go the same ways as those of the CPU, which
 * most machines that run these tests do not have.
 */
#include <criterion/criterion.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/perf_counters.h"
#include "sample/counters.h"

#define PAGES 1000
#define ROUNDS 20 /* a process that only begins and ends covers little */
#define PAGE 4096u

static const struct perf_counter soft[] = {
	{ PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK },
	{ PERF_TYPE_SOFTWARE, 0xffff }, /* no machine has that */
	{ PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS },
};

#define SOFT_NR (sizeof(soft) / sizeof(*soft))

static void *touch(void *ignored)
{
	volatile char *at =
		mmap(NULL, (size_t)PAGES * PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		_exit(1);
	madvise((void *)at, (size_t)PAGES * PAGE, MADV_NOHUGEPAGE);
	for (int round = 0; round < ROUNDS; round++) {
		for (size_t i = 0; i < PAGES; i++)
			at[i * PAGE] = 1;
		madvise((void *)at, (size_t)PAGES * PAGE, MADV_DONTNEED);
	}
	munmap((void *)at, (size_t)PAGES * PAGE);
	return ignored;
}

static void in_a_thread(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, touch, NULL) ||
	    pthread_join(thread, NULL))
		_exit(1);
}

/* Itself, a thread, a child, a thread of the child: ROUNDS * PAGES each. */
static void work(void)
{
	pid_t pid;

	touch(NULL);
	in_a_thread();
	pid = fork();
	if (!pid) {
		touch(NULL);
		in_a_thread();
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static uint64_t cpu_ns(const struct rusage *u)
{
	return (uint64_t)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) *
		       CLOCK_SECOND_NS +
	       (uint64_t)(u->ru_utime.tv_usec + u->ru_stime.tv_usec) * 1000;
}

Test(os_perf_counters, a_process_and_all_that_it_starts)
{
	struct perf_counters *c;
	struct perf_count clock, faults, none;
	struct rusage usage;
	uint64_t value;
	int go[2];
	pid_t pid;
	char byte;

	cr_assert_eq(pipe(go), 0);
	pid = fork();
	if (!pid) {
		if (read(go[0], &byte, 1) == 1)
			work();
		_exit(0);
	}
	c = perf_counters_open(pid, soft, SOFT_NR);
	if (!c) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		cr_skip_test("this machine allows no perf events");
	}
	cr_assert_eq(write(go[1], "x", 1), 1);
	cr_assert_eq(wait4(pid, NULL, 0, &usage), pid);

	cr_expect_not(perf_counters_read(c, 1, &none));
	cr_expect_not(perf_counters_read(c, SOFT_NR, &none));
	cr_assert(perf_counters_read(c, 0, &clock));
	cr_assert(perf_counters_read(c, 2, &faults));
	cr_expect_geq(faults.value, 4 * ROUNDS * PAGES);
	cr_expect_leq(faults.value, (uint64_t)usage.ru_minflt);
	/* They cover what the program used, from its first moment on. */
	cr_expect(counters_scale(&clock, cpu_ns(&usage), &value));
	/* Not many times as much: the time that a virtual machine had no CPU
	 * is in what perf counts, but not in CPU time. */
	cr_expect_not(counters_scale(&clock, 5 * cpu_ns(&usage), &value));
	perf_counters_close(c);
	close(go[0]);
	close(go[1]);
}

Test(os_perf_counters, a_process_that_is_gone_has_none)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
	cr_expect_null(perf_counters_open(pid, soft, SOFT_NR));
	perf_counters_close(NULL);
}

Test(os_perf_counters, a_machine_without_the_counter_has_none)
{
	cr_expect_null(perf_counters_open(getpid(), &soft[1], 1));
}

Test(os_perf_counters, a_count_is_extended_to_the_time_in_which_it_was_off)
{
	struct perf_count half = { .value = 1000,
				   .enabled_ns = 100,
				   .counted_ns = 50 };
	struct perf_count never = { .value = 0, .enabled_ns = 100 };
	uint64_t value = 7;

	cr_expect(counters_scale(&half, 100, &value));
	cr_expect_eq(value, 2000);
	cr_expect_not(counters_scale(&half, 106, &value));
	cr_expect_not(counters_scale(&never, 100, &value));
	half.value = UINT64_MAX;
	cr_expect_not(counters_scale(&half, 100, &value));
	cr_expect_eq(value, 2000);
}
