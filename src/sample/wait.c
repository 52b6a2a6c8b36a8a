/* SPDX-License-Identifier: MIT */
#include "sample/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "os/clock.h"
#include "os/procfs.h"

/* A descriptor may be closed and its number given to another file. */
#define FILE_FRESH_NS (20 * CLOCK_MS_NS)
#define FILES_MAX 65536u

/* One poll of more descriptors than this is just "poll". */
#define POLL_LOOK_MAX 8

/* How the arguments of a system call tell what it waits for. */
enum call_kind {
	CALL_STATE,  /* always the same */
	CALL_FUTEX,  /* arg 0 is an address */
	CALL_FILE,   /* arg 0 is a descriptor */
	CALL_FILE_1, /* arg 1 is */
	CALL_POLL,   /* arg 0 points to arg 1 descriptors */
	CALL_SELECT, /* arg 0 is the number of descriptors looked at */
	CALL_FCNTL,  /* arg 1 is the command */
	CALL_CLONE,  /* arg 0 has the flags */
	CALL_CLONE3, /* arg 0 points to them */
};

struct call {
	long nr;
	enum call_kind kind;
	enum thread_state state; /* for CALL_STATE */
};

#define STATE(name, state) { __NR_##name, CALL_STATE, STATE_##state },
#define CALL(name, kind) { __NR_##name, CALL_##kind, STATE_OTHER },

static const struct call calls[] = {
	/* clang-format off */
	CALL(futex, FUTEX)
#ifdef __NR_clone3
	CALL(clone3, CLONE3)
#endif
#ifdef __NR_futex_waitv
	STATE(futex_waitv, LOCK)
#endif
	CALL(read, FILE) CALL(readv, FILE) CALL(pread64, FILE)
	CALL(preadv, FILE) CALL(preadv2, FILE) CALL(write, FILE)
	CALL(writev, FILE) CALL(pwrite64, FILE) CALL(pwritev, FILE)
	CALL(pwritev2, FILE) CALL(ioctl, FILE) CALL(splice, FILE)
	CALL(sendfile, FILE_1) CALL(copy_file_range, FILE)
	CALL(ppoll, POLL) CALL(pselect6, SELECT)
	STATE(epoll_pwait, POLL)
#ifdef __NR_epoll_pwait2
	STATE(epoll_pwait2, POLL)
#endif
	STATE(recvfrom, SOCKET) STATE(recvmsg, SOCKET) STATE(recvmmsg, SOCKET)
	STATE(sendto, SOCKET) STATE(sendmsg, SOCKET) STATE(sendmmsg, SOCKET)
	STATE(accept, SOCKET) STATE(accept4, SOCKET) STATE(connect, SOCKET)
	STATE(nanosleep, SLEEP) STATE(clock_nanosleep, SLEEP)
	STATE(wait4, CHILD) STATE(waitid, CHILD) CALL(clone, CLONE)
	STATE(fsync, DISK) STATE(fdatasync, DISK) STATE(sync, DISK)
	STATE(syncfs, DISK) STATE(sync_file_range, DISK) STATE(msync, DISK)
	STATE(openat, DISK) STATE(unlinkat, DISK) STATE(mkdirat, DISK)
	STATE(renameat2, DISK) STATE(linkat, DISK) STATE(symlinkat, DISK)
	STATE(newfstatat, DISK) STATE(fstat, DISK) STATE(statx, DISK)
	STATE(faccessat, DISK) STATE(readlinkat, DISK) STATE(getdents64, DISK)
	STATE(truncate, DISK) STATE(ftruncate, DISK) STATE(fallocate, DISK)
	STATE(execve, DISK) STATE(close, DISK) STATE(readahead, DISK)
	STATE(madvise, DISK) STATE(io_getevents, DISK)
	STATE(io_uring_enter, DISK)
	STATE(flock, LOCK) CALL(fcntl, FCNTL)
	STATE(semop, LOCK) STATE(semtimedop, LOCK)
	STATE(msgrcv, PIPE) STATE(msgsnd, PIPE)
	STATE(mq_timedreceive, PIPE) STATE(mq_timedsend, PIPE)
	/* What machines older than aarch64 have besides. */
#ifdef __NR_select
	CALL(select, SELECT) CALL(poll, POLL) STATE(epoll_wait, POLL)
	STATE(vfork, CHILD) STATE(open, DISK) STATE(stat, DISK)
	STATE(lstat, DISK) STATE(unlink, DISK) STATE(rename, DISK)
	STATE(mkdir, DISK) STATE(rmdir, DISK) STATE(access, DISK)
	STATE(readlink, DISK) STATE(getdents, DISK)
#endif
	/* clang-format on */
};

#undef STATE
#undef CALL

void wait_init(struct wait_context *c, struct target *t)
{
	*c = (struct wait_context){ .target = t };
}

void wait_release(struct wait_context *c)
{
	vec_release(&c->gils);
	vec_release(&c->files);
}

static const struct call *find_call(long nr)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		if (calls[i].nr == nr)
			return &calls[i];
	return NULL;
}

static enum thread_state ask_file(pid_t pid, uint64_t fd)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/fd/%u", (int)pid, (unsigned)fd);
	if (stat(path, &st))
		return STATE_IO;
	switch (st.st_mode & S_IFMT) {
	case S_IFSOCK:
		return STATE_SOCKET;
	case S_IFIFO:
		return STATE_PIPE;
	case S_IFREG:
	case S_IFDIR:
	case S_IFBLK:
		return STATE_DISK;
	default:
		return STATE_IO;
	}
}

/* Asking takes 3 us, so what was seen is believed for a while. */
static enum thread_state file_state(struct wait_context *c, uint64_t fd,
				    uint64_t now_ns)
{
	struct wait_file *f;

	if (fd >= FILES_MAX)
		return STATE_IO;
	while (c->files.nr <= fd)
		if (!vec_push(&c->files, ((struct wait_file){ 0 })))
			return STATE_IO;
	f = &c->files.at[fd];
	if (!f->seen_ns || now_ns - f->seen_ns > FILE_FRESH_NS) {
		f->state = ask_file(target_task(c->target), fd);
		f->seen_ns = now_ns;
	}
	return f->state;
}

/*
 * Python polls a socket with a timeout before each call on it, and so does
 * whoever reads from several pipes: what is polled is what is waited for, if
 * it is all of one kind.
 */
static enum thread_state poll_state(struct wait_context *c, uint64_t addr,
				    uint64_t nr, uint64_t now_ns)
{
	enum thread_state state = STATE_POLL, one;
	struct pollfd fds[POLL_LOOK_MAX];
	struct err ignored;

	if (!nr)
		return STATE_SLEEP;
	if (nr > POLL_LOOK_MAX ||
	    target_read(c->target, addr, fds, (uint32_t)(nr * sizeof(*fds)),
			&ignored))
		return STATE_POLL;
	for (uint64_t i = 0; i < nr; i++) {
		one = fds[i].fd < 0
			      ? STATE_POLL
			      : file_state(c, (uint64_t)fds[i].fd, now_ns);
		if (i && one != state)
			return STATE_POLL;
		state = one;
	}
	return state;
}

static enum thread_state futex_state(const struct wait_context *c,
				     uint64_t addr)
{
	for (uint32_t i = 0; i < c->gils.nr; i++)
		if (addr >= c->gils.at[i].start && addr < c->gils.at[i].end)
			return STATE_GIL_WAIT;
	return STATE_LOCK;
}

/* With vfork() a parent waits until its child executes a program. */
static enum thread_state clone_state(uint64_t flags)
{
	return flags & CLONE_VFORK ? STATE_CHILD : STATE_OTHER;
}

static enum thread_state clone3_state(const struct wait_context *c,
				      uint64_t addr)
{
	uint64_t flags = 0;
	struct err ignored;

	if (target_read(c->target, addr, &flags, sizeof(flags), &ignored))
		return STATE_OTHER;
	return clone_state(flags);
}

static enum thread_state call_state(struct wait_context *c,
				    const struct task_wait *w, uint64_t now_ns)
{
	const struct call *call = find_call(w->call);

	if (!call)
		return STATE_OTHER;
	switch (call->kind) {
	case CALL_STATE:
		return call->state;
	case CALL_FUTEX:
		return futex_state(c, w->arg[0]);
	case CALL_FILE:
		return file_state(c, w->arg[0], now_ns);
	case CALL_FILE_1:
		return file_state(c, w->arg[1], now_ns);
	case CALL_POLL:
		return poll_state(c, w->arg[0], w->arg[1], now_ns);
	case CALL_SELECT:
		return w->arg[0] ? STATE_POLL : STATE_SLEEP;
	case CALL_FCNTL:
		return w->arg[1] == F_SETLKW || w->arg[1] == F_OFD_SETLKW
			       ? STATE_LOCK
			       : STATE_OTHER;
	case CALL_CLONE:
		return clone_state(w->arg[0]);
	case CALL_CLONE3:
		return clone3_state(c, w->arg[0]);
	}
	return STATE_OTHER;
}

/* Asleep outside of a system call: a page that comes from a disk, stopped (by
 * a signal, a debugger), or over. */
static enum thread_state no_call_state(pid_t tid, bool *gone)
{
	errno = 0;
	switch (procfs_state(tid)) {
	case 'D':
		return STATE_DISK;
	case '\0':
		/* Or could it not be asked, for want of descriptors? */
		*gone = errno == ENOENT || errno == ESRCH;
		return STATE_UNKNOWN;
	case 'Z':
	case 'X':
		*gone = true;
		return STATE_UNKNOWN;
	default:
		return STATE_OTHER;
	}
}

enum thread_state wait_state(struct wait_context *c, pid_t tid,
			     const struct task_wait *wait, uint64_t now_ns,
			     bool *gone)
{
	switch (wait->kind) {
	case TASK_IN_CALL:
		return call_state(c, wait, now_ns);
	case TASK_NO_CALL:
		return no_call_state(tid, gone);
	default:
		return STATE_UNKNOWN;
	}
}
