/* SPDX-License-Identifier: MIT */
#include "target/elf_symbols.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool same_file(int fd, const struct target_map *map)
{
	struct stat st;

	return !fstat(fd, &st) && S_ISREG(st.st_mode) &&
	       st.st_ino == map->inode;
}

int elf_symbols_open_exact(const struct target *t, const struct target_map *map)
{
	char path[96];

	snprintf(path, sizeof(path), "/proc/%d/map_files/%llx-%llx",
		 (int)target_task(t), (unsigned long long)map->start,
		 (unsigned long long)map->end);
	return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

/*
 * When the inode differs, the file was replaced since, or lies on an overlay
 * that numbers its files differently.
 */
int elf_symbols_open_mapped(const struct target *t,
			    const struct target_maps *maps,
			    const struct target_map *map, struct err *err)
{
	const char *file = target_map_path(maps, map);
	char path[4200];
	int fd, exact;

	snprintf(path, sizeof(path), "/proc/%d/root%s", (int)target_task(t),
		 file);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0 && same_file(fd, map))
		return fd;
	exact = elf_symbols_open_exact(t, map);
	if (exact >= 0) {
		if (fd >= 0)
			close(fd);
		return exact;
	}
	if (fd < 0)
		err_set(err, ERR_UNSUPPORTED,
			"cannot open '%s', which process %d runs: %s", file,
			(int)target_pid(t), strerror(errno));
	return fd;
}

/* What to add to an address of the file to get one of the process. */
static bool load_bias(Elf *elf, const struct target_map *map, uint64_t *bias)
{
	size_t nr, i;
	GElf_Phdr ph;

	if (elf_getphdrnum(elf, &nr))
		return false;
	for (i = 0; i < nr; i++) {
		uint64_t align;

		if (!gelf_getphdr(elf, (int)i, &ph) || ph.p_type != PT_LOAD)
			continue;
		align = ph.p_align ? ph.p_align : 1;
		if (map->offset < (ph.p_offset & ~(align - 1)) ||
		    map->offset >= ph.p_offset + ph.p_filesz)
			continue;
		*bias = map->start - map->offset - (ph.p_vaddr - ph.p_offset);
		return true;
	}
	return false;
}

static void match_symbols(Elf *elf, Elf_Scn *scn, const GElf_Shdr *sh,
			  uint64_t bias, struct target_symbol *symbols,
			  unsigned nr)
{
	Elf_Data *data = elf_getdata(scn, NULL);
	size_t count = sh->sh_entsize ? sh->sh_size / sh->sh_entsize : 0;
	GElf_Sym sym;

	if (!data || count > INT32_MAX)
		return;
	for (size_t i = 0; i < count; i++) {
		const char *name;

		if (!gelf_getsym(data, (int)i, &sym) ||
		    sym.st_shndx == SHN_UNDEF)
			continue;
		name = elf_strptr(elf, sh->sh_link, sym.st_name);
		for (unsigned k = 0; name && k < nr; k++)
			if (!symbols[k].addr && !strcmp(name, symbols[k].name))
				symbols[k].addr = sym.st_value + bias;
	}
}

static void match_section(Elf *elf, const GElf_Shdr *sh, uint64_t bias,
			  struct target_symbol *symbols, unsigned nr)
{
	const char *name;
	size_t names;

	if (elf_getshdrstrndx(elf, &names))
		return;
	name = elf_strptr(elf, names, sh->sh_name);
	for (unsigned k = 0; name && k < nr; k++)
		if (symbols[k].name[0] == '.' && !symbols[k].addr &&
		    !strcmp(name, symbols[k].name))
			symbols[k].addr = sh->sh_addr + bias;
}

static void scan_sections(Elf *elf, uint64_t bias,
			  struct target_symbol *symbols, unsigned nr)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr sh;

	while ((scn = elf_nextscn(elf, scn))) {
		if (!gelf_getshdr(scn, &sh))
			continue;
		if (sh.sh_type == SHT_DYNSYM || sh.sh_type == SHT_SYMTAB)
			match_symbols(elf, scn, &sh, bias, symbols, nr);
		else
			match_section(elf, &sh, bias, symbols, nr);
	}
}

int elf_symbols_find(struct target *t, const struct target_maps *maps,
		     const struct target_map *map,
		     struct target_symbol *symbols, unsigned nr,
		     struct err *err)
{
	uint64_t bias;
	Elf *elf = NULL;
	int rc = ERR_OK;
	int fd;

	fd = elf_symbols_open_mapped(t, maps, map, err);
	if (fd < 0)
		return err->code;
	elf_version(EV_CURRENT);
	/* Not ELF_C_READ_MMAP: a file that shrinks would kill us by SIGBUS. */
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (!elf || elf_kind(elf) != ELF_K_ELF || !load_bias(elf, map, &bias)) {
		rc = err_set(err, ERR_CORRUPT, "'%s' cannot be read as ELF",
			     target_map_path(maps, map));
		goto out;
	}
	scan_sections(elf, bias, symbols, nr);
out:
	elf_end(elf);
	close(fd);
	return rc;
}
