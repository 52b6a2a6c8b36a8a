/* SPDX-License-Identifier: MIT */
#include "os/perf_clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/map.h"
#include "base/vec.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/perf_refusal.h"
#include "os/procfs.h"

/*
 * The kernel follows new threads only by events that are bound to a CPU, so
 * that takes one event for each thread and CPU, each of which a new thread
 * gets a copy of. Beyond so many, threads are looked for instead.
 */
#define FOLLOW_EVENTS_MAX 256
/* Each copy costs who makes a thread some 3 us; a thread costs 36. */
#define FOLLOW_CPUS_MAX 32

#define CPUS_MAX 4096
#define THREADS_MAX 16384

/* An ordinary user may lock 516 KB a CPU, unless told otherwise. */
#define RING_SIZE_PLAIN (32u * 1024)
#define RING_SIZE_CHAIN (64u * 1024)
#define RING_SIZE_MAX (512u * 1024)
#define RING_STACKS 16 /* that are to fit, if they may */
/* Where each sample wakes who reads it at once: three large ones, or as many
 * switches as a program makes in some 20 ms at worst. */
#define RING_SIZE_WAKER (128u * 1024)

/* Bytes of a sample besides its stack: head, ip, ids, time, registers. */
#define SAMPLE_SIZE 32u
#define SAMPLE_SIZE_STACK 240u
#define SAMPLE_SIZE_CHAIN (128u * 8)

/* Rounds of looking for threads that are born meanwhile. */
#define SEARCH_ROUNDS 8
#define BIRTH_NS 1000000u

/*
 * Not a round number of milliseconds: a program that does something every
 * 10 ms must not be seen at the same point of it for ever.
 */
#define PERIOD_STRETCH 0.99731

struct event {
	int fd;
	pid_t tid;
};

struct mapped_ring {
	struct perf_ring ring;
	struct perf_event_mmap_page *page;
	size_t map_size;
	int cpu;   /* -1: of one thread, */
	pid_t tid; /* this one, which may be gone */
	int fd;
	bool over; /* the thread is gone: unmap when read */
};

struct perf_clock {
	pid_t pid;
	struct perf_clock_opts opts;
	struct perf_shape shape;
	struct perf_event_attr attr;
	VEC(int) cpus;
	VEC(struct event) events;
	VEC(struct mapped_ring) rings;
	struct map known; /* tid: is sampled */
	size_t ring_size;
	uint32_t last;	 /* ring whose record was handed out */
	bool handed_out; /* `last` means something */
	bool in_row;	 /* heads were read for this row of calls */
	bool follows;
	struct perf_clock_stats stats;
};

static int open_event(const struct perf_event_attr *attr, pid_t tid, int cpu)
{
	return (int)syscall(SYS_perf_event_open, attr, tid, cpu, -1,
			    PERF_FLAG_FD_CLOEXEC);
}

static void fill_attr(struct perf_clock *c)
{
	struct perf_event_attr *a = &c->attr;

	memset(a, 0, sizeof(*a));
	a->size = sizeof(*a);
	a->type = PERF_TYPE_SOFTWARE;
	a->config = PERF_COUNT_SW_CPU_CLOCK;
	a->sample_period = c->stats.period_ns;
	a->sample_type = PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME;
	a->sample_id_all = 1;
	a->use_clockid = 1;
	a->clockid = CLOCK_MONOTONIC;
	a->exclude_kernel = !c->opts.kernel;
	a->exclude_hv = 1;
	a->exclude_callchain_kernel = 1;
	a->mmap = 1;
	a->mmap2 = 1;
	a->comm = 1;
	a->comm_exec = 1;
	a->task = 1;
	/* Else nobody is woken up: with a wake-up for each sample the target
	 * pays half as much again (docs/internals/native.md). */
	a->watermark = !c->opts.waker;
	if (c->opts.waker)
		a->wakeup_events = 1;
	else
		a->wakeup_watermark = UINT32_MAX;
	a->context_switch = c->opts.waker != 0;
	if (c->opts.chain)
		a->sample_type |= PERF_SAMPLE_CALLCHAIN;
	if (c->opts.stack_size) {
		a->sample_type |=
			PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER;
		a->sample_regs_user = perf_regs_mask();
		a->sample_stack_user = c->opts.stack_size;
	}
}

/*
 * Ask for less until this kernel agrees: samples inside the kernel need more
 * rights, and before 5.13 child processes could not be told from threads
 * (whose samples are then dropped by their pid).
 */
static int settle_attr(struct perf_clock *c, struct err *err)
{
	bool following = c->follows;
	int fd;

	c->attr.inherit = following;
	c->attr.inherit_thread = following && !c->opts.children;
	fd = open_event(&c->attr, c->pid, following ? c->cpus.at[0] : -1);
	if (fd < 0 && errno == EINVAL && c->attr.inherit_thread) {
		c->attr.inherit_thread = 0;
		fd = open_event(&c->attr, c->pid, c->cpus.at[0]);
	}
	if (fd < 0 && (errno == EACCES || errno == EPERM) &&
	    !c->attr.exclude_kernel) {
		c->attr.exclude_kernel = 1;
		fd = open_event(&c->attr, c->pid,
				following ? c->cpus.at[0] : -1);
	}
	if (fd < 0)
		return perf_refusal(err, c->pid, errno);
	close(fd);
	c->stats.kernel = !c->attr.exclude_kernel;
	return ERR_OK;
}

/* "0-3,8" of /sys/devices/system/cpu/online. */
static int read_cpus(struct perf_clock *c, struct err *err)
{
	char text[4096], *at = text;

	if (procfs_read_file("/sys/devices/system/cpu/online", text,
			     sizeof(text)) <= 0)
		snprintf(text, sizeof(text), "0-%ld",
			 sysconf(_SC_NPROCESSORS_CONF) - 1);
	while (*at) {
		char *end;
		long first = strtol(at, &end, 10), last = first;

		if (end == at || first < 0)
			break;
		if (*end == '-')
			last = strtol(end + 1, &end, 10);
		if (last >= CPUS_MAX)
			last = CPUS_MAX - 1;
		for (long i = first; i <= last; i++)
			if (!vec_push(&c->cpus, (int)i))
				return err_nomem(err);
		at = *end == ',' ? end + 1 : end + strlen(end);
	}
	if (!c->cpus.nr && !vec_push(&c->cpus, 0))
		return err_nomem(err);
	return ERR_OK;
}

static struct mapped_ring *find_ring(struct perf_clock *c, int cpu)
{
	for (uint32_t i = 0; i < c->rings.nr; i++)
		if (c->rings.at[i].cpu == cpu)
			return &c->rings.at[i];
	return NULL;
}

/*
 * Told once for each wake-up: a ring whose thread has ended would else be
 * "ready" for ever.
 */
static int wake_by(const struct perf_clock *c, int fd, struct err *err)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };

	if (c->opts.waker &&
	    epoll_ctl(c->opts.waker, EPOLL_CTL_ADD, fd, &event))
		return err_sys(err, "cannot wait for perf events");
	return ERR_OK;
}

/* The least that a sample fits into. */
static size_t least_ring_size(const struct perf_clock *c)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);

	while (size < c->opts.stack_size + SAMPLE_SIZE_STACK)
		size *= 2;
	return size;
}

/* Smaller rings will do, too, where no more memory may be locked. */
static int map_ring(struct perf_clock *c, struct mapped_ring *r,
		    struct err *err)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *map = MAP_FAILED;

	while (c->ring_size >= least_ring_size(c)) {
		r->map_size = c->ring_size + page;
		map = mmap(NULL, r->map_size, PROT_READ | PROT_WRITE,
			   MAP_SHARED, r->fd, 0);
		if (map != MAP_FAILED || (errno != EPERM && errno != ENOMEM))
			break;
		c->ring_size /= 2;
	}
	if (map == MAP_FAILED)
		return perf_refusal_memory(err, errno);
	r->page = map;
	r->ring.data = (const uint8_t *)map + page;
	r->ring.data_size = r->map_size - page;
	if (wake_by(c, r->fd, err) ||
	    (!vec_push(&c->rings, *r) && err_nomem(err))) {
		munmap(map, r->map_size);
		return err->code;
	}
	return ERR_OK;
}

static int add_ring(struct perf_clock *c, int fd, int cpu, pid_t tid,
		    struct err *err)
{
	struct mapped_ring r = { .cpu = cpu, .tid = tid, .fd = fd };
	struct mapped_ring *shared = cpu >= 0 ? find_ring(c, cpu) : NULL;

	if (!shared)
		return map_ring(c, &r, err);
	if (ioctl(fd, PERF_EVENT_IOC_SET_OUTPUT, shared->fd))
		return err_sys(err, "cannot share a ring of perf events");
	return ERR_OK;
}

static int keep_event(struct perf_clock *c, struct event e, int cpu,
		      struct err *err)
{
	int rc;

	if (!file_may_keep(e.fd))
		return perf_refusal(err, c->pid, EMFILE);
	if (!vec_push(&c->events, e))
		return err_nomem(err);
	rc = add_ring(c, e.fd, cpu, e.tid, err);
	if (rc)
		c->events.nr--;
	return rc;
}

static int add_event(struct perf_clock *c, pid_t tid, int cpu, struct err *err)
{
	struct event e = { .tid = tid };
	int rc;

	e.fd = open_event(&c->attr, tid, cpu);
	if (e.fd < 0) {
		/* A thread that has ended; a CPU that was switched off. */
		if (errno == ESRCH || errno == ENODEV)
			return ERR_OK;
		return perf_refusal(err, c->pid, errno);
	}
	rc = keep_event(c, e, cpu, err);
	if (rc)
		close(e.fd);
	return rc;
}

static int add_thread(struct perf_clock *c, pid_t tid, struct err *err)
{
	int rc = ERR_OK;

	if (!map_put(&c->known, (uint64_t)tid, 1))
		return err_nomem(err);
	if (!c->follows)
		return add_event(c, tid, -1, err);
	for (uint32_t i = 0; !rc && i < c->cpus.nr; i++)
		rc = add_event(c, tid, c->cpus.at[i], err);
	return rc;
}

/* The threads of the process that are not sampled yet. */
static int find_new(struct perf_clock *c, pid_t *tids, unsigned room,
		    unsigned *nr, struct err *err)
{
	const struct dirent *entry;
	char path[64];
	DIR *dir;

	*nr = 0;
	snprintf(path, sizeof(path), "/proc/%d/task", (int)c->pid);
	dir = opendir(path);
	if (!dir && errno != ENOENT && errno != ESRCH)
		return err_sys(err, "cannot list the threads of process %d",
			       (int)c->pid);
	if (!dir)
		return err_set(err, ERR_GONE, "process %d has exited",
			       (int)c->pid);
	while (*nr < room && (entry = readdir(dir))) {
		pid_t tid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (tid > 0 && map_get(&c->known, (uint64_t)tid) == MAP_NONE)
			tids[(*nr)++] = tid;
	}
	closedir(dir);
	return ERR_OK;
}

static void read_heads(struct perf_clock *c)
{
	for (uint32_t i = 0; i < c->rings.nr; i++) {
		struct mapped_ring *r = &c->rings.at[i];

		r->ring.head =
			__atomic_load_n(&r->page->data_head, __ATOMIC_ACQUIRE);
	}
}

/*
 * Threads that the kernel made us follow are in the rings. They are only
 * looked at here, and stay there for who reads them.
 */
static int learn_births(struct perf_clock *c, struct err *err)
{
	read_heads(c);
	for (uint32_t i = 0; i < c->rings.nr; i++) {
		struct perf_ring copy = c->rings.at[i].ring;
		const struct perf_record *record;
		bool ok = true;

		copy.bent = NULL;
		copy.record_size = 0;
		while (ok && (record = perf_ring_peek(&copy, &c->shape))) {
			if (record->kind == PERF_RECORD_KIND_FORKED)
				ok = map_put(&c->known, (uint64_t)record->tid,
					     1);
			perf_ring_take(&copy);
		}
		perf_ring_release(&copy);
		if (!ok)
			return err_nomem(err);
	}
	return ERR_OK;
}

#define FIND_ROOM 256

static int add_new_threads(struct perf_clock *c, struct err *err)
{
	pid_t tids[FIND_ROOM];
	unsigned nr;
	int rc = ERR_OK;

	for (int round = 0; !rc && round < SEARCH_ROUNDS; round++) {
		if (c->events.nr >= THREADS_MAX)
			return ERR_OK;
		rc = find_new(c, tids, FIND_ROOM, &nr, err);
		if (rc || !nr)
			return rc;
		if (c->follows && c->rings.nr) {
			/* A thread is seen in /proc a moment before the
			 * kernel reports its birth. */
			clock_sleep(BIRTH_NS);
			rc = learn_births(c, err);
		}
		for (unsigned i = 0; !rc && i < nr; i++)
			if (map_get(&c->known, (uint64_t)tids[i]) == MAP_NONE)
				rc = add_thread(c, tids[i], err);
	}
	return rc;
}

static void close_events(struct perf_clock *c)
{
	for (uint32_t i = 0; i < c->rings.nr; i++) {
		perf_ring_release(&c->rings.at[i].ring);
		munmap(c->rings.at[i].page, c->rings.at[i].map_size);
	}
	for (uint32_t i = 0; i < c->events.nr; i++)
		close(c->events.at[i].fd);
	c->rings.nr = 0;
	c->events.nr = 0;
	map_clear(&c->known);
}

static unsigned count_threads(pid_t pid)
{
	char text[32];
	unsigned long nr = 1;

	if (procfs_read_status(pid, "Threads", text, sizeof(text)))
		nr = strtoul(text, NULL, 10);
	return nr < THREADS_MAX ? (unsigned)nr : THREADS_MAX;
}

static int begin(struct perf_clock *c, struct err *err)
{
	int rc;

	fill_attr(c);
	rc = settle_attr(c, err);
	if (!rc)
		rc = add_new_threads(c, err);
	if (!rc && !c->events.nr)
		rc = err_set(err, ERR_GONE, "process %d has exited",
			     (int)c->pid);
	return rc;
}

static bool opts_make_sense(const struct perf_clock_opts *o)
{
	return o->rate_hz > 0 && o->rate_hz <= 1e6 &&
	       o->stack_size <= PERF_STACK_MAX && o->stack_size % 8 == 0;
}

static size_t wanted_ring_size(const struct perf_clock_opts *o)
{
	size_t size = o->chain ? RING_SIZE_CHAIN : RING_SIZE_PLAIN;

	if (o->waker)
		return RING_SIZE_WAKER;
	while (size < RING_SIZE_MAX && size < RING_STACKS * o->stack_size)
		size *= 2;
	return size;
}

int perf_clock_open(struct perf_clock **out, pid_t pid,
		    const struct perf_clock_opts *opts, struct err *err)
{
	struct perf_clock *c;
	int rc;

	*out = NULL;
	if (!opts_make_sense(opts))
		return err_set(err, ERR_USAGE,
			       "no such rate or stack size of perf samples");
	c = calloc(1, sizeof(*c));
	if (!c)
		return err_nomem(err);
	c->pid = pid;
	c->opts = *opts;
	c->shape.chain = opts->chain;
	c->shape.stack = opts->stack_size != 0;
	c->ring_size = wanted_ring_size(opts);
	c->stats.period_ns = (uint64_t)((double)CLOCK_SECOND_NS *
					PERIOD_STRETCH / opts->rate_hz);
	rc = read_cpus(c, err);
	c->follows = !opts->by_thread && c->cpus.nr <= FOLLOW_CPUS_MAX &&
		     count_threads(pid) * c->cpus.nr <= FOLLOW_EVENTS_MAX;
	if (!rc)
		rc = begin(c, err);
	if (rc == ERR_SYS && c->follows) {
		/* Too many open files, perhaps: get by with fewer. */
		close_events(c);
		c->follows = false;
		rc = begin(c, err);
	}
	if (rc) {
		perf_clock_close(c);
		return rc;
	}
	*out = c;
	return ERR_OK;
}

/*
 * Events of threads that ended are let go of, and their numbers are given to
 * others. A thread that ended before it could get one is asked for again here,
 * should it still be listed.
 */
static int forget_ended(struct perf_clock *c, struct err *err)
{
	map_clear(&c->known);
	for (uint32_t i = 0; i < c->events.nr; i++)
		if (!map_put(&c->known, (uint64_t)c->events.at[i].tid, 1))
			return err_nomem(err);
	return ERR_OK;
}

int perf_clock_update(struct perf_clock *c, struct err *err)
{
	int rc;

	if (c->follows)
		return ERR_OK;
	rc = forget_ended(c, err);
	return rc ? rc : add_new_threads(c, err);
}

static void close_event(struct perf_clock *c, int fd)
{
	for (uint32_t i = 0; i < c->events.nr; i++)
		if (c->events.at[i].fd == fd) {
			close(fd);
			c->events.at[i] = c->events.at[--c->events.nr];
			return;
		}
}

/* Let go of rings whose thread is gone and in which nothing is left. */
static void drop_ended(struct perf_clock *c)
{
	for (uint32_t i = c->rings.nr; c->rings.at && i-- > 0;) {
		struct mapped_ring *r = &c->rings.at[i];

		if (!r->over || r->ring.head != r->ring.tail)
			continue;
		c->stats.damaged += r->ring.damaged;
		perf_ring_release(&r->ring);
		munmap(r->page, r->map_size);
		close_event(c, r->fd);
		*r = c->rings.at[--c->rings.nr];
	}
}

static void note(struct perf_clock *c, struct mapped_ring *r,
		 const struct perf_record *record)
{
	switch (record->kind) {
	case PERF_RECORD_KIND_SAMPLE:
		c->stats.samples++;
		break;
	case PERF_RECORD_KIND_LOST:
		c->stats.lost += record->lost;
		break;
	case PERF_RECORD_KIND_THROTTLED:
		c->stats.throttled++;
		break;
	case PERF_RECORD_KIND_EXITED:
		if (record->tid == r->tid && r->cpu < 0)
			r->over = true;
		break;
	default:
		break;
	}
}

/* Without inherit_thread the kernel follows child processes, too. */
static bool is_wanted(const struct perf_clock *c,
		      const struct perf_record *record)
{
	return c->opts.children || record->pid == c->pid ||
	       record->kind == PERF_RECORD_KIND_LOST ||
	       record->kind == PERF_RECORD_KIND_THROTTLED;
}

/* The ring whose next record is the oldest; NULL: all are empty. */
static struct mapped_ring *oldest(struct perf_clock *c)
{
	struct mapped_ring *best = NULL;

	for (uint32_t i = 0; i < c->rings.nr; i++) {
		struct mapped_ring *r = &c->rings.at[i];

		if (perf_ring_peek(&r->ring, &c->shape) &&
		    (!best ||
		     r->ring.record.time_ns < best->ring.record.time_ns))
			best = r;
	}
	return best;
}

static void take(struct mapped_ring *r)
{
	perf_ring_take(&r->ring);
	__atomic_store_n(&r->page->data_tail, r->ring.tail, __ATOMIC_RELEASE);
}

bool perf_clock_next(struct perf_clock *c, struct perf_record *out)
{
	struct mapped_ring *r;

	if (c->handed_out)
		take(&c->rings.at[c->last]);
	c->handed_out = false;
	if (!c->in_row)
		read_heads(c);
	c->in_row = true;
	while ((r = oldest(c))) {
		note(c, r, &r->ring.record);
		if (is_wanted(c, &r->ring.record)) {
			*out = r->ring.record;
			c->last = (uint32_t)(r - c->rings.at);
			c->handed_out = true;
			return true;
		}
		take(r);
	}
	/* What was damaged is behind the tail now as well. */
	for (r = c->rings.at; r && r < c->rings.at + c->rings.nr; r++)
		take(r);
	c->in_row = false;
	drop_ended(c);
	return false;
}

uint64_t perf_clock_fills_ns(const struct perf_clock *c)
{
	uint64_t sample = SAMPLE_SIZE;

	if (c->opts.stack_size)
		sample += SAMPLE_SIZE_STACK + c->opts.stack_size;
	if (c->opts.chain)
		sample += SAMPLE_SIZE_CHAIN;
	return c->ring_size / sample * c->stats.period_ns;
}

void perf_clock_stats(const struct perf_clock *c, struct perf_clock_stats *out)
{
	*out = c->stats;
	out->events = c->events.nr;
	out->rings = c->rings.nr;
	out->ring_size = c->ring_size;
	out->follows = c->follows;
	for (uint32_t i = 0; i < c->rings.nr; i++)
		out->damaged += c->rings.at[i].ring.damaged;
}

void perf_clock_close(struct perf_clock *c)
{
	if (!c)
		return;
	close_events(c);
	vec_release(&c->events);
	vec_release(&c->rings);
	vec_release(&c->cpus);
	map_release(&c->known);
	free(c);
}
