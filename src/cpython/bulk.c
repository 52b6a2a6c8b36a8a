/* SPDX-License-Identifier: MIT */
#include "cpython/bulk.h"

#include <stdlib.h>
#include <string.h>

/* Bytes of all pieces together: 100,000 tasks with a window each. */
#define IMAGE_MAX (64ull << 20)

#define PAGE 4096u

void bulk_clear(struct bulk *b)
{
	b->pieces.nr = 0;
	b->read_nr = 0;
	b->image_nr = 0;
}

void bulk_release(struct bulk *b)
{
	vec_release(&b->pieces);
	free(b->image);
	b->image = NULL;
	b->image_nr = 0;
	b->image_cap = 0;
}

uint32_t bulk_ask(struct bulk *b, uint64_t addr, uint32_t size)
{
	struct bulk_piece piece = { addr, size, (uint32_t)b->image_nr };

	if (b->image_nr + size > IMAGE_MAX) {
		b->cut = true;
		piece.size = 0;
	}
	b->image_nr += (piece.size + 7u) & ~7u;
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

static bool make_room(struct bulk *b)
{
	uint8_t *image;

	if (b->image_nr <= b->image_cap)
		return true;
	image = realloc(b->image, b->image_nr + b->image_nr / 2);
	if (!image) {
		b->no_memory = true;
		return false;
	}
	b->image = image;
	b->image_cap = b->image_nr + b->image_nr / 2;
	return true;
}

/* Read what fits one call, from piece `from` on; *next: where to go on. */
static int read_some(struct bulk *b, uint32_t from, uint32_t *next,
		     struct err *err)
{
	struct target_piece pieces[TARGET_PIECES_MAX];
	uint32_t index[TARGET_PIECES_MAX];
	unsigned nr = 0, done;
	uint32_t i;
	int rc;

	for (i = from; i < b->pieces.nr && nr < TARGET_PIECES_MAX; i++) {
		const struct bulk_piece *p = &b->pieces.at[i];

		if (!p->size)
			continue;
		pieces[nr].addr = p->addr;
		pieces[nr].to = b->image + p->at;
		pieces[nr].size = p->size;
		index[nr++] = i;
	}
	*next = i;
	if (!nr)
		return ERR_OK;
	b->calls_left--;
	rc = target_readv(b->process->target, pieces, nr, &done, err);
	if (!rc && done < nr) {
		b->pieces.at[index[done]].size = 0;
		*next = index[done] + 1;
	}
	return rc;
}

int bulk_run(struct bulk *b, struct err *err)
{
	uint32_t next = b->read_nr;
	int rc = ERR_OK;

	if (b->no_memory || !make_room(b))
		return err_nomem(err);
	while (!rc && next < b->pieces.nr && b->calls_left)
		rc = read_some(b, next, &next, err);
	for (; next < b->pieces.nr; next++) {
		b->cut = true;
		b->pieces.at[next].size = 0;
	}
	b->read_nr = b->pieces.nr;
	return rc;
}

const uint8_t *bulk_get(const struct bulk *b, uint32_t i, uint32_t *size)
{
	if (i >= b->pieces.nr || !b->pieces.at[i].size)
		return NULL;
	if (size)
		*size = b->pieces.at[i].size;
	return b->image + b->pieces.at[i].at;
}

uint64_t bulk_word(const struct bulk *b, uint32_t i)
{
	uint32_t size;
	const uint8_t *bytes = bulk_get(b, i, &size);

	return bytes && size >= 8 ? word_at(bytes) : 0;
}
