/* SPDX-License-Identifier: MIT */
/*
 * A hash map from a 64-bit key to a 32-bit value, open addressing, linear
 * probing, at most 3/4 full. Zero-initialised is empty and valid. Any key is
 * allowed; the value UINT32_MAX (MAP_NONE) is not.
 */
#ifndef TARE_BASE_MAP_H
#define TARE_BASE_MAP_H

#include <stdbool.h>
#include <stdint.h>

#define MAP_NONE UINT32_MAX

struct map_slot {
	uint64_t key;
	uint32_t value; /* MAP_NONE: empty */
};

struct map {
	struct map_slot *slots;
	uint32_t nr;
	uint32_t cap; /* a power of two, or 0 */
};

/* A well mixed hash of 64 bits (the finaliser of splitmix64, Vigna 2015). */
uint64_t map_hash(uint64_t key);

/* The value kept for `key`, or MAP_NONE. */
uint32_t map_get(const struct map *m, uint64_t key);

/* Keep `value` for `key`, replacing an older one; false without memory. */
bool map_put(struct map *m, uint64_t key, uint32_t value);

/* Forget all keys but keep the memory. */
void map_clear(struct map *m);

void map_release(struct map *m);

#endif
