/* SPDX-License-Identifier: MIT */
#include "sample/figures.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/procfs.h"

/* Of a process with more threads than this, context switches stay unknown
 * rather than taking a millisecond to add up. */
#define THREADS_MAX 64

/* The number after "Key:" at the beginning of a line. */
static bool find_number(const char *text, const char *key, uint64_t *out)
{
	size_t size = strlen(key);

	for (const char *at = text; at && *at;) {
		if (!strncmp(at, key, size) && at[size] == ':') {
			*out = strtoull(at + size + 1, NULL, 10);
			return true;
		}
		at = strchr(at, '\n');
		at = at ? at + 1 : NULL;
	}
	return false;
}

static void read_file(struct process_figures *out, const char *path,
		      const char *const *keys,
		      const enum process_figure *figures, unsigned nr,
		      uint64_t unit)
{
	char text[4096];
	uint64_t value;

	if (procfs_read_file(path, text, sizeof(text)) < 0)
		return;
	for (unsigned i = 0; i < nr; i++)
		if (find_number(text, keys[i], &value))
			process_set(out, figures[i], value * unit);
}

static void read_io(struct process_figures *out, pid_t pid)
{
	static const char *const keys[] = { "rchar", "wchar", "read_bytes",
					    "write_bytes" };
	static const enum process_figure figures[] = {
		PROCESS_READ_BYTES,
		PROCESS_WRITTEN_BYTES,
		PROCESS_DISK_READ_BYTES,
		PROCESS_DISK_WRITTEN_BYTES,
	};
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/io", (int)pid);
	read_file(out, path, keys, figures, 4, 1);
}

static void read_memory(struct process_figures *out, pid_t pid)
{
	static const char *const keys[] = { "VmHWM" };
	static const enum process_figure figures[] = { PROCESS_PEAK_BYTES };
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	read_file(out, path, keys, figures, 1, 1024);
}

/* The kernel has these by thread only. */
static void read_switches(struct process_figures *out, pid_t pid,
			  const struct task_list *tasks)
{
	uint64_t voluntary = 0, involuntary = 0, value;
	char path[80], text[4096];

	if (!tasks->tid.nr || tasks->tid.nr > THREADS_MAX)
		return;
	for (uint32_t i = 0; i < tasks->tid.nr; i++) {
		snprintf(path, sizeof(path), "/proc/%d/task/%d/status",
			 (int)pid, (int)tasks->tid.at[i]);
		if (procfs_read_file(path, text, sizeof(text)) < 0)
			continue;
		if (find_number(text, "voluntary_ctxt_switches", &value))
			voluntary += value;
		if (find_number(text, "nonvoluntary_ctxt_switches", &value))
			involuntary += value;
	}
	process_set(out, PROCESS_VOLUNTARY, voluntary);
	process_set(out, PROCESS_INVOLUNTARY, involuntary);
}

static void read_times(struct process_figures *out, pid_t pid)
{
	struct procfs_times times;

	if (!procfs_read_times(pid, &times))
		return;
	process_set(out, PROCESS_USER_NS, times.user_ns);
	process_set(out, PROCESS_SYS_NS, times.sys_ns);
	process_set(out, PROCESS_MINOR_FAULTS, times.minor_faults);
	process_set(out, PROCESS_MAJOR_FAULTS, times.major_faults);
}

void figures_read(struct process_figures *out, pid_t pid,
		  const struct task_list *tasks)
{
	memset(out, 0, sizeof(*out));
	read_times(out, pid);
	read_memory(out, pid);
	read_io(out, pid);
	read_switches(out, pid, tasks);
}
