/* SPDX-License-Identifier: MIT */
/*
 * Sampling a CPython process, and the processes that it starts, from outside:
 * when to look, and what to believe. Fills a `struct profile`.
 *
 * The target is only read (process_vm_readv, /proc); it is never written to
 * and, unless `exact` asks for it, never stopped. How a stack is proven is in
 * docs/internals/stacks.md.
 */
#ifndef TARE_SAMPLE_SAMPLE_H
#define TARE_SAMPLE_SAMPLE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "profile/profile.h"

struct sample_opts {
	double rate_hz; /* mean rate of the Poisson clock */
	bool exact;	/* stop the target for each sample (ptrace) */
	bool children;	/* follow what it starts, too */
	bool gil;	/* count who holds the GIL, too: a little dearer */
	bool no_native; /* do not tell native code apart */
	bool awaits;	/* read the tasks of asyncio, too */
	bool native;	/* merge its stacks with Python's */
	bool fresh;	/* it has just begun: all it used is ours to tell */
	/* Set to true from a signal handler to end sample_run() early; may be
	 * NULL. */
	const volatile bool *stop;
};

enum sample_end {
	SAMPLE_PAUSED,	/* `until_ns` was reached */
	SAMPLE_STOPPED, /* *opts.stop became true */
	SAMPLE_GONE,	/* the target exited */
};

struct sampler;

/*
 * Get ready to sample process `pid` into `p`; neither is owned. With
 * `patience_ns` it waits that long for a Python interpreter to come up, and
 * fails when there is none; with 0 whatever the process becomes is followed.
 * On success *out is the caller's to release with sampler_close().
 *
 * ERR_GONE: exited. ERR_UNSUPPORTED: no CPython in it, or one that tare does
 * not know. ERR_PERM: the kernel forbids reading it. `err` has the hint.
 */
int sampler_open(struct sampler **out, pid_t pid,
		 const struct sample_opts *opts, struct profile *p,
		 uint64_t patience_ns, struct err *err);

/*
 * Take samples until `until_ns` (CLOCK_MONOTONIC) or one of the other ends.
 * Can be called again after SAMPLE_PAUSED, to give the caller its turn.
 */
int sampler_run(struct sampler *s, uint64_t until_ns, enum sample_end *why,
		struct err *err);

/* Bring what the kernel counts up to date in the profile: for who reads it
 * while the recording goes on. */
void sampler_account(struct sampler *s);

/* Why the Python of `pid` itself cannot be followed; ERR_OK: it can. */
const struct err *sampler_trouble(const struct sampler *s);

/* One look at every thread, as a tick of its own; tries harder than a tick. */
int sampler_once(struct sampler *s, struct err *err);

/*
 * Keep all that is read of the target from now on; then write it to `path`,
 * which must not exist yet: what a bug report needs, and what tests replay.
 */
int sampler_start_capture(struct sampler *s, struct err *err);
int sampler_save_capture(struct sampler *s, const char *path, struct err *err);

/* Release `s`, closing the books of the threads in the profile. NULL is
 * allowed. */
void sampler_close(struct sampler *s);

#endif
