/* SPDX-License-Identifier: MIT */
#include "render/safe_text.h"

#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "base/utf8.h"

/*
 * More marks on one base letter than any orthography needs: enough for
 * Tibetan stacks and pointed Hebrew, too few to paint over the next rows.
 */
#define MARKS_MAX 4

#define ELLIPSIS "\xe2\x80\xa6"

/* One unit that is shown whole or not at all. */
struct cell {
	char text[16];
	size_t size;
	size_t width;
};

struct cursor {
	const char *at;
	unsigned marks; /* combining characters since the last base */
	bool based;	/* there is a base for them to stand on */
};

void safe_enter(struct safe_scope *scope)
{
	/* The first is in glibc since 2.35 and patched in by distributions
	 * before; the second is the usual one where it is not. */
	scope->utf8 = newlocale(LC_ALL_MASK, "C.UTF-8", (locale_t)0);
	if (!scope->utf8)
		scope->utf8 =
			newlocale(LC_ALL_MASK, "en_US.UTF-8", (locale_t)0);
	scope->before = uselocale(scope->utf8);
}

void safe_leave(struct safe_scope *scope)
{
	uselocale(scope->before);
	if (scope->utf8)
		freelocale(scope->utf8);
}

/*
 * Characters that print nothing and change how others are shown: the
 * directional controls, separators, invisible operators and tags of Unicode.
 * The joiners U+200C and U+200D are not among them, words need those.
 */
static bool deceives(uint32_t code)
{
	static const uint32_t range[][2] = {
		{ 0x7f, 0x9f },	       { 0xad, 0xad },	   { 0x61c, 0x61c },
		{ 0x180e, 0x180e },    { 0x200b, 0x200b }, { 0x200e, 0x200f },
		{ 0x2028, 0x202e },    { 0x2060, 0x206f }, { 0xe000, 0xf8ff },
		{ 0xfeff, 0xfeff },    { 0xfff0, 0xfffb }, { 0xfffe, 0xffff },
		{ 0xe0000, 0x10ffff },
	};

	for (size_t i = 0; i < sizeof(range) / sizeof(range[0]); i++)
		if (code >= range[i][0] && code <= range[i][1])
			return true;
	return code < 0x20;
}

static void escape(struct cell *cell, uint32_t code, bool byte)
{
	int size;

	if (byte)
		size = snprintf(cell->text, sizeof(cell->text), "\\x%02x",
				code);
	else if (code <= 0xffff)
		size = snprintf(cell->text, sizeof(cell->text), "\\u%04x",
				code);
	else
		size = snprintf(cell->text, sizeof(cell->text), "\\U%08x",
				code);
	cell->size = (size_t)size;
	cell->width = cell->size;
}

/* Columns of a printable character, or -1: it has to be escaped. */
static int columns(struct cursor *c, uint32_t code)
{
	int width = deceives(code) ? -1 : wcwidth((wchar_t)code);

	if (width == 0) {
		if (!c->based || ++c->marks > MARKS_MAX)
			return -1;
		/* "Show as emoji" widens its base on some terminals; a column
		 * too many harms less than one too few. */
		return code == 0xfe0f;
	}
	c->based = width > 0;
	c->marks = 0;
	return width;
}

static bool next_cell(struct cursor *c, struct cell *cell)
{
	uint32_t code;
	size_t size;
	int width;

	if (!*c->at)
		return false;
	size = utf8_decode(c->at, &code);
	if (!size) {
		escape(cell, (unsigned char)*c->at, true);
		c->at++;
		c->based = false;
		return true;
	}
	width = columns(c, code == '\t' ? ' ' : code);
	if (code == '\t') {
		*cell = (struct cell){ .text = " ", .size = 1, .width = 1 };
	} else if (width < 0) {
		escape(cell, code, code < 0x80);
	} else {
		memcpy(cell->text, c->at, size);
		cell->size = size;
		cell->width = (size_t)width;
	}
	c->at += size;
	return true;
}

static struct cursor start(const char *text)
{
	return (struct cursor){ .at = text };
}

size_t safe_width(const char *text)
{
	struct cursor c = start(text);
	struct cell cell;
	size_t width = 0;

	while (next_cell(&c, &cell))
		width += cell.width;
	return width;
}

/* Append the cells of `text` that fit into `room` columns. */
static size_t add_head(struct buf *out, const char *text, size_t room)
{
	struct cursor c = start(text);
	struct cell cell;
	size_t used = 0;

	while (next_cell(&c, &cell) && used + cell.width <= room) {
		buf_add(out, cell.text, cell.size);
		used += cell.width;
	}
	return used;
}

/* Append the last cells of `text`, `width` columns wide in all, likewise. */
static size_t add_tail(struct buf *out, const char *text, size_t width,
		       size_t room)
{
	struct cursor c = start(text);
	struct cell cell;
	size_t used = 0;

	while (next_cell(&c, &cell)) {
		bool fits = width <= room;

		width -= cell.width;
		/* A mark whose base was cut away goes with it. */
		if (!fits || (!used && !cell.width))
			continue;
		buf_add(out, cell.text, cell.size);
		used += cell.width;
	}
	return used;
}

size_t safe_add(struct buf *out, const char *text, size_t width,
		enum safe_cut cut)
{
	size_t whole = safe_width(text), tail, used;

	if (whole <= width)
		return add_head(out, text, SIZE_MAX / 2);
	if (width == 0)
		return 0;
	tail = cut == SAFE_CUT_MIDDLE ? (width - 1) / 2 : 0;
	used = add_head(out, text, width - 1 - tail);
	buf_add_str(out, ELLIPSIS);
	return used + 1 + (tail ? add_tail(out, text, whole, tail) : 0);
}
