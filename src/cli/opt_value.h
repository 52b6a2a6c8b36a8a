/* SPDX-License-Identifier: MIT */
/* Numbers with units, as people type them. Each is false for anything else. */
#ifndef TARE_CLI_OPT_VALUE_H
#define TARE_CLI_OPT_VALUE_H

#include <stdbool.h>
#include <stdint.h>

/* "1000", "1k", "10kHz", "0.5Hz": Hz above 0. */
bool opt_value_rate(const char *text, double *hz);

/* "5", "5s", "1.5s", "500ms", "20us", "2m", "1h": nanoseconds above 0. */
bool opt_value_time(const char *text, uint64_t *ns);

/* Decimal digits alone, up to UINT32_MAX. */
bool opt_value_count(const char *text, uint32_t *nr);

/* "60%", "60", "12.5%": 0 to 100. */
bool opt_value_percent(const char *text, double *percent);

#endif
