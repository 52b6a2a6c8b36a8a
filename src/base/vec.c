/* SPDX-License-Identifier: MIT */
#include "base/vec.h"

bool vec_grow(void **at, uint32_t nr, uint32_t *cap, size_t size)
{
	uint32_t new_cap;
	void *grown;

	if (nr < *cap)
		return true;
	if (*cap > UINT32_MAX / 2)
		return false;
	new_cap = *cap ? *cap * 2 : 8;
	grown = reallocarray(*at, new_cap, size);
	if (!grown)
		return false;
	*at = grown;
	*cap = new_cap;
	return true;
}
