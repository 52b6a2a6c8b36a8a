/* SPDX-License-Identifier: MIT */
#include "cpython/layout.h"

#include <stdio.h>

#include "cpython/layouts/layouts.h"

/*
 * Larger than any structure tare reads (the runtime is 460 kB at most), small
 * enough that no offset can overflow an address.
 */
#define STRUCT_SIZE_MAX (4u << 20)

static const struct py_layout_source *const sources[] = {
#define X(name) &py_layout_##name,
#include "cpython/layouts/layouts.def"
#undef X
};

#define SOURCE_NR (sizeof(sources) / sizeof(sources[0]))

/* The release level in PY_VERSION_HEX: 0xa alpha, 0xb beta, 0xc candidate. */
static bool is_unfinished(uint32_t version)
{
	unsigned level = version >> 4 & 0xf;

	return level == 0xa || level == 0xb;
}

void py_layout_version_text(uint32_t version, char text[24])
{
	static const char *const level[16] = {
		[0xa] = "a", [0xb] = "b", [0xc] = "rc"
	};
	unsigned major = version >> 24, minor = version >> 16 & 0xff;
	const char *mark = level[version >> 4 & 0xf];

	if (!(version & 0xffff))
		snprintf(text, 24, "%u.%u", major, minor);
	else if (mark)
		snprintf(text, 24, "%u.%u.%u%s%u", major, minor,
			 version >> 8 & 0xff, mark, version & 0xf);
	else
		snprintf(text, 24, "%u.%u.%u", major, minor,
			 version >> 8 & 0xff);
}

static unsigned series(unsigned major, unsigned minor)
{
	return major << 8 | minor;
}

int py_layout_find(uint32_t version, const struct py_layout_source **out,
		   struct err *err)
{
	const struct py_layout_source *first = sources[0];
	const struct py_layout_source *last = sources[SOURCE_NR - 1];
	char text[24];

	py_layout_version_text(version, text);
	for (size_t i = 0; i < SOURCE_NR; i++) {
		if (series(sources[i]->major, sources[i]->minor) !=
		    version >> 16)
			continue;
		if (is_unfinished(version)) {
			err_set(err, ERR_UNSUPPORTED,
				"CPython %s is a pre-release whose layout "
				"may still change",
				text);
			err_hint(err, "use its release, or a candidate (rc)");
			return err->code;
		}
		*out = sources[i];
		return ERR_OK;
	}
	err_set(err, ERR_UNSUPPORTED,
		"CPython %s is not supported (tare knows %u.%u to %u.%u)", text,
		first->major, first->minor, last->major, last->minor);
	if (version >> 16 > series(last->major, last->minor))
		err_hint(err, "pip install --upgrade tare");
	else
		err_hint(err, "run the program with Python %u.%u or newer",
			 first->major, first->minor);
	return err->code;
}

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
			       "the layout that the process publishes is "
			       "damaged: %s is at %u of %u bytes",
			       name, offset, size);
	return ERR_OK;
}

static int check_present(const struct py_layout *l, struct err *err)
{
	const uint32_t needed[] = {
		l->runtime_interpreters_head,
		l->interp_next,
		l->interp_threads_head,
		l->thread_next,
		l->thread_frame,
		l->thread_thread_id,
		l->frame_previous,
		l->frame_code,
		l->frame_instr,
		l->code_filename,
		l->code_qualname,
		l->code_linetable,
		l->code_firstlineno,
		l->code_bytecode,
		l->unicode_state,
		l->unicode_length,
		l->bytes_length,
		l->bytes_data,
	};
	bool whole = l->runtime_size && l->interp_size && l->thread_size &&
		     l->frame_size && l->code_size && l->unicode_size &&
		     l->bytes_size && l->ascii_size && l->compact_size;

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		whole = whole && needed[i] != PY_ABSENT;
	if (l->frame_kind != PY_FRAME_OBJECT)
		whole = whole && l->thread_datastack_chunk != PY_ABSENT &&
			l->frame_owner != PY_ABSENT;
	if (l->frame_kind == PY_FRAME_CFRAME)
		whole = whole && l->cframe_size &&
			l->cframe_previous != PY_ABSENT;
	return whole ? ERR_OK
		     : err_set(err, ERR_CORRUPT,
			       "the layout that the process publishes lacks "
			       "a field");
}

/* Bounds of what the sampling loop copies into fixed buffers. */
static int check_sizes(const struct py_layout *l, struct err *err)
{
	if (l->frame_size > PY_FRAME_SIZE_MAX ||
	    l->thread_size > PY_THREAD_SIZE_MAX ||
	    l->code_size > PY_CODE_SIZE_MAX ||
	    l->frame_locals > PY_FRAME_SIZE_MAX ||
	    l->cframe_size > PY_CFRAME_SIZE_MAX || l->ascii_size > 256 ||
	    l->compact_size > 256)
		return err_set(err, ERR_CORRUPT,
			       "the layout that the process publishes has a "
			       "structure of impossible size");
	return ERR_OK;
}

int py_layout_check(const struct py_layout *l, struct err *err)
{
	int rc;

#define X(group, name, width)                                        \
	rc = check_field(#group "." #name, l->group##_##name, width, \
			 l->group##_size, err);                      \
	if (rc)                                                      \
		return rc;
	PY_LAYOUT_FIELDS(X)
#undef X
	rc = check_present(l, err);
	return rc ? rc : check_sizes(l, err);
}
