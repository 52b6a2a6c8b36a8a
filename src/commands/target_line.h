/* SPDX-License-Identifier: MIT */
/* The command line of a target that tare is to start. */
#ifndef TARE_COMMANDS_TARGET_LINE_H
#define TARE_COMMANDS_TARGET_LINE_H

#include <stdint.h>

#include "base/err.h"
#include "cli/opt.h"

/* The options that say what is started: --python, -m, -c; each may be NULL. */
struct target_choice {
	const char *python;
	const char *module;
	const char *code;
};

/* The words, and what files are called after it. */
struct target_line {
	char **at; /* ended by NULL, which is counted */
	uint32_t nr, cap;
	const char *name;
	const char *verb;
	char python[4096]; /* the interpreter, where tare chose it */
};

/*
 * Make zeroed storage the line for these words and options of `verb` ("run").
 * All but the array is borrowed. target_line_release() it in any case.
 */
int target_line_make(struct target_line *line, const char *verb,
		     const struct target_choice *choice,
		     const struct opt_rest *words, struct err *err);
void target_line_release(struct target_line *line);

/* What to type when the program could not be started. */
void target_line_improve(const struct target_line *line, struct err *err);

#endif
