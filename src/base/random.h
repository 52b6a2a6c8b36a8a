/* SPDX-License-Identifier: MIT */
/*
 * Numbers that differ each time: xorshift64* (Vigna 2014, "An experimental
 * exploration of Marsaglia's xorshift generators, scrambled").
 */
#ifndef TARE_BASE_RANDOM_H
#define TARE_BASE_RANDOM_H

#include <stdint.h>

/* Any 64 bits. The state is any number but 0. */
static inline uint64_t random_word(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1du;
}

/* From 0 to below 1. */
static inline double random_next(uint64_t *state)
{
	return (double)(random_word(state) >> 11) * 0x1p-53;
}

#endif
