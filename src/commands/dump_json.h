/* SPDX-License-Identifier: MIT */
/* One look at a process, as JSON. */
#ifndef TARE_COMMANDS_DUMP_JSON_H
#define TARE_COMMANDS_DUMP_JSON_H

#include "base/buf.h"
#include "base/err.h"
#include "profile/profile.h"

/*
 * Append {"schema": "tare.dump/1", "pid", "python", "threads": [{"tid",
 * "name", "main", "quality": "complete"|"salvaged"|"inconsistent"|"lost",
 * "frames": [{"function", "file", "line", "source"}]}], "tasks": [{"name",
 * "state": a key of await_words, "awaited_by", "frames"}]}, frames from the
 * root inwards; line and source are null when they are not known.
 */
int dump_json(struct buf *out, const struct profile *p, int pid,
	      struct err *err);

/* Append `root` as indented JSON and a line end, and free it; NULL is no
 * memory. */
struct json_t;
int dump_json_add(struct buf *out, struct json_t *root, struct err *err);

/* A string of text of unknown origin: what is no UTF-8 becomes U+FFFD. */
struct json_t *dump_json_text(const char *text);

#endif
