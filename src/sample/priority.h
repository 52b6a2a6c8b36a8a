/* SPDX-License-Identifier: MIT */
/*
 * How soon the sampler gets a CPU when its clock ticks. On a busy machine a
 * look that comes late comes when somebody else stops, which is no random
 * moment (docs/internals/states.md).
 */
#ifndef TARE_SAMPLE_PRIORITY_H
#define TARE_SAMPLE_PRIORITY_H

#include <stdbool.h>
#include <stdint.h>

/* As sched_setattr(2) has it, which the C library lacks before glibc 2.41. */
struct priority {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t realtime;
	uint64_t runtime_ns, deadline_ns, period_ns;
};

/* Ask for exact timers and short turns; `before` is how it was. */
void priority_ask(struct priority *before);

/* Come before all that are no real-time programs; `before` is how it was.
 * False: that is not allowed. */
bool priority_raise(struct priority *before);

/* Be as before. */
void priority_restore(const struct priority *before);

#endif
