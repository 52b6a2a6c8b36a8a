/* SPDX-License-Identifier: MIT */
#include "base/map.h"

#include <stdlib.h>
#include <string.h>

uint64_t map_hash(uint64_t key)
{
	key ^= key >> 30;
	key *= 0xbf58476d1ce4e5b9u;
	key ^= key >> 27;
	key *= 0x94d049bb133111ebu;
	return key ^ key >> 31;
}

static struct map_slot *find(const struct map *m, uint64_t key)
{
	uint32_t mask = m->cap - 1;
	uint32_t i = (uint32_t)map_hash(key) & mask;

	while (m->slots[i].value != MAP_NONE && m->slots[i].key != key)
		i = (i + 1) & mask;
	return &m->slots[i];
}

uint32_t map_get(const struct map *m, uint64_t key)
{
	return m->cap ? find(m, key)->value : MAP_NONE;
}

static bool grow(struct map *m)
{
	struct map bigger = { .cap = m->cap ? m->cap * 2 : 16, .nr = m->nr };

	if (bigger.cap < m->cap)
		return false;
	bigger.slots = reallocarray(NULL, bigger.cap, sizeof(*bigger.slots));
	if (!bigger.slots)
		return false;
	memset(bigger.slots, 0xff, bigger.cap * sizeof(*bigger.slots));
	for (uint32_t i = 0; i < m->cap; i++)
		if (m->slots[i].value != MAP_NONE)
			*find(&bigger, m->slots[i].key) = m->slots[i];
	free(m->slots);
	*m = bigger;
	return true;
}

bool map_put(struct map *m, uint64_t key, uint32_t value)
{
	struct map_slot *slot;

	if (m->nr >= m->cap / 4 * 3 && !grow(m))
		return false;
	slot = find(m, key);
	if (slot->value == MAP_NONE)
		m->nr++;
	slot->key = key;
	slot->value = value;
	return true;
}

void map_clear(struct map *m)
{
	if (m->cap)
		memset(m->slots, 0xff, m->cap * sizeof(*m->slots));
	m->nr = 0;
}

void map_release(struct map *m)
{
	free(m->slots);
	memset(m, 0, sizeof(*m));
}
