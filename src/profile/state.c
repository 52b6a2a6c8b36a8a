/* SPDX-License-Identifier: MIT */
#include "profile/state.h"

#include <math.h>
#include <string.h>

const struct state_words state_words[STATE_NR] = {
	[STATE_UNKNOWN] = { "unknown", "not known", GROUP_OTHER },
	[STATE_ON_CPU] = { "on_cpu", "on CPU", GROUP_ON_CPU },
	[STATE_COLLECTING] = { "collecting", "garbage collection",
			       GROUP_ON_CPU },
	[STATE_RUN_QUEUE] = { "run_queue", "waiting for a CPU",
			      GROUP_RUN_QUEUE },
	[STATE_GIL_WAIT] = { "gil_wait", "waiting for the GIL",
			     GROUP_GIL_WAIT },
	[STATE_LOCK] = { "lock", "lock, queue or event", GROUP_LOCK },
	[STATE_DISK] = { "disk", "disk", GROUP_IO },
	[STATE_SOCKET] = { "socket", "socket", GROUP_IO },
	[STATE_PIPE] = { "pipe", "pipe", GROUP_IO },
	[STATE_POLL] = { "poll", "poll", GROUP_IO },
	[STATE_IO] = { "io_other", "other I/O", GROUP_IO },
	[STATE_SLEEP] = { "sleep", "sleep", GROUP_SLEEP },
	[STATE_CHILD] = { "child", "child process", GROUP_CHILD },
	[STATE_OTHER] = { "other", "other waiting", GROUP_OTHER },
	[STATE_COLLECTING_0] = { "collecting_0",
				 "garbage collection, generation 0",
				 GROUP_ON_CPU },
	[STATE_COLLECTING_1] = { "collecting_1",
				 "garbage collection, generation 1",
				 GROUP_ON_CPU },
	[STATE_COLLECTING_2] = { "collecting_2",
				 "garbage collection, all generations",
				 GROUP_ON_CPU },
};

const char *const state_group_key[GROUP_NR] = {
	[GROUP_ON_CPU] = "on_cpu",
	[GROUP_RUN_QUEUE] = "run_queue",
	[GROUP_GIL_WAIT] = "gil_wait",
	[GROUP_LOCK] = "lock",
	[GROUP_IO] = "io",
	[GROUP_SLEEP] = "sleep",
	[GROUP_CHILD] = "child",
	[GROUP_OTHER] = "other",
};

uint32_t state_group_states(enum state_group group)
{
	uint32_t states = 0;

	for (int i = 0; i < STATE_NR; i++)
		if (state_words[i].group == group)
			states |= STATE_BIT(i);
	return states;
}

double state_sum(const double seconds[STATE_NR], uint32_t states)
{
	double s = 0;

	for (int i = 0; i < STATE_NR; i++)
		if (states & STATE_BIT(i))
			s += seconds[i];
	return s;
}

/* Give `seconds` to `states` as they were seen, or else to `otherwise`. */
static void divide_among(double *out, double seconds, const uint64_t *looks,
			 uint32_t states, enum thread_state otherwise)
{
	double nr = 0;

	for (int i = 0; i < STATE_NR; i++)
		if (states & STATE_BIT(i))
			nr += (double)looks[i];
	if (nr == 0) {
		out[otherwise] += seconds;
		return;
	}
	for (int i = 0; i < STATE_NR; i++)
		if (states & STATE_BIT(i))
			out[i] += seconds * ((double)looks[i] / nr);
}

void state_divide(double out[STATE_NR], double wall_s, const uint64_t *looks,
		  const struct state_kernel *kernel)
{
	const uint32_t queue = STATE_BIT(STATE_RUN_QUEUE);
	double cpu_s, queue_s;

	memset(out, 0, STATE_NR * sizeof(*out));
	if (!kernel) {
		divide_among(out, wall_s, looks, STATES_ALL, STATE_UNKNOWN);
		return;
	}
	cpu_s = fmin(kernel->cpu_s, wall_s);
	queue_s = fmin(kernel->queue_s, wall_s - cpu_s);
	divide_among(out, cpu_s, looks, STATES_RUNNING, STATE_ON_CPU);
	out[STATE_RUN_QUEUE] += queue_s;
	divide_among(out, wall_s - cpu_s - queue_s, looks,
		     STATES_ALL & ~STATES_RUNNING & ~queue, STATE_UNKNOWN);
}
