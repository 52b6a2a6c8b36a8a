/* SPDX-License-Identifier: MIT */
#include "timing/once.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "os/child.h"
#include "os/clock.h"
#include "os/cost.h"
#include "os/signals.h"

/* A signal may come between the look at the flag and the sleep. */
#define TURN_MS 200
/* Without a descriptor for the end (kernel before 5.3). */
#define BLIND_TURN_MS 1
/* What a program gets to tidy up when the user has had enough. */
#define GRACE_NS CLOCK_SECOND_NS
/* So that a program that writes a lot need not wait for tare each time. */
#define PIPE_SIZE (1 << 20)

/* Something that the program writes to and tare reads. */
struct sink {
	int fd;
	struct buf *keep; /* NULL: only counted */
	size_t most;
	bool tail; /* keep the end instead of the beginning */
	uint64_t nr;
};

enum {
	SINK_OUT,
	SINK_ERR,
	SINK_RECORD,
	SINK_NR
};

struct watch {
	struct sink sinks[SINK_NR];
	pid_t pid;
	int end_fd;
	bool group;
	uint64_t begin_ns, end_ns;
	uint64_t asked_to_stop_ns; /* 0: not asked */
	bool killed;
};

static void keep(struct sink *s, const char *data, size_t size)
{
	struct buf *b = s->keep;

	s->nr += size;
	if (!b)
		return;
	if (!s->tail) {
		if (b->size < s->most)
			buf_add(b, data,
				size < s->most - b->size ? size
							 : s->most - b->size);
		return;
	}
	buf_add(b, data, size);
	if (b->size > s->most && !b->failed) {
		size_t extra = b->size - s->most;

		memmove(b->data, b->data + extra, s->most + 1);
		b->size = s->most;
	}
}

/* Take what is there; closes at the end. */
static void drain(struct sink *s)
{
	char data[65536];

	while (s->fd >= 0) {
		ssize_t nr = read(s->fd, data, sizeof(data));

		if (nr > 0) {
			keep(s, data, (size_t)nr);
			continue;
		}
		if (nr < 0 && errno == EINTR)
			continue;
		if (nr < 0 && errno == EAGAIN)
			return;
		close(s->fd);
		s->fd = -1;
	}
}

static void signal_all(const struct watch *w, int sig)
{
	if (!w->group || kill(-w->pid, sig) < 0)
		kill(w->pid, sig);
}

/* The user wants to stop: ask first, insist after a while. */
static void end_it(struct watch *w)
{
	uint64_t now = clock_now_ns();

	if (!w->asked_to_stop_ns) {
		w->asked_to_stop_ns = now;
		signal_all(w, SIGTERM);
		signal_all(w, SIGCONT);
	} else if (!w->killed && now - w->asked_to_stop_ns > GRACE_NS) {
		w->killed = true;
		signal_all(w, SIGKILL);
	}
}

/* Until the program is over; its output is read meanwhile. */
static void follow(struct watch *w, const volatile bool *stop)
{
	struct pollfd pfd[SINK_NR + 1];
	int turn = w->end_fd >= 0 ? TURN_MS : BLIND_TURN_MS;

	for (;;) {
		for (int i = 0; i < SINK_NR; i++)
			pfd[i] = (struct pollfd){ .fd = w->sinks[i].fd,
						  .events = POLLIN };
		pfd[SINK_NR] =
			(struct pollfd){ .fd = w->end_fd, .events = POLLIN };
		if (stop && *stop)
			end_it(w);
		poll(pfd, SINK_NR + 1, turn);
		w->end_ns = clock_now_ns();
		if (w->end_fd >= 0 ? pfd[SINK_NR].revents != 0
				   : pid_ended(w->pid))
			break;
		for (int i = 0; i < SINK_NR; i++)
			drain(&w->sinks[i]);
	}
	for (int i = 0; i < SINK_NR; i++)
		drain(&w->sinks[i]);
	/* Whatever it left behind in its group is no longer wanted either. */
	if (w->asked_to_stop_ns && w->group)
		kill(-w->pid, SIGKILL);
}

static int make_pipe(int *reader, int *writer, struct err *err)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_sys(err, "cannot make a pipe");
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	fcntl(fds[1], F_SETPIPE_SZ, PIPE_SIZE);
	*reader = fds[0];
	*writer = fds[1];
	return ERR_OK;
}

static int open_input(const char *path, int *fd, struct err *err)
{
	*fd = open(path ? path : "/dev/null", O_RDONLY | O_CLOEXEC);
	if (*fd >= 0)
		return ERR_OK;
	return err_sys(err, "cannot read '%s'", path ? path : "/dev/null");
}

static int prepare(const struct once_opts *opts, struct watch *w,
		   struct child_setup *setup, struct err *err)
{
	int rc;

	*setup = (struct child_setup){ .stdio = { -1, -1, -1 },
				       .kept_fd = opts->kept_fd,
				       .own_group = !opts->transparent };
	w->group = setup->own_group;
	if (opts->transparent && !opts->input)
		return ERR_OK;
	rc = open_input(opts->input, &setup->stdio[0], err);
	if (rc != ERR_OK || opts->show_output || opts->transparent)
		return rc;
	/* Not /dev/null: some programs see that and skip their work. */
	rc = make_pipe(&w->sinks[SINK_OUT].fd, &setup->stdio[1], err);
	if (rc == ERR_OK)
		rc = make_pipe(&w->sinks[SINK_ERR].fd, &setup->stdio[2], err);
	return rc;
}

static void close_setup(struct child_setup *setup)
{
	for (int i = 0; i < 3; i++)
		if (setup->stdio[i] >= 0)
			close(setup->stdio[i]);
}

static int start(const struct once_opts *opts, struct watch *w,
		 struct cost *before, struct err *err)
{
	struct child_setup setup;
	struct child_held held = { 0 };
	int rc;

	rc = prepare(opts, w, &setup, err);
	if (rc == ERR_OK)
		rc = child_hold_as(&held, opts->argv, &setup, err);
	close_setup(&setup);
	if (rc != ERR_OK)
		return rc;
	if (opts->transparent)
		signals_watch_target(held.pid);
	cost_before(held.pid, before);
	w->pid = held.pid;
	w->end_fd = child_open_end(held.pid);
	w->begin_ns = clock_now_ns();
	rc = child_release(&held, err);
	if (rc != ERR_OK && opts->transparent)
		signals_release();
	return rc;
}

static void fill(struct timing_run *run, const struct watch *w,
		 const struct cost *cost, const struct child_end *end)
{
	run->wall_s = (double)(w->end_ns - w->begin_ns) / 1e9;
	run->user_s = (double)cost->user_ns / 1e9;
	run->sys_s = (double)cost->sys_ns / 1e9;
	run->cpu_s = (double)(cost->user_ns + cost->sys_ns) / 1e9;
	run->peak_bytes = cost->peak_bytes;
	run->floor_bytes = cost->floor_bytes;
	run->minor_faults = cost->minor_faults;
	run->major_faults = cost->major_faults;
	run->voluntary = cost->voluntary;
	run->involuntary = cost->involuntary;
	run->io_known = cost->io_known;
	run->read_bytes = cost->read_bytes;
	run->written_bytes = cost->written_bytes;
	run->disk_read_bytes = cost->disk_read_bytes;
	run->disk_written_bytes = cost->disk_written_bytes;
	run->output_bytes = w->sinks[SINK_OUT].nr;
	run->killed = end->kind == CHILD_KILLED;
	run->code = end->code;
}

static void watch_init(struct watch *w, const struct once_opts *opts,
		       struct once_result *out)
{
	memset(w, 0, sizeof(*w));
	w->end_fd = -1;
	w->sinks[SINK_OUT].fd = -1;
	w->sinks[SINK_ERR] = (struct sink){ .fd = -1,
					    .keep = &out->said,
					    .most = ONCE_SAID_MOST,
					    .tail = true };
	w->sinks[SINK_RECORD] = (struct sink){ .fd = opts->record_fd,
					       .keep = &out->record,
					       .most = ONCE_RECORD_MOST };
}

int once_run(const struct once_opts *opts, struct once_result *out,
	     struct err *err)
{
	struct child_end end = { 0 };
	struct cost before, cost = { 0 };
	struct watch w;
	int rc;

	watch_init(&w, opts, out);
	memset(&out->run, 0, sizeof(out->run));
	out->stopped = false;
	buf_clear(&out->said);
	buf_clear(&out->record);
	rc = start(opts, &w, &before, err);
	if (rc == ERR_OK) {
		follow(&w, opts->transparent ? NULL : opts->stop);
		rc = child_reap_cost(w.pid, &before, &end, &cost, err);
		fill(&out->run, &w, &cost, &end);
		out->stopped = w.asked_to_stop_ns != 0;
		if (opts->transparent)
			signals_release();
	}
	if (w.end_fd >= 0)
		close(w.end_fd);
	/* The reading end of the record is ours from the call on. */
	for (int i = 0; i < SINK_NR; i++)
		if (w.sinks[i].fd >= 0)
			close(w.sinks[i].fd);
	return rc;
}

void once_release(struct once_result *r)
{
	buf_release(&r->said);
	buf_release(&r->record);
}
