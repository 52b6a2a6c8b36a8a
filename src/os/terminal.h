/* SPDX-License-Identifier: MIT */
/* The terminal, if there is one at the other end. */
#ifndef TARE_OS_TERMINAL_H
#define TARE_OS_TERMINAL_H

#include <stdbool.h>

bool terminal_is(int fd);

/* Columns of the terminal at `fd`; 80 for anything else. */
unsigned terminal_width(int fd);

/*
 * Whether to colour what goes to `fd`. `when` is "always", "never", or
 * "auto" (or NULL): then NO_COLOR and FORCE_COLOR decide, in this order,
 * then TERM=dumb, then whether `fd` is a terminal.
 */
bool terminal_colour(int fd, const char *when);

#endif
