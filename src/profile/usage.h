/* SPDX-License-Identifier: MIT */
/*
 * The processes of one job, and what the kernel counted of each.
 */
#ifndef TARE_PROFILE_USAGE_H
#define TARE_PROFILE_USAGE_H

#include <stdbool.h>
#include <stdint.h>

/* In place of a parent: it is none of the job, or nobody saw it. */
#define PROCESS_NONE UINT32_MAX

/* The numbers are part of the file format: never renumber. */
enum process_figure {
	PROCESS_USER_NS = 0,
	PROCESS_SYS_NS = 1,
	PROCESS_PEAK_BYTES = 2,	  /* most memory resident at a time */
	PROCESS_MINOR_FAULTS = 3, /* page faults without a disk */
	PROCESS_MAJOR_FAULTS = 4, /* with one */
	PROCESS_VOLUNTARY = 5,	  /* context switches: it went to wait */
	PROCESS_INVOLUNTARY = 6,  /* it was made to give up the CPU */
	PROCESS_READ_BYTES = 7,	  /* by read() and its kin */
	PROCESS_WRITTEN_BYTES = 8,
	PROCESS_DISK_READ_BYTES = 9, /* that had to come from a disk */
	PROCESS_DISK_WRITTEN_BYTES = 10,
	PROCESS_COLLECTIONS_0 = 11, /* garbage collections by generation */
	PROCESS_COLLECTIONS_1 = 12,
	PROCESS_COLLECTIONS_2 = 13,
	PROCESS_CYCLES = 14, /* this and the next, in user mode, by the CPU */
	PROCESS_INSTRUCTIONS = 15,
	PROCESS_CACHE_REFERENCES = 16, /* of its last level, mostly */
	PROCESS_CACHE_MISSES = 17,
	PROCESS_BRANCHES = 18,
	PROCESS_BRANCH_MISSES = 19, /* predicted wrongly */
	/* Millionths of the time in which a CPU with few counters counted:
	 * beyond it the six above were extended. */
	PROCESS_COUNTED_PPM = 20,
	PROCESS_FIGURE_NR
};

/* Keys of the figures in JSON and SQL. */
extern const char *const process_figure_key[PROCESS_FIGURE_NR];

/* A set of figures, of which some may not be known. */
struct process_figures {
	uint32_t known; /* a bit for each */
	uint64_t value[PROCESS_FIGURE_NR];
};

void process_set(struct process_figures *f, enum process_figure which,
		 uint64_t value);
bool process_knows(const struct process_figures *f, enum process_figure which);

/* One figure by another; NAN where one of them is not known. */
double process_ratio(const struct process_figures *f, enum process_figure of,
		     enum process_figure by);

/* Leave out what was counted before; the peak is not a count. */
void process_subtract(struct process_figures *f,
		      const struct process_figures *before);

/* Numbers count upwards while a process lives: keep the larger of each. */
void process_raise(struct process_figures *f,
		   const struct process_figures *later);

#endif
