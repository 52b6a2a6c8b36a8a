/* SPDX-License-Identifier: MIT */
/*
 * Growable arrays of any type: `struct { T *at; uint32_t nr, cap; }`, made
 * with VEC(T). Zero-initialised is empty and valid. Elements move when the
 * array grows, so keep indices, not pointers.
 */
#ifndef TARE_BASE_VEC_H
#define TARE_BASE_VEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define VEC(type)             \
	struct {              \
		type *at;     \
		uint32_t nr;  \
		uint32_t cap; \
	}

/* Make room for one more element of `size` bytes; false without memory. */
bool vec_grow(void **at, uint32_t nr, uint32_t *cap, size_t size);

/* Append `value`; yields false without memory, the array being unchanged. */
#define vec_push(v, value)                                                \
	(((v)->nr < (v)->cap || vec_grow((void **)&(v)->at, (v)->nr,      \
					 &(v)->cap, sizeof(*(v)->at))) && \
	 ((v)->at[(v)->nr++] = (value), true))

#define vec_release(v)          \
	do {                    \
		free((v)->at);  \
		(v)->at = NULL; \
		(v)->nr = 0;    \
		(v)->cap = 0;   \
	} while (0)

#endif
