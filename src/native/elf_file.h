/* SPDX-License-Identifier: MIT */
/*
 * One ELF file of the target: which function an address of it belongs to,
 * and how to unwind from there. Read whole, once; the file may be damaged,
 * huge or written to deceive, and it may change or vanish afterwards.
 *
 * Addresses here are the file's own (what its program headers call virtual
 * addresses); what is mapped where is the business of native.h.
 */
#ifndef TARE_NATIVE_ELF_FILE_H
#define TARE_NATIVE_ELF_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Where the names of a file come from; the best there was. */
enum elf_names {
	ELF_NAMES_NONE,	    /* stripped of all */
	ELF_NAMES_EXPORTED, /* .dynsym: what other files may call */
	ELF_NAMES_FULL,	    /* .symtab */
	ELF_NAMES_DEBUG,    /* .symtab of a separate debug file */
};

#define ELF_BUILD_ID_MAX 64

struct elf_file;

/*
 * Opens a file by its path in the target, for reading; -1: there is none.
 * The descriptor becomes the callee's.
 */
struct elf_opener {
	int (*open)(void *arg, const char *path);
	void *arg;
};

/*
 * Read the file `fd`, which is closed, `path` being its name in the target;
 * its unwind tables too if `unwind`. Separate debug files are looked for
 * with `opener`, which may be NULL.
 * ERR_CORRUPT: not an ELF file of this machine. *out is the caller's to
 * release with elf_file_close().
 */
int elf_file_open(struct elf_file **out, int fd, const char *path, bool unwind,
		  const struct elf_opener *opener, struct err *err);

/* The same for a file in memory, which is copied. */
int elf_file_open_bytes(struct elf_file **out, const void *bytes, size_t size,
			bool unwind, struct err *err);

/* NULL is allowed. */
void elf_file_close(struct elf_file *f);

/*
 * What to add to an address of the file to get one of the process, where the
 * file is mapped from `offset` on at `start`; false: no segment of it is.
 */
bool elf_file_bias(const struct elf_file *f, uint64_t start, uint64_t offset,
		   uint64_t *bias);

/* A function. */
struct elf_function {
	const char *name; /* as in the file; lives as long as the file */
	uint64_t start, end;
	bool plt; /* a stub that jumps to the function `name` elsewhere */
};

/* The function that `addr` is in; false: in none that is known. */
bool elf_file_find(struct elf_file *f, uint64_t addr, struct elf_function *out);

/* The address of the symbol `name`, 0: there is none. */
uint64_t elf_file_symbol(struct elf_file *f, const char *name);

/* Where `name` (".data") is; false: no such section. */
bool elf_file_section(struct elf_file *f, const char *name, uint64_t *addr,
		      uint64_t *size);

/* The same for an image in memory that was not opened, with its place there. */
bool elf_image_section(char *bytes, size_t size, const char *name,
		       uint64_t *addr, uint64_t *offset,
		       uint64_t *section_size);

enum elf_names elf_file_names(const struct elf_file *f);

/* The build ID's bytes, *size 0 when there is none. */
const uint8_t *elf_file_build_id(const struct elf_file *f, size_t *size);

/* How much is kept: symbols. */
uint32_t elf_file_symbols(const struct elf_file *f);

/*
 * The unwind tables in .eh_frame, for unwind.c; NULL when there are none or
 * they were not asked for. They stay the file's.
 */
struct Dwarf_CFI_s;
struct Dwarf_CFI_s *elf_file_cfi(const struct elf_file *f);

#endif
