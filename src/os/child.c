/* SPDX-License-Identifier: MIT */
#include "os/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/procfs.h"
#include "os/signals.h"

/* Longest time between two looks where the kernel has no pidfd (< 5.3). */
#define POLL_NS (5 * CLOCK_MS_NS)

static ssize_t read_all(int fd, void *to, size_t size)
{
	size_t got = 0;

	while (got < size) {
		ssize_t nr = read(fd, (char *)to + got, size - got);

		if (nr < 0 && errno == EINTR)
			continue;
		if (nr <= 0)
			break;
		got += (size_t)nr;
	}
	return (ssize_t)got;
}

static void write_all(int fd, const void *from, size_t size)
{
	while (size) {
		ssize_t nr = write(fd, from, size);

		if (nr < 0 && errno == EINTR)
			continue;
		if (nr <= 0)
			return;
		from = (const char *)from + nr;
		size -= (size_t)nr;
	}
}

/* The child: what was asked to differ from tare's own. */
static void settle(const struct child_setup *setup)
{
	if (setup->own_group)
		setpgid(0, 0);
	for (int i = 0; i < 3; i++)
		if (setup->stdio[i] >= 0)
			dup2(setup->stdio[i], i);
	if (setup->kept_fd >= 0)
		fcntl(setup->kept_fd, F_SETFD, 0);
}

/* The child: wait for the word, become the program, or say why not. */
static _Noreturn void become(int go_fd, int failure_fd, char *const argv[],
			     const struct child_setup *setup,
			     const sigset_t *mask)
{
	char word;
	int failure;

	if (setup)
		settle(setup);
	signals_restore_inherited(mask);
	/* No word but an end: tare is gone or has changed its mind. */
	if (read_all(go_fd, &word, 1) != 1)
		_exit(127);
	execvp(argv[0], argv);
	failure = errno;
	write_all(failure_fd, &failure, sizeof(failure));
	_exit(failure == ENOENT ? 127 : 126);
}

static void close_pair(int fds[2])
{
	if (fds[0] >= 0)
		close(fds[0]);
	if (fds[1] >= 0)
		close(fds[1]);
}

int child_hold(struct child_held *h, char *const argv[], struct err *err)
{
	return child_hold_as(h, argv, NULL, err);
}

int child_hold_as(struct child_held *h, char *const argv[],
		  const struct child_setup *setup, struct err *err)
{
	int go[2] = { -1, -1 };
	int failure[2] = { -1, -1 };
	sigset_t before;
	pid_t pid;

	memset(h, 0, sizeof(*h));
	if (pipe2(go, O_CLOEXEC) < 0 || pipe2(failure, O_CLOEXEC) < 0) {
		err_sys(err, "cannot make a pipe");
		goto fail;
	}
	signals_block_all(&before);
	pid = fork();
	if (pid == 0) {
		/* Its own copy of the writing end would keep it waiting. */
		close(go[1]);
		become(go[0], failure[1], argv, setup, &before);
	}
	if (pid < 0)
		err_sys(err, "cannot start '%s'", argv[0]);
	signals_restore_mask(&before);
	if (pid < 0)
		goto fail;
	close(go[0]);
	close(failure[1]);
	h->pid = pid;
	h->go_fd = go[1];
	h->failure_fd = failure[0];
	h->file = argv[0];
	return ERR_OK;
fail:
	close_pair(go);
	close_pair(failure);
	return err->code;
}

static void reap_quietly(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static int exec_failed(const char *file, int failure, struct err *err)
{
	char path[4096];
	bool there;

	there = program_find(file, path, sizeof(path));
	if (failure == ENOENT && there) {
		err_set(err, ERR_NOT_FOUND,
			"cannot start '%s': the program that its first line "
			"or its header names is not there",
			file);
		err_hint(err, "head -1 %s", path);
		return err->code;
	}
	if (failure == ENOENT)
		return err_set(err, ERR_NOT_FOUND, "no program '%s'%s", file,
			       strchr(file, '/') ? "" : " on PATH");
	err_set(err, ERR_NOT_EXECUTABLE, "cannot execute '%s': %s", file,
		strerror(failure));
	if (failure == EACCES)
		err_hint(err, "ls -l %s", file);
	return err->code;
}

int child_release(struct child_held *h, struct err *err)
{
	pid_t pid = h->pid;
	int failure;
	ssize_t got;

	write_all(h->go_fd, "g", 1);
	close(h->go_fd);
	/* Ends when exec has closed the other side, or with a number. */
	got = read_all(h->failure_fd, &failure, sizeof(failure));
	close(h->failure_fd);
	if (got != sizeof(failure))
		return ERR_OK;
	h->pid = 0;
	reap_quietly(pid);
	return exec_failed(h->file, failure, err);
}

void child_drop(struct child_held *h)
{
	if (!h->pid)
		return;
	close(h->go_fd);
	close(h->failure_fd);
	reap_quietly(h->pid);
	h->pid = 0;
}

/*
 * A descriptor that polls readable once the process is over; -1 and *ended
 * otherwise. Asked before /proc, where a process whose main thread has ended
 * reads as a zombie while its other threads go on.
 */
static int open_pidfd(pid_t pid, bool *ended)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	char state;

	*ended = false;
	if (fd < 0) {
		state = errno == ESRCH ? 0 : procfs_state(pid);
		*ended = state == 0 || state == 'Z' || state == 'X';
	}
	return fd;
}

/* True when the process behind `fd` ends within the time; closes nothing. */
static bool poll_pidfd(int fd, int timeout_ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, timeout_ms) > 0;
}

bool pid_ended(pid_t pid)
{
	bool ended;
	int fd = open_pidfd(pid, &ended);

	if (fd >= 0) {
		ended = poll_pidfd(fd, 0);
		close(fd);
	}
	return ended;
}

bool pid_wait_end(pid_t pid, uint64_t timeout_ns)
{
	uint64_t begin = clock_now_ns();
	int timeout_ms = -1;
	bool ended;
	int fd = open_pidfd(pid, &ended);

	if (timeout_ns < (uint64_t)INT32_MAX * CLOCK_MS_NS)
		timeout_ms =
			(int)((timeout_ns + CLOCK_MS_NS - 1) / CLOCK_MS_NS);
	if (fd >= 0) {
		ended = poll_pidfd(fd, timeout_ms);
		close(fd);
		return ended;
	}
	while (!ended && clock_now_ns() - begin < timeout_ns) {
		clock_sleep(POLL_NS);
		ended = pid_ended(pid);
	}
	return ended;
}

static int wait_failed(pid_t pid, struct err *err)
{
	return err_sys(err, "cannot wait for process %d", (int)pid);
}

int child_await_death(pid_t pid, struct err *err)
{
	siginfo_t info;

	while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) < 0)
		if (errno != EINTR)
			return wait_failed(pid, err);
	signals_target_ended();
	return ERR_OK;
}

int child_bury(pid_t pid, struct child_end *end, struct rusage *ru,
	       struct err *err)
{
	int status;

	while (wait4(pid, &status, 0, ru) < 0)
		if (errno != EINTR)
			return wait_failed(pid, err);
	child_end_of(status, end);
	return ERR_OK;
}

int child_reap(pid_t pid, struct child_end *end, struct err *err)
{
	int rc = child_await_death(pid, err);
	struct rusage ru;

	return rc ? rc : child_bury(pid, end, &ru, err);
}

void child_end_of(int status, struct child_end *end)
{
	if (WIFSIGNALED(status)) {
		end->kind = CHILD_KILLED;
		end->code = WTERMSIG(status);
	} else {
		end->kind = CHILD_EXITED;
		end->code = WEXITSTATUS(status);
	}
}

int child_open_end(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

void child_end_text(const struct child_end *end, char out[16])
{
	if (end->kind == CHILD_KILLED)
		snprintf(out, 16, "signal %d", end->code);
	else
		snprintf(out, 16, "%d", end->code);
}

static bool is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	       access(path, X_OK) == 0;
}

bool program_find(const char *name, char *out, size_t size)
{
	const char *at = getenv("PATH");

	if (strchr(name, '/')) {
		if ((size_t)snprintf(out, size, "%s", name) >= size)
			return false;
		return is_program(out);
	}
	/* What execvp() takes when PATH is not set. */
	if (!at)
		at = "/bin:/usr/bin";
	for (;;) {
		size_t len = strcspn(at, ":");
		int need = snprintf(out, size, "%.*s%s%s", (int)len, at,
				    len ? "/" : "", name);

		if (need > 0 && (size_t)need < size && is_program(out))
			return true;
		at += len;
		if (!*at)
			return false;
		at++;
	}
}

int program_ask(char *const argv[], char *out, size_t size)
{
	int answer[2];
	int status = 0;
	sigset_t before;
	ssize_t got;
	pid_t pid;

	out[0] = '\0';
	if (pipe2(answer, O_CLOEXEC) < 0)
		return -1;
	signals_block_all(&before);
	pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		signals_restore_inherited(&before);
		dup2(null, STDIN_FILENO);
		dup2(answer[1], STDOUT_FILENO);
		dup2(answer[1], STDERR_FILENO);
		execvp(argv[0], argv);
		_exit(127);
	}
	signals_restore_mask(&before);
	close(answer[1]);
	got = pid < 0 ? 0 : read_all(answer[0], out, size - 1);
	out[got] = '\0';
	/* Closing may kill a program that says more; that is its end too. */
	close(answer[0]);
	if (pid < 0)
		return -1;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
