/* SPDX-License-Identifier: MIT */
/* Symbols of the files that a live process has mapped. */
#ifndef TARE_TARGET_ELF_SYMBOLS_H
#define TARE_TARGET_ELF_SYMBOLS_H

#include "target/target.h"

/*
 * target_find_symbols() for a live process. The file is found through the
 * root directory of the process, so also in a chroot or container.
 */
int elf_symbols_find(struct target *t, const struct target_maps *maps,
		     const struct target_map *map,
		     struct target_symbol *symbols, unsigned nr,
		     struct err *err);

/*
 * Open the file behind `map` itself, wherever it lies and even if it was
 * deleted: for those who may (CAP_CHECKPOINT_RESTORE). -1: it cannot be had.
 */
int elf_symbols_open_exact(const struct target *t,
			   const struct target_map *map);

/*
 * The same, or else by its name: the file behind `map`, whose path is good
 * inside the root directory of the process; -1 when it cannot be had. It may be
 * anything.
 */
int elf_symbols_open_mapped(const struct target *t,
			    const struct target_maps *maps,
			    const struct target_map *map, struct err *err);

#endif
