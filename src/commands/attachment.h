/* SPDX-License-Identifier: MIT */
/* What attach, dump and doctor do before they look at a process. */
#ifndef TARE_COMMANDS_ATTACHMENT_H
#define TARE_COMMANDS_ATTACHMENT_H

#include <sys/types.h>

#include "base/err.h"
#include "profile/profile.h"
#include "sample/sample.h"

/*
 * Whether there is such a process at all, and it is not tare itself:
 * ERR_NOT_FOUND, ERR_USAGE.
 */
int attachment_check(pid_t pid, struct err *err);

/* sampler_open() on a process that is already running: little patience. */
int attachment_open(struct sampler **out, pid_t pid,
		    const struct sample_opts *opts, struct profile *p,
		    struct err *err);

#endif
