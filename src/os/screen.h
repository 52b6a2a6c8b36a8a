/* SPDX-License-Identifier: MIT */
/*
 * A terminal as a screen of rows, through ncurses: what did not change is not
 * sent again, and any terminal that can move its cursor will do.
 *
 * There is one screen a process. Whatever way tare ends, the terminal is put
 * in order: by screen_close(), or by a handler where tare dies (SIGKILL alone
 * leaves it as it is).
 */
#ifndef TARE_OS_SCREEN_H
#define TARE_OS_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* What was typed: a character, or one of these. */
enum screen_key {
	SCREEN_NO_KEY = 0,
	SCREEN_UP = 0x110000, /* past the last character */
	SCREEN_DOWN,
	SCREEN_PAGE_UP,
	SCREEN_PAGE_DOWN,
	SCREEN_HOME,
	SCREEN_END,
	SCREEN_BACK_TAB,
	SCREEN_RESIZED,
	SCREEN_OTHER_KEY,
	SCREEN_GONE, /* the terminal hung up */
};

/*
 * A descriptor of the terminal that tare was started from: whichever of
 * stdout, stderr and stdin is one, else the controlling terminal. The
 * caller's to close; -1: there is none.
 */
int screen_terminal(void);

/*
 * Whether the terminal at `fd` can be drawn on, by its name in TERM.
 * ERR_UNSUPPORTED: it is unknown, or cannot move its cursor.
 */
int screen_check(int fd, struct err *err);

/*
 * Take over the terminal at `fd`, which stays the caller's. `colour`: use
 * colours if it has them; bold, dim and reverse are used in any case.
 */
int screen_open(int fd, bool colour, struct err *err);

/* Give it back. Without an open screen this does nothing. */
void screen_close(void);

void screen_size(unsigned *width, unsigned *height);

/*
 * Put `text` into a row, whose rest is blank; nothing is sent yet. `text` is
 * printable UTF-8 with SGR sequences of one number; it is cut at the edge.
 */
void screen_put(unsigned row, const char *text, size_t size);

/* Send what changed. */
void screen_show(void);

/* Send everything anew: somebody else wrote on the terminal. */
void screen_redraw(void);

/* The next key, if one was typed: an enum screen_key or a character. */
int screen_key(void);

#endif
