/* SPDX-License-Identifier: MIT */
/*
 * The names of a recording on disk: PATH.part while it is written, PATH when
 * it is whole. Nothing that was there before is ever lost without being asked
 * for, not even in a race with another tare.
 *
 * That a PATH.part is alive shows in SQLite's lock on it. POSIX locks go when
 * any descriptor of the file is closed, so `fd` stays open until SQLite has
 * closed its own.
 */
#ifndef TARE_STORE_STORE_FILE_H
#define TARE_STORE_STORE_FILE_H

#include <stdbool.h>

#include "base/err.h"

struct store_file {
	char *path;  /* as the user typed it */
	char *part;  /* path + ".part" */
	char *aside; /* where a dead PATH.part was moved, or NULL */
	int fd;	     /* of `part`; -1: none */
	bool overwrite;
};

/*
 * Make an empty PATH.part that is ours. ERR_EXISTS when PATH is there and not
 * `overwrite`, or when another tare writes PATH.part. On failure `f` is to be
 * released all the same.
 */
int store_file_claim(struct store_file *f, const char *path, bool overwrite,
		     struct err *err);

/* ERR_EXISTS when PATH.part is no longer the file that was claimed. */
int store_file_check(const struct store_file *f, struct err *err);

/* Sync PATH.part and name it PATH. */
int store_file_publish(struct store_file *f, struct err *err);

/*
 * Take the journal of PATH.part away if it is of no bytes, which says that
 * there is nothing in it to be undone. In the mode in which PATH.part is
 * locked, SQLite leaves it. Only before SQLite lets go of its lock: afterwards
 * it could be another tare's.
 */
void store_file_drop_journal(const struct store_file *f);

/* Take PATH.part away. */
void store_file_remove(struct store_file *f);

/* Forget `f`; files stay as they are. */
void store_file_release(struct store_file *f);

/* `path`, such that SQLite takes it for nothing but a path. NULL: no memory. */
char *store_file_plain_path(const char *path);

#endif
