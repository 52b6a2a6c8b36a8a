/* SPDX-License-Identifier: MIT */
/*
 * Where an interpreter keeps its tasks: the module asyncio.tasks has a WeakSet
 * of those that are scheduled, a set of those that run eagerly for the first
 * time, and a dict of the current ones. Where the tasks are in lists, these are
 * for tasks that are not of the C type, and a section of the file with
 * _asyncio says where the lists are.
 */
#include <string.h>

#include "cpython/attr.h"
#include "cpython/tasks_internal.h"

#define SECTION ".AsyncioDebug"
#define SECTION_SIZE_MAX 256
#define PLACES_MAX 64

/* PyModuleObject. */
#define MODULE_DICT 16

enum {
	NAME_SCHEDULED,
	NAME_EAGER,
	NAME_CURRENT,
	NAME_NR
};

static const char *const names[NAME_NR] = {
	[NAME_SCHEDULED] = "_scheduled_tasks",
	[NAME_EAGER] = "_eager_tasks",
	[NAME_CURRENT] = "_current_tasks",
};

static struct place *place_of(struct py_tasks_reader *r, uint64_t interp)
{
	struct place place = { .interp = interp };

	for (uint32_t i = 0; i < r->places.nr; i++)
		if (r->places.at[i].interp == interp)
			return &r->places.at[i];
	if (r->places.nr >= PLACES_MAX)
		r->places.nr = 0;
	return vec_push(&r->places, place) ? &r->places.at[r->places.nr - 1]
					   : NULL;
}

/* Look asyncio.tasks up in sys.modules; nothing is found before its import. */
static int look_up(struct py_tasks_reader *r, struct place *place,
		   uint64_t modules, struct err *err)
{
	const char *const module_name = "asyncio.tasks";
	uint64_t module = 0, dict = 0, found[NAME_NR] = { 0 };
	struct err ignored;
	int rc;

	place->scheduled = place->eager = place->current = place->set = 0;
	rc = py_dict_find(&r->bulk, modules, &module_name, 1, &module, err);
	if (rc || !module)
		return rc;
	rc = py_read_word(r->process, module + MODULE_DICT, &dict, err);
	if (!rc)
		rc = py_dict_find(&r->bulk, dict, names, NAME_NR, found, err);
	if (rc)
		return rc;
	place->scheduled = found[NAME_SCHEDULED];
	place->eager = found[NAME_EAGER];
	place->current = found[NAME_CURRENT];
	if (place->scheduled && py_attr_read(r->process, place->scheduled,
					     "data", &place->set, &ignored))
		place->set = 0;
	return ERR_OK;
}

static int find_place(struct py_tasks_reader *r, uint64_t interp, bool *changed,
		      struct err *err)
{
	struct place *place = place_of(r, interp);
	uint64_t modules = 0, stamp = 0;
	int rc;

	if (!place)
		return err_nomem(err);
	rc = py_read_word(r->process, interp + r->layout.interp_modules,
			  &modules, err);
	if (!rc)
		rc = py_dict_stamp(&r->bulk, modules, &stamp, err);
	if (!rc &&
	    (stamp != place->stamp || (place->scheduled && !place->set))) {
		place->stamp = stamp;
		*changed = true;
		rc = look_up(r, place, modules, err);
		/* While a module is imported, its dict grows. */
		if (rc || (place->scheduled && !place->current))
			place->stamp = 0;
	}
	return rc == ERR_CORRUPT ? ERR_OK : rc;
}

/* Is this the file that has _asyncio: its own, or the interpreter? */
static bool may_have_section(const struct py_tasks_reader *r,
			     const struct target_maps *maps, uint32_t i)
{
	const struct target_map *map = &maps->map.at[i];
	const char *path = target_map_path(maps, map);
	const char *base = strrchr(path, '/');

	if (!map->path || !base ||
	    (i && maps->map.at[i - 1].path &&
	     !strcmp(path, target_map_path(maps, &maps->map.at[i - 1]))))
		return false;
	return !strcmp(path, r->process->executable) ||
	       strstr(base, "_asyncio.") || strstr(base, "libpython");
}

static int read_section(struct py_tasks_reader *r, uint64_t addr,
			struct err *err)
{
	uint64_t table[SECTION_SIZE_MAX / 8];
	int rc;

	if (r->layout.section_size > sizeof(table))
		return err_set(err, ERR_CORRUPT, "impossible asyncio table");
	rc = target_read(r->process->target, addr, table,
			 r->layout.section_size, err);
	return rc ? rc : py_task_layout_add(r->process, &r->layout, table, err);
}

static int find_section(struct py_tasks_reader *r, struct err *err)
{
	struct target_maps maps;
	int rc = target_read_maps(r->process->target, &maps, err);

	if (rc)
		return rc;
	for (uint32_t i = 0; i < maps.map.nr && !r->has_section; i++) {
		struct target_symbol symbol = { SECTION, 0 };
		struct err ignored;

		if (!may_have_section(r, &maps, i) ||
		    target_find_symbols(r->process->target, &maps,
					&maps.map.at[i], &symbol, 1,
					&ignored) ||
		    !symbol.addr)
			continue;
		r->has_section = true;
		rc = read_section(r, symbol.addr, err);
		if (rc)
			r->known = false;
	}
	target_maps_release(&maps);
	return rc;
}

int py_tasks_find(struct py_tasks_reader *r, const struct py_threads *threads,
		  struct err *err)
{
	bool changed = false, found = false;
	int rc = ERR_OK;

	for (uint32_t i = 0; !rc && i < threads->interp.nr; i++)
		rc = find_place(r, threads->interp.at[i], &changed, err);
	for (uint32_t i = 0; i < r->places.nr; i++)
		found = found || r->places.at[i].scheduled;
	if (rc)
		return rc;
	if (!found)
		return err_set(err, ERR_NO, "asyncio is not in use");
	if (r->layout.section_size && !r->has_section && changed)
		rc = find_section(r, err);
	return rc;
}
