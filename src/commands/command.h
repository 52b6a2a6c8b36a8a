/* SPDX-License-Identifier: MIT */
/*
 * A verb: its words, its options, and the function that does it.
 *
 * Adding one: a file cmd_<verb>.c with a `const struct command`, its line in
 * commands.def, its file name in meson.build. Help, man page, completion and
 * the tests of all three follow from the table.
 */
#ifndef TARE_COMMANDS_COMMAND_H
#define TARE_COMMANDS_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "cli/opt.h"
#include "cli/verb.h"
#include "os/child.h"

/* The first member of every verb's options. */
struct common_opts {
	bool help;
	const char *colour;
};

#define OPT_COMMON(type)                                          \
	OPT_CHOICE(0, "color", "WHEN", "auto,always,never", type, \
		   common.colour, "auto, always or never"),       \
		OPT_FLAG('h', "help", type, common.help, "show this")

enum command_flags {
	/* The first word that is no option, and what follows, is the target's:
	 * tare's own failures are 125 and up. */
	COMMAND_STARTS_TARGET = 1 << 0,
	/* Options may all the same stand among the words, up to "--". */
	COMMAND_WORDS_MIXED = 1 << 2,
	/*
	 * May start a target or look at one that runs: parsed as if it were to
	 * start one. Its own failures are those of other verbs until it has
	 * set invocation.starts_target.
	 */
	COMMAND_MAY_START_TARGET = 1 << 3,
	/* Works for tools, not shown among the verbs. */
	COMMAND_HIDDEN = 1 << 1,
};

/* One command line, taken apart. */
struct invocation {
	const struct command *command;
	void *opts; /* begins with struct common_opts */
	struct opt_rest words;
	bool starts_target; /* set by a verb that may do so, or not */
	/*
	 * How tare is to end: as the target did, or by SIGPIPE when nobody
	 * reads its output. CHILD_NOT_ENDED: as the error says.
	 */
	struct child_end end;
};

struct command {
	struct verb verb;
	size_t opts_size;
	unsigned flags; /* enum command_flags */
	int words_min, words_max;
	/* The question when a word is missing: "which process?" */
	const char *missing;
	int (*run)(struct invocation *inv, struct err *err);
};

/* All of them, in the order of commands.def, ended by NULL. */
extern const struct command *const commands[];

/* The verb called `name`, or NULL. */
const struct command *command_find(const char *name);

/* What the whole program is, for help, man page and completion. */
const struct manual *command_manual(void);

/* Decimal process number in `text`; ERR_USAGE when it is none. */
int command_parse_pid(const char *text, int *pid, struct err *err);

#endif
