/* SPDX-License-Identifier: MIT */
#include "commands/command.h"

#include <string.h>

#include "cli/opt_value.h"

#define X(name) extern const struct command command_##name;
#include "commands/commands.def"
#undef X

const struct command *const commands[] = {
#define X(name) &command_##name,
#include "commands/commands.def"
#undef X
	NULL,
};

#define COMMAND_NR (sizeof(commands) / sizeof(commands[0]) - 1)

const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < COMMAND_NR; i++)
		if (strcmp(commands[i]->verb.name, name) == 0)
			return commands[i];
	return NULL;
}

const struct manual *command_manual(void)
{
	static const struct verb *verbs[COMMAND_NR];
	static struct manual manual = {
		.version = TARE_VERSION,
		.summary = "weighs a Python program: where its time goes",
		.examples =
			"tare run script.py          profile a script, show "
			"where its time went\n"
			"tare run -m pytest -x       the same for a module, "
			"with its arguments\n"
			"tare attach 4711 -d 10      look at a running "
			"process for ten seconds\n"
			"tare dump 4711              what every thread of it "
			"is doing now\n"
			"tare report script.99.tare  show a recording again",
		.verbs = verbs,
	};

	manual.verb_nr = 0;
	for (size_t i = 0; i < COMMAND_NR; i++)
		if (!(commands[i]->flags & COMMAND_HIDDEN))
			verbs[manual.verb_nr++] = &commands[i]->verb;
	return &manual;
}

int command_parse_pid(const char *text, int *pid, struct err *err)
{
	uint32_t nr;

	if (!opt_value_count(text, &nr) || nr == 0 || nr > INT32_MAX) {
		err_set(err, ERR_USAGE, "'%s' is not a process number", text);
		err_hint(err, "pgrep -a python");
		return err->code;
	}
	*pid = (int)nr;
	return ERR_OK;
}
