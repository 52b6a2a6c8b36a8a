/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/opt_value.h"
#include "commands/command.h"
#include "commands/show.h"
#include "commands/time_subject.h"
#include "export/export_time.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/signals.h"
#include "os/terminal.h"
#include "render/digits.h"
#include "render/report_time.h"
#include "timing/series.h"

#define LIMIT_SINGLE_NS (30 * CLOCK_SECOND_NS)
#define LIMIT_CONTEST_NS (60 * CLOCK_SECOND_NS)
/* What is over sooner needs no bar; what goes on redraws it so often. */
#define BAR_AFTER_NS (CLOCK_SECOND_NS / 2)
#define BAR_TURN_NS (CLOCK_SECOND_NS / 10)
#define BAR_WIDTH 24

static const struct opt time_opt[] = {
	OPT_STR('n', "runs", "N", struct time_opts, runs,
		"so many of each (else until 95 % intervals are \xc2\xb1 1 %)"),
	OPT_STR('w', "warmup", "N", struct time_opts, warmups,
		"runs before that, shown apart (default 1)"),
	OPT_TIME('t', "max-time", "TIME", struct time_opts, limit_ns,
		 "stop measuring then (default 30s, comparing 60s)"),
	OPT_STR('s', "setup", "CODE", struct time_opts, setup,
		"Python that runs once before an expression"),
	OPT_STR(0, "python", "PROGRAM", struct time_opts, python,
		"interpreter (else TARE_PYTHON, venv, PATH)"),
	OPT_STR('p', "prepare", "COMMAND", struct time_opts, prepare,
		"for sh, before each run of a command; not timed"),
	OPT_STR(0, "input", "FILE", struct time_opts, input,
		"stdin of each run (else nothing)"),
	OPT_FLAG(0, "show-output", struct time_opts, show_output,
		 "let output through, as with --runs 1"),
	OPT_FLAG('i', "ignore-failure", struct time_opts, ignore_failure,
		 "go on when a run fails, and end with 0"),
	OPT_STR('o', "output", "FILE", struct time_opts, output,
		"the report goes there"),
	OPT_FLAG(0, "json", struct time_opts, json, "every run and figure"),
	OPT_FLAG(0, "markdown", struct time_opts, markdown, "a table"),
	OPT_COMMON(struct time_opts),
	OPT_LAST(),
};

struct progress {
	struct time_job *job;
	uint64_t begin_ns, shown_ns;
	double part;
	bool quiet;
};

static void draw(struct progress *p)
{
	const struct timing_subject *s = &p->job->timing.subjects.at[0];
	char line[200], time[DIGITS_SIZE] = "";
	size_t at = 0;
	int full = (int)(p->part * BAR_WIDTH + 0.5);
	uint64_t now = clock_now_ns();

	if (p->quiet || now - p->begin_ns < BAR_AFTER_NS ||
	    now - p->shown_ns < BAR_TURN_NS)
		return;
	p->shown_ns = now;
	for (int i = 0; i < BAR_WIDTH; i++) {
		const char *piece = i < full ? "\xe2\x96\x88" : "\xe2\x96\x91";

		memcpy(line + at, piece, 3);
		at += 3;
	}
	if (s->runs.nr)
		digits_seconds(time, s->runs.at[s->runs.nr - 1].wall_s);
	snprintf(line + at, sizeof(line) - at, " %3.0f %%  %u runs%s%s",
		 p->part * 100, s->runs.nr, *time ? ", " : "", time);
	show_progress(line);
}

static int run_one(void *arg, uint32_t subject, struct timing_run *out,
		   bool *stopped, struct err *err)
{
	struct progress *p = arg;

	draw(p);
	return time_job_run(p->job, subject, out, stopped, err);
}

static void note_part(void *arg, double part)
{
	((struct progress *)arg)->part = part;
}

static int read_count(const char *text, const char *name, uint32_t *nr,
		      bool *given, struct err *err)
{
	*given = text != NULL;
	if (!text || opt_value_count(text, nr))
		return ERR_OK;
	return err_set(err, ERR_USAGE, "--%s takes a whole number, not '%s'",
		       name, text);
}

static int measure(struct time_job *job, struct err *err)
{
	static const volatile bool never;
	const struct time_opts *opts = job->opts;
	struct progress progress = { .job = job, .begin_ns = clock_now_ns() };
	struct series_ops ops = { run_one, note_part };
	struct series_opts series = {
		.run_nr = opts->run_nr,
		.warmup_nr = opts->warmup_given ? opts->warmup_nr
						: opts->run_nr != 1,
		.limit_ns = opts->limit_ns,
		.limit_asked = opts->limit_ns != 0,
		.ignore_failure = opts->ignore_failure,
		.seed = clock_now_ns() ^ (uint64_t)getpid() << 40,
	};
	int rc;

	/* The first process finds out how many executions make a batch. */
	if (job->timing.expressions && !series.warmup_nr)
		series.warmup_nr = 1;
	if (!series.limit_ns)
		series.limit_ns = job->timing.contests.nr ? LIMIT_CONTEST_NS
							  : LIMIT_SINGLE_NS;
	progress.quiet = job->transparent || opts->show_output;
	job->stop = job->transparent ? &never : signals_catch_stop();
	series.stop = job->stop;
	rc = series_measure(&job->timing, &series, &ops, &progress, err);
	if (!progress.quiet)
		show_progress("");
	return rc;
}

static void hint_at_command(const struct time_job *job, struct err *note)
{
	const char *code = job->subjects[0].code;
	char word[256], path[4096];
	size_t size = code ? strcspn(code, " ") : 0;

	if (!code || !size || size >= sizeof(word))
		return;
	memcpy(word, code, size);
	word[size] = '\0';
	if (program_find(word, path, sizeof(path)))
		err_hint(note, "tare time -- %s", code);
}

/* What a run that failed had to say, and that it failed. */
static void show_failure(struct time_job *job)
{
	const struct timing_run *run = &job->result.run;
	bool pair = job->timing.subjects.nr > 1 && !job->timing.expressions;
	struct err note;

	if (job->result.said.size)
		show_stderr(&job->result.said);
	err_set(&note, ERR_NO, "%s%s ended with %s %d",
		job->timing.expressions ? "the expression" : "the command",
		!pair		   ? ""
		: job->latest == 0 ? " A"
				   : " B",
		run->killed ? "signal" : "status", run->code);
	if (job->timing.expressions)
		hint_at_command(job, &note);
	else
		err_hint(&note, "--ignore-failure to measure it all the same");
	show_note(&note);
}

/* How tare is to end: as the run that failed or the signal that stopped it. */
static void set_end(struct invocation *inv, struct time_job *job)
{
	const struct timing_run *run = &job->result.run;

	if (job->timing.end == TIMING_STOPPED) {
		inv->end.kind = CHILD_KILLED;
		inv->end.code = signals_stopped_by();
	} else if (job->timing.end == TIMING_FAILED || job->transparent) {
		inv->end.kind = run->killed ? CHILD_KILLED : CHILD_EXITED;
		inv->end.code = run->code;
	}
}

static bool any_run(const struct timing *t)
{
	for (uint32_t i = 0; i < t->subjects.nr; i++)
		if (!t->subjects.at[i].runs.nr)
			return false;
	return true;
}

static int show(struct invocation *inv, const struct time_job *job,
		struct err *err)
{
	const struct time_opts *opts = job->opts;
	bool to_stderr = job->transparent || opts->show_output;
	struct render_opts render;
	struct buf out = { 0 };
	int rc = ERR_OK;

	show_render_opts(inv, to_stderr ? STDERR_FILENO : STDOUT_FILENO,
			 &render);
	if (opts->output)
		render = (struct render_opts){ .width = 80 };
	if (opts->json)
		rc = export_time(&out, &job->timing, err);
	else if (any_run(&job->timing) && opts->markdown)
		rc = render_time_markdown(&out, &job->timing, err);
	else if (any_run(&job->timing))
		rc = render_time(&out, &job->timing, &render, err);
	if (rc == ERR_OK && opts->output)
		rc = file_save(opts->output, false, buf_str(&out), out.size,
			       err);
	else if (rc == ERR_OK && to_stderr)
		show_stderr(&out);
	else if (rc == ERR_OK)
		rc = show_stdout(inv, &out, err);
	buf_release(&out);
	return rc;
}

/* Better said now than after a minute of measuring. */
static int check_output(const char *path, struct err *err)
{
	struct stat st;

	if (!path || stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return ERR_OK;
	err_set(err, ERR_EXISTS, "'%s' is there already", path);
	err_hint(err, "rm %s", path);
	return err->code;
}

static int run_time(struct invocation *inv, struct err *err)
{
	struct time_opts *opts = inv->opts;
	struct time_job job;
	int rc;

	rc = read_count(opts->runs, "runs", &opts->run_nr, &opts->run_given,
			err);
	if (rc == ERR_OK)
		rc = read_count(opts->warmups, "warmup", &opts->warmup_nr,
				&opts->warmup_given, err);
	if (rc != ERR_OK)
		return rc;
	rc = check_output(opts->output, err);
	if (rc != ERR_OK)
		return rc;
	rc = time_job_init(&job, opts, &inv->words, err);
	if (rc == ERR_OK)
		rc = measure(&job, err);
	if (rc == ERR_OK) {
		if (job.timing.end == TIMING_FAILED && !job.transparent)
			show_failure(&job);
		set_end(inv, &job);
		rc = show(inv, &job, err);
	}
	signals_release();
	time_job_release(&job);
	return rc;
}

const struct command command_time = {
	.verb = {
		.name = "time",
		.summary = "time commands or expressions, and compare two",
		.usage = "time [options] -- COMMAND ... [-- COMMAND ...]\n"
			 "time [options] 'EXPRESSION' ['EXPRESSION']",
		.examples =
			"tare time --runs 1 -- make        as time(1) does\n"
			"tare time -- python3 old.py -- python3 new.py\n"
			"tare time 'x*x' 'x**2' --setup 'x = 7'",
		.words = "files",
		.opts = time_opt,
	},
	.opts_size = sizeof(struct time_opts),
	.flags = COMMAND_STARTS_TARGET | COMMAND_WORDS_MIXED,
	.run = run_time,
};
