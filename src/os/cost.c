/* SPDX-License-Identifier: MIT */
#include "os/cost.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "os/clock.h"
#include "os/procfs.h"

/* A forked child needs some 0.2 ms to reach its read(). */
#define ASLEEP_TRIES 100
#define ASLEEP_TURN_NS (CLOCK_MS_NS / 5)

static uint64_t number_after(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

/* The tenth word after the name: faults that needed no reading. */
static uint64_t read_minor_faults(pid_t pid)
{
	char path[64], text[1024];
	const char *at;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (procfs_read_file(path, text, sizeof(text)) <= 0)
		return 0;
	at = strrchr(text, ')');
	for (int i = 0; at && i < 8; i++) {
		at = strchr(at, ' ');
		at = at ? at + 1 : NULL;
	}
	return at ? strtoull(at, NULL, 10) : 0;
}

void cost_before(pid_t pid, struct cost *before)
{
	char path[64], text[4096];

	memset(before, 0, sizeof(*before));
	for (int i = 0; i < ASLEEP_TRIES && procfs_state(pid) == 'R'; i++)
		clock_sleep(ASLEEP_TURN_NS);
	snprintf(path, sizeof(path), "/proc/%d/schedstat", (int)pid);
	if (procfs_read_file(path, text, sizeof(text)) > 0)
		before->sys_ns = strtoull(text, NULL, 10);
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	if (procfs_read_file(path, text, sizeof(text)) > 0) {
		before->floor_bytes = number_after(text, "\nVmHWM:") * 1024;
		before->voluntary =
			number_after(text, "\nvoluntary_ctxt_switches:");
		before->involuntary =
			number_after(text, "\nnonvoluntary_ctxt_switches:");
	}
	before->minor_faults = read_minor_faults(pid);
}

static uint64_t timeval_ns(const struct timeval *tv)
{
	return (uint64_t)tv->tv_sec * CLOCK_SECOND_NS +
	       (uint64_t)tv->tv_usec * 1000;
}

/* Take `part` off `*all`, not below 0; what could not be taken off. */
static uint64_t take_off(uint64_t *all, uint64_t part)
{
	uint64_t taken = part < *all ? part : *all;

	*all -= taken;
	return part - taken;
}

static void read_io(pid_t pid, struct cost *cost)
{
	char path[64], text[1024];

	snprintf(path, sizeof(path), "/proc/%d/io", (int)pid);
	if (procfs_read_file(path, text, sizeof(text)) <= 0)
		return;
	cost->io_known = true;
	cost->read_bytes = number_after(text, "rchar:");
	cost->written_bytes = number_after(text, "wchar:");
	cost->disk_read_bytes = number_after(text, "\nread_bytes:");
	cost->disk_written_bytes = number_after(text, "\nwrite_bytes:");
}

static void fill(struct cost *cost, const struct rusage *ru,
		 const struct cost *before)
{
	cost->user_ns = timeval_ns(&ru->ru_utime);
	cost->sys_ns = timeval_ns(&ru->ru_stime);
	/* How the kernel divided that time is not known: sys first. */
	take_off(&cost->user_ns,
		 take_off(&cost->sys_ns, before->user_ns + before->sys_ns));
	cost->peak_bytes = (uint64_t)ru->ru_maxrss * 1024;
	cost->floor_bytes = before->floor_bytes;
	cost->minor_faults = (uint64_t)ru->ru_minflt;
	cost->major_faults = (uint64_t)ru->ru_majflt;
	cost->voluntary = (uint64_t)ru->ru_nvcsw;
	cost->involuntary = (uint64_t)ru->ru_nivcsw;
	take_off(&cost->minor_faults, before->minor_faults);
	take_off(&cost->voluntary, before->voluntary);
	take_off(&cost->involuntary, before->involuntary);
}

int child_reap_cost(pid_t pid, const struct cost *before, struct child_end *end,
		    struct cost *cost, struct err *err)
{
	struct procfs_times times = { 0 };
	struct rusage ru;
	int rc;

	memset(cost, 0, sizeof(*cost));
	rc = child_await_death(pid, err);
	if (rc)
		return rc;
	read_io(pid, cost);
	procfs_read_times(pid, &times);
	rc = child_bury(pid, end, &ru, err);
	if (rc)
		return rc;
	fill(cost, &ru, before);
	cost->children_user_ns = times.children_user_ns;
	cost->children_sys_ns = times.children_sys_ns;
	return ERR_OK;
}
