/* SPDX-License-Identifier: MIT */
/* From the words of `tare time` to what is run, and running it. */
#ifndef TARE_COMMANDS_TIME_SUBJECT_H
#define TARE_COMMANDS_TIME_SUBJECT_H

#include <stdint.h>

#include "commands/command.h"
#include "profile/timing.h"
#include "timing/once.h"

struct time_opts {
	struct common_opts common;
	uint32_t run_nr, warmup_nr;
	bool run_given, warmup_given;
	uint64_t limit_ns;
	const char *runs, *warmups;
	const char *setup, *prepare, *input, *python, *output;
	bool show_output, ignore_failure, json, markdown;
};

/* What stands behind one struct timing_subject. */
struct time_subject {
	char **argv;	  /* of a command */
	const char *code; /* or an expression */
};

#define TIME_SUBJECTS_MOST 4

struct time_job {
	const struct time_opts *opts;
	struct timing timing;
	struct time_subject subjects[TIME_SUBJECTS_MOST];
	char python[4096];
	bool transparent;
	const volatile bool *stop;
	struct once_result result; /* of the latest run */
	uint32_t latest;	   /* and whose it was */
};

/*
 * Take the words apart; nothing runs before both commands are known to be
 * there. The job is the caller's to release in either case.
 */
int time_job_init(struct time_job *job, const struct time_opts *opts,
		  const struct opt_rest *words, struct err *err);

/* One run: the callback of series_measure(), `arg` is the job. */
int time_job_run(void *arg, uint32_t subject, struct timing_run *out,
		 bool *stopped, struct err *err);

void time_job_release(struct time_job *job);

#endif
