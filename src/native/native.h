/* SPDX-License-Identifier: MIT */
/*
 * The native code of a live process: which function of which file an address
 * belongs to, what kind of work that is, and who called it.
 *
 * Works on addresses that were sampled (os/perf_clock.h) while the process
 * goes on, loads libraries and makes code. The process is read (its maps, its
 * vdso, what it says of code that it made), never written to or stopped. All
 * that is read may be damaged or meant to deceive.
 *
 * What an address is called is worked out when it is first asked for, which
 * should therefore be soon: a library may be gone later.
 */
#ifndef TARE_NATIVE_NATIVE_H
#define TARE_NATIVE_NATIVE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "native/elf_file.h"
#include "native/native_class.h"
#include "native/unwind.h"
#include "os/perf_ring.h"

struct native;

/* Files and functions are counted from 0 and never forgotten, so that these
 * numbers can be kept. Number 0 of each is "not known". */
#define NATIVE_NOT_KNOWN 0u

struct native_module {
	const char *path; /* as the process has it; "[vdso]"; "" generated */
	const char *name; /* the same without folders */
	enum native_module_kind kind;
	/* How well its functions can be named; its own names may still lack
	 * some. ELF_NAMES_NONE as long as it was not needed. */
	enum elf_names names;
	const uint8_t *build_id;
	size_t build_id_size;
};

struct native_function {
	const char *name; /* readable; "" when only the module is known */
	uint32_t module;
	enum native_class class;
};

struct native_opts {
	bool unwind; /* native_unwind() will be called with stacks */
};

/* *out is the caller's to release with native_close(). ERR_GONE, ERR_PERM. */
int native_open(struct native **out, pid_t pid, const struct native_opts *opts,
		struct err *err);

/* NULL is allowed. */
void native_close(struct native *n);

/* Learn from a record that is no sample that something was mapped. */
void native_note(struct native *n, const struct perf_record *record);

/*
 * The function that `addr` lies in. For return addresses ask for the byte
 * before, as struct chain has them. Addresses of the kernel are told by
 * perf_record.in_kernel: native_kernel() is their function.
 */
uint32_t native_locate(struct native *n, uint64_t addr);
uint32_t native_kernel(const struct native *n);

/* Good until the next call that takes a `struct native` without const. */
const struct native_function *native_function(const struct native *n,
					      uint32_t function);
const struct native_module *native_module(const struct native *n,
					  uint32_t module);
uint32_t native_function_nr(const struct native *n);
uint32_t native_module_nr(const struct native *n);

/*
 * The chain of callers of a sample: from its registers and stack if it has
 * them, else from the chain of frame pointers that the kernel found.
 */
void native_unwind(struct native *n, const struct perf_record *sample,
		   struct chain *out);

/*
 * Does the interpreter keep frame pointers, so that chains of the kernel's
 * will do? Its libraries may still not.
 */
bool native_keeps_pointers(struct native *n);

#endif
