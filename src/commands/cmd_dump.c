/* SPDX-License-Identifier: MIT */
#include <unistd.h>

#include "commands/attachment.h"
#include "commands/command.h"
#include "commands/dump_json.h"
#include "commands/recording.h"
#include "commands/show.h"
#include "commands/source_lines.h"
#include "os/file.h"
#include "os/procfs.h"

struct dump_opts {
	struct common_opts common;
	bool json;
	bool exact;
	const char *snapshot;
};

static const struct opt dump_opt[] = {
	OPT_FLAG(0, "exact-stacks", struct dump_opts, exact,
		 "stop the process for the look"),
	OPT_FLAG(0, "json", struct dump_opts, json, "as JSON (tare.dump/1)"),
	OPT_STR(0, "snapshot", "FILE", struct dump_opts, snapshot,
		"also keep what was read of it, for a bug report"),
	OPT_COMMON(struct dump_opts),
	OPT_LAST(),
};

/* One look, kept as a file when that was asked for. */
static int sample(struct sampler *s, const char *snapshot, struct err *err)
{
	int rc = snapshot ? sampler_start_capture(s, err) : ERR_OK;

	if (rc == ERR_OK)
		rc = sampler_once(s, err);
	if (rc == ERR_OK && snapshot)
		rc = sampler_save_capture(s, snapshot, err);
	return rc;
}

static int look(struct profile *p, int pid, const struct dump_opts *opts,
		struct err *err)
{
	struct sample_opts sampling = { .rate_hz = 1000,
					.exact = opts->exact,
					.awaits = true };
	struct procfs_times times;
	struct file_root root;
	struct sampler *s;
	int rc;

	rc = attachment_open(&s, pid, &sampling, p, err);
	if (rc != ERR_OK)
		return rc;
	recording_read_command(p, pid);
	rc = sample(s, opts->snapshot, err);
	sampler_close(s);
	if (rc != ERR_OK)
		return rc;
	file_root_open(&root, pid);
	if (procfs_read_times(pid, &times))
		source_lines_add(p, &root, times.start_realtime_ns);
	file_root_close(&root);
	return ERR_OK;
}

static int show(struct invocation *inv, const struct profile *p, int pid,
		struct err *err)
{
	const struct dump_opts *opts = inv->opts;
	struct render_opts how;
	struct buf out = { 0 };
	int rc;

	show_render_opts(inv, STDOUT_FILENO, &how);
	rc = opts->json ? dump_json(&out, p, pid, err)
			: render_dump(&out, p, &how, err);
	if (rc == ERR_OK)
		rc = show_stdout(inv, &out, err);
	buf_release(&out);
	return rc;
}

static int dump_run(struct invocation *inv, struct err *err)
{
	const struct dump_opts *opts = inv->opts;
	struct profile *p;
	int pid, rc;

	rc = command_parse_pid(inv->words.argv[0], &pid, err);
	if (rc == ERR_OK)
		rc = attachment_check(pid, err);
	if (rc != ERR_OK)
		return rc;
	p = profile_new();
	if (!p)
		return err_nomem(err);
	rc = look(p, pid, opts, err);
	if (rc == ERR_OK)
		rc = show(inv, p, pid, err);
	profile_free(p);
	return rc;
}

const struct command command_dump = {
	.verb = {
		.name = "dump",
		.summary = "print the current stack of every thread",
		.usage = "dump [options] PID",
		.examples = "tare dump 4711\n"
			    "tare dump --json \"$(pgrep -n -f server.py)\"",
		.words = "pids",
		.opts = dump_opt,
	},
	.opts_size = sizeof(struct dump_opts),
	.words_min = 1,
	.words_max = 1,
	.missing = "which process? its number is missing",
	.run = dump_run,
};
