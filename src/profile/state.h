/* SPDX-License-Identifier: MIT */
/*
 * What a thread was doing when it was looked at, and how its wall time divides
 * among those states.
 *
 * Time on a CPU and in the queue for one is the kernel's own count, to the
 * nanosecond. What remains of the wall time the thread was waiting; that is
 * divided as its looks were (post-stratification: the sampling error is that
 * of the division only). Where the kernel does not tell, all is divided by
 * looks.
 */
#ifndef TARE_PROFILE_STATE_H
#define TARE_PROFILE_STATE_H

#include <stdint.h>

/* The numbers are part of the file format: never renumber. */
enum thread_state {
	STATE_UNKNOWN = 0,    /* could not be seen */
	STATE_ON_CPU = 1,     /* running */
	STATE_COLLECTING = 2, /* running the garbage collector, generation not
			       * known */
	STATE_RUN_QUEUE = 3,  /* could run, has no CPU */
	STATE_GIL_WAIT = 4,   /* for the global interpreter lock */
	STATE_LOCK = 5,	      /* a lock, condition, queue, event */
	STATE_DISK = 6,	      /* a file, or a page of one */
	STATE_SOCKET = 7,
	STATE_PIPE = 8,
	STATE_POLL = 9, /* any of several descriptors */
	STATE_IO = 10,	/* a terminal, a device, another descriptor */
	STATE_SLEEP = 11,
	STATE_CHILD = 12,	 /* a child process to end, or to begin */
	STATE_OTHER = 13,	 /* none of these: stopped, a signal, memory */
	STATE_COLLECTING_0 = 14, /* the youngest generation */
	STATE_COLLECTING_1 = 15,
	STATE_COLLECTING_2 = 16, /* all objects */
	STATE_NR
};

/* The keys of "states" in the JSON, whose meaning is fixed. */
enum state_group {
	GROUP_ON_CPU,
	GROUP_RUN_QUEUE,
	GROUP_GIL_WAIT,
	GROUP_LOCK,
	GROUP_IO,
	GROUP_SLEEP,
	GROUP_CHILD,
	GROUP_OTHER,
	GROUP_NR
};

struct state_words {
	const char *key;   /* in JSON and SQL */
	const char *label; /* for people */
	enum state_group group;
};

extern const struct state_words state_words[STATE_NR];
extern const char *const state_group_key[GROUP_NR];

/* Sets of states, as bits. */
#define STATE_BIT(state) (1u << (state))
#define STATES_ALL (STATE_BIT(STATE_NR) - 1)
#define STATES_COLLECTING                                              \
	(STATE_BIT(STATE_COLLECTING) | STATE_BIT(STATE_COLLECTING_0) | \
	 STATE_BIT(STATE_COLLECTING_1) | STATE_BIT(STATE_COLLECTING_2))
#define STATES_RUNNING (STATE_BIT(STATE_ON_CPU) | STATES_COLLECTING)

/* The states of a group. */
uint32_t state_group_states(enum state_group group);

/* The seconds of a set of states. */
double state_sum(const double seconds[STATE_NR], uint32_t states);

/* The kernel's count for one thread. */
struct state_kernel {
	double cpu_s, queue_s;
};

/*
 * Divide `wall_s` among the states as they were seen; `looks` has STATE_NR
 * numbers. `kernel`
 * may be NULL: not known. The result sums to wall_s.
 */
void state_divide(double out[STATE_NR], double wall_s, const uint64_t *looks,
		  const struct state_kernel *kernel);

#endif
