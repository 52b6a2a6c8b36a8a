/* SPDX-License-Identifier: MIT */
#include "cpython/code.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cpython/lines.h"

/* Every object begins with its reference count and its type. */
#define OBJECT_TYPE 8
#define OBJECT_SIZE 16 /* ob_size of those of variable size */

static void identify(const struct py_layout *l, const uint8_t *object,
		     struct py_code_identity *out)
{
	out->filename = word_at(object + l->code_filename);
	out->qualname = word_at(object + l->code_qualname);
	out->linetable = word_at(object + l->code_linetable);
	memcpy(&out->first_line, object + l->code_firstlineno, 4);
}

static int read_object(struct py_process *p, uint64_t addr,
		       uint8_t object[PY_CODE_SIZE_MAX], struct err *err)
{
	int rc = ERR_CORRUPT;

	if (addr && addr % 8 == 0)
		rc = target_read(p->target, addr, object, p->layout.code_size,
				 err);
	if (rc == ERR_CORRUPT ||
	    (!rc && p->code_type_addr &&
	     word_at(object + OBJECT_TYPE) != p->code_type_addr))
		return err_set(err, ERR_CORRUPT, "no code object at %#" PRIx64,
			       addr);
	return rc;
}

int py_code_read_identity(struct py_process *p, uint64_t addr,
			  struct py_code_identity *out, struct err *err)
{
	uint8_t object[PY_CODE_SIZE_MAX];
	int rc = read_object(p, addr, object, err);

	memset(out, 0, sizeof(*out));
	if (!rc)
		identify(&p->layout, object, out);
	return rc;
}

static int read_string(struct py_process *p, uint64_t addr, char **out,
		       struct err *err)
{
	struct buf text = { 0 };
	int rc = py_read_text(p, addr, &text, err);

	if (!rc && !text.data)
		buf_add_str(&text, "");
	if (!rc && text.failed)
		rc = err_nomem(err);
	if (rc)
		buf_release(&text);
	else
		*out = text.data;
	return rc;
}

static int read_linetable(struct py_process *p, uint64_t addr,
			  struct py_code *c, struct err *err)
{
	const struct py_layout *l = &p->layout;
	uint64_t size;
	int rc;

	rc = py_read_word(p, addr + l->bytes_length, &size, err);
	if (rc)
		return rc;
	if (size > PY_LINETABLE_MAX)
		return err_set(err, ERR_CORRUPT, "impossible line table");
	c->linetable = malloc(size ? size : 1);
	if (!c->linetable)
		return err_nomem(err);
	c->linetable_size = (uint32_t)size;
	return size ? target_read(p->target, addr + l->bytes_data, c->linetable,
				  (uint32_t)size, err)
		    : ERR_OK;
}

/* The bytecode follows the object, or is a bytes object of its own. */
static int read_bytecode_place(struct py_process *p, const uint8_t *object,
			       struct py_code *c, struct err *err)
{
	const struct py_layout *l = &p->layout;
	uint64_t size;
	int rc = ERR_OK;

	if (l->frame_kind == PY_FRAME_OBJECT) {
		rc = py_read_word(
			p, word_at(object + l->code_bytecode) + l->bytes_length,
			&size, err);
	} else {
		c->bytecode_addr = c->addr + l->code_bytecode;
		size = word_at(object + OBJECT_SIZE);
		size = size < UINT32_MAX ? size * 2 : size;
	}
	if (!rc && size > INT32_MAX / 2)
		rc = err_set(err, ERR_CORRUPT, "impossible code size");
	c->bytecode_size = (uint32_t)size;
	return rc;
}

int py_code_read(struct py_process *p, uint64_t addr, struct py_code *out,
		 struct err *err)
{
	uint8_t object[PY_CODE_SIZE_MAX];
	int rc;

	memset(out, 0, sizeof(*out));
	rc = read_object(p, addr, object, err);
	if (rc)
		return rc;
	out->addr = addr;
	identify(&p->layout, object, &out->identity);
	out->first_line = out->identity.first_line;
	out->hidden = out->identity.filename == out->identity.qualname;
	rc = read_bytecode_place(p, object, out, err);
	if (!rc)
		rc = read_string(p, out->identity.filename, &out->file, err);
	if (!rc)
		rc = read_string(p, out->identity.qualname, &out->name, err);
	if (!rc)
		rc = read_linetable(p, out->identity.linetable, out, err);
	if (rc)
		py_code_release(out);
	return rc;
}

void py_code_release(struct py_code *c)
{
	free(c->file);
	free(c->name);
	free(c->linetable);
	memset(c, 0, sizeof(*c));
}

bool py_code_offset(const struct py_layout *l, const struct py_code *c,
		    uint64_t instr, int32_t *offset)
{
	int64_t at;

	switch (l->instr_kind) {
	case PY_INSTR_BYTE:
		at = (int32_t)instr;
		break;
	case PY_INSTR_UNIT:
		at = (int64_t)(int32_t)instr * 2;
		break;
	default:
		at = (int64_t)(instr - c->bytecode_addr);
		break;
	}
	if (at < -2 || at >= (int64_t)c->bytecode_size)
		return false;
	*offset = (int32_t)at;
	return true;
}

uint32_t py_code_line(const struct py_layout *l, const struct py_code *c,
		      int32_t offset)
{
	return py_line_of(l->line_kind, c->linetable, c->linetable_size,
			  c->first_line, offset);
}
