/* SPDX-License-Identifier: MIT */
/* The line tables of CPython, one decoder per shape. Input is hostile. */
#ifndef TARE_CPYTHON_LINES_H
#define TARE_CPYTHON_LINES_H

#include <stdint.h>

#include "cpython/layout.h"

/*
 * The line of the instruction at byte `offset` in a code object that begins
 * at `first_line`; 0 when the table gives none.
 */
uint32_t py_line_of(enum py_line_kind kind, const uint8_t *table, uint32_t size,
		    uint32_t first_line, int32_t offset);

#endif
