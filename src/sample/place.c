/* SPDX-License-Identifier: MIT */
#include "sample/place.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The CPU a thread is on, in /proc/PID/task/TID/stat (proc_pid_stat(5)). */
#define STAT_PROCESSOR 39

/* Of the thread that samples, of which there is one: the CPU that it is bound
 * to, -1 for none, and where it might run before. */
static int bound = -1;
static cpu_set_t home;

void place_init(struct place *p)
{
	p->cpu = p->last = -1;
	if (bound >= 0)
		return;
	CPU_ZERO(&home);
	sched_getaffinity(0, sizeof(home), &home);
}

bool place_is_held(const struct place *p)
{
	return p->cpu >= 0 && p->cpu == bound;
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

	if (cpu != bound || sched_getcpu() != cpu) {
		CPU_ZERO(&only);
		CPU_SET(cpu, &only);
		if (sched_setaffinity(0, sizeof(only), &only))
			return false;
		bound = cpu;
	}
	p->cpu = p->last = cpu;
	return true;
}

bool place_beside(struct place *p, pid_t pid, pid_t tid)
{
	int cpu = cpu_of(pid, tid);

	return cpu >= 0 && cpu < CPU_SETSIZE && CPU_ISSET(cpu, &home) &&
	       hold(p, cpu);
}

bool place_back(struct place *p)
{
	return p->last >= 0 && hold(p, p->last);
}

void place_apart(struct place *p)
{
	p->cpu = -1;
	if (bound < 0)
		return;
	sched_setaffinity(0, sizeof(home), &home);
	bound = -1;
}
