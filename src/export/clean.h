/* SPDX-License-Identifier: MIT */
/* Text of unknown origin, made fit for the formats of other tools. */
#ifndef TARE_EXPORT_CLEAN_H
#define TARE_EXPORT_CLEAN_H

#include "base/buf.h"

/* Append `text` as valid UTF-8; U+FFFD stands for each byte that is not. */
void clean_utf8(struct buf *out, const char *text);

/*
 * Likewise, as part of a line: a control character, a line separator of
 * Unicode included, becomes '?', and the byte `reserved` becomes ','.
 */
void clean_line(struct buf *out, const char *text, char reserved);

#endif
