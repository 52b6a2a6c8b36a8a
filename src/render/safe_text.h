/* SPDX-License-Identifier: MIT */
/*
 * Text of unknown origin, made fit for a terminal, and measured in columns.
 *
 * What is not printable UTF-8 is written as an escape that can be read:
 * \x1b for a byte or an ASCII control, \u202e for the rest (controls, format
 * characters, directional overrides, a pile of combining marks). A tab is
 * shown as a blank. So no output of these functions can move
 * the cursor, change a colour or reorder a line.
 */
#ifndef TARE_RENDER_SAFE_TEXT_H
#define TARE_RENDER_SAFE_TEXT_H

#include <locale.h>

#include "base/buf.h"

/*
 * Width tables and the decimal point depend on the locale of the calling
 * thread: what is rendered stands between these two. In a system without a
 * UTF-8 locale every character above ASCII is escaped.
 */
struct safe_scope {
	locale_t utf8; /* 0: none to be had */
	locale_t before;
};

void safe_enter(struct safe_scope *scope);
void safe_leave(struct safe_scope *scope);

enum safe_cut {
	SAFE_CUT_END,	 /* "calculate_z_se…" */
	SAFE_CUT_MIDDLE, /* "calculat…python" */
};

/* Columns that `text` takes when nothing is cut. */
size_t safe_width(const char *text);

/*
 * Append `text` in at most `width` columns, an ellipsis standing for what
 * does not fit; the columns used.
 */
size_t safe_add(struct buf *out, const char *text, size_t width,
		enum safe_cut cut);

#endif
