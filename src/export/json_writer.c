/* SPDX-License-Identifier: MIT */
#include "export/json_writer.h"

#include <math.h>

#include "export/clean.h"

void json_writer_release(struct json_writer *j)
{
	buf_release(&j->scratch);
}

void json_put(struct json_writer *j, json_t *object, const char *key,
	      json_t *value)
{
	if (json_object_set_new_nocheck(object, key, value) != 0)
		j->failed = true;
}

void json_push(struct json_writer *j, json_t *array, json_t *value)
{
	if (json_array_append_new(array, value) != 0)
		j->failed = true;
}

json_t *json_text(struct json_writer *j, const char *raw)
{
	buf_clear(&j->scratch);
	clean_utf8(&j->scratch, raw);
	if (j->scratch.failed)
		j->failed = true;
	return json_stringn_nocheck(buf_str(&j->scratch), j->scratch.size);
}

json_t *json_number(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

json_t *json_count(uint64_t value)
{
	return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value);
}

json_t *json_seconds(uint64_t ns)
{
	return json_number((double)ns / 1e9);
}

json_t *json_interval(struct json_writer *j, double low, double high)
{
	json_t *array = json_array();

	json_push(j, array, json_number(low));
	json_push(j, array, json_number(high));
	return array;
}

static int to_buf(const char *data, size_t size, void *buf)
{
	buf_add(buf, data, size);
	return ((struct buf *)buf)->failed ? -1 : 0;
}

/* 15 digits give back what was typed: 0.1 and not 0.10000000000000001. */
#define SHAPE (JSON_INDENT(2) | JSON_REAL_PRECISION(15))

int json_write(struct json_writer *j, json_t *root, struct buf *out,
	       struct err *err)
{
	bool ok = root && !j->failed &&
		  json_dump_callback(root, to_buf, out, SHAPE) == 0;

	json_decref(root);
	buf_add_char(out, '\n');
	return ok && !out->failed ? ERR_OK : err_nomem(err);
}
