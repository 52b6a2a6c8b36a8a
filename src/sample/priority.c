/* SPDX-License-Identifier: MIT */
#include "sample/priority.h"

#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The smallest slice the kernel grants to an ordinary thread (EEVDF, 6.12). */
#define SLICE_NS 100000u

#define NICE (-20)

/* The least of the real-time priorities: nothing else of that kind waits. */
#define REALTIME 1

/* Of struct priority, for linux/sched.h does not go with sched.h. */
#define RESET_ON_FORK 1u

static bool set(const struct priority *p)
{
	return !syscall(SYS_sched_setattr, 0, p, 0);
}

/*
 * A nice value counts among the programs of one terminal or container only
 * (autogroups, control groups), and beside another one's load the sampler
 * missed 45 % of its ticks. Real-time comes before all of them: 12 %.
 */
static bool go_first(void)
{
	const struct priority p = { .size = sizeof(p),
				    .policy = SCHED_RR,
				    .flags = RESET_ON_FORK,
				    .realtime = REALTIME };

	return set(&p);
}

static void ask_for_short_turns(const struct priority *now)
{
	struct priority p = *now;

	p.runtime_ns = SLICE_NS;
	set(&p);
	setpriority(PRIO_PROCESS, 0, NICE);
}

bool priority_raise(struct priority *before, bool leaves_time)
{
	memset(before, 0, sizeof(*before));
	before->size = sizeof(*before);
	prctl(PR_SET_TIMERSLACK, 1UL);
	if (syscall(SYS_sched_getattr, 0, before, sizeof(*before), 0)) {
		before->size = 0;
		return false;
	}
	/* Whoever was given more than that keeps it. */
	if (before->policy == SCHED_FIFO || before->policy == SCHED_RR)
		return true;
	if (leaves_time && go_first())
		return true;
	ask_for_short_turns(before);
	return false;
}

void priority_restore(const struct priority *before)
{
	struct priority p = *before;

	if (!p.size || set(&p))
		return;
	/* An ordinary user may not take this one back. */
	p.flags |= RESET_ON_FORK;
	set(&p);
}
