/* SPDX-License-Identifier: MIT */
/* What the files of this folder share about a process. */
#ifndef TARE_NATIVE_NATIVE_INTERNAL_H
#define TARE_NATIVE_NATIVE_INTERNAL_H

#include "base/map.h"
#include "base/vec.h"
#include "native/jit_code.h"
#include "native/native.h"
#include "os/file.h"
#include "target/target.h"

/* Modules and functions with numbers that are always there. */
#define MODULE_NOT_KNOWN 0
#define MODULE_JIT 1
#define MODULE_KERNEL 2

/* A process that maps more files is shown with the rest unnamed. */
#define MODULES_MAX 8192
#define FUNCTIONS_MAX (1024u * 1024)

/* Code that is mapped now, by address. */
struct mapping {
	uint64_t start, end, offset;
	uint32_t module;
};

struct module {
	struct native_module shown;
	char *path;
	uint64_t inode;
	struct elf_file *elf; /* NULL: not read, or cannot be */
	bool tried;
};

/* An ELF image that the process made and registered for debuggers. */
struct jit_object {
	uint64_t entry; /* address of its place in the list */
	uint64_t addr, size;
	struct elf_file *elf; /* NULL: it is none that can be read */
};

/* A file that says what code was made. */
struct jit_dump {
	uint64_t inode;
	int fd;
	struct jitdump reading;
};

struct jit {
	struct jit_code code; /* of perf map and jitdumps */
	int map_fd;	      /* of the perf map; -1: none */
	uint64_t map_offset;
	VEC(struct jit_dump) dumps;
	VEC(struct jit_object) objects; /* oldest first */
	uint64_t objects_size;		/* read for them */
	uint64_t list_addr; /* of the list of objects, 0: not found */
	uint32_t searched;  /* modules that were searched for it */
	uint64_t read_ns;   /* when all that was last looked at */
};

struct native {
	pid_t pid;
	struct native_opts opts;
	struct target *target;
	struct file_root root;
	VEC(struct mapping) mappings;
	VEC(struct module) modules;
	VEC(struct native_function) functions;
	struct map module_of;	 /* hash of path and inode: module */
	struct map function_of;	 /* module and address in the file: function */
	struct map generated_of; /* hash of a name: function */
	struct map known;	 /* address: function */
	struct jit jit;
	struct unwinder *unwinder;
	bool stale;	  /* something was mapped since maps were read */
	uint64_t maps_ns; /* when they were read */
};

/* native_modules.c */

/* Read what is mapped now. */
int modules_read(struct native *n, struct err *err);

/* The mapping of `addr` among those that were read; NULL. */
const struct mapping *modules_find(const struct native *n, uint64_t addr);

/* The file of `mapping`, read if it was not, and where it lies; NULL. */
struct elf_file *modules_file(struct native *n, const struct mapping *mapping,
			      uint64_t *bias);

/* A new module; MODULE_NOT_KNOWN when there is no room. */
uint32_t modules_add(struct native *n, const char *path, uint64_t inode,
		     enum native_module_kind kind);

/* native_jit.c */

void jit_init(struct jit *j);
void jit_release(struct jit *j);

/* The file mapped as `path` may be a jitdump. */
void jit_note_file(struct native *n, const char *path,
		   const struct target_map *map);

/*
 * What is known of the code at `addr`: its name, NULL when it has none, and
 * the object it is in, if it is one.
 */
const char *jit_find(struct native *n, uint64_t addr, struct elf_file **object);

/* The same among what was read already. */
const char *jit_find_now(struct native *n, uint64_t addr,
			 struct elf_file **object);

#endif
