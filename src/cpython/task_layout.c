/* SPDX-License-Identifier: MIT */
#include "cpython/task_layout.h"

#include <stdlib.h>
#include <string.h>

#include "cpython/process.h"

/* Larger than any of the structures (see layout.c). */
#define STRUCT_SIZE_MAX (4u << 20)

static int check_field(const char *name, uint32_t offset, uint32_t width,
		       uint32_t size, struct err *err)
{
	/* What is wider than a word is several words. */
	uint32_t step = width < 8 ? width : 8;

	if (offset == PY_ABSENT)
		return ERR_OK;
	if (size > STRUCT_SIZE_MAX || width > size || offset > size - width ||
	    offset % step)
		return err_set(err, ERR_CORRUPT,
			       "the layout of asyncio that the process "
			       "publishes is damaged: %s is at %u of %u bytes",
			       name, offset, size);
	return ERR_OK;
}

static int check_sizes(const struct py_task_layout *l, struct err *err)
{
	if (l->task_size > PY_TASK_SIZE_MAX || l->set_size > PY_SET_SIZE_MAX ||
	    l->gen_size > PY_GEN_SIZE_MAX || l->frame_size > PY_GEN_SIZE_MAX ||
	    l->interp_modules == PY_ABSENT || l->gen_frame == PY_ABSENT ||
	    l->gen_frame_state == PY_ABSENT || l->set_table == PY_ABSENT ||
	    l->tuple_items > PY_TUPLE_HEAD_MAX)
		return err_set(err, ERR_CORRUPT,
			       "the layout of asyncio that the process "
			       "publishes has a structure of impossible size");
	return ERR_OK;
}

static int check(const struct py_task_layout *l, struct err *err)
{
	int rc;

#define X(group, name, width)                                        \
	rc = check_field(#group "." #name, l->group##_##name, width, \
			 l->group##_size, err);                      \
	if (rc)                                                      \
		return rc;
	PY_TASK_FIELDS(X)
#undef X
	return check_sizes(l, err);
}

int py_task_layout_read(struct py_process *p, struct py_task_layout *l,
			struct err *err)
{
	const struct py_layout_source *source;
	uint64_t *table = NULL;
	int rc = py_process_read_table(p, &source, &table, err);

	if (rc)
		return rc;
	if (source->fill_tasks) {
		memset(l, 0, sizeof(*l));
		source->fill_tasks(l, table);
		rc = check(l, err);
	} else {
		rc = err_set(err, ERR_NO,
			     "the tasks of asyncio are not known on CPython %s",
			     p->version);
	}
	free(table);
	return rc;
}

int py_task_layout_add(struct py_process *p, struct py_task_layout *l,
		       const uint64_t *table, struct err *err)
{
	const struct py_layout_source *source;
	int rc = py_layout_find(p->layout.version, &source, err);

	if (rc)
		return rc;
	if (!source->add_tasks)
		return err_set(err, ERR_NO, "no table of asyncio is expected");
	source->add_tasks(l, table);
	return check(l, err);
}
