/* SPDX-License-Identifier: MIT */
#include "store/store_awaits.h"

#define NUMBER_MAX ((uint64_t)INT64_MAX)

/* More seconds than all tasks of a machine can wait in its life. */
#define SQUARES_MAX 1e30

/* So that sums of what is read never pass 63 bits. */
static bool add(uint64_t *sum, uint64_t value)
{
	return !__builtin_add_overflow(*sum, value, sum) && *sum <= NUMBER_MAX;
}

int store_read_await(struct store_reader *r, sqlite3_stmt *row)
{
	struct awaits *a = &r->profile->awaits;
	uint32_t process, node, kind, before = a->rows.nr;
	uint64_t us;

	if ((uint64_t)sqlite3_column_int64(row, 1) != before ||
	    !store_reader_u32(row, 2, r->profile->processes.nr, &process) ||
	    !store_reader_u32(row, 3, r->profile->nodes.nr, &node) ||
	    !store_reader_u32(row, 4, AWAIT_NR, &kind) ||
	    !store_reader_number(row, 5, NUMBER_MAX, &us) ||
	    !add(&r->await_us, us))
		return store_reader_damaged(r, "table 'await'");
	if (awaits_row(a, process, node, (enum await_kind)kind) == MAP_NONE)
		return store_reader_nomem(r);
	if (a->rows.nr == before)
		return store_reader_damaged(r, "an await is there twice");
	a->rows.at[before].us = us;
	return ERR_OK;
}

/* The process is the key of the table, so none is there twice. */
int store_read_await_process(struct store_reader *r, sqlite3_stmt *row)
{
	struct awaits *a = &r->profile->awaits;
	struct await_process of = { 0 };
	const int last = 2 + AWAIT_COUNT_NR;

	if (!store_reader_u32(row, 1, r->profile->processes.nr, &of.process) ||
	    sqlite3_column_type(row, last) != SQLITE_FLOAT)
		return store_reader_damaged(r, "table 'await_process'");
	for (int i = 0; i < AWAIT_COUNT_NR; i++)
		if (!store_reader_number(row, 2 + i, NUMBER_MAX,
					 &of.count[i]) ||
		    !add(&r->await_nr, of.count[i]))
			return store_reader_damaged(r, "table 'await_process'");
	of.squares = sqlite3_column_double(row, last);
	if (!(of.squares >= 0 && of.squares <= SQUARES_MAX))
		return store_reader_damaged(r, "table 'await_process'");
	return vec_push(&a->processes, of) ? ERR_OK : store_reader_nomem(r);
}
