/* SPDX-License-Identifier: MIT */
/* What the files that write the object tare.report/1 have in common. */
#ifndef TARE_EXPORT_JSON_REPORT_H
#define TARE_EXPORT_JSON_REPORT_H

#include "base/map.h"
#include "export/json_writer.h"
#include "profile/summary.h"

/* In place of what this version of tare cannot tell. */
#define NOT_YET "not estimated yet"

struct report_json {
	struct json_writer json;
	const struct profile *profile;
	struct summary summary;
	struct map sources; /* file << 32 | line -> profile.sources */
};

/* The text of a string, or of a key of the meta data; null: there is none. */
json_t *report_json_text(struct report_json *w, uint32_t string);
json_t *report_json_meta(struct report_json *w, const char *key);

/* An object with the keys file, function, line; a line of 0: not known. */
json_t *report_json_place(struct report_json *w, uint32_t function,
			  uint32_t file, uint32_t line);

/* The text of a source line, or null. */
json_t *report_json_source(struct report_json *w, uint32_t file, uint32_t line);

/* json_ledgers.c: the ledger of the main thread and those of all, totals,
 * processes, threads. */
void report_json_ledgers(struct report_json *w, json_t *report);

/* json_native.c: native code, and its stacks merged with Python's. */
int report_json_native(struct report_json *w, json_t *report, struct err *err);

/* json_awaits.c: what the tasks of asyncio waited for. */
int report_json_awaits(struct report_json *w, json_t *report, struct err *err);

#endif
