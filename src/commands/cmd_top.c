/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands/attachment.h"
#include "commands/command.h"
#include "commands/recording.h"
#include "commands/show.h"
#include "commands/target_line.h"
#include "commands/top_json.h"
#include "commands/top_live.h"
#include "commands/top_target.h"
#include "os/clock.h"
#include "os/screen.h"
#include "os/signals.h"
#include "os/terminal.h"

#define INTERVAL_NS CLOCK_SECOND_NS
#define INTERVAL_MIN_NS (100 * CLOCK_MS_NS)
#define WINDOW_NS (5 * CLOCK_SECOND_NS)
#define WINDOW_MIN_NS (500 * CLOCK_MS_NS)

/* Rows of each table where all of them are printed. */
#define SNAPSHOT_ROWS 10
#define LAST_ROWS 5

struct top_opts {
	struct common_opts common;
	struct target_choice target;
	const char *sort;
	uint64_t interval_ns, window_ns;
	double rate_hz;
	bool alone, once, json;
};

static const struct opt top_opt[] = {
	OPT_TARGET('m', "module", "MODULE", struct top_opts, target.module,
		   "start a module; the rest is its arguments"),
	OPT_TARGET('c', "code", "CODE", struct top_opts, target.code,
		   "start code; the rest is its arguments"),
	OPT_TIME('i', "interval", "TIME", struct top_opts, interval_ns,
		 "between two pictures: 500ms, 2 (default 1s)"),
	OPT_TIME('w', "window", "TIME", struct top_opts, window_ns,
		 "what a picture shows: the last so many (default 5s)"),
	OPT_CHOICE('s', "sort", "BY", "self,total,name", struct top_opts, sort,
		   "self, total or name (key s)"),
	OPT_RATE('r', "rate", "HZ", struct top_opts, rate_hz,
		 "looks a second (default 1000)"),
	OPT_FLAG(0, "once", struct top_opts, once,
		 "print one picture after an interval"),
	OPT_FLAG(0, "json", struct top_opts, json,
		 "the same as JSON (tare.top/1)"),
	OPT_STR(0, "python", "PROGRAM", struct top_opts, target.python,
		"interpreter (else TARE_PYTHON, venv, PATH)"),
	OPT_FLAG(0, "no-children", struct top_opts, alone,
		 "leave out the processes that it starts"),
	OPT_COMMON(struct top_opts),
	OPT_LAST(),
};

/* ---- what was asked for ------------------------------------------------- */

static bool is_number(const char *word)
{
	return *word && word[strspn(word, "0123456789")] == '\0';
}

/* A number is a process, unless "--" stands before it. */
static bool wants_process(const struct invocation *inv)
{
	const struct top_opts *opts = inv->opts;

	return !opts->target.module && !opts->target.code && inv->words.argc &&
	       !inv->words.dashes && is_number(inv->words.argv[0]);
}

static int check_opts(struct top_opts *opts, struct err *err)
{
	const struct recording_opts rate = { .rate_hz = opts->rate_hz };

	opts->interval_ns = opts->interval_ns ? opts->interval_ns : INTERVAL_NS;
	opts->window_ns = opts->window_ns ? opts->window_ns : WINDOW_NS;
	if (opts->interval_ns < INTERVAL_MIN_NS) {
		err_set(err, ERR_USAGE, "nobody reads so fast");
		err_hint(err, "--interval 100ms");
		return err->code;
	}
	if (opts->window_ns < WINDOW_MIN_NS) {
		err_set(err, ERR_USAGE, "a window so short has no samples");
		err_hint(err, "--window 500ms");
		return err->code;
	}
	return recording_check(&rate, err);
}

/* After a process number, options are still tare's. */
static int parse_rest(struct invocation *inv, struct err *err)
{
	struct opt_rest rest;
	int rc = opt_parse(top_opt, inv->opts, false, inv->words.argc - 1,
			   inv->words.argv + 1, &rest, err);

	if (rc == ERR_OK && rest.argc)
		rc = err_set(err, ERR_USAGE, "'%s' is one word too many",
			     rest.argv[0]);
	return rc;
}

static void init(struct top_watch *w, struct top_choice *c,
		 const struct top_opts *opts)
{
	unsigned order = 0;

	memset(w, 0, sizeof(*w));
	w->window_ns = opts->window_ns;
	w->sampling.rate_hz =
		opts->rate_hz > 0 ? opts->rate_hz : RECORDING_RATE_HZ;
	w->sampling.children = !opts->alone;
	w->sampling.gil = true;
	w->sampling.no_native = true; /* no view has a place for it */
	if (opts->sort)
		order = top_order_find(TOP_FUNCTIONS, opts->sort);
	*c = (struct top_choice){
		.thread = TOP_ALL_THREADS,
		.order = { [TOP_FUNCTIONS] = order, [TOP_LINES] = order },
	};
}

static bool wants_colour(const struct invocation *inv, int fd)
{
	const struct common_opts *common = inv->opts;

	return terminal_colour(fd, common->colour);
}

/* ---- pictures on paper -------------------------------------------------- */

static int add_picture(struct buf *out, const struct invocation *inv, int fd,
		       const struct top_watch *w, const struct top_choice *c,
		       unsigned rows, struct err *err)
{
	const struct top_opts *opts = inv->opts;
	struct render_opts how;
	struct top_picture pic;
	int rc = top_picture_make(&pic, w, c, true, err);

	if (rc)
		return rc;
	show_render_opts(inv, fd, &how);
	rc = opts->json ? top_json(out, &pic.data, err)
			: top_snapshot(out, &pic.data, c, how.width, how.colour,
				       rows, err);
	top_picture_release(&pic);
	return rc;
}

static int print_once(struct invocation *inv, struct top_watch *w,
		      const struct top_choice *c, struct err *err)
{
	const struct top_opts *opts = inv->opts;
	struct top_choice all = *c;
	struct buf out = { 0 };
	enum sample_end why;
	int rc;

	/* All of the one interval, which the window may be shorter than. */
	all.all = true;
	rc = sampler_run(w->sampler, clock_now_ns() + opts->interval_ns, &why,
			 err);
	if (rc == ERR_OK)
		rc = top_watch_step(w, err);
	if (rc == ERR_OK)
		rc = add_picture(&out, inv, STDOUT_FILENO, w, &all,
				 SNAPSHOT_ROWS, err);
	if (rc == ERR_OK)
		rc = show_stdout(inv, &out, err);
	buf_release(&out);
	return rc;
}

/* The last picture, as the screen is gone: all there was to see. */
static void add_last(struct buf *out, const struct invocation *inv, int fd,
		     const struct top_watch *w, const struct top_choice *c)
{
	struct top_choice last = *c;
	struct err err;

	last.all = true;
	last.paused = false;
	last.thread = TOP_ALL_THREADS;
	if (w->profile->tick_nr)
		add_picture(out, inv, fd, w, &last, LAST_ROWS, &err);
}

/* ---- a process that runs ------------------------------------------------ */

static int live_process(struct invocation *inv, struct top_watch *w,
			struct top_choice *c, int fd, struct err *err)
{
	const struct top_opts *opts = inv->opts;
	struct buf out = { 0 };
	enum top_end end;
	int rc;

	rc = top_live(w, c, fd, wants_colour(inv, fd), opts->interval_ns, &end,
		      err);
	if (rc)
		return rc;
	if (end == TOP_GONE) {
		add_last(&out, inv, STDOUT_FILENO, w, c);
		buf_printf(&out, "\nprocess %d has ended\n", (int)w->pid);
		buf_add_str(&out, "next: tare run script.py\n");
	} else {
		buf_printf(&out, "next: tare attach %d -d 10\n", (int)w->pid);
	}
	rc = show_stdout(inv, &out, err);
	buf_release(&out);
	return rc;
}

static int watch_process(struct invocation *inv, struct top_watch *w,
			 struct top_choice *c, struct err *err)
{
	const struct top_opts *opts = inv->opts;
	bool live = !opts->once && !opts->json && terminal_is(STDOUT_FILENO);
	int fd = live ? screen_terminal() : -1;
	int rc = ERR_OK;

	if (live)
		rc = screen_check(fd, err);
	if (rc != ERR_OK) {
		err_hint(err, "tare attach %d -d 10", (int)w->pid);
		close(fd);
		return rc;
	}
	w->sampling.stop = signals_catch_stop();
	rc = top_watch_begin(w, NULL, true, err);
	if (rc == ERR_OK)
		rc = live ? live_process(inv, w, c, fd, err)
			  : print_once(inv, w, c, err);
	signals_release();
	if (fd >= 0)
		close(fd);
	return rc;
}

static int process_run(struct invocation *inv, struct err *err)
{
	struct top_watch w;
	struct top_choice c;
	int pid = 0, rc = parse_rest(inv, err);

	if (rc == ERR_OK)
		rc = check_opts(inv->opts, err);
	if (rc == ERR_OK)
		rc = command_parse_pid(inv->words.argv[0], &pid, err);
	if (rc == ERR_OK)
		rc = attachment_check(pid, err);
	if (rc != ERR_OK)
		return rc;
	init(&w, &c, inv->opts);
	w.pid = pid;
	rc = watch_process(inv, &w, &c, err);
	top_watch_end(&w);
	return rc;
}

/* ---- a program to be started -------------------------------------------- */

static void tell_quit(const struct top_target *t)
{
	struct buf out = { 0 };

	buf_printf(&out, "process %d runs on; tare waits for it\n",
		   (int)t->held.pid);
	show_stderr(&out);
	buf_release(&out);
}

static void tell_end(const struct invocation *inv, const struct top_watch *w,
		     const struct top_choice *c, struct top_target *t,
		     enum top_end seen)
{
	struct buf out = { 0 };
	char end[16];

	if (seen == TOP_GONE)
		add_last(&out, inv, STDERR_FILENO, w, c);
	child_end_text(&inv->end, end);
	buf_printf(&out, "\nended with %s%s\n",
		   inv->end.kind == CHILD_EXITED ? "status " : "", end);
	top_target_tell(t, &out);
	if (w->profile) {
		buf_add_str(&out, "next: tare run -- ");
		buf_add_str(&out, profile_meta(w->profile, META_COMMAND));
		buf_add_char(&out, '\n');
	}
	show_stderr(&out);
	buf_release(&out);
}

/*
 * From here on the target runs, so from here on nothing fails: what goes wrong
 * is told, and tare ends as the target does.
 */
static void watch_target(struct invocation *inv, struct top_watch *w,
			 struct top_target *t, const struct target_line *line,
			 int fd)
{
	const struct top_opts *opts = inv->opts;
	enum top_end seen = TOP_STOPPED;
	struct err err = { 0 };
	struct top_choice c;
	int rc;

	init(w, &c, opts);
	w->pid = t->held.pid;
	w->sampling.fresh = true;
	rc = top_watch_begin(w, line->at, false, &err);
	if (rc == ERR_OK)
		rc = top_live(w, &c, fd, wants_colour(inv, fd),
			      opts->interval_ns, &seen, &err);
	if (rc != ERR_OK && rc != ERR_GONE)
		show_note(&err);
	sampler_close(w->sampler);
	w->sampler = NULL;
	if (rc == ERR_OK && seen != TOP_GONE)
		tell_quit(t);
	if (child_reap(t->held.pid, &inv->end, &err) != ERR_OK) {
		/* Cannot happen to a child of ours that nobody else reaps. */
		inv->end.kind = CHILD_EXITED;
		inv->end.code = 125;
		show_error(&err);
	}
	signals_release();
	tell_end(inv, w, &c, t, seen);
}

static int find_terminal(const struct top_opts *opts, int *fd, struct err *err)
{
	int rc;

	if (opts->once || opts->json) {
		err_set(err, ERR_USAGE,
			"one picture is taken of a process that runs already");
		err_hint(err, "tare run script.py");
		return err->code;
	}
	*fd = screen_terminal();
	if (*fd < 0)
		rc = err_set(err, ERR_UNSUPPORTED,
			     "there is no terminal to show it on");
	else
		rc = screen_check(*fd, err);
	if (rc != ERR_OK)
		err_hint(err, "tare run script.py");
	return rc;
}

static int target_run(struct invocation *inv, struct err *err)
{
	struct top_opts *opts = inv->opts;
	struct target_line line = { 0 };
	struct top_target t = { 0 };
	struct top_watch w = { 0 };
	int fd = -1, rc;

	inv->starts_target = true;
	rc = check_opts(opts, err);
	if (rc == ERR_OK)
		rc = find_terminal(opts, &fd, err);
	if (rc == ERR_OK)
		rc = target_line_make(&line, "top", &opts->target, &inv->words,
				      err);
	if (rc == ERR_OK)
		rc = top_target_start(&t, &line, fd, err);
	if (rc == ERR_OK)
		watch_target(inv, &w, &t, &line, fd);
	top_watch_end(&w);
	top_target_release(&t);
	target_line_release(&line);
	if (fd >= 0)
		close(fd);
	return rc;
}

static int top_run(struct invocation *inv, struct err *err)
{
	const struct top_opts *opts = inv->opts;

	if (!inv->words.argc && !opts->target.module && !opts->target.code)
		return err_set(err, ERR_USAGE,
			       "which process, or which program?");
	return wants_process(inv) ? process_run(inv, err)
				  : target_run(inv, err);
}

const struct command command_top = {
	.verb = {
		.name = "top",
		.summary = "watch a process live: what it does now",
		.usage = "top [options] PID\n"
			 "top [options] SCRIPT.py | -m MODULE | -c CODE "
			 "[ARGUMENTS]\n"
			 "top [options] -- PROGRAM [ARGUMENTS]",
		.examples = "tare top \"$(pgrep -n -f server.py)\"\n"
			    "tare top --once 4711 | head -3\n"
			    "tare top --window 30s script.py >output.txt",
		.words = "pids",
		.opts = top_opt,
	},
	.opts_size = sizeof(struct top_opts),
	.flags = COMMAND_MAY_START_TARGET,
	.run = top_run,
};
