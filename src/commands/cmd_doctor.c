/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "commands/command.h"
#include "commands/doctor.h"
#include "commands/dump_json.h"
#include "commands/show.h"

struct doctor_opts {
	struct common_opts common;
	bool json;
};

static const struct opt doctor_opt[] = {
	OPT_FLAG(0, "json", struct doctor_opts, json,
		 "as JSON (tare.doctor/1)"),
	OPT_COMMON(struct doctor_opts),
	OPT_LAST(),
};

static const struct {
	const char *word;
	const char *colour;
} verdicts[] = {
	[CHECK_OK] = { "ok", "32" },
	[CHECK_NO] = { "no", "31" },
	[CHECK_WARNING] = { "slow", "33" },
	[CHECK_NOT_APPLICABLE] = { "n.a.", "2" },
};

/* `text` in columns `indent` to `width`, broken at blanks. */
static void add_wrapped(struct buf *out, size_t indent, size_t width,
			const char *text)
{
	size_t column = indent;

	while (*text) {
		size_t size = strcspn(text, " ");

		if (column > indent && column + 1 + size > width) {
			buf_printf(out, "\n%*s", (int)indent, "");
			column = indent;
		} else if (column > indent) {
			buf_add_char(out, ' ');
			column++;
		}
		/* Paths of others may be in it. */
		for (size_t i = 0; i < size; i++)
			buf_add_char(out, (unsigned char)text[i] < 0x20 ||
							  text[i] == 0x7f
						  ? '?'
						  : text[i]);
		column += size;
		text += size;
		text += strspn(text, " ");
	}
	buf_add_char(out, '\n');
}

static void add_check(struct buf *out, const struct check *check,
		      const struct render_opts *how)
{
	const char *word = verdicts[check->verdict].word;

	if (how->colour)
		buf_printf(out, "  \033[%sm%-5s\033[0m",
			   verdicts[check->verdict].colour, word);
	else
		buf_printf(out, "  %-5s", word);
	buf_printf(out, "%-14s", check->name);
	add_wrapped(out, 21, how->width, check->detail);
	if (check->remedy[0])
		buf_printf(out, "%*stry: %s\n", 21, "", check->remedy);
}

static int add_json(struct buf *out, const struct checks *list, bool works,
		    struct err *err)
{
	json_t *rows = json_array();

	for (uint32_t i = 0; i < list->nr; i++) {
		const struct check *check = &list->at[i];

		json_array_append_new(
			rows, json_pack("{s:s, s:s, s:o, s:o}", "name",
					check->name, "verdict",
					verdicts[check->verdict].word, "detail",
					dump_json_text(check->detail), "remedy",
					check->remedy[0]
						? dump_json_text(check->remedy)
						: json_null()));
	}
	return dump_json_add(out,
			     json_pack("{s:s, s:s, s:b, s:o}", "schema",
				       "tare.doctor/1", "tare", TARE_VERSION,
				       "works", works ? 1 : 0, "checks", rows),
			     err);
}

static int show(struct invocation *inv, const struct checks *list, bool works,
		struct err *err)
{
	const struct doctor_opts *opts = inv->opts;
	struct render_opts how;
	struct buf out = { 0 };
	int rc = ERR_OK;

	show_render_opts(inv, STDOUT_FILENO, &how);
	if (opts->json) {
		rc = add_json(&out, list, works, err);
	} else {
		for (uint32_t i = 0; i < list->nr; i++)
			add_check(&out, &list->at[i], &how);
		if (works)
			buf_add_str(&out, "\nEverything that is needed works. "
					  "Next: tare run script.py\n");
		else
			buf_add_str(&out, "\nWhat says 'no' has to be mended; "
					  "the command stands below it.\n");
	}
	if (rc == ERR_OK)
		rc = show_stdout(inv, &out, err);
	buf_release(&out);
	return rc;
}

static int doctor_run(struct invocation *inv, struct err *err)
{
	struct checks list = { 0 };
	bool works = true;
	int pid, rc = ERR_OK;

	if (inv->words.argc) {
		rc = command_parse_pid(inv->words.argv[0], &pid, err);
		if (rc != ERR_OK)
			return rc;
	}
	doctor_check_system(&list);
	doctor_check_extras(&list);
	if (inv->words.argc)
		doctor_check_process(&list, pid);
	else
		doctor_check_python(&list);
	for (uint32_t i = 0; i < list.nr; i++)
		if (list.at[i].verdict == CHECK_NO)
			works = false;
	rc = show(inv, &list, works, err);
	if (rc == ERR_OK && !works && inv->end.kind == CHILD_NOT_ENDED)
		rc = ERR_NO;
	vec_release(&list);
	return rc;
}

const struct command command_doctor = {
	.verb = {
		.name = "doctor",
		.summary = "say what works here, and what mends the rest",
		.usage = "doctor [options] [PID]",
		.examples = "tare doctor\n"
			    "tare doctor 4711",
		.words = "pids",
		.opts = doctor_opt,
	},
	.opts_size = sizeof(struct doctor_opts),
	.words_max = 1,
	.run = doctor_run,
};
