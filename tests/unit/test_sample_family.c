/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "os/clock.h"
#include "sample/family.h"

static pid_t child(void)
{
	pid_t pid = fork();

	if (!pid) {
		pause();
		_exit(0);
	}
	return pid;
}

static bool has(const struct family_list *list, pid_t pid)
{
	for (uint32_t i = 0; i < list->at.nr; i++)
		if (list->at.at[i].pid == pid)
			return true;
	return false;
}

/*
 * The highest number was raised since it was read, and new ones lie beyond:
 * once the numbers in between were counted for ever.
 */
Test(sample_family, numbers_may_pass_the_highest_that_was_known, .timeout = 20)
{
	struct family_list list = { 0 };
	struct family f;
	pid_t pid;

	family_init(&f);
	family_poll(&f, clock_now_ns(), &list);
	f.pid_max = f.last_pid > 10 ? f.last_pid - 5 : f.last_pid;
	pid = child();
	family_poll(&f, clock_now_ns(), &list);
	cr_expect(has(&list, pid));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	vec_release(&list.at);
	family_release(&f);
}
