/* SPDX-License-Identifier: MIT */
#ifndef TARE_BASE_SHELL_WORD_H
#define TARE_BASE_SHELL_WORD_H

#include "base/buf.h"

/* Append `word` as a shell would have to be given it. */
void shell_word_add(struct buf *out, const char *word);

/* The words up to NULL, a blank between them. */
void shell_words_add(struct buf *out, char *const *words);

#endif
