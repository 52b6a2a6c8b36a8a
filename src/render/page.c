/* SPDX-License-Identifier: MIT */
#include "render/page.h"

#include <string.h>

static const char *const sgr[PAGE_STYLE_NR] = {
	[PAGE_BOLD] = "\033[1m",    [PAGE_DIM] = "\033[2m",
	[PAGE_GREEN] = "\033[32m",  [PAGE_YELLOW] = "\033[33m",
	[PAGE_RED] = "\033[31m",    [PAGE_UNDERLINE] = "\033[4m",
	[PAGE_REVERSE] = "\033[7m",
};

#define SGR_RESET "\033[0m"

void page_style(struct page *pg, enum page_style style)
{
	pg->style = style;
}

static size_t room(const struct page *pg)
{
	return pg->column < pg->width ? pg->width - pg->column : 0;
}

void page_fit(struct page *pg, const char *text, size_t width,
	      enum safe_cut cut)
{
	const char *start = pg->colour ? sgr[pg->style] : NULL;

	if (width > room(pg))
		width = room(pg);
	if (!width || !*text)
		return;
	for (; pg->blanks; pg->blanks--)
		buf_add_char(pg->out, ' ');
	if (start)
		buf_add_str(pg->out, start);
	pg->column += safe_add(pg->out, text, width, cut);
	if (start)
		buf_add_str(pg->out, SGR_RESET);
}

void page_put(struct page *pg, const char *text)
{
	page_fit(pg, text, room(pg), SAFE_CUT_END);
}

void page_to(struct page *pg, size_t column)
{
	if (column <= pg->column && pg->column)
		column = pg->column + 1;
	pg->blanks += column - pg->column;
	pg->column = column;
}

void page_right(struct page *pg, const char *text, size_t end)
{
	size_t width = safe_width(text);

	if (end > width && end - width > pg->column)
		page_to(pg, end - width);
	page_put(pg, text);
}

void page_newline(struct page *pg)
{
	buf_add_char(pg->out, '\n');
	pg->column = 0;
	pg->blanks = 0;
	pg->style = PAGE_PLAIN;
}

static void break_line(struct page *pg, size_t indent)
{
	enum page_style style = pg->style;

	page_newline(pg);
	page_to(pg, indent);
	pg->style = style;
}

void page_words(struct page *pg, const char *text, size_t indent)
{
	struct buf word = { 0 }, line = { 0 };

	while (*text) {
		size_t size = strcspn(text, " ");

		buf_clear(&word);
		buf_add(&word, text, size);
		text += size + strspn(text + size, " ");
		if (safe_width(buf_str(&line)) + !!line.size +
			    safe_width(buf_str(&word)) >
		    room(pg)) {
			page_fit(pg, buf_str(&line), SIZE_MAX, SAFE_CUT_MIDDLE);
			if (line.size || pg->column > indent)
				break_line(pg, indent);
			buf_clear(&line);
		}
		if (line.size)
			buf_add_char(&line, ' ');
		buf_add(&line, word.data, word.size);
	}
	page_fit(pg, buf_str(&line), SIZE_MAX, SAFE_CUT_MIDDLE);
	if (word.failed || line.failed)
		pg->out->failed = true;
	buf_release(&word);
	buf_release(&line);
}

/* Characters that no shell reads in a way of its own inside a word. */
#define SHELL_PLAIN                  \
	"abcdefghijklmnopqrstuvwxyz" \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZ" \
	"0123456789_-+=./:,@%~"

/* One character of a command, quoted by itself; the bytes of it used. */
static size_t quote_one(struct buf *piece, const char *word, bool first)
{
	char one[8] = { *word };
	size_t size = 1;

	while (size < 4 && ((unsigned char)word[size] & 0xc0) == 0x80) {
		one[size] = word[size];
		size++;
	}
	buf_clear(piece);
	safe_add(piece, one, SIZE_MAX / 2, SAFE_CUT_END);
	if (strcmp(buf_str(piece), one) != 0) {
		/* Not fit to be shown, so not to be copied either. */
		buf_clear(piece);
		buf_printf(piece, "$'\\%03o'", (unsigned char)*word);
		return 1;
	}
	/* A leading ~ or = is expanded by some shells, never a later one. */
	if (size == 1 && (unsigned char)*word < 0x80 &&
	    (!strchr(SHELL_PLAIN, *word) ||
	     (first && (*word == '~' || *word == '=')))) {
		buf_clear(piece);
		buf_printf(piece, "\\%c", *word);
	}
	return size;
}

static void continue_line(struct page *pg)
{
	enum page_style style = pg->style;

	page_put(pg, "\\");
	page_newline(pg);
	pg->style = style;
}

static void put_in_pieces(struct page *pg, const char *word)
{
	struct buf piece = { 0 };
	bool first = true;

	while (*word) {
		word += quote_one(&piece, word, first);
		if (safe_width(buf_str(&piece)) + 1 > room(pg))
			continue_line(pg);
		page_put(pg, buf_str(&piece));
		first = false;
	}
	if (piece.failed)
		pg->out->failed = true;
	buf_release(&piece);
}

static size_t quoted_width(const char *word)
{
	struct buf piece = { 0 };
	size_t width = 0;
	bool first = true;

	while (*word) {
		word += quote_one(&piece, word, first);
		width += safe_width(buf_str(&piece));
		first = false;
	}
	buf_release(&piece);
	return width;
}

void page_command(struct page *pg, const char *const *words)
{
	for (bool first = true; *words; words++, first = false) {
		if (!first) {
			/* Two columns more: a blank and the backslash. */
			bool fits = quoted_width(*words) + 2 <= room(pg);

			page_to(pg, pg->column + 1);
			if (!fits)
				continue_line(pg);
		}
		put_in_pieces(pg, *words);
	}
}
