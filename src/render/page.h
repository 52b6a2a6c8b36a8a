/* SPDX-License-Identifier: MIT */
/*
 * Lines of a fixed number of columns. Everything a report prints goes
 * through here, which is what makes two promises hold by construction: no
 * line is wider than the page, and no byte of the profile reaches the
 * terminal unchecked (render/safe_text.h).
 *
 * Blanks are written only when something follows them: no line ends in
 * padding.
 */
#ifndef TARE_RENDER_PAGE_H
#define TARE_RENDER_PAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "render/safe_text.h"

enum page_style {
	PAGE_PLAIN,
	PAGE_BOLD,
	PAGE_DIM,
	PAGE_GREEN,
	PAGE_YELLOW,
	PAGE_RED,
	PAGE_UNDERLINE,
	PAGE_REVERSE,
	PAGE_STYLE_NR
};

struct page {
	struct buf *out;
	size_t width;
	bool colour;
	size_t column; /* where the next text goes, pending blanks included */
	size_t blanks; /* owed before the next text */
	enum page_style style;
};

/* The style of what follows, until it is set again or the line ends. */
void page_style(struct page *pg, enum page_style style);

/* Text, cut where the line ends. */
void page_put(struct page *pg, const char *text);

/* Text in at most `width` columns; it is not filled up with blanks. */
void page_fit(struct page *pg, const char *text, size_t width,
	      enum safe_cut cut);

/* Text that ends at column `end` (its right edge), as numbers in a table. */
void page_right(struct page *pg, const char *text, size_t end);

/* Go on at `column`, or one blank further when that has been passed. */
void page_to(struct page *pg, size_t column);

void page_newline(struct page *pg);

/*
 * Words, broken into lines that begin at `indent`; the first one goes on
 * where the line stands. A word wider than a line is cut in its middle.
 * Ends without a line break.
 */
void page_words(struct page *pg, const char *text, size_t indent);

/*
 * A command to be typed, quoted for a POSIX shell. Where it does not fit it
 * is continued in the first column after a backslash, so that it can still
 * be copied. `words` ends in NULL.
 */
void page_command(struct page *pg, const char *const *words);

#endif
