/* SPDX-License-Identifier: MIT */
/*
 * only_sleep SECONDS RATE: do nothing but sleep, RATE times a second, at times
 * drawn as tare's are, and print what that cost. It is the least that a sampler
 * of this rate can cost on a machine, itself and whoever runs beside it.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/random.h"
#include "os/clock.h"

static double cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void sleep_until(uint64_t due_ns)
{
	struct timespec t = { .tv_sec = (time_t)(due_ns / CLOCK_SECOND_NS),
			      .tv_nsec = (long)(due_ns % CLOCK_SECOND_NS) };

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

int main(int argc, char **argv)
{
	double seconds = argc == 3 ? atof(argv[1]) : 0;
	double rate_hz = argc == 3 ? atof(argv[2]) : 0;
	uint64_t random, due_ns, end_ns;
	unsigned long sleeps = 0;

	if (!(seconds > 0) || !(rate_hz > 0)) {
		fputs("usage: only_sleep SECONDS RATE\n", stderr);
		return 2;
	}
	due_ns = clock_now_ns();
	random = due_ns | 1;
	end_ns = due_ns + (uint64_t)(seconds * 1e9);
	for (; due_ns < end_ns; sleeps++) {
		due_ns += (uint64_t)(-log1p(-random_next(&random)) * 1e9 /
				     rate_hz);
		sleep_until(due_ns);
	}
	printf("{\"cpu_s\": %.6f, \"sleeps\": %lu}\n", cpu_seconds(), sleeps);
	return 0;
}
