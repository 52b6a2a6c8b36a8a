/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "commands/doctor.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/procfs.h"

void check_add(struct checks *list, const char *name,
	       enum check_verdict verdict, const char *remedy,
	       const char *detail, ...)
{
	struct check check = { .name = name, .verdict = verdict };
	va_list args;

	va_start(args, detail);
	vsnprintf(check.detail, sizeof(check.detail), detail, args);
	va_end(args);
	if (remedy)
		snprintf(check.remedy, sizeof(check.remedy), "%s", remedy);
	/* Without memory the list is short, and the caller sees it. */
	(void)vec_push(list, check);
}

static void check_kernel(struct checks *list)
{
	struct utsname host;

	if (uname(&host) < 0)
		return;
	check_add(list, "kernel", CHECK_OK, NULL, "%s %s on %s", host.sysname,
		  host.release, host.machine);
}

/* What a child shows to whoever reads its memory. */
static volatile uint64_t sign = 0x7461726573696768u;

/* 0, or the errno of reading `sign` in process `pid`. */
static int try_reading(pid_t pid)
{
	uint64_t seen = 0;
	struct iovec to = { .iov_base = &seen, .iov_len = sizeof(seen) };
	struct iovec from = {
		.iov_base = (void *)(uintptr_t)&sign,
		.iov_len = sizeof(sign),
	};

	if (process_vm_readv(pid, &to, 1, &from, 1, 0) != sizeof(seen))
		return errno ? errno : EFAULT;
	return seen == sign ? 0 : EFAULT;
}

/* Live until the other end of `fd` is closed. */
static _Noreturn void idle(int fd)
{
	char c;

	while (read(fd, &c, 1) < 0 && errno == EINTR)
		;
	_exit(0);
}

/* Reading an own child: what `tare run` does. -1: it could not be tried. */
static int try_own_child(void)
{
	int fds[2], result;
	pid_t pid;

	if (pipe(fds) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		close(fds[1]);
		idle(fds[0]);
	}
	result = pid < 0 ? -1 : try_reading(pid);
	close(fds[0]);
	close(fds[1]);
	if (pid > 0)
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	return result;
}

/*
 * Reading a process of the same user that tare did not start: what
 * `tare attach` does. Its parent is gone, so Yama does not see it as a
 * descendant.
 */
static int try_stranger(void)
{
	int hold[2], name[2], result = -1;
	pid_t child, stranger;

	if (pipe(hold) < 0)
		return -1;
	if (pipe(name) < 0) {
		close(hold[0]);
		close(hold[1]);
		return -1;
	}
	child = fork();
	if (child == 0) {
		stranger = fork();
		if (stranger == 0) {
			close(hold[1]);
			close(name[0]);
			close(name[1]);
			idle(hold[0]);
		}
		_exit(write(name[1], &stranger, sizeof(stranger)) !=
		      sizeof(stranger));
	}
	close(name[1]);
	if (child > 0) {
		while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
			;
		if (read(name[0], &stranger, sizeof(stranger)) ==
			    sizeof(stranger) &&
		    stranger > 0)
			result = try_reading(stranger);
	}
	close(name[0]);
	close(hold[0]);
	close(hold[1]);
	return result;
}

static void check_own_child(struct checks *list)
{
	char seccomp[16];
	bool filtered;
	int error = try_own_child();

	filtered = procfs_read_status(getpid(), "Seccomp", seccomp,
				      sizeof(seccomp)) &&
		   strcmp(seccomp, "0") != 0;
	if (error == 0)
		check_add(list, "tare run", CHECK_OK, NULL,
			  "a program that tare starts can be read");
	else if (error == ENOSYS)
		check_add(list, "tare run", CHECK_NO,
			  filtered ? "docker run --cap-add SYS_PTRACE ..."
				   : NULL,
			  "there is no process_vm_readv here");
	else
		check_add(list, "tare run", CHECK_NO,
			  filtered ? "docker run --cap-add SYS_PTRACE ..."
				   : "sudo tare run ...",
			  "a program that tare starts cannot be read: %s",
			  strerror(error > 0 ? error : EAGAIN));
}

static bool has_ptrace_capability(void)
{
	char text[32];

	/* Bit 19 of the effective set: CAP_SYS_PTRACE, capability(7). */
	return procfs_read_status(getpid(), "CapEff", text, sizeof(text)) &&
	       strtoull(text, NULL, 16) >> 19 & 1;
}

static void check_stranger(struct checks *list)
{
	static const char yama[] = "/proc/sys/kernel/yama/ptrace_scope";
	char scope[16];
	int error = try_stranger();
	bool known = procfs_read_file(yama, scope, sizeof(scope)) > 0;

	if (error == 0)
		check_add(list, "tare attach", CHECK_OK, NULL,
			  "your other processes can be read (ptrace_scope %s)",
			  known ? scope : "absent");
	else if (known && strcmp(scope, "3") == 0)
		check_add(list, "tare attach", CHECK_NO,
			  "sudo reboot   (ptrace_scope 3 lasts until then)",
			  "ptrace_scope is 3: nobody may attach");
	else if (known && strcmp(scope, "0") != 0)
		check_add(list, "tare attach", CHECK_NO,
			  "sudo sysctl kernel.yama.ptrace_scope=0",
			  "ptrace_scope is %s: only what tare starts", scope);
	else
		check_add(list, "tare attach", CHECK_NO,
			  "docker run --cap-add SYS_PTRACE ...",
			  "your other processes cannot be read: %s",
			  strerror(error > 0 ? error : EAGAIN));
	if (has_ptrace_capability())
		check_add(list, "other users", CHECK_OK, NULL,
			  "CAP_SYS_PTRACE: processes of others can be read");
	else
		check_add(list, "other users", CHECK_NOT_APPLICABLE,
			  "sudo tare attach PID",
			  "without CAP_SYS_PTRACE only your own processes");
}

static void check_container(struct checks *list)
{
	char seccomp[16];
	const char *kind = "none seen";

	if (file_exists("/.dockerenv"))
		kind = "Docker";
	else if (file_exists("/run/.containerenv"))
		kind = "Podman";
	else if (getenv("KUBERNETES_SERVICE_HOST"))
		kind = "Kubernetes";
	else if (file_exists("/proc/vz") && !file_exists("/proc/bc"))
		kind = "OpenVZ";
	if (!procfs_read_status(getpid(), "Seccomp", seccomp, sizeof(seccomp)))
		snprintf(seccomp, sizeof(seccomp), "?");
	check_add(list, "container",
		  strcmp(kind, "none seen") == 0 ? CHECK_NOT_APPLICABLE
						 : CHECK_OK,
		  NULL, "%s, system-call filter %s", kind,
		  strcmp(seccomp, "0") == 0 ? "off" : "on");
}

static void check_cpus(struct checks *list)
{
	cpu_set_t cpus;
	double load;
	int nr;

	if (sched_getaffinity(0, sizeof(cpus), &cpus) < 0)
		return;
	nr = CPU_COUNT(&cpus);
	if (nr == 1)
		check_add(list, "CPUs", CHECK_WARNING, NULL,
			  "1: tare and the target take turns on it");
	else
		check_add(list, "CPUs", CHECK_OK, NULL, "%d may be used", nr);
	if (getloadavg(&load, 1) != 1)
		return;
	check_add(list, "load", load < nr ? CHECK_OK : CHECK_WARNING,
		  load < nr ? NULL : "ps -eo pcpu,pid,args --sort=-pcpu | head",
		  "%.2f over the last minute%s", load,
		  load < nr ? "" : ": others compete for the CPUs");
}

static int compare_late(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

#define WAKE_NR 50

/* How late a sleep of 1 ms ends: that is what a rate of 1 kHz rests on. */
static void check_timer(struct checks *list)
{
	uint64_t late[WAKE_NR];
	uint64_t median_ns;
	int slack = prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);

	for (int i = 0; i < WAKE_NR; i++) {
		uint64_t begin = clock_now_ns();
		uint64_t took;

		clock_sleep(CLOCK_MS_NS);
		took = clock_now_ns() - begin;
		late[i] = took > CLOCK_MS_NS ? took - CLOCK_MS_NS : 0;
	}
	qsort(late, WAKE_NR, sizeof(late[0]), compare_late);
	median_ns = late[WAKE_NR / 2];
	check_add(list, "timer", median_ns < 500000 ? CHECK_OK : CHECK_WARNING,
		  NULL, "wakes %.0f us late (median of %d), slack %.0f us",
		  (double)median_ns / 1e3, WAKE_NR, slack / 1e3);
}

void doctor_check_system(struct checks *list)
{
	check_kernel(list);
	check_own_child(list);
	check_stranger(list);
	check_container(list);
	check_cpus(list);
	check_timer(list);
}
