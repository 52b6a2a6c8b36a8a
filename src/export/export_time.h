/* SPDX-License-Identifier: MIT */
#ifndef TARE_EXPORT_EXPORT_TIME_H
#define TARE_EXPORT_EXPORT_TIME_H

#include "base/buf.h"
#include "base/err.h"
#include "profile/timing.h"

/* Append the object tare.time/1 (docs/json.md). ERR_NOMEM alone can happen. */
int export_time(struct buf *out, const struct timing *t, struct err *err);

#endif
