/* SPDX-License-Identifier: MIT */
/* A profile of one process, for tests to which it does not matter which. */
#ifndef TARE_TESTS_ONE_PROCESS_H
#define TARE_TESTS_ONE_PROCESS_H

#include "profile/profile.h"

static inline struct profile *one_process(void)
{
	struct profile *p = profile_new();

	if (p)
		profile_add_process(p, 100, PROCESS_NONE, 0);
	return p;
}

#endif
