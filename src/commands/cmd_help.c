/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "cli/suggest.h"
#include "commands/command.h"
#include "commands/show.h"

struct help_opts {
	struct common_opts common;
};

static const struct opt help_opt[] = {
	OPT_COMMON(struct help_opts),
	OPT_LAST(),
};

static int unknown_verb(const char *name, struct err *err)
{
	struct suggest near;

	suggest_init(&near, name, strlen(name));
	for (size_t i = 0; commands[i]; i++)
		suggest_offer(&near, commands[i]->verb.name);
	err_set(err, ERR_USAGE, "no verb '%s'", name);
	if (near.best)
		err_hint(err, "tare help %s", near.best);
	else
		err_hint(err, "tare help");
	return err->code;
}

static int help_run(struct invocation *inv, struct err *err)
{
	const struct command *about = NULL;
	struct buf out = { 0 };
	int rc;

	if (inv->words.argc) {
		about = command_find(inv->words.argv[0]);
		if (!about)
			return unknown_verb(inv->words.argv[0], err);
		verb_show(&out, &about->verb);
	} else {
		verb_show_all(&out, command_manual());
	}
	rc = show_stdout(inv, &out, err);
	buf_release(&out);
	return rc;
}

const struct command command_help = {
	.verb = {
		.name = "help",
		.summary = "explain a verb",
		.usage = "help [VERB]",
		.examples = "tare help run",
		.words = "verbs",
		.opts = help_opt,
	},
	.opts_size = sizeof(struct help_opts),
	.words_max = 1,
	.run = help_run,
};

static int completion_run(struct invocation *inv, struct err *err)
{
	struct buf out = { 0 };
	int rc;

	rc = verb_write_completion(&out, command_manual(), inv->words.argv[0],
				   err);
	if (rc == ERR_OK)
		rc = show_stdout(inv, &out, err);
	buf_release(&out);
	return rc;
}

const struct command command_completion = {
	.verb = {
		.name = "completion",
		.summary = "write a completion script for a shell",
		.usage = "completion bash|zsh|fish",
		.examples = "tare completion bash > "
			    "~/.local/share/bash-completion/completions/tare",
		.words = "bash,zsh,fish",
		.opts = help_opt,
	},
	.opts_size = sizeof(struct help_opts),
	.words_min = 1,
	.words_max = 1,
	.missing = "for which shell: bash, zsh or fish?",
	.run = completion_run,
};

static int man_run(struct invocation *inv, struct err *err)
{
	struct buf out = { 0 };
	int rc;

	verb_write_man(&out, command_manual());
	rc = show_stdout(inv, &out, err);
	buf_release(&out);
	return rc;
}

const struct command command_man = {
	.verb = {
		.name = "man",
		.summary = "write the manual page tare(1)",
		.usage = "man",
		.examples = "tare man | man -l -",
		.opts = help_opt,
	},
	.opts_size = sizeof(struct help_opts),
	.flags = COMMAND_HIDDEN,
	.run = man_run,
};
