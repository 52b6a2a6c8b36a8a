/* SPDX-License-Identifier: MIT */
#include "native/jit_code.h"

#include <stdlib.h>
#include <string.h>

/* How many functions before an address may reach over it. */
#define LOOK_BACK 16

bool jit_code_add(struct jit_code *j, uint64_t start, uint64_t size,
		  const char *name, size_t name_size)
{
	struct jit_function f = { .start = start, .end = start + size };

	name_size = strnlen(name, name_size);
	if (name_size > JIT_NAME_MAX)
		name_size = JIT_NAME_MAX;
	if (!name_size || f.end <= start ||
	    j->functions.nr >= JIT_FUNCTIONS_MAX ||
	    j->names.size + name_size >= JIT_NAMES_MAX)
		return false;
	f.name = (uint32_t)j->names.size;
	f.age = j->added++;
	buf_add(&j->names, name, name_size);
	buf_add_char(&j->names, '\0');
	if (j->names.failed || !vec_push(&j->functions, f))
		return false;
	j->sorted = false;
	return true;
}

static int compare(const void *a, const void *b)
{
	const struct jit_function *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->age < y->age ? 1 : -1;
}

/* By address; of those that begin at the same one, the newest. */
static void sort(struct jit_code *j)
{
	struct jit_function *f = j->functions.at;
	uint32_t kept = 0;

	if (j->functions.nr)
		qsort(f, j->functions.nr, sizeof(*f), compare);
	for (uint32_t i = 0; i < j->functions.nr; i++)
		if (!kept || f[kept - 1].start != f[i].start)
			f[kept++] = f[i];
	j->functions.nr = kept;
	j->sorted = true;
}

const char *jit_code_find(struct jit_code *j, uint64_t addr)
{
	const struct jit_function *best = NULL;
	uint32_t low = 0, high;

	if (!j->sorted)
		sort(j);
	high = j->functions.nr;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (j->functions.at[middle].start <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	for (uint32_t i = low; i-- > 0 && low - i <= LOOK_BACK;) {
		const struct jit_function *f = &j->functions.at[i];

		if (addr < f->end && (!best || f->age > best->age))
			best = f;
	}
	return best ? j->names.data + best->name : NULL;
}

void jit_code_release(struct jit_code *j)
{
	vec_release(&j->functions);
	buf_release(&j->names);
	memset(j, 0, sizeof(*j));
}
