/* SPDX-License-Identifier: MIT */
#ifndef TARE_BASE_UTF8_H
#define TARE_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/*
 * The size in bytes of the well-formed character (RFC 3629) that begins at
 * `s`, and in *code what it is; 0 when the bytes there are none. Never reads
 * past a NUL, which is a character of its own.
 */
size_t utf8_decode(const char *s, uint32_t *code);

#endif
