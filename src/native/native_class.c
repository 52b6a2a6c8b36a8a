/* SPDX-License-Identifier: MIT */
#include "native/native_class.h"

#include <stddef.h>
#include <string.h>

const char native_loop_symbol[] = "_PyEval_EvalFrameDefault";

static const char *const class_text[NATIVE_CLASS_NR] = {
#define X(name, text) [NATIVE_##name] = (text),
	NATIVE_CLASSES(X)
#undef X
};

const char *native_class_text(enum native_class c)
{
	return c < NATIVE_CLASS_NR ? class_text[c] : "unknown";
}

/*
 * A pattern is a name, one that ends in '*' for all that begin so, or one
 * that begins with '*' for all that end so. Compilers split functions and
 * give the parts names with a dot ("f.cold", "f.part.0", "f.lto_priv.0"):
 * those belong to the function before the dot.
 */
struct pattern {
	const char *name;
	enum native_class is;
};

/* CPython's own functions, first match counts. Names of 3.9 to 3.15's
 * Python/ceval*.c, Python/gc*.c, Modules/gcmodule.c, Objects/obmalloc.c. */
static const struct pattern in_python[] = {
	{ "_PyEval_EvalFrameDefault", NATIVE_LOOP },
	{ "_TAIL_CALL_*", NATIVE_LOOP }, /* one function an instruction */

	{ "gc_*", NATIVE_COLLECTOR },
	{ "_PyGC_*", NATIVE_COLLECTOR },
	{ "PyGC_*", NATIVE_COLLECTOR },
	{ "_Py_RunGC", NATIVE_COLLECTOR },
	{ "collect", NATIVE_COLLECTOR },
	{ "collect_with_callback", NATIVE_COLLECTOR },
	{ "collect_generations", NATIVE_COLLECTOR },
	{ "deduce_unreachable", NATIVE_COLLECTOR },
	{ "delete_garbage", NATIVE_COLLECTOR },
	{ "handle_weakrefs", NATIVE_COLLECTOR },
	{ "handle_resurrected_objects", NATIVE_COLLECTOR },
	{ "finalize_garbage", NATIVE_COLLECTOR },
	{ "subtract_refs", NATIVE_COLLECTOR },
	{ "update_refs", NATIVE_COLLECTOR },
	{ "move_unreachable", NATIVE_COLLECTOR },
	{ "move_legacy_finalizers*", NATIVE_COLLECTOR },
	{ "untrack_tuples", NATIVE_COLLECTOR },
	{ "untrack_dicts", NATIVE_COLLECTOR },
	{ "mark_all_reachable", NATIVE_COLLECTOR },
	{ "mark_at_start", NATIVE_COLLECTOR },
	{ "visit_decref", NATIVE_COLLECTOR },
	{ "visit_reachable", NATIVE_COLLECTOR },
	{ "visit_move", NATIVE_COLLECTOR },
	{ "visit_add_to_container", NATIVE_COLLECTOR },
	{ "*_traverse", NATIVE_COLLECTOR }, /* only the collector calls them */

	{ "_PyObject_Malloc", NATIVE_ALLOCATOR },
	{ "_PyObject_Calloc", NATIVE_ALLOCATOR },
	{ "_PyObject_Realloc", NATIVE_ALLOCATOR },
	{ "_PyObject_Free", NATIVE_ALLOCATOR },
	{ "PyObject_Malloc", NATIVE_ALLOCATOR },
	{ "PyObject_Calloc", NATIVE_ALLOCATOR },
	{ "PyObject_Realloc", NATIVE_ALLOCATOR },
	{ "PyObject_Free", NATIVE_ALLOCATOR },
	{ "PyMem_*", NATIVE_ALLOCATOR },
	{ "_PyMem_*", NATIVE_ALLOCATOR },
	{ "_PyObject_Arena*", NATIVE_ALLOCATOR },
	{ "pymalloc_*", NATIVE_ALLOCATOR },
	{ "allocate_from_new_pool", NATIVE_ALLOCATOR },
	{ "address_in_range", NATIVE_ALLOCATOR },
	{ "insert_to_usedpool", NATIVE_ALLOCATOR },
	{ "insert_to_freepool", NATIVE_ALLOCATOR },
	{ "arena_map_*", NATIVE_ALLOCATOR },
	{ "new_arena", NATIVE_ALLOCATOR },
	{ "_mi_*", NATIVE_ALLOCATOR },
	{ "mi_*", NATIVE_ALLOCATOR },

	{ "take_gil", NATIVE_GIL },
	{ "drop_gil*", NATIVE_GIL },
	{ "_PyEval_TakeGIL", NATIVE_GIL },
	{ "_PyEval_AcquireLock", NATIVE_GIL },
	{ "_PyEval_ReleaseLock", NATIVE_GIL },
	{ "PyEval_RestoreThread", NATIVE_GIL },
	{ "PyEval_SaveThread", NATIVE_GIL },
	{ "PyGILState_Ensure", NATIVE_GIL },
	{ "PyGILState_Release", NATIVE_GIL },
	{ NULL, NATIVE_PYTHON },
};

/* glibc's malloc/ and musl's, as far as their names are there. */
static const struct pattern in_libc[] = {
	{ "malloc", NATIVE_ALLOCATOR },
	{ "calloc", NATIVE_ALLOCATOR },
	{ "realloc", NATIVE_ALLOCATOR },
	{ "free", NATIVE_ALLOCATOR },
	{ "cfree", NATIVE_ALLOCATOR },
	{ "memalign", NATIVE_ALLOCATOR },
	{ "aligned_alloc", NATIVE_ALLOCATOR },
	{ "posix_memalign", NATIVE_ALLOCATOR },
	{ "__libc_malloc*", NATIVE_ALLOCATOR },
	{ "__libc_calloc*", NATIVE_ALLOCATOR },
	{ "__libc_realloc*", NATIVE_ALLOCATOR },
	{ "__libc_free*", NATIVE_ALLOCATOR },
	{ "_int_malloc", NATIVE_ALLOCATOR },
	{ "_int_free*", NATIVE_ALLOCATOR },
	{ "_int_realloc", NATIVE_ALLOCATOR },
	{ "_int_memalign", NATIVE_ALLOCATOR },
	{ "malloc_consolidate", NATIVE_ALLOCATOR },
	{ "unlink_chunk", NATIVE_ALLOCATOR },
	{ "sysmalloc*", NATIVE_ALLOCATOR },
	{ "systrim", NATIVE_ALLOCATOR },
	{ "tcache_*", NATIVE_ALLOCATOR },
	{ "mtrim", NATIVE_ALLOCATOR },
	{ NULL, NATIVE_LIBC },
};

/* Allocators that programs bring along. */
static const struct pattern in_library[] = {
	{ "je_*", NATIVE_ALLOCATOR },	   { "_rjem_*", NATIVE_ALLOCATOR },
	{ "tc_malloc", NATIVE_ALLOCATOR }, { "tc_free", NATIVE_ALLOCATOR },
	{ "mi_*", NATIVE_ALLOCATOR },	   { "_mi_*", NATIVE_ALLOCATOR },
	{ NULL, NATIVE_LIBRARY },
};

static const struct pattern in_jit[] = {
	{ "py::*", NATIVE_TRAMPOLINE }, /* Python/perf_trampoline.c */
	{ NULL, NATIVE_JIT },
};

static const struct pattern in_kernel[] = { { NULL, NATIVE_KERNEL } };
static const struct pattern in_nothing[] = { { NULL, NATIVE_UNKNOWN } };

static const struct pattern *const patterns[NATIVE_MODULE_KIND_NR] = {
	[NATIVE_MODULE_UNKNOWN] = in_nothing,
	[NATIVE_MODULE_PYTHON] = in_python,
	[NATIVE_MODULE_LIBC] = in_libc,
	[NATIVE_MODULE_LIBRARY] = in_library,
	[NATIVE_MODULE_JIT] = in_jit,
	[NATIVE_MODULE_KERNEL] = in_kernel,
};

static bool matches(const char *pattern, const char *name, size_t size)
{
	size_t want = strlen(pattern);

	if (pattern[0] == '*')
		return size >= want - 1 &&
		       !memcmp(name + size - (want - 1), pattern + 1, want - 1);
	if (pattern[want - 1] == '*')
		return size >= want - 1 && !memcmp(name, pattern, want - 1);
	return size == want && !memcmp(name, pattern, want);
}

enum native_class native_class_of(enum native_module_kind kind,
				  const char *symbol)
{
	const struct pattern *p = patterns[kind];
	size_t size = strcspn(symbol, ".");

	/* A name that begins with a dot has no function before it. */
	if (!size)
		size = strlen(symbol);
	for (; p->name; p++)
		if (matches(p->name, symbol, size))
			break;
	return p->is;
}

static const struct {
	const char *file;
	enum native_module_kind kind;
} files[] = {
	{ "libc.so*", NATIVE_MODULE_LIBC },
	{ "libc-2.*", NATIVE_MODULE_LIBC },
	{ "libpthread*", NATIVE_MODULE_LIBC },
	{ "ld-linux*", NATIVE_MODULE_LIBC },
	{ "ld-2.*", NATIVE_MODULE_LIBC },
	{ "ld-musl*", NATIVE_MODULE_LIBC },
	{ "libc.musl*", NATIVE_MODULE_LIBC },
	{ "[vdso]", NATIVE_MODULE_LIBC },
};

enum native_module_kind native_module_kind_of(const char *file)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (matches(files[i].file, file, strlen(file)))
			return files[i].kind;
	return NATIVE_MODULE_LIBRARY;
}
