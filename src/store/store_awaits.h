/* SPDX-License-Identifier: MIT */
/* The tables of asyncio's tasks, row by row: inside the store only. */
#ifndef TARE_STORE_STORE_AWAITS_H
#define TARE_STORE_STORE_AWAITS_H

#include "store/store_reader.h"

int store_read_await(struct store_reader *r, sqlite3_stmt *row);
int store_read_await_process(struct store_reader *r, sqlite3_stmt *row);

#endif
