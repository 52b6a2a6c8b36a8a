/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "commands/attachment.h"
#include "commands/command.h"
#include "commands/recording.h"
#include "commands/show.h"
#include "os/clock.h"
#include "os/procfs.h"
#include "os/signals.h"

struct attach_opts {
	struct common_opts common;
	struct recording_opts recording;
	struct recording_show show;
	uint64_t duration_ns;
};

static const struct opt attach_opt[] = {
	OPT_TIME('d', "duration", "TIME", struct attach_opts, duration_ns,
		 "how long: 10, 500ms, 2m (default: until Ctrl-C)"),
	OPT_RATE('r', "rate", "HZ", struct attach_opts, recording.rate_hz,
		 "looks a second: 100, 10kHz (default 1000)"),
	OPT_STR('o', "output", "FILE", struct attach_opts, recording.output,
		"the recording; %p is the process, %h the host"),
	OPT_FLAG('f', "force", struct attach_opts, recording.force,
		 "replace a file that exists"),
	OPT_LIST('e', "expect", "FUNC=60%", struct attach_opts,
		 recording.expect,
		 "write down a guess, have it answered; repeatable"),
	OPT_FLAG(0, "exact-stacks", struct attach_opts, recording.exact,
		 "stop the target for every look; slower, no torn stacks"),
	OPT_FLAG(0, "no-children", struct attach_opts, recording.alone,
		 "leave out the processes that it starts"),
	OPT_FLAG(0, "native", struct attach_opts, recording.native,
		 "stacks of native code, merged with Python's"),
	OPT_FLAG(0, "no-native", struct attach_opts, recording.no_native,
		 "do not tell native code apart"),
	OPT_FLAG(0, "json", struct attach_opts, show.json,
		 "the report as JSON, on stderr"),
	OPT_FLAG(0, "no-report", struct attach_opts, show.no_report,
		 "only write the file"),
	OPT_FLAG('q', "quiet", struct attach_opts, show.quiet,
		 "print nothing but failures"),
	OPT_COMMON(struct attach_opts),
	OPT_LAST(),
};

struct progress {
	int pid;
	uint64_t begin_ns, until_ns;
};

static void show_turn(struct recording *r, void *arg)
{
	const struct progress *at = arg;
	uint64_t now = clock_now_ns();
	char text[160], of[40] = "";

	if (now - at->begin_ns < CLOCK_SECOND_NS)
		return;
	if (at->until_ns != UINT64_MAX)
		snprintf(of, sizeof(of), " of %g",
			 (double)(at->until_ns - at->begin_ns) / 1e9);
	snprintf(text, sizeof(text),
		 "process %d: %llu%s s, %llu looks (Ctrl-C ends and reports)",
		 at->pid,
		 (unsigned long long)((now - at->begin_ns) / CLOCK_SECOND_NS),
		 of, (unsigned long long)r->profile->tick_nr);
	show_progress(text);
}

static void sample(struct recording *r, int pid, struct sampler *s,
		   const struct attach_opts *opts)
{
	uint64_t now = clock_now_ns();
	struct progress at = {
		.pid = pid,
		.begin_ns = now,
		.until_ns = UINT64_MAX,
	};

	if (opts->duration_ns && opts->duration_ns < UINT64_MAX - now)
		at.until_ns = now + opts->duration_ns;
	recording_sample(r, pid, s, at.until_ns,
			 opts->show.quiet ? NULL : show_turn, &at);
	if (!opts->show.quiet)
		show_progress("");
}

/* Figures of a process that are those of a job with no other. */
static const bool is_of_job[PROCESS_FIGURE_NR] = {
	[PROCESS_PEAK_BYTES] = true,	     [PROCESS_MINOR_FAULTS] = true,
	[PROCESS_MAJOR_FAULTS] = true,	     [PROCESS_VOLUNTARY] = true,
	[PROCESS_INVOLUNTARY] = true,	     [PROCESS_READ_BYTES] = true,
	[PROCESS_WRITTEN_BYTES] = true,	     [PROCESS_DISK_READ_BYTES] = true,
	[PROCESS_DISK_WRITTEN_BYTES] = true,
};

/*
 * What the target has used meanwhile: its CPU time by two readings of /proc,
 * the rest as the sampler has it.
 */
static void note_totals(struct profile *p, const struct procfs_times *from,
			int pid)
{
	struct procfs_times to;

	/* Of a job that is already running nobody adds up the children. */
	if (p->processes.nr != 1)
		return;
	for (int i = 0; i < PROCESS_FIGURE_NR; i++)
		if (is_of_job[i] && process_knows(&p->processes.at[0].figures,
						  (enum process_figure)i))
			process_set(&p->figures, (enum process_figure)i,
				    p->processes.at[0].figures.value[i]);
	/* Gone: what it used is not known any more. */
	if (!procfs_read_times(pid, &to) || to.user_ns < from->user_ns ||
	    to.sys_ns < from->sys_ns)
		return;
	process_set(&p->figures, PROCESS_USER_NS, to.user_ns - from->user_ns);
	process_set(&p->figures, PROCESS_SYS_NS, to.sys_ns - from->sys_ns);
}

static int attach(struct invocation *inv, struct recording *r, int pid,
		  struct err *err)
{
	struct attach_opts *opts = inv->opts;
	struct procfs_times times = { 0 };
	struct sampler *s = NULL;
	char name[64] = "process";
	int rc;

	r->sampling.stop = signals_catch_stop();
	rc = attachment_open(&s, pid, &r->sampling, r->profile, err);
	if (rc != ERR_OK)
		return rc;
	procfs_read_name(pid, name, sizeof(name));
	rc = recording_create(r, &opts->recording, name, pid, err);
	if (rc != ERR_OK) {
		sampler_close(s);
		return rc;
	}
	recording_count(r, pid);
	if (procfs_read_times(pid, &times))
		r->source_since_ns = times.start_realtime_ns;
	sample(r, pid, s, opts);
	note_totals(r->profile, &times, pid);
	signals_release();
	recording_finish(r);
	recording_show(r, inv, &opts->show);
	if (r->profile->tick_nr)
		return ERR_OK;
	if (r->sampling_trouble.code != ERR_OK) {
		*err = r->sampling_trouble;
		r->sampling_trouble.code = ERR_OK;
		return err->code;
	}
	err_set(err, ERR_GONE, "process %d ended before it could be looked at",
		pid);
	err_hint(err, "tare run profiles a program from its first moment on");
	return err->code;
}

static int attach_run(struct invocation *inv, struct err *err)
{
	struct attach_opts *opts = inv->opts;
	struct recording r = { .root.fd = -1 };
	int pid, rc;

	rc = command_parse_pid(inv->words.argv[0], &pid, err);
	if (rc == ERR_OK)
		rc = recording_check(&opts->recording, err);
	if (rc == ERR_OK)
		rc = attachment_check(pid, err);
	if (rc == ERR_OK)
		rc = recording_init(&r, &opts->recording, err);
	if (rc == ERR_OK) {
		recording_describe(&r, "attach", &opts->recording.expect);
		recording_read_command(r.profile, pid);
		rc = attach(inv, &r, pid, err);
	}
	recording_release(&r);
	return rc;
}

const struct command command_attach = {
	.verb = {
		.name = "attach",
		.summary = "profile a process that is running",
		.usage = "attach [options] PID",
		.examples = "tare attach 4711\n"
			    "tare attach -d 10 \"$(pgrep -n -f server.py)\"",
		.words = "pids",
		.opts = attach_opt,
	},
	.opts_size = sizeof(struct attach_opts),
	.words_min = 1,
	.words_max = 1,
	.missing = "which process? its number is missing",
	.run = attach_run,
};
