/* SPDX-License-Identifier: MIT */
/*
 * One recording as it is made by run and attach: the profile, the file it
 * goes to, and what went wrong on the way. What goes wrong here never
 * becomes the target's problem.
 */
#ifndef TARE_COMMANDS_RECORDING_H
#define TARE_COMMANDS_RECORDING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "cli/opt.h"
#include "commands/command.h"
#include "os/child.h"
#include "os/cost.h"
#include "os/file.h"
#include "profile/profile.h"
#include "sample/counters.h"
#include "sample/sample.h"
#include "store/store.h"

#define RECORDING_RATE_HZ 1000.0
#define RECORDING_RATE_MIN_HZ 1.0
/* One look costs some 3 us and a wake-up 20 us; beyond this rate a tick
 * would be due before the one before it is over. */
#define RECORDING_RATE_MAX_HZ 100000.0

struct recording {
	struct profile *profile;
	struct store *store; /* NULL: nothing is written */
	char *path;	     /* where it is, or will be; NULL: nowhere */
	struct sample_opts sampling;
	struct file_root root;		/* of the target, once `seen` */
	bool seen;			/* a Python was found and looked at */
	struct perf_counters *counters; /* of the job; NULL: not to be had */
	uint64_t begin_ns;
	int64_t source_since_ns; /* source changed later is not what ran */
	/* The last refusal to sample, and the first failure to write; their
	 * codes are ERR_OK as long as there was none. */
	struct err sampling_trouble;
	struct err store_trouble;
};

/* What the options of run and attach have in common. */
struct recording_opts {
	double rate_hz;
	bool exact;
	bool alone;	    /* not what it starts */
	bool no_native;	    /* native code is not told apart */
	bool native;	    /* its stacks are merged with Python's */
	const char *output; /* pattern, or NULL */
	bool force;
	struct opt_list expect;
};

/* Check the options before anything is started. */
int recording_check(const struct recording_opts *opts, struct err *err);

/* Zeroed storage becomes a recording; recording_release() it in any case. */
int recording_init(struct recording *r, const struct recording_opts *opts,
		   struct err *err);
void recording_release(struct recording *r);

/*
 * Begin the file, named by opts->output or after `program` and `pid`.
 * ERR_EXISTS and ERR_USAGE are returned; any other failure (a full disk, a
 * directory that cannot be written) is kept in store_trouble, and recording
 * goes on in memory.
 */
int recording_create(struct recording *r, const struct recording_opts *opts,
		     const char *program, pid_t pid, struct err *err);

/* Note what is known at the start: host, time, hypotheses. */
void recording_describe(struct recording *r, const char *mode,
			const struct opt_list *expect);

/* Note the command line of the target: these words, or those of `pid`. */
void recording_set_command(struct profile *p, char *const *words);
void recording_read_command(struct profile *p, pid_t pid);

enum recording_end {
	RECORDING_GONE,	   /* the process is over */
	RECORDING_STOPPED, /* the user said so */
	RECORDING_TIME,	   /* `until_ns` */
	RECORDING_FAILED,  /* see sampling_trouble */
};

/*
 * Sample process `pid` with `s`, which was opened on r->profile and belongs
 * to the recording from now on, until `until_ns` or one of the other ends.
 * `turn`, which may be NULL, is called about four times a second.
 */
enum recording_end recording_sample(
	struct recording *r, pid_t pid, struct sampler *s, uint64_t until_ns,
	void (*turn)(struct recording *r, void *arg), void *arg);

/*
 * Sample process `pid`, which has just begun, and what it starts, to its end,
 * through whatever it executes.
 */
void recording_follow(struct recording *r, pid_t pid);

/* Let the CPU count what `pid` does from now on, where it can. */
void recording_count(struct recording *r, pid_t pid);

/* What the kernel says that the job has used, which tare started. */
void recording_note_cost(struct recording *r, const struct cost *cost);

/* The end: source lines, the last figures, the file's final name. */
void recording_finish(struct recording *r);

/*
 * Tell the user on stderr what came of it: the report, or the JSON, then the
 * notes; the next command to type comes last.
 */
struct recording_show {
	bool quiet;
	bool no_report;
	bool json;
};
void recording_show(struct recording *r, const struct invocation *inv,
		    const struct recording_show *show);

#endif
