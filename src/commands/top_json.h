/* SPDX-License-Identifier: MIT */
/* A picture of `tare top` as JSON: docs/json.md has the keys. */
#ifndef TARE_COMMANDS_TOP_JSON_H
#define TARE_COMMANDS_TOP_JSON_H

#include "base/buf.h"
#include "base/err.h"
#include "render/top.h"

/* Append the object tare.top/1. ERR_NOMEM is the only failure. */
int top_json(struct buf *out, const struct top_data *d, struct err *err);

#endif
