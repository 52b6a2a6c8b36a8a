/* SPDX-License-Identifier: MIT */
/*
 * A process captured in a file: what was read of it, to be read again.
 *
 * The file is the line SNAPSHOT_MAGIC, then records: a letter, then
 *   'm' varint size, bytes            text of /proc/PID/maps
 *   's' path, name, varint address    a symbol; both texts end with NUL
 *   'r' varint address, varint size, bytes   memory
 * Later memory records replace earlier ones where they overlap. Bytes that
 * were not read but lie in a page of which others were are there, so they can
 * be read, as zeros: a reader that comes to ask for a little more around what
 * it needs still works on older captures. All of it is hostile: captures come
 * with bug reports.
 */
#include "target/target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/map.h"
#include "target/target_internal.h"

#define SNAPSHOT_MAGIC "tare process snapshot 1\n"
#define SNAPSHOT_SIZE_MAX (256u << 20)
#define PAGE 4096u

struct page {
	uint8_t bytes[PAGE];
};

struct snapshot_symbol {
	const char *path, *name; /* in the file's bytes */
	uint64_t addr;
};

struct snapshot {
	struct buf file;
	const uint8_t *maps;
	size_t maps_size;
	VEC(struct snapshot_symbol) symbols;
	VEC(struct page *) pages;
	struct map page_ids; /* page number -> pages */
};

/* ---- writing ------------------------------------------------------------ */

void capture_add_maps(struct buf *b, const char *text)
{
	buf_add_char(b, 'm');
	buf_add_varint(b, strlen(text));
	buf_add_str(b, text);
}

void capture_add_memory(struct buf *b, uint64_t addr, const void *bytes,
			uint32_t size)
{
	buf_add_char(b, 'r');
	buf_add_varint(b, addr);
	buf_add_varint(b, size);
	buf_add(b, bytes, size);
}

void capture_add_symbol(struct buf *b, const char *path, const char *name,
			uint64_t addr)
{
	buf_add_char(b, 's');
	buf_add(b, path, strlen(path) + 1);
	buf_add(b, name, strlen(name) + 1);
	buf_add_varint(b, addr);
}

int target_save_snapshot(struct target *t, const char *path, struct err *err)
{
	const struct buf *b = t->capture;
	bool good;
	FILE *f;

	if (!b || b->failed)
		return err_nomem(err);
	f = fopen(path, "wxe");
	if (!f) {
		err_sys(err, "cannot write '%s'", path);
		return err->code;
	}
	good = fputs(SNAPSHOT_MAGIC, f) >= 0 &&
	       fwrite(b->data, 1, b->size, f) == b->size;
	if (fclose(f) || !good) {
		err_sys(err, "cannot write '%s'", path);
		unlink(path);
		return err->code;
	}
	return ERR_OK;
}

/* ---- reading ------------------------------------------------------------ */

static struct page *page_at(struct snapshot *s, uint64_t number, bool make)
{
	uint32_t index = map_get(&s->page_ids, number);
	struct page *page;

	if (index != MAP_NONE)
		return s->pages.at[index];
	if (!make)
		return NULL;
	page = calloc(1, sizeof(*page));
	if (!page || !map_put(&s->page_ids, number, s->pages.nr) ||
	    !vec_push(&s->pages, page)) {
		free(page);
		return NULL;
	}
	return page;
}

/* How much of `size` bytes lies in the page that `addr` is in. */
static uint64_t part_in_page(uint64_t addr, uint64_t size)
{
	uint64_t room = PAGE - addr % PAGE;

	return size < room ? size : room;
}

static bool put_memory(struct snapshot *s, uint64_t addr, const uint8_t *bytes,
		       uint64_t size)
{
	while (size) {
		struct page *page = page_at(s, addr / PAGE, true);
		uint64_t part = part_in_page(addr, size);

		if (!page)
			return false;
		memcpy(page->bytes + addr % PAGE, bytes, part);
		addr += part;
		bytes += part;
		size -= part;
	}
	return true;
}

static bool get_memory(struct snapshot *s, uint64_t addr, uint8_t *to,
		       uint64_t size)
{
	while (size) {
		const struct page *page = page_at(s, addr / PAGE, false);
		uint64_t part = part_in_page(addr, size);

		if (!page)
			return false;
		memcpy(to, page->bytes + addr % PAGE, part);
		addr += part;
		to += part;
		size -= part;
	}
	return true;
}

static const char *take_text(const uint8_t **at, const uint8_t *end)
{
	const char *text = (const char *)*at;
	const uint8_t *nul = memchr(*at, '\0', (size_t)(end - *at));

	if (!nul)
		return NULL;
	*at = nul + 1;
	return text;
}

static bool take_bytes(const uint8_t **at, const uint8_t *end,
		       const uint8_t **bytes, uint64_t *size)
{
	if (!buf_get_varint(at, end, size) || *size > (uint64_t)(end - *at))
		return false;
	*bytes = *at;
	*at += *size;
	return true;
}

static bool parse_record(struct snapshot *s, const uint8_t **at,
			 const uint8_t *end)
{
	struct snapshot_symbol symbol;
	uint64_t addr, size;
	const uint8_t *bytes;

	switch (*(*at)++) {
	case 'm':
		if (!take_bytes(at, end, &s->maps, &size))
			return false;
		s->maps_size = (size_t)size;
		return true;
	case 's':
		symbol.path = take_text(at, end);
		symbol.name = symbol.path ? take_text(at, end) : NULL;
		return symbol.name && buf_get_varint(at, end, &symbol.addr) &&
		       vec_push(&s->symbols, symbol);
	case 'r':
		return buf_get_varint(at, end, &addr) &&
		       take_bytes(at, end, &bytes, &size) &&
		       put_memory(s, addr, bytes, size);
	default:
		return false;
	}
}

static bool parse(struct snapshot *s)
{
	const uint8_t *at = (const uint8_t *)buf_str(&s->file);
	const uint8_t *end = at + s->file.size;
	size_t magic = strlen(SNAPSHOT_MAGIC);

	if (s->file.size < magic || memcmp(at, SNAPSHOT_MAGIC, magic))
		return false;
	at += magic;
	while (at < end)
		if (!parse_record(s, &at, end))
			return false;
	return true;
}

/* ---- the target --------------------------------------------------------- */

static int snapshot_readv(struct target *t, const struct target_piece *pieces,
			  unsigned nr, unsigned *done, struct err *err)
{
	struct snapshot *s = t->state;

	(void)err;
	for (*done = 0; *done < nr; (*done)++)
		if (!get_memory(s, pieces[*done].addr, pieces[*done].to,
				pieces[*done].size))
			break;
	return ERR_OK;
}

static int snapshot_maps_text(struct target *t, char **text, struct err *err)
{
	const struct snapshot *s = t->state;

	*text = strndup((const char *)(s->maps ? s->maps : (const uint8_t *)""),
			s->maps_size);
	return *text ? ERR_OK : err_nomem(err);
}

static int snapshot_find_symbols(struct target *t,
				 const struct target_maps *maps,
				 const struct target_map *map,
				 struct target_symbol *symbols, unsigned nr,
				 struct err *err)
{
	const struct snapshot *s = t->state;

	(void)err;
	for (unsigned i = 0; i < nr; i++)
		for (uint32_t k = 0; k < s->symbols.nr; k++)
			if (!strcmp(symbols[i].name, s->symbols.at[k].name) &&
			    !strcmp(target_map_path(maps, map),
				    s->symbols.at[k].path))
				symbols[i].addr = s->symbols.at[k].addr;
	return ERR_OK;
}

static void snapshot_close(struct target *t)
{
	struct snapshot *s = t->state;

	for (uint32_t i = 0; i < s->pages.nr; i++)
		free(s->pages.at[i]);
	vec_release(&s->pages);
	vec_release(&s->symbols);
	map_release(&s->page_ids);
	buf_release(&s->file);
	free(s);
}

static const struct target_ops snapshot_ops = {
	.readv = snapshot_readv,
	.maps_text = snapshot_maps_text,
	.find_symbols = snapshot_find_symbols,
	.close = snapshot_close,
};

static int load(struct buf *out, const char *path, struct err *err)
{
	struct stat st;
	ssize_t got = 0;
	int fd, rc = ERR_OK;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "cannot open '%s'", path);
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) ||
	    st.st_size > SNAPSHOT_SIZE_MAX)
		rc = err_set(err, ERR_CORRUPT, "'%s' is no process snapshot",
			     path);
	else if (!buf_reserve(out, (size_t)st.st_size))
		rc = err_nomem(err);
	else
		got = read(fd, out->data, (size_t)st.st_size);
	if (!rc && got < 0)
		rc = err_sys(err, "cannot read '%s'", path);
	out->size = got > 0 ? (size_t)got : 0;
	close(fd);
	return rc;
}

int target_open_snapshot_bytes(struct target **out, const void *bytes,
			       size_t size, struct err *err)
{
	struct target *t = calloc(1, sizeof(*t));
	struct snapshot *s = calloc(1, sizeof(*s));

	*out = NULL;
	if (!t || !s) {
		free(t);
		free(s);
		return err_nomem(err);
	}
	t->ops = &snapshot_ops;
	t->pid = t->task = getpid();
	t->state = s;
	buf_add(&s->file, bytes, size);
	if (s->file.failed || !parse(s)) {
		target_close(t);
		return err_set(err, ERR_CORRUPT, "not a process snapshot");
	}
	*out = t;
	return ERR_OK;
}

int target_open_snapshot(struct target **out, const char *path, struct err *err)
{
	struct buf file = { 0 };
	int rc;

	*out = NULL;
	rc = load(&file, path, err);
	if (!rc)
		rc = target_open_snapshot_bytes(out, buf_str(&file), file.size,
						err);
	buf_release(&file);
	return rc;
}
