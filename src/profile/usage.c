/* SPDX-License-Identifier: MIT */
#include "profile/usage.h"

#include <math.h>

const char *const process_figure_key[PROCESS_FIGURE_NR] = {
	[PROCESS_USER_NS] = "user_ns",
	[PROCESS_SYS_NS] = "sys_ns",
	[PROCESS_PEAK_BYTES] = "peak_memory_bytes",
	[PROCESS_MINOR_FAULTS] = "minor_faults",
	[PROCESS_MAJOR_FAULTS] = "major_faults",
	[PROCESS_VOLUNTARY] = "voluntary_switches",
	[PROCESS_INVOLUNTARY] = "involuntary_switches",
	[PROCESS_READ_BYTES] = "read_bytes",
	[PROCESS_WRITTEN_BYTES] = "written_bytes",
	[PROCESS_DISK_READ_BYTES] = "disk_read_bytes",
	[PROCESS_DISK_WRITTEN_BYTES] = "disk_written_bytes",
	[PROCESS_COLLECTIONS_0] = "collections_0",
	[PROCESS_COLLECTIONS_1] = "collections_1",
	[PROCESS_COLLECTIONS_2] = "collections_2",
	[PROCESS_CYCLES] = "cycles",
	[PROCESS_INSTRUCTIONS] = "instructions",
	[PROCESS_CACHE_REFERENCES] = "cache_references",
	[PROCESS_CACHE_MISSES] = "cache_misses",
	[PROCESS_BRANCHES] = "branches",
	[PROCESS_BRANCH_MISSES] = "branch_misses",
	[PROCESS_COUNTED_PPM] = "counted_ppm",
};

void process_set(struct process_figures *f, enum process_figure which,
		 uint64_t value)
{
	f->known |= 1u << which;
	f->value[which] = value;
}

bool process_knows(const struct process_figures *f, enum process_figure which)
{
	return f->known & 1u << which;
}

double process_ratio(const struct process_figures *f, enum process_figure of,
		     enum process_figure by)
{
	if (!process_knows(f, of) || !process_knows(f, by) || !f->value[by])
		return NAN;
	return (double)f->value[of] / (double)f->value[by];
}

void process_subtract(struct process_figures *f,
		      const struct process_figures *before)
{
	for (int i = 0; i < PROCESS_FIGURE_NR; i++)
		if (i != PROCESS_PEAK_BYTES && before->known & 1u << i)
			f->value[i] -= before->value[i] < f->value[i]
					       ? before->value[i]
					       : f->value[i];
}

void process_raise(struct process_figures *f,
		   const struct process_figures *later)
{
	for (int i = 0; i < PROCESS_FIGURE_NR; i++) {
		if (!(later->known & 1u << i))
			continue;
		if (!(f->known & 1u << i) || later->value[i] > f->value[i])
			f->value[i] = later->value[i];
	}
	f->known |= later->known;
}
