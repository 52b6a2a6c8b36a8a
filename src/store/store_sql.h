/* SPDX-License-Identifier: MIT */
/* What writing and reading a .tare file by SQLite have in common. */
#ifndef TARE_STORE_STORE_SQL_H
#define TARE_STORE_STORE_SQL_H

#include <sqlite3.h>
#include <stddef.h>

#include "base/err.h"

/* "tare" in ASCII, and the schema's version; schema.sql says the same. */
#define STORE_APPLICATION_ID 0x74617265
#define STORE_VERSION 3

/* The text of schema.sql. */
extern const char store_schema[];
extern const size_t store_schema_size;

/* What went wrong with `path` while it was written, from SQLite's last word. */
int store_write_failed(sqlite3 *db, int sqlite_rc, const char *path,
		       struct err *err);

/* The same while it was read. */
int store_read_failed(sqlite3 *db, int sqlite_rc, const char *path,
		      struct err *err);

#endif
