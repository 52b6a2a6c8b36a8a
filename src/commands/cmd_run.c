/* SPDX-License-Identifier: MIT */

#include "commands/command.h"
#include "commands/recording.h"
#include "commands/show.h"
#include "commands/target_line.h"
#include "os/child.h"
#include "os/signals.h"

struct run_opts {
	struct common_opts common;
	struct recording_opts recording;
	struct recording_show show;
	struct target_choice target;
};

static const struct opt run_opt[] = {
	OPT_TARGET('m', "module", "MODULE", struct run_opts, target.module,
		   "run a module; the rest is its arguments"),
	OPT_TARGET('c', "code", "CODE", struct run_opts, target.code,
		   "run code; the rest is its arguments"),
	OPT_RATE('r', "rate", "HZ", struct run_opts, recording.rate_hz,
		 "looks a second: 100, 10kHz (default 1000)"),
	OPT_STR('o', "output", "FILE", struct run_opts, recording.output,
		"the recording; %p is the process, %h the host"),
	OPT_FLAG('f', "force", struct run_opts, recording.force,
		 "replace a file that exists"),
	OPT_LIST('e', "expect", "FUNC=60%", struct run_opts, recording.expect,
		 "write down a guess, have it answered; repeatable"),
	OPT_STR(0, "python", "PROGRAM", struct run_opts, target.python,
		"interpreter (else TARE_PYTHON, venv, PATH)"),
	OPT_FLAG(0, "exact-stacks", struct run_opts, recording.exact,
		 "stop the target for every look; slower, no torn stacks"),
	OPT_FLAG(0, "no-children", struct run_opts, recording.alone,
		 "leave out the processes that it starts"),
	OPT_FLAG(0, "native", struct run_opts, recording.native,
		 "stacks of native code, merged with Python's"),
	OPT_FLAG(0, "no-native", struct run_opts, recording.no_native,
		 "do not tell native code apart"),
	OPT_FLAG(0, "json", struct run_opts, show.json,
		 "the report as JSON, on stderr"),
	OPT_FLAG(0, "no-report", struct run_opts, show.no_report,
		 "only write the file"),
	OPT_FLAG('q', "quiet", struct run_opts, show.quiet,
		 "print nothing but failures"),
	OPT_COMMON(struct run_opts),
	OPT_LAST(),
};

/*
 * From here on the target runs, so from here on nothing fails: what goes
 * wrong is told at the end, and tare ends as the target does.
 */
static void watch(struct recording *r, pid_t pid, const struct cost *before,
		  struct child_end *end)
{
	struct cost cost;
	struct err err = { 0 };
	char text[16];

	recording_follow(r, pid);
	if (child_reap_cost(pid, before, end, &cost, &err) != ERR_OK) {
		/* Cannot happen to a child of ours that nobody else reaps. */
		end->kind = CHILD_EXITED;
		end->code = 125;
		show_error(&err);
	}
	recording_note_cost(r, &cost);
	child_end_text(end, text);
	profile_set_meta(r->profile, META_EXIT, text);
}

static int start(struct recording *r, const struct run_opts *opts,
		 const struct target_line *line, struct child_held *held,
		 struct cost *before, struct err *err)
{
	int rc;

	rc = child_hold(held, line->at, err);
	if (rc != ERR_OK)
		return rc;
	signals_watch_target(held->pid);
	recording_count(r, held->pid);
	rc = recording_create(r, &opts->recording, line->name, held->pid, err);
	if (rc == ERR_OK) {
		cost_before(held->pid, before);
		rc = child_release(held, err);
		if (rc != ERR_OK) {
			store_discard(r->store);
			r->store = NULL;
			target_line_improve(line, err);
		}
	}
	if (rc != ERR_OK) {
		child_drop(held);
		signals_release();
	}
	return rc;
}

static void show_nothing(const struct recording *r,
			 const struct target_line *line)
{
	struct err err;

	if (r->profile->tick_nr || r->sampling_trouble.code != ERR_OK)
		return;
	if (line->at[0] == line->python) {
		err_set(&err, ERR_NO,
			"it ended before tare could look at it; nothing "
			"recorded");
		err_hint(&err, "give it more work: some seconds are best");
	} else {
		err_set(&err, ERR_NO,
			"no Python 3 was seen in '%s'; nothing recorded",
			line->at[0]);
		err_hint(&err, "tare run script.py");
	}
	show_note(&err);
}

static int run_run(struct invocation *inv, struct err *err)
{
	struct run_opts *opts = inv->opts;
	struct target_line line = { 0 };
	struct child_held held = { 0 };
	struct recording r = { .root.fd = -1 };
	struct cost before;
	int rc;

	rc = recording_check(&opts->recording, err);
	if (rc == ERR_OK)
		rc = target_line_make(&line, "run", &opts->target, &inv->words,
				      err);
	if (rc == ERR_OK)
		rc = recording_init(&r, &opts->recording, err);
	if (rc != ERR_OK)
		goto out;
	recording_describe(&r, "run", &opts->recording.expect);
	recording_set_command(r.profile, line.at);
	rc = start(&r, opts, &line, &held, &before, err);
	if (rc != ERR_OK)
		goto out;
	watch(&r, held.pid, &before, &inv->end);
	recording_finish(&r);
	signals_release();
	if (!opts->show.quiet)
		show_nothing(&r, &line);
	recording_show(&r, inv, &opts->show);
out:
	recording_release(&r);
	target_line_release(&line);
	return rc;
}

const struct command command_run = {
	.verb = {
		.name = "run",
		.summary = "profile a program, show where its time went",
		.usage = "run [options] SCRIPT.py [ARGUMENTS]\n"
			 "run [options] -m MODULE | -c CODE [ARGUMENTS]\n"
			 "run [options] -- PROGRAM [ARGUMENTS]",
		.examples = "tare run --rate 10kHz script.py input.csv",
		.words = "files",
		.opts = run_opt,
	},
	.opts_size = sizeof(struct run_opts),
	.flags = COMMAND_STARTS_TARGET,
	.run = run_run,
};
