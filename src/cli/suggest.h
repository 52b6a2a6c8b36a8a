/* SPDX-License-Identifier: MIT */
/* "did you mean ...?" */
#ifndef TARE_CLI_SUGGEST_H
#define TARE_CLI_SUGGEST_H

#include <stddef.h>

/* The best of several candidates so far; zero-initialised is none. */
struct suggest {
	const char *word; /* what was typed; `size` bytes of it count */
	size_t size;
	const char *best; /* NULL: nothing is near */
	unsigned distance;
};

void suggest_init(struct suggest *s, const char *word, size_t size);
void suggest_offer(struct suggest *s, const char *candidate);

#endif
