/* SPDX-License-Identifier: MIT */
/*
 * What the command line knows of a verb: its words and its options. Help,
 * man page and completion are made from these and from nothing else.
 */
#ifndef TARE_CLI_VERB_H
#define TARE_CLI_VERB_H

#include "base/buf.h"
#include "cli/opt.h"

/* Every help text keeps to this; tests/python/test_cli.py counts. */
#define VERB_HELP_WIDTH 80
#define VERB_HELP_LINES 25

struct verb {
	const char *name;     /* "run" */
	const char *summary;  /* "profile a Python program", no full stop */
	const char *usage;    /* lines, each after "tare " */
	const char *examples; /* lines, each a whole command */
	const char *words;    /* completes words that are no options: "files",
				 "pids", "verbs", or a list "bash,zsh" */
	const struct opt *opts;
};

/* The whole program: what is above the verbs. */
struct manual {
	const char *version;
	const char *summary;
	const char *examples; /* lines: a command, two blanks or more, words */
	const struct verb *const *verbs;
	unsigned verb_nr;
};

/* `tare`: the five examples. `tare help`: the verbs. `tare help VERB`. */
void verb_show_examples(struct buf *out, const struct manual *m);
void verb_show_all(struct buf *out, const struct manual *m);
void verb_show(struct buf *out, const struct verb *verb);

/* The man page tare(1), in man(7) macros. */
void verb_write_man(struct buf *out, const struct manual *m);

/* A completion script; ERR_USAGE for a shell that is not "bash", "zsh" or
 * "fish". */
int verb_write_completion(struct buf *out, const struct manual *m,
			  const char *shell, struct err *err);

#endif
