/* SPDX-License-Identifier: MIT */
/* What is the same for a live process and a captured one. */
#include "target/target.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "target/target_internal.h"

void target_close(struct target *t)
{
	if (!t)
		return;
	t->ops->close(t);
	if (t->capture)
		buf_release(t->capture);
	free(t->capture);
	free(t);
}

pid_t target_pid(const struct target *t)
{
	return t->pid;
}

pid_t target_task(const struct target *t)
{
	return t->task;
}

int target_readv(struct target *t, const struct target_piece *pieces,
		 unsigned nr, unsigned *done, struct err *err)
{
	int rc = t->ops->readv(t, pieces, nr, done, err);

	if (t->capture && !rc)
		for (unsigned i = 0; i < *done; i++)
			capture_add_memory(t->capture, pieces[i].addr,
					   pieces[i].to, pieces[i].size);
	return rc;
}

int target_read(struct target *t, uint64_t addr, void *to, uint32_t size,
		struct err *err)
{
	struct target_piece piece = { addr, to, size };
	unsigned done;
	int rc = target_readv(t, &piece, 1, &done, err);

	if (rc)
		return rc;
	if (!done)
		return err_set(err, ERR_CORRUPT,
			       "address %#" PRIx64 " is not mapped in process "
			       "%d",
			       addr, (int)t->pid);
	return ERR_OK;
}

/* "7f00-7f10 r-xp 00001000 fe:00 1234   /path with blanks" */
static bool parse_line(char *line, struct target_map *map, char **path)
{
	char perms[5];
	int at = 0;

	if (sscanf(line,
		   "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %*s %" SCNu64 " %n",
		   &map->start, &map->end, perms, &map->offset, &map->inode,
		   &at) < 5)
		return false;
	map->writable = perms[1] == 'w';
	map->executable = perms[2] == 'x';
	*path = line + at;
	return true;
}

int target_read_maps(struct target *t, struct target_maps *maps,
		     struct err *err)
{
	char *text, *line, *next, *path;
	struct target_map map;
	int rc;

	memset(maps, 0, sizeof(*maps));
	rc = t->ops->maps_text(t, &text, err);
	if (rc)
		return rc;
	if (t->capture)
		capture_add_maps(t->capture, text);
	/* Paths stay where they are in the text, whose first byte no path
	 * can use; it becomes the "" of maps without one. */
	maps->text = text;
	for (line = text; *line && !rc; line = next) {
		next = strchrnul(line, '\n');
		if (*next)
			*next++ = '\0';
		if (!parse_line(line, &map, &path))
			continue;
		map.path = *path ? (uint32_t)(path - text) : 0;
		if (!vec_push(&maps->map, map))
			rc = err_nomem(err);
	}
	if (*text)
		*text = '\0';
	if (rc)
		target_maps_release(maps);
	return rc;
}

void target_maps_release(struct target_maps *maps)
{
	vec_release(&maps->map);
	free(maps->text);
	maps->text = NULL;
}

const char *target_map_path(const struct target_maps *maps,
			    const struct target_map *map)
{
	return maps->text + map->path;
}

int target_find_symbols(struct target *t, const struct target_maps *maps,
			const struct target_map *map,
			struct target_symbol *symbols, unsigned nr,
			struct err *err)
{
	int rc = t->ops->find_symbols(t, maps, map, symbols, nr, err);

	for (unsigned i = 0; t->capture && !rc && i < nr; i++)
		if (symbols[i].addr)
			capture_add_symbol(t->capture,
					   target_map_path(maps, map),
					   symbols[i].name, symbols[i].addr);
	return rc;
}

int target_start_capture(struct target *t, struct err *err)
{
	if (!t->capture)
		t->capture = calloc(1, sizeof(*t->capture));
	return t->capture ? ERR_OK : err_nomem(err);
}
