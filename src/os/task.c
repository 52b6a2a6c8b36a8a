/* SPDX-License-Identifier: MIT */
#include "os/task.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/procfs.h"

bool task_exists(pid_t pid, pid_t tid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d", (int)pid, (int)tid);
	return tid > 0 && !access(path, F_OK);
}

/* The innermost ID in "NSpid:\t4711\t12", 0 when there is none. */
static pid_t innermost(const char *ids)
{
	const char *last = strrchr(ids, '\t');

	return (pid_t)strtol(last ? last + 1 : ids, NULL, 10);
}

bool task_has_other_ids(pid_t pid)
{
	char ids[256];

	return procfs_read_status(pid, "NSpid", ids, sizeof(ids)) &&
	       innermost(ids) != pid;
}

/* NSpid of one thread, from /proc/PID/task/TID/status. */
static pid_t inner_id(pid_t pid, const char *tid)
{
	char path[320], text[4096];
	const char *at;

	snprintf(path, sizeof(path), "/proc/%d/task/%s/status", (int)pid, tid);
	if (procfs_read_file(path, text, sizeof(text)) < 0)
		return 0;
	at = strstr(text, "\nNSpid:");
	if (!at)
		return 0;
	at += strlen("\nNSpid:");
	text[at - text + (ptrdiff_t)strcspn(at, "\n")] = '\0';
	return innermost(at);
}

pid_t task_find(pid_t pid, pid_t inner)
{
	const struct dirent *entry;
	char path[64];
	pid_t found = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	while (dir && !found && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' &&
		    inner_id(pid, entry->d_name) == inner)
			found = (pid_t)strtol(entry->d_name, NULL, 10);
	if (dir)
		closedir(dir);
	return found;
}

bool task_name(pid_t pid, pid_t tid, char *name, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/comm", (int)pid,
		 (int)tid);
	return tid > 0 && procfs_read_file(path, name, size) >= 0;
}
