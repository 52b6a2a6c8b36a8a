/* SPDX-License-Identifier: MIT */
/*
 * The `.tare` file: one SQLite database holding one recording. The schema is
 * schema.sql, its words docs/format.md.
 *
 * A store is owned by whoever opened it and used from one thread. It is
 * written as `PATH.part` and renamed by store_commit(), so PATH is whole or
 * absent. After a kill, `PATH.part` can still be read: store_load() makes
 * good for the rollups from the tracks. What an append has written survives
 * the death of tare at any moment; only store_commit() waits for the disk, so
 * a power cut may take an unfinished recording with it.
 */
#ifndef TARE_STORE_STORE_H
#define TARE_STORE_STORE_H

#include <stdbool.h>

#include "base/err.h"
#include "profile/profile.h"

struct store;

/*
 * Begin writing a recording that will be `path`. ERR_EXISTS when `path` is
 * there and not `overwrite`; the hint says what to type.
 */
int store_create(struct store **out, const char *path, bool overwrite,
		 struct err *err);

/*
 * Where an older, unfinished recording of the same name was moved by
 * store_create() ("X.tare.part.1"), for the caller to say so; NULL: there was
 * none. Belongs to the store.
 */
const char *store_set_aside(const struct store *s);

/*
 * Append what `p` gained since the last call; tracks and clock are taken out
 * of `p`. One transaction: all or nothing.
 */
int store_append(struct store *s, struct profile *p, struct err *err);

/*
 * Append the rest, write the rollups, sync, give the file its final name. When
 * only the name fails (ERR_EXISTS: somebody was faster), `PATH.part` is whole.
 */
int store_commit(struct store *s, struct profile *p, struct err *err);

/* Release `s`; what was not committed stays as `PATH.part`. NULL is allowed. */
void store_close(struct store *s);

/* Take `PATH.part` away (nothing was worth keeping), then as store_close(). */
void store_discard(struct store *s);

/*
 * Read the recording at `path` into a new profile, the caller's to free.
 * Everything in the file is hostile until checked: ERR_CORRUPT otherwise.
 */
int store_load(struct profile **out, const char *path, struct err *err);

#endif
