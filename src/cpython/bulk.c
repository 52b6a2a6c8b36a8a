/* SPDX-License-Identifier: MIT */
#include "cpython/bulk.h"

#include <stdlib.h>
#include <string.h>

/* Bytes of all pieces together: 100,000 tasks with a window each. */
#define IMAGE_MAX (64ull << 20)

#define PAGE 4096u

/*
 * A page with so many pieces is read whole: a piece costs 115 ns, the bytes of
 * a page 300 (docs/internals/asyncio.md). Where only a few are asked for there
 * is nothing to gain.
 */
#define PAGE_PIECES 4
#define PIECES_MIN 64

void bulk_clear(struct bulk *b)
{
	b->pieces.nr = 0;
	b->reads.nr = 0;
	b->read_nr = 0;
	b->image_nr = 0;
}

void bulk_release(struct bulk *b)
{
	vec_release(&b->pieces);
	vec_release(&b->reads);
	map_release(&b->pages);
	free(b->image);
	b->image = NULL;
	b->image_nr = 0;
	b->image_cap = 0;
}

uint32_t bulk_ask(struct bulk *b, uint64_t addr, uint32_t size)
{
	struct bulk_piece piece = { addr, size, MAP_NONE };

	if (!vec_push(&b->pieces, piece)) {
		b->no_memory = true;
		return UINT32_MAX;
	}
	return b->pieces.nr - 1;
}

uint32_t bulk_ask_window(struct bulk *b, uint64_t addr, uint32_t least,
			 uint32_t most)
{
	uint64_t room = PAGE - (addr + least - 1) % PAGE - 1 + least;

	return bulk_ask(b, addr, room < most ? (uint32_t)room : most);
}

/* ---- what to ask the kernel for ----------------------------------------- */

static bool in_one_page(const struct bulk_piece *p)
{
	return p->size && p->addr % PAGE + p->size <= PAGE;
}

/* Count the pieces of each page. Neighbours are mostly of one. */
static void count_pages(struct bulk *b)
{
	uint64_t page = UINT64_MAX;
	uint32_t read = 0;

	map_clear(&b->pages);
	for (uint32_t i = b->read_nr; i < b->pieces.nr; i++) {
		struct bulk_piece *p = &b->pieces.at[i];
		struct bulk_read new = { p->addr / PAGE * PAGE, PAGE, 0, 0 };

		if (!in_one_page(p))
			continue;
		if (p->addr / PAGE != page) {
			page = p->addr / PAGE;
			read = map_get(&b->pages, page);
			if (read == MAP_NONE) {
				read = b->reads.nr;
				if (!map_put(&b->pages, page, read) ||
				    !vec_push(&b->reads, new)) {
					b->no_memory = true;
					return;
				}
			}
		}
		p->read = read;
		b->reads.at[read].nr++;
	}
}

static void place(struct bulk *b, struct bulk_read *r)
{
	if (b->image_nr + r->size > IMAGE_MAX) {
		b->cut = true;
		r->size = 0;
	}
	r->at = (uint32_t)b->image_nr;
	b->image_nr += (r->size + 7u) & ~7u;
}

/* A read for each piece that has none, or whose page is not worth it. */
static void plan_pieces(struct bulk *b)
{
	for (uint32_t i = b->read_nr; i < b->pieces.nr; i++) {
		struct bulk_piece *p = &b->pieces.at[i];
		struct bulk_read r = { p->addr, p->size, 0, 1 };

		if (!p->size || (p->read != MAP_NONE &&
				 b->reads.at[p->read].nr >= PAGE_PIECES))
			continue;
		place(b, &r);
		p->read = b->reads.nr;
		if (!vec_push(&b->reads, r)) {
			b->no_memory = true;
			return;
		}
	}
}

static void plan(struct bulk *b)
{
	uint32_t first = b->reads.nr, pages;

	if (b->pieces.nr - b->read_nr >= PIECES_MIN)
		count_pages(b);
	pages = b->reads.nr;
	for (uint32_t i = first; i < pages; i++) {
		struct bulk_read *r = &b->reads.at[i];

		if (r->nr >= PAGE_PIECES)
			place(b, r);
		else
			r->size = 0;
	}
	if (!b->no_memory)
		plan_pieces(b);
}

/* ---- reading ------------------------------------------------------------ */

static bool make_room(struct bulk *b)
{
	uint64_t cap = b->image_nr + b->image_nr / 2;
	uint8_t *image;

	if (b->image_nr <= b->image_cap)
		return true;
	image = realloc(b->image, cap);
	if (!image) {
		b->no_memory = true;
		return false;
	}
	b->image = image;
	b->image_cap = cap;
	return true;
}

/* Read what fits one call, from read `from` on; *next: where to go on. */
static int read_some(struct bulk *b, uint32_t from, uint32_t *next,
		     struct err *err)
{
	struct target_piece pieces[TARGET_PIECES_MAX];
	uint32_t index[TARGET_PIECES_MAX];
	unsigned nr = 0, done;
	uint32_t i;
	int rc;

	for (i = from; i < b->reads.nr && nr < TARGET_PIECES_MAX; i++) {
		const struct bulk_read *r = &b->reads.at[i];

		if (!r->size)
			continue;
		pieces[nr].addr = r->addr;
		pieces[nr].to = b->image + r->at;
		pieces[nr].size = r->size;
		index[nr++] = i;
	}
	*next = i;
	if (!nr)
		return ERR_OK;
	b->calls_left--;
	rc = target_readv(b->process->target, pieces, nr, &done, err);
	if (!rc && done < nr) {
		b->reads.at[index[done]].size = 0;
		*next = index[done] + 1;
	}
	return rc;
}

int bulk_run(struct bulk *b, struct err *err)
{
	uint32_t next = b->reads.nr;
	int rc = ERR_OK;

	if (!b->no_memory)
		plan(b);
	if (b->no_memory || !make_room(b))
		return err_nomem(err);
	while (!rc && next < b->reads.nr && b->calls_left)
		rc = read_some(b, next, &next, err);
	for (; next < b->reads.nr; next++) {
		b->cut = true;
		b->reads.at[next].size = 0;
	}
	b->read_nr = b->pieces.nr;
	return rc;
}

const uint8_t *bulk_get(const struct bulk *b, uint32_t i, uint32_t *size)
{
	const struct bulk_piece *p;
	const struct bulk_read *r;

	if (i >= b->read_nr || !b->pieces.at[i].size ||
	    b->pieces.at[i].read >= b->reads.nr)
		return NULL;
	p = &b->pieces.at[i];
	r = &b->reads.at[p->read];
	if (!r->size)
		return NULL;
	if (size)
		*size = p->size;
	return b->image + r->at + (p->addr - r->addr);
}

uint64_t bulk_word(const struct bulk *b, uint32_t i)
{
	uint32_t size;
	const uint8_t *bytes = bulk_get(b, i, &size);

	return bytes && size >= 8 ? word_at(bytes) : 0;
}
