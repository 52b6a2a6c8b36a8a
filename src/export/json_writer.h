/* SPDX-License-Identifier: MIT */
/*
 * JSON made of text that nobody has checked. Every value passes through
 * json_put() or json_push(), which take it over and note when it could not be
 * made; so nobody else need look.
 */
#ifndef TARE_EXPORT_JSON_WRITER_H
#define TARE_EXPORT_JSON_WRITER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/* Zeroed is ready; json_writer_release() it. */
struct json_writer {
	struct buf scratch;
	bool failed;
};

void json_writer_release(struct json_writer *j);

void json_put(struct json_writer *j, json_t *object, const char *key,
	      json_t *value);
void json_push(struct json_writer *j, json_t *array, json_t *value);

/* What is no UTF-8 in `raw` is mended. */
json_t *json_text(struct json_writer *j, const char *raw);

/* null: it is not finite. */
json_t *json_number(double value);
json_t *json_count(uint64_t value);
json_t *json_seconds(uint64_t ns);
json_t *json_interval(struct json_writer *j, double low, double high);

/* Append `root`, indented, ended by a newline, and free it. ERR_NOMEM. */
int json_write(struct json_writer *j, json_t *root, struct buf *out,
	       struct err *err);

#endif
