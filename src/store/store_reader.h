/* SPDX-License-Identifier: MIT */
/*
 * Reading the rows of a .tare file, all of which are hostile: inside the
 * store only.
 */
#ifndef TARE_STORE_STORE_READER_H
#define TARE_STORE_STORE_READER_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "profile/profile.h"

struct store_missed {
	uint64_t tick, sum;
};

struct store_reader {
	sqlite3 *db;
	const char *path;
	struct profile *profile; /* being filled */
	struct err *err;
	bool complete;
	uint64_t look_nr;   /* ticks of looks so far; kept within 63 bits */
	uint64_t await_us;  /* of tasks so far; likewise */
	uint64_t await_nr;  /* what was counted of them; likewise */
	uint64_t row_nr;    /* of the present table, so far */
	uint64_t clock_end; /* recovery: ticks whose times are known */
	uint64_t clock_us;  /* recovery: the time of the last of them */
	/* Recovery: ticks after others that were missed, and how many of those
	 * there were up to each. */
	VEC(struct store_missed) missed;
};

typedef int store_row_fn(struct store_reader *r, sqlite3_stmt *row);

/*
 * Call `fn` for each row of `table`, whose first column, `id`, has to rise
 * from row to row: a page that a damaged file refers to twice would otherwise
 * give rows without end.
 */
int store_reader_each(struct store_reader *r, const char *table, const char *id,
		      store_row_fn *fn);

/* Column `column` as a number below `limit`; false when it is not one. */
bool store_reader_number(sqlite3_stmt *row, int column, uint64_t limit,
			 uint64_t *out);
bool store_reader_u32(sqlite3_stmt *row, int column, uint64_t limit,
		      uint32_t *out);

/* Count looks; false when there are more than can be. */
bool store_reader_add_looks(struct store_reader *r, uint64_t nr);

/* The table the present row is of makes no sense. */
int store_reader_damaged(struct store_reader *r, const char *what);
int store_reader_nomem(struct store_reader *r);

/* Fill in the counts from the tracks: nobody wrote the rollups. */
int store_recover(struct store_reader *r);

#endif
