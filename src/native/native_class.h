/* SPDX-License-Identifier: MIT */
/*
 * What kind of work a native function does, told by its name and by the file
 * that it is in: tables, no conditions.
 */
#ifndef TARE_NATIVE_NATIVE_CLASS_H
#define TARE_NATIVE_NATIVE_CLASS_H

#include <stdbool.h>

/* name, what people read */
#define NATIVE_CLASSES(X)                                         \
	X(UNKNOWN, "unknown")                                     \
	X(LOOP, "bytecode")	  /* the interpreter's loop */    \
	X(COLLECTOR, "collector") /* of garbage */                \
	X(ALLOCATOR, "allocator") /* CPython's or the system's */ \
	X(GIL, "GIL")                                             \
	X(TRAMPOLINE, "trampoline") /* of -X perf; no work */     \
	X(PYTHON, "interpreter")    /* the rest of CPython */     \
	X(LIBC, "C library")                                      \
	X(LIBRARY, "library")                                     \
	X(JIT, "generated code")                                  \
	X(KERNEL, "kernel")

enum native_class {
#define X(name, text) NATIVE_##name,
	NATIVE_CLASSES(X)
#undef X
	NATIVE_CLASS_NR
};

/* What a mapped file is. */
enum native_module_kind {
	NATIVE_MODULE_UNKNOWN, /* nothing is mapped there */
	NATIVE_MODULE_PYTHON,  /* has the interpreter in it */
	NATIVE_MODULE_LIBC,    /* and the loader and the vdso */
	NATIVE_MODULE_LIBRARY, /* any other */
	NATIVE_MODULE_JIT,     /* no file: code made at run time */
	NATIVE_MODULE_KERNEL,
	NATIVE_MODULE_KIND_NR
};

const char *native_class_text(enum native_class c);

/* By the file's name without folders; not what has the interpreter in it. */
enum native_module_kind native_module_kind_of(const char *file);

/* The class of the function `symbol` ("": not known) in such a module. */
enum native_class native_class_of(enum native_module_kind kind,
				  const char *symbol);

/* The function by which a file is known to have the interpreter in it. */
extern const char native_loop_symbol[];

#endif
