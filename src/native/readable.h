/* SPDX-License-Identifier: MIT */
/* Names of functions as compilers write them, made readable. */
#ifndef TARE_NATIVE_READABLE_H
#define TARE_NATIVE_READABLE_H

#include <stddef.h>

/* Longer names are left as they are. */
#define READABLE_MAX 2048

/*
 * Write what people read for `symbol` into `out`: C++ and Rust as in the
 * source where the C++ library of this system is there to do it, Cython and
 * Numba without what their compilers added; anything else as it is, without
 * the version behind '@'. Cut to `size` - 1 bytes.
 */
void readable_name(const char *symbol, char *out, size_t size);

#endif
