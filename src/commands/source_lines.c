/* SPDX-License-Identifier: MIT */
#include "commands/source_lines.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "base/vec.h"

#define FILE_SIZE_MAX (16u << 20)
/* All source that one recording reads: a hostile target names files at will. */
#define TOTAL_SIZE_MAX (256u << 20)
#define LINES_MAX 50000
#define TEXT_MAX 400
/* The kernel rounds the start of a process down by as much as 10 ms; a program
 * that was written and started at once is to keep its lines. */
#define SLACK_NS 1000000000ll

struct place {
	uint32_t file;
	uint32_t line;
};

struct places {
	struct place *at;
	uint32_t nr, cap;
};

static int compare(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->file != y->file)
		return x->file < y->file ? -1 : 1;
	return x->line < y->line ? -1 : x->line > y->line;
}

/* Every (file, line) once, sorted. */
static void collect(const struct profile *p, struct places *places)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < p->frames.nr && places->nr < LINES_MAX; i++) {
		const struct profile_frame *frame = &p->frames.at[i];
		struct place place = { .line = frame->line };

		if (frame->function >= p->functions.nr || !frame->line)
			continue;
		place.file = p->functions.at[frame->function].file;
		if (!vec_push(places, place))
			break;
	}
	if (!places->nr)
		return;
	qsort(places->at, places->nr, sizeof(*places->at), compare);
	for (uint32_t i = 0; i < places->nr; i++)
		if (!kept || compare(&places->at[kept - 1], &places->at[i]))
			places->at[kept++] = places->at[i];
	places->nr = kept;
}

/* The line as valid UTF-8: tabs as blanks, what else is no text as '?'. */
static void add_clean(struct buf *out, const char *text, size_t size)
{
	const char *end = text + size;
	uint32_t code;

	while (text < end && out->size < TEXT_MAX) {
		size_t nr = utf8_decode(text, &code);

		if (*text == '\t') {
			buf_add_str(out, "    ");
			text++;
		} else if (nr == 0 || nr > (size_t)(end - text) ||
			   code < 0x20 || code == 0x7f) {
			buf_add_char(out, '?');
			text++;
		} else {
			buf_add(out, text, nr);
			text += nr;
		}
	}
	while (out->size && out->data[out->size - 1] == ' ')
		out->size--;
}

/* The end of the line at `at`: '\n', '\r\n' and '\r' end one, as in Python. */
static const char *line_end(const char *at, const char *end)
{
	while (at < end && *at != '\n' && *at != '\r')
		at++;
	return at;
}

static const char *next_line(const char *line_ended, const char *end)
{
	if (line_ended + 1 < end && line_ended[0] == '\r' &&
	    line_ended[1] == '\n')
		return line_ended + 2;
	return line_ended < end ? line_ended + 1 : end;
}

static void add_file(struct profile *p, const struct place *places, uint32_t nr,
		     const struct buf *text)
{
	const char *at = buf_str(text);
	const char *end = at + text->size;
	struct buf clean = { 0 };
	uint32_t line = 1;

	for (uint32_t i = 0; i < nr; i++) {
		const char *ended;

		for (; line < places[i].line && at < end; line++)
			at = next_line(line_end(at, end), end);
		if (at >= end)
			break;
		ended = line_end(at, end);
		buf_clear(&clean);
		add_clean(&clean, at, (size_t)(ended - at));
		if (clean.size)
			profile_add_source(p, places[i].file, places[i].line,
					   clean.data, clean.size);
	}
	buf_release(&clean);
}

void source_lines_add(struct profile *p, const struct file_root *root,
		      long long since_ns)
{
	struct places places = { 0 };
	struct file_text file;
	size_t total = 0;
	uint32_t nr;

	collect(p, &places);
	for (uint32_t i = 0; i < places.nr && total < TOTAL_SIZE_MAX; i += nr) {
		struct buf path = { 0 };

		for (nr = 1; i + nr < places.nr &&
			     places.at[i + nr].file == places.at[i].file;)
			nr++;
		/* A copy: adding lines moves the profile's text. */
		buf_add_str(&path, profile_text(p, places.at[i].file));
		/* "<string>", "<frozen importlib._bootstrap>", "" */
		if (path.size && path.data[0] != '<' &&
		    file_root_read(root, path.data, FILE_SIZE_MAX, &file)) {
			total += file.text.size;
			if (file.changed_ns - SLACK_NS <= since_ns)
				add_file(p, places.at + i, nr, &file.text);
			buf_release(&file.text);
		}
		buf_release(&path);
	}
	vec_release(&places);
}
