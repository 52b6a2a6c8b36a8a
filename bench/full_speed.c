/* SPDX-License-Identifier: MIT */
/*
 * full_speed PID SECONDS: sample a process as fast as tare can, without
 * writing a file, and print what it cost. `tare` itself refuses such rates;
 * the bench compares this with the raw readers of other tools.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "os/clock.h"
#include "profile/profile.h"
#include "sample/sample.h"

/* A clock that is always due. */
#define RATE_HZ 1e9
#define PATIENCE_NS (2 * CLOCK_SECOND_NS)

static double cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void print_result(const struct profile *p, double cpu_s)
{
	uint64_t looks[SAMPLE_QUALITY_NR] = { 0 };

	for (uint32_t i = 0; i < p->threads.nr; i++)
		for (int q = 0; q < SAMPLE_QUALITY_NR; q++)
			looks[q] += p->threads.at[i].looks[q];
	printf("{\"cpu_s\": %.6f, \"ticks\": %llu, \"complete\": %llu, "
	       "\"salvaged\": %llu, \"lost\": %llu}\n",
	       cpu_s, (unsigned long long)p->tick_nr,
	       (unsigned long long)looks[SAMPLE_COMPLETE],
	       (unsigned long long)looks[SAMPLE_SALVAGED],
	       (unsigned long long)looks[SAMPLE_LOST]);
}

int main(int argc, char **argv)
{
	const struct sample_opts opts = { .rate_hz = RATE_HZ };
	struct profile *p = profile_new();
	struct sampler *s = NULL;
	enum sample_end why;
	struct err err;
	double cpu_s;

	if (argc != 3 || !p)
		return 2;
	if (sampler_open(&s, atoi(argv[1]), &opts, p, PATIENCE_NS, &err)) {
		fprintf(stderr, "full_speed: %s\n", err.msg);
		return 1;
	}
	cpu_s = cpu_seconds();
	if (sampler_run(
		    s, clock_now_ns() + (uint64_t)(strtod(argv[2], NULL) * 1e9),
		    &why, &err))
		fprintf(stderr, "full_speed: %s\n", err.msg);
	cpu_s = cpu_seconds() - cpu_s;
	sampler_close(s);
	print_result(p, cpu_s);
	profile_free(p);
	return 0;
}
