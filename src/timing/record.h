/* SPDX-License-Identifier: MIT */
/* What the program of runner.py says on its pipe, read as hostile text. */
#ifndef TARE_TIMING_RECORD_H
#define TARE_TIMING_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "profile/timing.h"

/*
 * The timed expression shares the process and its descriptors with the
 * program that times it, so it could write to the pipe as well. Whatever does
 * not read as one whole record is refused (ERR_CORRUPT). Fills the times of
 * `run`, `python` (at most size-1 bytes) and *loop_nr.
 */
int record_parse(const char *text, struct timing_run *run, char *python,
		 size_t size, uint64_t *loop_nr, struct err *err);

#endif
