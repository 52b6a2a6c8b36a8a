/* SPDX-License-Identifier: MIT */
#include "os/perf_counters.h"

#include <dirent.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/vec.h"

/* A descriptor for each thread and counter is kept open. */
#define THREADS_MAX 256

struct perf_counters {
	unsigned nr;
	VEC(int) fds[PERF_COUNTERS_MAX]; /* one a thread; empty: not there */
};

static int open_counter(const struct perf_counter *counter, pid_t tid)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = counter->type,
		.config = counter->config,
		.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED |
			       PERF_FORMAT_TOTAL_TIME_RUNNING,
		.inherit = 1,
		/* Users may count no more than that by default. */
		.exclude_kernel = 1,
		.exclude_hv = 1,
	};

	return (int)syscall(SYS_perf_event_open, &attr, tid, -1, -1,
			    PERF_FLAG_FD_CLOEXEC);
}

/* The first thread tells what is there; what another lacks is not known. */
static void add_thread(struct perf_counters *c, pid_t tid,
		       const struct perf_counter *counters, bool first)
{
	for (unsigned i = 0; i < c->nr; i++) {
		int fd;

		if (!first && !c->fds[i].nr)
			continue;
		fd = open_counter(&counters[i], tid);
		if (fd >= 0 && !vec_push(&c->fds[i], fd))
			close(fd);
	}
}

static bool any(const struct perf_counters *c)
{
	for (unsigned i = 0; i < c->nr; i++)
		if (c->fds[i].nr)
			return true;
	return false;
}

/* A thread that is born meanwhile inherits from its maker, or is missed: who
 * compares `enabled_ns` with the CPU time will see that. */
static bool add_threads(struct perf_counters *c, pid_t pid,
			const struct perf_counter *counters)
{
	const struct dirent *entry;
	unsigned nr = 0;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	if (!dir)
		return false;
	while ((entry = readdir(dir)) && nr <= THREADS_MAX) {
		pid_t tid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (tid <= 0)
			continue;
		add_thread(c, tid, counters, nr++ == 0);
		if (!any(c))
			break;
	}
	closedir(dir);
	return any(c) && nr <= THREADS_MAX;
}

struct perf_counters *perf_counters_open(pid_t pid,
					 const struct perf_counter *counters,
					 unsigned nr)
{
	struct perf_counters *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->nr = nr < PERF_COUNTERS_MAX ? nr : PERF_COUNTERS_MAX;
	if (add_threads(c, pid, counters))
		return c;
	perf_counters_close(c);
	return NULL;
}

bool perf_counters_read(const struct perf_counters *c, unsigned index,
			struct perf_count *out)
{
	memset(out, 0, sizeof(*out));
	if (index >= c->nr || !c->fds[index].nr)
		return false;
	for (uint32_t i = 0; i < c->fds[index].nr; i++) {
		struct perf_count one;

		if (read(c->fds[index].at[i], &one, sizeof(one)) !=
		    (ssize_t)sizeof(one))
			return false;
		out->value += one.value;
		out->enabled_ns += one.enabled_ns;
		out->counted_ns += one.counted_ns;
	}
	return true;
}

void perf_counters_close(struct perf_counters *c)
{
	if (!c)
		return;
	for (unsigned i = 0; i < c->nr; i++) {
		for (uint32_t k = 0; k < c->fds[i].nr; k++)
			close(c->fds[i].at[k]);
		vec_release(&c->fds[i]);
	}
	free(c);
}
