/* SPDX-License-Identifier: MIT */
/* A live process, read with process_vm_readv(2). */
#include "target/target.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/buf.h"
#include "os/procfs.h"
#include "os/task.h"
#include "target/elf_symbols.h"
#include "target/target_internal.h"

static int read_error(pid_t pid, int error, struct err *err)
{
	if (error == ESRCH)
		return err_set(err, ERR_GONE, "process %d has exited",
			       (int)pid);
	errno = error;
	err_sys(err, "cannot read the memory of process %d", (int)pid);
	if (err->code == ERR_PERM)
		err_hint(err, "tare doctor %d   says what forbids it",
			 (int)pid);
	return err->code;
}

/* The thread through which the process was read has ended: take another. */
static bool change_task(struct target *t)
{
	struct task_list list = { 0 };
	bool found = false;

	if (task_list(t->pid, &list))
		for (uint32_t i = 0; i < list.tid.nr && !found; i++) {
			char state = procfs_state(list.tid.at[i]);

			found = state && state != 'Z' && state != 'X';
			if (found)
				t->task = list.tid.at[i];
		}
	vec_release(&list.tid);
	return found;
}

static int live_readv(struct target *t, const struct target_piece *pieces,
		      unsigned nr, unsigned *done, struct err *err)
{
	struct iovec local[TARGET_PIECES_MAX], remote[TARGET_PIECES_MAX];
	ssize_t got;
	unsigned i;
	int error;

	*done = 0;
	if (!nr)
		return ERR_OK;

	for (i = 0; i < nr; i++) {
		local[i].iov_base = pieces[i].to;
		local[i].iov_len = pieces[i].size;
		remote[i].iov_base = (void *)(uintptr_t)pieces[i].addr;
		remote[i].iov_len = pieces[i].size;
	}
	got = process_vm_readv(t->task, local, nr, remote, nr, 0);
	error = got < 0 ? errno : 0;
	if (error == ESRCH && change_task(t)) {
		got = process_vm_readv(t->task, local, nr, remote, nr, 0);
		error = got < 0 ? errno : 0;
	}
	if (error)
		return error == EFAULT ? ERR_OK
				       : read_error(t->pid, error, err);
	for (i = 0; i < nr && (size_t)got >= pieces[i].size; i++)
		got -= (ssize_t)pieces[i].size;
	*done = i;
	return ERR_OK;
}

static int read_maps_text(struct target *t, char **text, struct err *err)
{
	struct buf b = { 0 };
	char path[64];
	ssize_t got = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)t->task);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		if (errno == ENOENT)
			errno = ESRCH;
		return read_error(t->pid, errno, err);
	}
	do {
		if (!buf_reserve(&b, 65536))
			break;
		got = read(fd, b.data + b.size, 65536);
		if (got > 0)
			b.size += (size_t)got;
	} while (got > 0);
	close(fd);
	if (b.failed || got < 0) {
		buf_release(&b);
		return b.failed ? err_nomem(err)
				: read_error(t->pid, errno, err);
	}
	b.data[b.size] = '\0';
	*text = b.data;
	return ERR_OK;
}

/* That of a thread that has ended is there, but empty, until it is gone. */
static int live_maps_text(struct target *t, char **text, struct err *err)
{
	int rc = read_maps_text(t, text, err);
	pid_t before = t->task;

	if ((rc && rc != ERR_GONE) || (!rc && **text) || !change_task(t) ||
	    t->task == before)
		return rc;
	if (!rc)
		free(*text);
	return read_maps_text(t, text, err);
}

static void live_close(struct target *t)
{
	(void)t;
}

static const struct target_ops live_ops = {
	.readv = live_readv,
	.maps_text = live_maps_text,
	.find_symbols = elf_symbols_find,
	.close = live_close,
};

int target_open(struct target **out, pid_t pid, struct err *err)
{
	*out = NULL;
	if (pid <= 0 || (kill(pid, 0) && errno == ESRCH))
		return err_set(err, ERR_GONE, "there is no process %d",
			       (int)pid);
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return err_nomem(err);
	(*out)->ops = &live_ops;
	(*out)->pid = (*out)->task = pid;
	return ERR_OK;
}
