/* SPDX-License-Identifier: MIT */
#include "cli/suggest.h"

#include <string.h>

#define WORD_MAX 32

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

/*
 * Edits (insert, delete, replace, swap of neighbours) that lead from `a` to
 * `b`: the optimal string alignment distance. Both at most WORD_MAX long.
 */
static unsigned distance(const char *a, size_t a_size, const char *b,
			 size_t b_size)
{
	unsigned rows[3][WORD_MAX + 1];
	unsigned *before = rows[0], *last = rows[1], *row = rows[2];

	for (size_t j = 0; j <= b_size; j++)
		last[j] = (unsigned)j;
	for (size_t i = 1; i <= a_size; i++) {
		unsigned *spare = before;

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b_size; j++) {
			unsigned same = a[i - 1] == b[j - 1] ? 0 : 1;

			row[j] = min3(last[j] + 1, row[j - 1] + 1,
				      last[j - 1] + same);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && before[j - 2] + 1 < row[j])
				row[j] = before[j - 2] + 1;
		}
		before = last;
		last = row;
		row = spare;
	}
	return last[b_size];
}

void suggest_init(struct suggest *s, const char *word, size_t size)
{
	memset(s, 0, sizeof(*s));
	s->word = word;
	s->size = size;
	/* One slip in a short word, two in a long one: more is another word. */
	s->distance = size < 4 ? 2 : 3;
}

void suggest_offer(struct suggest *s, const char *candidate)
{
	size_t size = strlen(candidate);
	unsigned d;

	if (s->size > WORD_MAX || size > WORD_MAX || s->size == 0)
		return;
	/* A beginning of the word is near however much is missing. */
	if (s->size >= 3 && size > s->size &&
	    memcmp(candidate, s->word, s->size) == 0)
		d = 1;
	else
		d = distance(s->word, s->size, candidate, size);
	if (d < s->distance && d < size) {
		s->distance = d;
		s->best = candidate;
	}
}
