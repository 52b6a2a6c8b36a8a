/* SPDX-License-Identifier: MIT */
/* What a recording is called when nobody, or a pattern, says it. */
#ifndef TARE_COMMANDS_OUTPUT_NAME_H
#define TARE_COMMANDS_OUTPUT_NAME_H

#include "base/buf.h"
#include "base/err.h"

/*
 * Append `pattern` with %p (process number), %h (host) and %% put in.
 * ERR_USAGE for any other %; give pid 0 to only check.
 */
int output_name_expand(struct buf *out, const char *pattern, int pid,
		       struct err *err);

/*
 * Append a name that no file has yet, in the working directory:
 * "STEM.PID.tare", or "STEM.PID-2.tare" and so on. The stem is the last part
 * of `program`, without ".py".
 */
void output_name_default(struct buf *out, const char *program, int pid);

/*
 * Where the output of `program` goes while its terminal is in use: "name.out",
 * "name-2.out", the first that is free, is made and opened for appending. The
 * descriptor; -1 and `err` where none can be made.
 */
int output_name_log(struct buf *out, const char *program, struct err *err);

#endif
