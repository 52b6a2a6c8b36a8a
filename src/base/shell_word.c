/* SPDX-License-Identifier: MIT */
#include "base/shell_word.h"

#include <string.h>

void shell_word_add(struct buf *out, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-_./:=+,@%^~";

	if (*word && strspn(word, plain) == strlen(word)) {
		buf_add_str(out, word);
		return;
	}
	buf_add_char(out, '\'');
	for (; *word; word++) {
		if (*word == '\'')
			buf_add_str(out, "'\\''");
		else
			buf_add_char(out, *word);
	}
	buf_add_char(out, '\'');
}

void shell_words_add(struct buf *out, char *const *words)
{
	for (bool first = true; *words; words++, first = false) {
		if (!first)
			buf_add_char(out, ' ');
		shell_word_add(out, *words);
	}
}
