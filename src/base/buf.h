/* SPDX-License-Identifier: MIT */
/*
 * A growable run of bytes, always followed by a NUL so that text in it can be
 * handed to C functions. Zero-initialised is empty and valid.
 *
 * Growth failure is remembered in `failed` and later writes are ignored, so a
 * caller checks once, at the end.
 */
#ifndef TARE_BASE_BUF_H
#define TARE_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
	char *data; /* NULL when nothing was ever added */
	size_t size;
	size_t cap;
	bool failed;
};

/* Make room for `more` further bytes; false (and b->failed) without memory. */
bool buf_reserve(struct buf *b, size_t more);

void buf_add(struct buf *b, const void *data, size_t size);
void buf_add_str(struct buf *b, const char *s);
void buf_add_char(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Unsigned LEB128, 1 to 10 bytes; and its zigzag form for signed numbers. */
void buf_add_varint(struct buf *b, uint64_t value);
void buf_add_zigzag(struct buf *b, int64_t value);

/* The text of `b`, "" when it is empty. Valid until the next change. */
const char *buf_str(const struct buf *b);

/* Empty `b` but keep its memory. */
void buf_clear(struct buf *b);

/* Give the memory back. A zeroed buf is allowed. */
void buf_release(struct buf *b);

/*
 * Read a varint at *at, which is advanced; false when the bytes end inside
 * the number or it does not fit 64 bits.
 */
bool buf_get_varint(const uint8_t **at, const uint8_t *end, uint64_t *value);
bool buf_get_zigzag(const uint8_t **at, const uint8_t *end, int64_t *value);

#endif
