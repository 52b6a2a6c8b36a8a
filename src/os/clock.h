/* SPDX-License-Identifier: MIT */
/* Time. All in nanoseconds. */
#ifndef TARE_OS_CLOCK_H
#define TARE_OS_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLOCK_SECOND_NS 1000000000ull
#define CLOCK_MS_NS 1000000ull

/* CLOCK_MONOTONIC. */
uint64_t clock_now_ns(void);

/* The kernel's own beat, at which it counts the time of who runs. */
uint64_t clock_jiffy_ns(void);

/* CPU time of the calling thread. */
uint64_t clock_cpu_ns(void);

/* Nanoseconds since 1970, for comparison with the times of files. */
int64_t clock_realtime_ns(void);

/* Sleep; ends early when a signal comes. */
void clock_sleep(uint64_t ns);

#define CLOCK_UTC_SIZE 21

/* "2026-11-21T05:00:00Z" */
void clock_utc_text(char out[CLOCK_UTC_SIZE]);

#endif
