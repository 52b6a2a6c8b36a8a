/* SPDX-License-Identifier: MIT */
/*
 * Find the verb, let it work, print the error, exit. Nothing else in tare
 * prints errors or exits. Exit statuses: docs/guide/exit-status.md.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "cli/suggest.h"
#include "commands/command.h"
#include "commands/show.h"
#include "os/file.h"
#include "os/signals.h"

/* As env(1) and timeout(1): what a target can hardly mean itself. */
#define STATUS_TARE_FAILED 125
#define STATUS_NOT_EXECUTABLE 126
#define STATUS_NOT_FOUND 127

/* The first word that is no option ends tare's own. */
#define TAKES_TARGET (COMMAND_STARTS_TARGET | COMMAND_MAY_START_TARGET)

#define STATUS_NO 1
#define STATUS_BAD_INPUT 2
#define STATUS_FAILED 3

static bool starts_target(const struct invocation *inv)
{
	return inv->command && (inv->command->flags & COMMAND_STARTS_TARGET ||
				inv->starts_target);
}

static int exit_status(const struct invocation *inv, int code)
{
	if (starts_target(inv)) {
		if (code == ERR_NOT_FOUND)
			return STATUS_NOT_FOUND;
		if (code == ERR_NOT_EXECUTABLE)
			return STATUS_NOT_EXECUTABLE;
		return STATUS_TARE_FAILED;
	}
	switch (code) {
	case ERR_NO:
		return STATUS_NO;
	case ERR_USAGE:
	case ERR_NOT_FOUND:
	case ERR_EXISTS:
	case ERR_CORRUPT:
	case ERR_UNSUPPORTED:
		return STATUS_BAD_INPUT;
	default:
		return STATUS_FAILED;
	}
}

static bool ends_with(const char *text, const char *end)
{
	size_t size = strlen(text), end_size = strlen(end);

	return size > end_size && strcmp(text + size - end_size, end) == 0;
}

static int no_such_verb(const char *word, struct err *err)
{
	struct suggest near;

	if (word[0] == '-')
		err_set(err, ERR_USAGE, "no option '%s' before the verb", word);
	else
		err_set(err, ERR_USAGE, "no verb '%s'", word);
	suggest_init(&near, word, strlen(word));
	for (size_t i = 0; commands[i]; i++)
		suggest_offer(&near, commands[i]->verb.name);
	if (near.best)
		err_hint(err, "tare %s", near.best);
	else if (ends_with(word, ".py"))
		err_hint(err, "tare run %s", word);
	else if (ends_with(word, ".tare"))
		err_hint(err, "tare report %s", word);
	else
		err_hint(err, "tare help");
	return err->code;
}

static int check_words(const struct invocation *inv, struct err *err)
{
	const struct command *command = inv->command;
	const struct opt_rest *words = &inv->words;

	if (command->flags & TAKES_TARGET)
		return ERR_OK;
	if (words->argc < command->words_min)
		return err_set(err, ERR_USAGE, "%s", command->missing);
	if (words->argc > command->words_max)
		return err_set(err, ERR_USAGE, "'%s' is one word too many",
			       words->argv[command->words_max]);
	return ERR_OK;
}

static int show_help(struct invocation *inv, struct err *err)
{
	struct buf out = { 0 };
	int rc;

	verb_show(&out, &inv->command->verb);
	rc = show_stdout(inv, &out, err);
	buf_release(&out);
	return rc;
}

static int run_verb(struct invocation *inv, int argc, char **argv,
		    struct err *err)
{
	const struct command *command = inv->command;
	bool stop_at_word;
	int rc;

	inv->opts = calloc(1, command->opts_size);
	if (!inv->opts)
		return err_nomem(err);
	stop_at_word = command->flags & TAKES_TARGET &&
		       !(command->flags & COMMAND_WORDS_MIXED);
	rc = opt_parse(command->verb.opts, inv->opts, stop_at_word, argc, argv,
		       &inv->words, err);
	if (rc == ERR_OK && ((struct common_opts *)inv->opts)->help)
		rc = show_help(inv, err);
	else {
		if (rc == ERR_OK)
			rc = check_words(inv, err);
		if (rc == ERR_OK)
			rc = command->run(inv, err);
		if (rc == ERR_USAGE && !err->hint[0])
			err_hint(err, "tare help %s", command->verb.name);
	}
	opt_release(command->verb.opts, inv->opts);
	free(inv->opts);
	return rc;
}

/* `tare`, `tare --help`, `tare --version`. */
static int show_program(struct invocation *inv, const char *word,
			struct err *err)
{
	struct buf out = { 0 };
	int rc;

	if (!word)
		verb_show_examples(&out, command_manual());
	else if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0)
		buf_add_str(&out, "tare " TARE_VERSION "\n");
	else
		verb_show_all(&out, command_manual());
	rc = show_stdout(inv, &out, err);
	buf_release(&out);
	return rc;
}

static bool asks_program(const char *word)
{
	return !word || strcmp(word, "--version") == 0 ||
	       strcmp(word, "-V") == 0 || strcmp(word, "--help") == 0 ||
	       strcmp(word, "-h") == 0;
}

static int dispatch(struct invocation *inv, int argc, char **argv,
		    struct err *err)
{
	const char *word = argc > 1 ? argv[1] : NULL;

	if (asks_program(word))
		return show_program(inv, word, err);
	inv->command = command_find(word);
	if (!inv->command)
		return no_such_verb(word, err);
	return run_verb(inv, argc - 2, argv + 2, err);
}

int main(int argc, char **argv)
{
	struct invocation inv = { 0 };
	struct err err = { 0 };
	int rc;

	file_fill_standard();
	signals_init();
	rc = dispatch(&inv, argc, argv, &err);
	if (rc != ERR_OK) {
		if (rc != ERR_NO || err.msg[0])
			show_error(&err);
		return exit_status(&inv, rc);
	}
	if (inv.end.kind == CHILD_KILLED) {
		signals_die_of(inv.end.code);
		/* Still here: process 1 of a container cannot die so. */
		return 128 + inv.end.code;
	}
	return inv.end.kind == CHILD_EXITED ? inv.end.code : 0;
}
