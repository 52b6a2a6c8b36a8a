/* SPDX-License-Identifier: MIT */
/*
 * Orphans: processes whose parent had ended before anybody looked at them,
 * and which the kernel has given to another one. Which of them are the job's?
 *
 * - Those in a session, or a group of processes, that a process of the job
 *   made: one comes into a session only by birth.
 * - Those whose stack begins where that of a process of the job does. The
 *   place is drawn at random when a program is executed, and inherited by
 *   fork(): they are copies of it. This finds the daemon that its parent made
 *   by forking twice within a millisecond.
 *
 * Others of the job's own group may be the job's or not; they are counted.
 * Nobody is taken in without proof.
 */
#ifndef TARE_SAMPLE_KIN_H
#define TARE_SAMPLE_KIN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/map.h"
#include "sample/family.h"

struct kin {
	pid_t root;
	pid_t group;	   /* that the root was in at the beginning */
	bool fresh;	   /* the root began with the recording */
	uint64_t since;	   /* when that was, as processes tell their begin */
	bool random;	   /* stacks begin at random places here */
	VEC(pid_t) above;  /* who may be given the job's orphans */
	struct map ever;   /* number of a process, dead or alive -> its index */
	struct map images; /* where stacks begin -> the same, or not telling */
	struct map unsure; /* who may be of the job, and who may not */
};

void kin_init(struct kin *k, pid_t root, bool fresh);
void kin_release(struct kin *k);

/* `pid` is of the job, as process `process` of the profile. */
void kin_add(struct kin *k, pid_t pid, uint32_t process);

/* Is `pid` of the job, or was it? */
bool kin_has(const struct kin *k, pid_t pid);

/* The stack of a process of the job begins there. */
void kin_see(struct kin *k, uint64_t stack_addr, uint32_t process);

/* All processes at a moment when those of the job are known: what they share
 * with others proves nothing. */
void kin_note_others(struct kin *k, const struct family_list *all);

/* Numbers have begun anew, so those of the dead mean nothing any more. */
void kin_forget_dead(struct kin *k, const struct map *alive_pids);

/*
 * Of which process in the profile is `m`, whose parent is none of the job, a
 * descendant? MAP_NONE: of none, for all that can be proven.
 */
uint32_t kin_find(struct kin *k, const struct family_member *m);

/* Is its parent, of whom nothing is known, about to end? It is given to
 * another one then, and should be asked once more. */
bool kin_is_with_the_dying(const struct family_member *m);

#endif
