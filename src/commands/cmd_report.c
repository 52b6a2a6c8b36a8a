/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <unistd.h>

#include "commands/command.h"
#include "commands/load.h"
#include "commands/show.h"
#include "export/export.h"
#include "profile/expect.h"

struct report_opts {
	struct common_opts common;
	bool json;
	bool threads;
	uint32_t limit;
	struct opt_list expect;
};

static const struct opt report_opt[] = {
	OPT_FLAG(0, "json", struct report_opts, json,
		 "as JSON (tare.report/1)"),
	OPT_LIST('e', "expect", "FUNC=60%", struct report_opts, expect,
		 "answer a guess; status 1 when it was wrong; repeatable"),
	OPT_COUNT('l', "limit", "NUMBER", struct report_opts, limit,
		  "rows of each table (default 10)"),
	OPT_FLAG('t', "threads", struct report_opts, threads,
		 "each thread on its own, too"),
	OPT_COMMON(struct report_opts),
	OPT_LAST(),
};

/* The guesses of today beside those that were written down with the run. */
static int add_guesses(struct profile *p, const struct opt_list *expect,
		       struct err *err)
{
	struct expect_claim claim;
	struct buf lines = { 0 };
	int rc = ERR_OK;

	if (!expect->nr)
		return ERR_OK;
	buf_add_str(&lines, profile_meta(p, META_EXPECT));
	for (uint32_t i = 0; i < expect->nr && rc == ERR_OK; i++) {
		rc = expect_parse(expect->at[i], &claim, err);
		if (lines.size)
			buf_add_char(&lines, '\n');
		buf_add_str(&lines, expect->at[i]);
	}
	if (rc == ERR_OK)
		profile_set_meta(p, META_EXPECT, buf_str(&lines));
	buf_release(&lines);
	return rc;
}

/* ERR_NO when one of the `nr` last hypotheses does not hold. */
static int judge(const struct profile *p, uint32_t nr, struct err *err)
{
	struct expect_list list = { 0 };
	int rc;

	if (!nr)
		return ERR_OK;
	rc = expect_answer(&list, p, err);
	for (uint32_t i = 0; rc == ERR_OK && i < nr && i < list.answers.nr; i++)
		if (list.answers.at[list.answers.nr - 1 - i].verdict ==
		    EXPECT_NOT_SUPPORTED) {
			/* The report has said it; nothing to add. */
			memset(err, 0, sizeof(*err));
			rc = ERR_NO;
		}
	expect_release(&list);
	return rc;
}

static int report_run(struct invocation *inv, struct err *err)
{
	const struct report_opts *opts = inv->opts;
	struct render_opts how;
	struct buf out = { 0 };
	struct profile *p;
	int rc;

	rc = load_recording(&p, inv->words.argv[0], err);
	if (rc != ERR_OK)
		return rc;
	rc = add_guesses(p, &opts->expect, err);
	if (rc == ERR_OK) {
		show_render_opts(inv, STDOUT_FILENO, &how);
		how.limit = opts->limit;
		how.threads = opts->threads;
		how.path = inv->words.argv[0];
		rc = opts->json ? export_json(&out, p, err)
				: render_report(&out, p, &how, err);
	}
	if (rc == ERR_OK)
		rc = show_stdout(inv, &out, err);
	if (rc == ERR_OK && inv->end.kind == CHILD_NOT_ENDED)
		rc = judge(p, opts->expect.nr, err);
	buf_release(&out);
	profile_free(p);
	return rc;
}

const struct command command_report = {
	.verb = {
		.name = "report",
		.summary = "show a recording",
		.usage = "report [options] FILE.tare",
		.examples = "tare report script.4711.tare\n"
			    "tare report --json script.4711.tare > report.json\n"
			    "tare report --expect 'parse=50-70%' "
			    "script.4711.tare",
		.words = "files",
		.opts = report_opt,
	},
	.opts_size = sizeof(struct report_opts),
	.words_min = 1,
	.words_max = 1,
	.missing = "which recording? a .tare file is missing",
	.run = report_run,
};
