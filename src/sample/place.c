/* SPDX-License-Identifier: MIT */
#include "sample/place.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* sched_setattr(2) has no wrapper in the C library before glibc 2.41. */
struct sched_attr_v0 {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime_ns, deadline_ns, period_ns;
};

/* The smallest slice the kernel grants to an ordinary thread. */
#define SLICE_NS 100000u

#define NICE (-20)

/* The CPU a thread is on, in /proc/PID/task/TID/stat (proc_pid_stat(5)). */
#define STAT_PROCESSOR 39

void place_init(struct place *p)
{
	struct sched_attr_v0 attr = { .size = sizeof(attr) };

	p->cpu = p->last = -1;
	CPU_ZERO(&p->home);
	sched_getaffinity(0, sizeof(p->home), &p->home);
	prctl(PR_SET_TIMERSLACK, 1UL);
	/* Keep policy and nice value; refused or ignored on older kernels. */
	if (!syscall(SYS_sched_getattr, 0, &attr, sizeof(attr), 0)) {
		attr.runtime_ns = SLICE_NS;
		(void)!syscall(SYS_sched_setattr, 0, &attr, 0);
	}
	/* Where that is allowed: on a machine that is busy a look that comes
	 * late comes when somebody else stops, which is no random moment. */
	setpriority(PRIO_PROCESS, 0, NICE);
}

static int cpu_of(pid_t pid, pid_t tid)
{
	char path[64], text[1024];
	const char *at;
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", (int)pid,
		 (int)tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	got = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (got <= 0)
		return -1;
	text[got] = '\0';
	/* The name, field 2, may hold anything: count from its last ')'. */
	at = strrchr(text, ')');
	for (int field = 2; at && field < STAT_PROCESSOR; field++)
		at = strchr(at + 1, ' ');
	return at ? (int)strtol(at, NULL, 10) : -1;
}

static bool hold(struct place *p, int cpu)
{
	cpu_set_t only;

	/* With several processes each has a place, but we are in one only. */
	if (cpu == p->cpu && sched_getcpu() == cpu)
		return true;
	CPU_ZERO(&only);
	CPU_SET(cpu, &only);
	if (sched_setaffinity(0, sizeof(only), &only))
		return false;
	p->cpu = p->last = cpu;
	return true;
}

bool place_beside(struct place *p, pid_t pid, pid_t tid)
{
	int cpu = cpu_of(pid, tid);

	return cpu >= 0 && cpu < CPU_SETSIZE && CPU_ISSET(cpu, &p->home) &&
	       hold(p, cpu);
}

bool place_back(struct place *p)
{
	return p->last >= 0 && hold(p, p->last);
}

void place_apart(struct place *p)
{
	if (p->cpu < 0)
		return;
	sched_setaffinity(0, sizeof(p->home), &p->home);
	p->cpu = -1;
}
