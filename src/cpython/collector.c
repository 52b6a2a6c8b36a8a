/* SPDX-License-Identifier: MIT */
#include "cpython/collector.h"

#include <string.h>

#define STRUCT_SIZE_MAX (4u << 20)

/* struct gc_generation: head of a list (16), threshold, count. */
enum {
	GENERATION_COUNT = 20,
	GENERATION_SIZE = 24,
	GENERATIONS_AT_MAX = 64
};

/* Inside of the interpreter: collections, collected, uncollectable. */
#define STAT_SIZE 24

/*
 * The statistics behind a pointer (3.15, Include/internal/
 * pycore_interp_structs.h): of each generation a ring of its last collections
 * and, after it, the index of the newest (a byte). An entry: start, stop,
 * collections so far, collected, uncollectable, candidates, seconds so far,
 * size of the heap. The ring of the youngest has 11, the others 3 entries.
 */
enum {
	ENTRY_SIZE = 64,
	ENTRY_NR = 16,
	ENTRY_COLLECTED = 24,
	ENTRY_UNCOLLECTABLE = 32,
	ENTRY_SECONDS = 48,
	YOUNG_NR = 11,
	OLD_NR = 3,
	RINGS_SIZE = (YOUNG_NR + 2 * OLD_NR) * ENTRY_SIZE + PY_GENERATIONS * 8,
	RINGS_SIZE_MAX = RINGS_SIZE + 64
};

static bool fits(uint32_t at, uint32_t width, uint32_t size)
{
	return size <= STRUCT_SIZE_MAX && width <= size && at <= size - width &&
	       at % 4 == 0;
}

static bool is_sound(const struct py_collector_layout *l)
{
	bool good = fits(l->interp_gc, 8, STRUCT_SIZE_MAX) &&
		    fits(l->collecting, 4, l->gc_size) && l->gc_size;

	if (l->generation0 != PY_ABSENT)
		good = good && fits(l->generation0, 8, l->gc_size);
	if (l->stats != PY_ABSENT)
		good = good &&
		       fits(l->stats,
			    l->stats_size ? 8 : PY_GENERATIONS * STAT_SIZE,
			    l->gc_size);
	return good;
}

/*
 * Where the counts are: the generations are an array inside of the structure,
 * which a pointer in it says where. That is 24 bytes in, but 20 in the 3.13.5
 * of Debian, whose PyGC_Head is aligned to 4 bytes, in a structure of equal
 * size.
 */
static int find_counts(struct py_collector *c, struct err *err)
{
	uint64_t first, at;
	int rc;

	for (int i = 0; i < PY_GENERATIONS; i++)
		c->count[i] = PY_ABSENT;
	if (c->layout.generation0 == PY_ABSENT)
		return ERR_OK;
	rc = py_read_word(c->process, c->addr + c->layout.generation0, &first,
			  err);
	at = first - c->addr;
	if (rc || at > GENERATIONS_AT_MAX || at % 4 ||
	    at + PY_GENERATIONS * GENERATION_SIZE > c->layout.gc_size)
		return rc;
	for (uint32_t i = 0; i < PY_GENERATIONS; i++)
		c->count[i] =
			(uint32_t)at + i * GENERATION_SIZE + GENERATION_COUNT;
	return ERR_OK;
}

static int not_known(const struct py_process *p, struct err *err)
{
	return err_set(err, ERR_NO, "the collector of CPython %s is not known",
		       p->version);
}

int py_collector_open(struct py_collector *c, struct py_process *p,
		      uint64_t interp, struct err *err)
{
	const struct py_layout_source *source;
	uint64_t *table = NULL;
	uint32_t end;
	int rc = py_process_read_table(p, &source, &table, err);

	if (rc)
		return rc;
	memset(c, 0, sizeof(*c));
	c->process = p;
	source->fill_collector(&c->layout, table);
	free(table);
	if (!is_sound(&c->layout))
		return not_known(p, err);
	c->addr = interp + c->layout.interp_gc;
	rc = find_counts(c, err);
	if (rc)
		return rc;
	c->from = c->layout.collecting;
	end = c->layout.collecting + 4;
	for (int i = 0; i < PY_GENERATIONS && c->count[0] != PY_ABSENT; i++) {
		c->from = c->count[i] < c->from ? c->count[i] : c->from;
		end = c->count[i] + 4 > end ? c->count[i] + 4 : end;
	}
	c->span = end - c->from;
	return c->span > PY_COLLECTOR_SPAN_MAX ? not_known(p, err) : ERR_OK;
}

bool py_collector_is_whole(const struct py_collector *c)
{
	return c->layout.generation0 == PY_ABSENT || c->count[0] != PY_ABSENT;
}

void py_collector_plan(struct py_collector *c, struct target_piece *piece)
{
	piece->addr = c->addr + c->from;
	piece->to = c->bytes;
	piece->size = c->span;
}

static int32_t int_at(const struct py_collector *c, uint32_t offset)
{
	int32_t value;

	memcpy(&value, c->bytes + offset - c->from, sizeof(value));
	return value;
}

/*
 * A collection begins with setting to 0 the counts of the generations that it
 * takes, and adding 1 to that of the next one. Only a collection changes the
 * counts of the older two, so the first of these that is not 0 is the next one
 * (Modules/gcmodule.c, Python/gc.c: gc_collect_main).
 */
enum py_collecting py_collector_judge(const struct py_collector *c, bool read)
{
	if (!read)
		return PY_COLLECTING_NOT_KNOWN;
	if (!int_at(c, c->layout.collecting))
		return PY_COLLECTING_NO;
	if (c->count[0] == PY_ABSENT)
		return PY_COLLECTING_ANY;
	if (int_at(c, c->count[1]))
		return PY_COLLECTING_0;
	return int_at(c, c->count[2]) ? PY_COLLECTING_1 : PY_COLLECTING_2;
}

static int count_inside(struct py_collector *c,
			struct py_collections out[PY_GENERATIONS],
			struct err *err)
{
	uint64_t words[PY_GENERATIONS * STAT_SIZE / 8];
	int rc = target_read(c->process->target, c->addr + c->layout.stats,
			     words, sizeof(words), err);

	for (int i = 0; !rc && i < PY_GENERATIONS; i++) {
		out[i].nr = words[i * 3];
		out[i].collected = words[i * 3 + 1];
		out[i].uncollectable = words[i * 3 + 2];
		out[i].seconds = -1;
	}
	return rc;
}

/* The newest entry of the ring at `ring`; NULL when there is no such one. */
static const uint8_t *newest_entry(const uint8_t *ring, uint32_t nr)
{
	uint8_t index = ring[nr * ENTRY_SIZE];

	return index < nr ? ring + index * ENTRY_SIZE : NULL;
}

static int count_rings(struct py_collector *c,
		       struct py_collections out[PY_GENERATIONS],
		       struct err *err)
{
	uint8_t rings[RINGS_SIZE_MAX];
	const uint8_t *ring = rings;
	uint64_t addr;
	int rc =
		py_read_word(c->process, c->addr + c->layout.stats, &addr, err);

	if (!rc && (c->layout.stats_size < RINGS_SIZE ||
		    c->layout.stats_size > RINGS_SIZE_MAX))
		rc = err_set(err, ERR_NO, "collections are not known");
	if (!rc)
		rc = target_read(c->process->target, addr, rings, RINGS_SIZE,
				 err);
	for (int i = 0; !rc && i < PY_GENERATIONS; i++) {
		uint32_t nr = i ? OLD_NR : YOUNG_NR;
		const uint8_t *entry = newest_entry(ring, nr);

		if (!entry)
			return err_set(err, ERR_CORRUPT,
				       "no count of collections");
		out[i].nr = word_at(entry + ENTRY_NR);
		out[i].collected = word_at(entry + ENTRY_COLLECTED);
		out[i].uncollectable = word_at(entry + ENTRY_UNCOLLECTABLE);
		memcpy(&out[i].seconds, entry + ENTRY_SECONDS, 8);
		ring += nr * ENTRY_SIZE + 8;
	}
	return rc;
}

int py_collector_count(struct py_collector *c,
		       struct py_collections out[PY_GENERATIONS],
		       struct err *err)
{
	if (c->layout.stats == PY_ABSENT)
		return err_set(err, ERR_NO, "collections are not known");
	return c->layout.stats_size ? count_rings(c, out, err)
				    : count_inside(c, out, err);
}
