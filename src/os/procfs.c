/* SPDX-License-Identifier: MIT */
#include "os/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/shell_word.h"
#include "os/clock.h"

ssize_t procfs_read_file(const char *path, char *out, size_t size)
{
	size_t got = 0;
	ssize_t nr;
	int fd;

	out[0] = '\0';
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return -1;
	while (got < size - 1) {
		nr = read(fd, out + got, size - 1 - got);
		if (nr < 0 && errno == EINTR)
			continue;
		if (nr <= 0)
			break;
		got += (size_t)nr;
	}
	close(fd);
	if (got && out[got - 1] == '\n')
		got--;
	out[got] = '\0';
	return (ssize_t)got;
}

/*
 * The fields of /proc/PID/stat after the name. The name is any bytes, blanks
 * and brackets among them, so they begin after the last bracket.
 */
static const char *stat_fields(pid_t pid, char *text, size_t size)
{
	char path[64];
	char *end;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (procfs_read_file(path, text, size) < 0)
		return NULL;
	end = strrchr(text, ')');
	return end && end[1] == ' ' ? end + 2 : NULL;
}

char procfs_state(pid_t pid)
{
	char text[1024];
	const char *fields = stat_fields(pid, text, sizeof(text));

	return fields ? fields[0] : 0;
}

static uint64_t ticks_ns(unsigned long long ticks)
{
	long hz = sysconf(_SC_CLK_TCK);

	return ticks * (CLOCK_SECOND_NS / (uint64_t)(hz > 0 ? hz : 100));
}

bool procfs_read_times(pid_t pid, struct procfs_times *out)
{
	unsigned long long user, sys, children_user, children_sys, start;
	unsigned long long minor, major;
	const char *fields;
	struct timespec up;
	char text[1024];

	memset(out, 0, sizeof(*out));
	fields = stat_fields(pid, text, sizeof(text));
	/* state ppid pgrp session tty tpgid flags minflt cminflt majflt
	 * cmajflt | utime stime cutime cstime | priority nice threads
	 * itrealvalue | starttime: fields 3 to 22 of proc(5) */
	if (!fields || sscanf(fields,
			      "%*c %*d %*d %*d %*d %*d %*u %llu %*u %llu %*u "
			      "%llu %llu %llu %llu %*d %*d %*d %*d %llu",
			      &minor, &major, &user, &sys, &children_user,
			      &children_sys, &start) != 7)
		return false;
	out->minor_faults = minor;
	out->major_faults = major;
	out->user_ns = ticks_ns(user);
	out->sys_ns = ticks_ns(sys);
	out->children_user_ns = ticks_ns(children_user);
	out->children_sys_ns = ticks_ns(children_sys);
	clock_gettime(CLOCK_BOOTTIME, &up);
	out->start_realtime_ns =
		clock_realtime_ns() -
		((int64_t)up.tv_sec * (int64_t)CLOCK_SECOND_NS + up.tv_nsec) +
		(int64_t)ticks_ns(start);
	return true;
}

bool procfs_read_link(pid_t pid, const char *name, char *out, size_t size)
{
	static const char gone[] = " (deleted)";
	char path[64];
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	len = readlink(path, out, size - 1);
	if (len < 0 || (size_t)len >= size - 1) {
		out[0] = '\0';
		return false;
	}
	out[len] = '\0';
	if ((size_t)len > strlen(gone) &&
	    strcmp(out + (size_t)len - strlen(gone), gone) == 0)
		out[(size_t)len - strlen(gone)] = '\0';
	return true;
}

bool procfs_read_name(pid_t pid, char *out, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	return procfs_read_file(path, out, size) > 0;
}

bool procfs_read_status(pid_t pid, const char *key, char *out, size_t size)
{
	char path[64], text[8192];
	size_t key_size = strlen(key);
	char *at;

	out[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	if (procfs_read_file(path, text, sizeof(text)) < 0)
		return false;
	for (at = text; at && *at; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (strncmp(at, key, key_size) == 0 && at[key_size] == ':') {
			at += key_size + 1;
			at += strspn(at, " \t");
			at[strcspn(at, "\n")] = '\0';
			snprintf(out, size, "%s", at);
			return true;
		}
	}
	return false;
}

bool procfs_read_identity(pid_t pid, struct procfs_identity *out)
{
	unsigned long long start, stack;
	int parent, group, session;
	const char *fields;
	char text[1024];

	fields = stat_fields(pid, text, sizeof(text));
	/* state ppid pgrp session | fields 7 to 21 | starttime | vsize rss
	 * rsslim startcode endcode | startstack: 3 to 28 of proc(5) */
	if (!fields ||
	    sscanf(fields,
		   "%*s %d %d %d %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
		   "%*s %*s %*s %*s %llu %*s %*s %*s %*s %*s %llu",
		   &parent, &group, &session, &start, &stack) != 5)
		return false;
	out->leader = pid;
	out->parent = parent;
	out->group = group;
	out->session = session;
	out->start_ticks = start;
	out->stack_addr = stack;
	if (procfs_read_status(pid, "Tgid", text, sizeof(text)))
		out->leader = (pid_t)strtol(text, NULL, 10);
	return true;
}

bool procfs_read_end(pid_t pid, int *status)
{
	char text[1024];
	const char *fields = stat_fields(pid, text, sizeof(text)), *last;

	/* The last field but nobody else's is exit_code, the 52nd. */
	if (!fields || fields[0] != 'Z')
		return false;
	last = strrchr(fields, ' ');
	if (!last)
		return false;
	*status = (int)strtol(last + 1, NULL, 10);
	return true;
}

void procfs_add_command(pid_t pid, struct buf *out)
{
	char path[64], text[8192];
	bool first = true;
	ssize_t size;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	size = procfs_read_file(path, text, sizeof(text));
	/* Words ended by NUL; a program may have written what it likes. */
	for (ssize_t at = 0; at < size; at += (ssize_t)strlen(text + at) + 1) {
		if (!first)
			buf_add_char(out, ' ');
		shell_word_add(out, text + at);
		first = false;
	}
}
