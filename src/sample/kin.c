/* SPDX-License-Identifier: MIT */
#include "sample/kin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <time.h>
#include <unistd.h>

#include "os/procfs.h"

/* More generations than a process can have; what is read is not believed. */
#define ABOVE_MAX 64

static void find_above(struct kin *k)
{
	struct procfs_identity id;
	pid_t pid = k->root;

	(void)vec_push(&k->above, 1);
	for (int i = 0; i < ABOVE_MAX && procfs_read_identity(pid, &id); i++) {
		if (id.parent <= 1)
			break;
		(void)vec_push(&k->above, id.parent);
		pid = id.parent;
	}
}

/* In ticks since the machine began, as /proc/PID/stat has it. */
static uint64_t now_ticks(void)
{
	struct timespec up;
	long hz = sysconf(_SC_CLK_TCK);

	if (hz <= 0 || clock_gettime(CLOCK_BOOTTIME, &up))
		return 0;
	return (uint64_t)up.tv_sec * (uint64_t)hz +
	       (uint64_t)up.tv_nsec / (1000000000 / (uint64_t)hz);
}

void kin_init(struct kin *k, pid_t root, bool fresh)
{
	struct procfs_identity id;
	char text[16];

	memset(k, 0, sizeof(*k));
	k->root = root;
	k->fresh = fresh;
	k->since = now_ticks();
	if (procfs_read_identity(root, &id)) {
		k->group = id.group;
		if (fresh)
			k->since = id.start_ticks;
	}
	k->random = procfs_read_file("/proc/sys/kernel/randomize_va_space",
				     text, sizeof(text)) > 0 &&
		    text[0] != '0';
	find_above(k);
}

void kin_release(struct kin *k)
{
	vec_release(&k->above);
	map_release(&k->ever);
	map_release(&k->images);
	map_release(&k->unsure);
}

void kin_add(struct kin *k, pid_t pid, uint32_t process)
{
	(void)map_put(&k->ever, (uint64_t)pid, process);
}

bool kin_has(const struct kin *k, pid_t pid)
{
	return map_get(&k->ever, (uint64_t)pid) != MAP_NONE;
}

/* MAP_NONE cannot be kept in a map, so one more than the index is, and 0 for
 * what strangers have, too. */
#define SHARED 0

void kin_see(struct kin *k, uint64_t stack_addr, uint32_t process)
{
	if (stack_addr && map_get(&k->images, stack_addr) == MAP_NONE)
		(void)map_put(&k->images, stack_addr, process + 1);
}

void kin_note_others(struct kin *k, const struct family_list *all)
{
	for (uint32_t i = 0; i < all->at.nr; i++) {
		const struct family_member *m = &all->at.at[i];

		if (map_get(&k->ever, (uint64_t)m->pid) == MAP_NONE &&
		    m->id.stack_addr)
			(void)map_put(&k->images, m->id.stack_addr, SHARED);
	}
}

void kin_forget_dead(struct kin *k, const struct map *alive_pids)
{
	struct map alive = { 0 };

	for (uint32_t i = 0; i < k->ever.cap; i++) {
		const struct map_slot *slot = &k->ever.slots[i];

		if (slot->value != MAP_NONE &&
		    map_get(alive_pids, slot->key) != MAP_NONE)
			(void)map_put(&alive, slot->key, slot->value);
	}
	map_release(&k->ever);
	k->ever = alive;
}

static bool is_above(const struct kin *k, pid_t pid)
{
	for (uint32_t i = 0; i < k->above.nr; i++)
		if (k->above.at[i] == pid)
			return true;
	return false;
}

/* Were places drawn at random for this process? */
static bool is_randomized(pid_t pid)
{
	char path[64], text[32];

	snprintf(path, sizeof(path), "/proc/%d/personality", (int)pid);
	return procfs_read_file(path, text, sizeof(text)) > 0 &&
	       !(strtoul(text, NULL, 16) & ADDR_NO_RANDOMIZE);
}

static uint32_t find_by_image(const struct kin *k,
			      const struct family_member *m)
{
	uint32_t process;

	if (!k->random || !m->id.stack_addr)
		return MAP_NONE;
	process = map_get(&k->images, m->id.stack_addr);
	if (process == MAP_NONE || process == SHARED || !is_randomized(m->pid))
		return MAP_NONE;
	return process - 1;
}

/*
 * The group of a target that ran before us may be that of a whole pipeline of
 * a shell, named after it only because it came first.
 */
static uint32_t find_by_group(const struct kin *k,
			      const struct family_member *m)
{
	uint32_t process = map_get(&k->ever, (uint64_t)m->id.session);

	if (process != MAP_NONE)
		return process;
	if (m->id.group == k->root && !k->fresh)
		return MAP_NONE;
	return map_get(&k->ever, (uint64_t)m->id.group);
}

bool kin_is_with_the_dying(const struct family_member *m)
{
	struct procfs_identity parent;

	return m->id.parent > 2 &&
	       (!procfs_read_identity(m->id.parent, &parent) ||
		!parent.stack_addr);
}

/*
 * Has it lost its parent? A shell above the target has children of its own,
 * in its session; who is in another one than its parent and did not begin it
 * was given to that parent.
 */
static bool is_orphan(const struct family_member *m)
{
	struct procfs_identity parent;

	return m->id.parent == 1 ||
	       (procfs_read_identity(m->id.parent, &parent) &&
		parent.session != m->id.session && m->id.session != m->pid);
}

uint32_t kin_find(struct kin *k, const struct family_member *m)
{
	uint32_t process;

	/* Its parent was there when it was asked, and has ended since. */
	process = map_get(&k->ever, (uint64_t)m->id.parent);
	if (process == MAP_NONE)
		process = find_by_group(k, m);
	if (process == MAP_NONE)
		process = find_by_image(k, m);
	if (process == MAP_NONE && m->id.group == k->group &&
	    m->id.start_ticks >= k->since && m->pid != getpid() &&
	    is_above(k, m->id.parent) && is_orphan(m))
		(void)map_put(&k->unsure, (uint64_t)m->pid, 0);
	return process;
}
