/* SPDX-License-Identifier: MIT */
#include "native/elf_file.h"

#include <elfutils/libdw.h>
#include <gelf.h>
#include <libelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/vec.h"
#include "native/code_part.h"
#include "native/native_class.h"

/* A library of half a gigabyte has a million symbols; nothing has more. */
#define SYMBOLS_MAX (4u * 1024 * 1024)
#define SECTIONS_MAX 65536
#define SEGMENTS_MAX 64
#define PLT_ENTRIES_MAX 65536

/* Files that are larger are not read; symbols and unwind tables of one. */
#define TABLE_SIZE_MAX (512u * 1024 * 1024)

/* The largest function whose code is looked at. */
#define CODE_SIZE_MAX (1024u * 1024)

/* How far back to look for a symbol that contains others. */
#define LOOK_BACK 16

/* A symbol without a size ends at the next one, and here at the latest. */
#define UNSIZED_MAX 65536

/* Which of two names for an address is shown: the larger. */
enum rank {
	RANK_LABEL,
	RANK_LOCAL,
	RANK_WEAK,
	RANK_GLOBAL,
};

struct symbol {
	uint64_t start, end;
	uint32_t name; /* in the string table of `table` */
	uint8_t table;
	uint8_t rank;
	bool plt;
	bool unsized;
};

/* Where names are: a section of an ELF handle. */
struct strings {
	Elf *elf; /* NULL: it is `own` */
	size_t section;
	const char *own;
};

#define STRINGS_MAX 8

struct segment {
	uint64_t vaddr, offset, size, align;
};

struct elf_file {
	Elf *elf;
	Elf *debug;
	Dwarf_CFI *cfi;
	void *copy; /* of a file in memory */
	struct segment segments[SEGMENTS_MAX];
	unsigned segments_nr;
	VEC(struct symbol) symbols;
	struct strings strings[STRINGS_MAX];
	unsigned strings_nr;
	enum elf_names names;
	uint8_t build_id[ELF_BUILD_ID_MAX];
	size_t build_id_size;
};

/* A section with what is needed of it, checked. */
struct section {
	Elf_Scn *scn;
	GElf_Shdr head;
	const char *name;
};

static bool get_section(Elf *elf, Elf_Scn *scn, struct section *out)
{
	size_t names;

	out->scn = scn;
	if (!gelf_getshdr(scn, &out->head) || elf_getshdrstrndx(elf, &names))
		return false;
	out->name = elf_strptr(elf, names, out->head.sh_name);
	if (!out->name)
		out->name = "";
	return true;
}

static bool find_section(Elf *elf, const char *name, struct section *out)
{
	Elf_Scn *scn = NULL;

	for (int i = 0; i < SECTIONS_MAX && (scn = elf_nextscn(elf, scn)); i++)
		if (get_section(elf, scn, out) && !strcmp(out->name, name))
			return true;
	return false;
}

static Elf_Data *section_data(const struct section *s)
{
	if (s->head.sh_type == SHT_NOBITS || s->head.sh_size > TABLE_SIZE_MAX)
		return NULL;
	return elf_getdata(s->scn, NULL);
}

static void read_segments(struct elf_file *f)
{
	size_t nr;
	GElf_Phdr ph;

	if (elf_getphdrnum(f->elf, &nr))
		return;
	for (size_t i = 0; i < nr && i < UINT16_MAX; i++) {
		struct segment *s = &f->segments[f->segments_nr];

		if (f->segments_nr == SEGMENTS_MAX)
			return;
		if (!gelf_getphdr(f->elf, (int)i, &ph) || ph.p_type != PT_LOAD)
			continue;
		s->vaddr = ph.p_vaddr;
		s->offset = ph.p_offset;
		s->size = ph.p_filesz;
		s->align = ph.p_align ? ph.p_align : 1;
		f->segments_nr++;
	}
}

bool elf_file_bias(const struct elf_file *f, uint64_t start, uint64_t offset,
		   uint64_t *bias)
{
	for (unsigned i = 0; i < f->segments_nr; i++) {
		const struct segment *s = &f->segments[i];

		if (offset < (s->offset & ~(s->align - 1)) ||
		    offset - (s->offset & ~(s->align - 1)) >=
			    s->size + s->offset % s->align)
			continue;
		*bias = start - offset - (s->vaddr - s->offset);
		return true;
	}
	return false;
}

static enum rank rank_of(const GElf_Sym *sym)
{
	unsigned type = GELF_ST_TYPE(sym->st_info);
	unsigned bind = GELF_ST_BIND(sym->st_info);

	if (type == STT_NOTYPE)
		return RANK_LABEL;
	if (bind == STB_LOCAL)
		return RANK_LOCAL;
	return bind == STB_WEAK ? RANK_WEAK : RANK_GLOBAL;
}

static bool is_code(Elf *elf, const GElf_Sym *sym, uint64_t *section_addr)
{
	unsigned type = GELF_ST_TYPE(sym->st_info);
	GElf_Shdr head;
	Elf_Scn *scn;

	*section_addr = 0;
	if (type != STT_FUNC && type != STT_GNU_IFUNC && type != STT_NOTYPE)
		return false;
	if (sym->st_shndx == SHN_UNDEF || sym->st_shndx >= SHN_LORESERVE)
		return false;
	scn = elf_getscn(elf, sym->st_shndx);
	if (!scn || !gelf_getshdr(scn, &head))
		return false;
	*section_addr = head.sh_addr;
	return head.sh_flags & SHF_EXECINSTR;
}

/* Labels of the compiler and marks of the assembler are no functions. */
static bool is_mark(const char *name)
{
	return !name || !name[0] || name[0] == '$' || !strncmp(name, ".L", 2);
}

static bool add_symbol(struct elf_file *f, Elf *elf, bool relative,
		       const GElf_Sym *sym, unsigned table)
{
	struct symbol one = { .start = sym->st_value,
			      .table = (uint8_t)table,
			      .name = sym->st_name,
			      .rank = (uint8_t)rank_of(sym) };
	uint64_t section_addr;

	if (!is_code(elf, sym, &section_addr) ||
	    is_mark(elf_strptr(elf, f->strings[table].section, sym->st_name)))
		return true;
	if (relative)
		one.start += section_addr;
	one.end = one.start + sym->st_size;
	one.unsized = !sym->st_size || one.end < one.start;
	return vec_push(&f->symbols, one);
}

/* A file that was not linked yet counts from the start of each section. */
static bool is_relative(Elf *elf)
{
	GElf_Ehdr head;

	return gelf_getehdr(elf, &head) && head.e_type == ET_REL;
}

/* False without memory. *found: it had names of functions. */
static bool read_table(struct elf_file *f, Elf *elf, GElf_Word type,
		       bool *found)
{
	Elf_Scn *scn = NULL;
	struct section s;

	*found = false;
	for (int i = 0; i < SECTIONS_MAX && (scn = elf_nextscn(elf, scn));
	     i++) {
		bool relative = is_relative(elf);
		uint32_t before = f->symbols.nr;
		Elf_Data *data;
		GElf_Sym sym;
		size_t nr;

		if (!get_section(elf, scn, &s) || s.head.sh_type != type ||
		    f->strings_nr == STRINGS_MAX)
			continue;
		data = section_data(&s);
		if (!data || !s.head.sh_entsize)
			continue;
		f->strings[f->strings_nr].elf = elf;
		f->strings[f->strings_nr].section = s.head.sh_link;
		nr = data->d_size / s.head.sh_entsize;
		for (size_t k = 0; k < nr && f->symbols.nr < SYMBOLS_MAX; k++)
			if (gelf_getsym(data, (int)k, &sym) &&
			    !add_symbol(f, elf, relative, &sym, f->strings_nr))
				return false;
		f->strings_nr++;
		*found |= f->symbols.nr > before;
	}
	return true;
}

static const char *name_of(const struct elf_file *f, const struct symbol *s)
{
	const struct strings *t = &f->strings[s->table];
	const char *name = t->own;

	if (t->elf)
		name = elf_strptr(t->elf, t->section, s->name);
	return name ? name : "";
}

/* The kinds of tables of jumps, and which of their entries is the first. */
static const struct plt {
	const char *section;
	unsigned skip; /* entries that are no stubs */
	uint64_t size; /* of an entry, where the file does not say */
} plts[] = {
#if defined(__aarch64__)
	{ ".plt", 2, 16 },
#else
	{ ".plt.sec", 0, 16 },
	{ ".plt", 1, 16 },
#endif
};

struct plt_names {
	Elf_Data *relocations, *symbols;
	size_t count, strings;
};

/* The stubs are in the order of .rela.plt, which names their symbols. */
static bool plt_names(Elf *elf, struct plt_names *out)
{
	struct section rela, symtab;

	if (!find_section(elf, ".rela.plt", &rela) || !rela.head.sh_entsize)
		return false;
	symtab.scn = elf_getscn(elf, rela.head.sh_link);
	if (!symtab.scn || !get_section(elf, symtab.scn, &symtab))
		return false;
	out->relocations = section_data(&rela);
	out->symbols = section_data(&symtab);
	out->strings = symtab.head.sh_link;
	if (!out->relocations || !out->symbols)
		return false;
	out->count = out->relocations->d_size / rela.head.sh_entsize;
	return out->count <= PLT_ENTRIES_MAX;
}

static bool add_stubs(struct elf_file *f, const struct plt *kind,
		      const struct section *s, const struct plt_names *names)
{
	uint64_t size = s->head.sh_entsize ? s->head.sh_entsize : kind->size;

	f->strings[f->strings_nr].elf = f->elf;
	f->strings[f->strings_nr].section = names->strings;
	for (size_t i = 0; i < names->count; i++) {
		struct symbol one = { .rank = RANK_LABEL, .plt = true };
		GElf_Rela rela;
		GElf_Sym sym;

		one.start = s->head.sh_addr + (i + kind->skip) * size;
		one.end = one.start + size;
		one.table = (uint8_t)f->strings_nr;
		if (one.end > s->head.sh_addr + s->head.sh_size)
			break;
		if (!gelf_getrela(names->relocations, (int)i, &rela) ||
		    !gelf_getsym(names->symbols, (int)GELF_R_SYM(rela.r_info),
				 &sym))
			continue;
		one.name = sym.st_name;
		if (is_mark(name_of(f, &one)))
			continue;
		if (!vec_push(&f->symbols, one))
			return false;
	}
	f->strings_nr++;
	return true;
}

static bool read_plt(struct elf_file *f)
{
	struct plt_names names;
	struct section s;

	if (!plt_names(f->elf, &names))
		return true;
	for (size_t i = 0; i < sizeof(plts) / sizeof(plts[0]); i++)
		if (f->strings_nr < STRINGS_MAX &&
		    find_section(f->elf, plts[i].section, &s))
			return add_stubs(f, &plts[i], &s, &names);
	return true;
}

/* qsort() has no argument for what is compared: names come from here. */
static int compare(const void *a, const void *b, void *arg)
{
	const struct symbol *x = a, *y = b;
	const struct elf_file *f = arg;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	if (x->rank != y->rank)
		return x->rank > y->rank ? -1 : 1;
	if (x->unsized != y->unsized)
		return x->unsized ? 1 : -1;
	return strcmp(name_of(f, x), name_of(f, y));
}

/* Sort, keep one name for each address, let the unsized end somewhere. */
static void settle_symbols(struct elf_file *f)
{
	struct symbol *s = f->symbols.at;
	uint32_t kept = 0;

	if (!f->symbols.nr)
		return;
	qsort_r(s, f->symbols.nr, sizeof(*s), compare, f);
	for (uint32_t i = 0; i < f->symbols.nr; i++) {
		if (kept && s[kept - 1].start == s[i].start) {
			if (s[kept - 1].unsized && !s[i].unsized) {
				s[kept - 1].end = s[i].end;
				s[kept - 1].unsized = false;
			}
			continue;
		}
		s[kept++] = s[i];
	}
	f->symbols.nr = kept;
	for (uint32_t i = 0; i < kept; i++) {
		uint64_t most = s[i].start + UNSIZED_MAX;

		if (s[i].unsized)
			s[i].end = i + 1 < kept && s[i + 1].start < most
					   ? s[i + 1].start
					   : most;
	}
}

static size_t read_build_id(Elf *elf, uint8_t id[ELF_BUILD_ID_MAX])
{
	struct section s;
	size_t at = 0, name, desc;
	GElf_Nhdr note;
	Elf_Data *data;

	if (!find_section(elf, ".note.gnu.build-id", &s))
		return 0;
	data = section_data(&s);
	if (!data || !data->d_buf ||
	    !gelf_getnote(data, at, &note, &name, &desc) ||
	    note.n_type != NT_GNU_BUILD_ID || note.n_descsz > ELF_BUILD_ID_MAX)
		return 0;
	memcpy(id, (const char *)data->d_buf + desc, note.n_descsz);
	return note.n_descsz;
}

/* A file of another build would give wrong names: worse than none. */
static bool same_build(const struct elf_file *f, Elf *debug)
{
	uint8_t id[ELF_BUILD_ID_MAX];
	size_t size = read_build_id(debug, id);

	return size && size == f->build_id_size &&
	       !memcmp(id, f->build_id, size);
}

static Elf *open_elf(int fd)
{
	struct stat st;
	Elf *elf;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		return NULL;
	elf_version(EV_CURRENT);
	/* Not ELF_C_READ_MMAP: a file that shrinks would kill us by SIGBUS. */
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (elf && elf_kind(elf) != ELF_K_ELF) {
		elf_end(elf);
		return NULL;
	}
	return elf;
}

/* What was not read by now is not needed: one descriptor less. */
static void let_go_of(Elf *elf, int fd)
{
	elf_cntl(elf, ELF_C_FDDONE);
	close(fd);
}

/* Take the names of the debug file at `path`; true when it is the right one. */
static bool try_debug(struct elf_file *f, const struct elf_opener *opener,
		      const char *path, bool *memory)
{
	int fd = opener->open(opener->arg, path);
	bool found = false;

	if (fd < 0)
		return false;
	f->debug = open_elf(fd);
	if (f->debug && same_build(f, f->debug))
		*memory = read_table(f, f->debug, SHT_SYMTAB, &found);
	if (!found && f->debug) {
		elf_end(f->debug);
		f->debug = NULL;
	}
	if (f->debug)
		let_go_of(f->debug, fd);
	else
		close(fd);
	return found;
}

static void build_id_path(const struct elf_file *f, char *out, size_t size)
{
	size_t at;

	at = (size_t)snprintf(out, size, "/usr/lib/debug/.build-id/%02x/",
			      f->build_id[0]);
	for (size_t i = 1; i < f->build_id_size; i++)
		at += (size_t)snprintf(out + at, size - at, "%02x",
				       f->build_id[i]);
	snprintf(out + at, size - at, ".debug");
}

/* The name in .gnu_debuglink, which must not lead out of its folder. */
static const char *debug_link(Elf *elf)
{
	struct section s;
	Elf_Data *data;

	if (!find_section(elf, ".gnu_debuglink", &s))
		return NULL;
	data = section_data(&s);
	if (!data || !data->d_buf || !memchr(data->d_buf, 0, data->d_size) ||
	    strchr(data->d_buf, '/') || !*(const char *)data->d_buf)
		return NULL;
	return data->d_buf;
}

static bool find_debug(struct elf_file *f, const char *path,
		       const struct elf_opener *opener, bool *memory)
{
	/* as GDB's manual has it, "Debugging Information in Separate Files" */
	static const struct {
		const char *before, *after; /* the folder of the file */
	} places[] = { { "", "" },
		       { "", "/.debug" },
		       { "/usr/lib/debug", "" } };
	char debug[4200];
	const char *link, *slash = strrchr(path, '/');

	if (!f->build_id_size)
		return false;
	build_id_path(f, debug, sizeof(debug));
	if (try_debug(f, opener, debug, memory))
		return true;
	link = debug_link(f->elf);
	if (!link || !slash)
		return false;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(debug, sizeof(debug), "%s%.*s%s/%s", places[i].before,
			 (int)(slash - path), path, places[i].after, link);
		if (*memory && try_debug(f, opener, debug, memory))
			return true;
	}
	return false;
}

/* The bytes at an address, for as long as the handle is open. */
static const uint8_t *bytes_at(void *arg, uint64_t addr, uint64_t size)
{
	const struct elf_file *f = arg;

	for (unsigned i = 0; i < f->segments_nr; i++) {
		const struct segment *s = &f->segments[i];
		uint64_t at = addr - s->vaddr;
		Elf_Data *data;

		if (addr < s->vaddr || at >= s->size || size > s->size - at ||
		    size > CODE_SIZE_MAX)
			continue;
		data = elf_getdata_rawchunk(f->elf, (int64_t)(s->offset + at),
					    size, ELF_T_BYTE);
		return data && data->d_size == size ? data->d_buf : NULL;
	}
	return NULL;
}

static const struct symbol *find_symbol(const struct elf_file *f,
					const char *name)
{
	for (uint32_t i = 0; i < f->symbols.nr; i++)
		if (!strcmp(name_of(f, &f->symbols.at[i]), name))
			return &f->symbols.at[i];
	return NULL;
}

/*
 * Compilers put parts of a function elsewhere ("f.cold"), and strip takes
 * the names of such parts. For one function it matters: built without a
 * profile, GCC moves nearly all of the interpreter's loop away (Debian's
 * builds of the newest two releases: 84 of 85 KB).
 */
static bool name_part(struct elf_file *f, Dwarf_CFI *cfi)
{
	static const char part_name[] = "_PyEval_EvalFrameDefault.cold";
	const struct symbol *loop = find_symbol(f, native_loop_symbol);
	struct symbol part = { .table = (uint8_t)f->strings_nr,
			       .rank = RANK_LOCAL };
	struct code_image image = { .bytes = bytes_at, .arg = f, .cfi = cfi };
	struct section index;

	if (!loop || !cfi || f->strings_nr == STRINGS_MAX ||
	    !find_section(f->elf, ".eh_frame_hdr", &index))
		return true;
	image.index_addr = index.head.sh_addr;
	image.index_size = index.head.sh_size;
	if (!code_part_find(&image, loop->start, loop->end - loop->start,
			    &part.start, &part.end))
		return true;
	f->strings[f->strings_nr++].own = part_name;
	if (!vec_push(&f->symbols, part))
		return false;
	settle_symbols(f);
	return true;
}

static bool is_of_this_machine(Elf *elf)
{
	GElf_Ehdr head;

	if (!gelf_getehdr(elf, &head) || gelf_getclass(elf) != ELFCLASS64)
		return false;
#if defined(__x86_64__)
	return head.e_machine == EM_X86_64;
#elif defined(__aarch64__)
	return head.e_machine == EM_AARCH64;
#else
	return true;
#endif
}

static int load(struct elf_file *f, const char *path, bool unwind,
		const struct elf_opener *opener, struct err *err)
{
	bool full, exported, memory;

	read_segments(f);
	f->build_id_size = read_build_id(f->elf, f->build_id);
	memory = read_table(f, f->elf, SHT_SYMTAB, &full);
	f->names = full ? ELF_NAMES_FULL : ELF_NAMES_NONE;
	if (memory && !full && opener && find_debug(f, path, opener, &memory))
		f->names = ELF_NAMES_DEBUG;
	if (memory && f->names == ELF_NAMES_NONE) {
		memory = read_table(f, f->elf, SHT_DYNSYM, &exported);
		if (exported)
			f->names = ELF_NAMES_EXPORTED;
	}
	memory = memory && read_plt(f);
	settle_symbols(f);
	if (unwind)
		f->cfi = dwarf_getcfi_elf(f->elf);
	if (memory && f->names == ELF_NAMES_EXPORTED &&
	    find_symbol(f, native_loop_symbol)) {
		Dwarf_CFI *cfi = unwind ? f->cfi : dwarf_getcfi_elf(f->elf);

		memory = name_part(f, cfi);
		if (cfi && !unwind)
			dwarf_cfi_end(cfi);
	}
	return memory ? ERR_OK : err_nomem(err);
}

int elf_file_open(struct elf_file **out, int fd, const char *path, bool unwind,
		  const struct elf_opener *opener, struct err *err)
{
	struct elf_file *f = calloc(1, sizeof(*f));
	int rc;

	*out = NULL;
	if (!f) {
		close(fd);
		return err_nomem(err);
	}
	f->elf = open_elf(fd);
	if (!f->elf || !is_of_this_machine(f->elf))
		rc = err_set(err, ERR_CORRUPT, "'%s' cannot be read as ELF",
			     path);
	else
		rc = load(f, path, unwind, opener, err);
	if (rc) {
		elf_file_close(f);
		close(fd);
		return rc;
	}
	*out = f;
	let_go_of(f->elf, fd);
	return ERR_OK;
}

int elf_file_open_bytes(struct elf_file **out, const void *bytes, size_t size,
			bool unwind, struct err *err)
{
	struct elf_file *f = calloc(1, sizeof(*f));
	int rc;

	*out = NULL;
	if (f)
		f->copy = malloc(size ? size : 1);
	if (!f || !f->copy) {
		free(f);
		return err_nomem(err);
	}
	memcpy(f->copy, bytes, size);
	elf_version(EV_CURRENT);
	f->elf = elf_memory(f->copy, size);
	if (!f->elf || elf_kind(f->elf) != ELF_K_ELF ||
	    !is_of_this_machine(f->elf))
		rc = err_set(err, ERR_CORRUPT, "not an ELF image");
	else
		rc = load(f, "", unwind, NULL, err);
	if (rc)
		elf_file_close(f);
	else
		*out = f;
	return rc;
}

void elf_file_close(struct elf_file *f)
{
	if (!f)
		return;
	if (f->cfi)
		dwarf_cfi_end(f->cfi);
	elf_end(f->debug);
	elf_end(f->elf);
	vec_release(&f->symbols);
	free(f->copy);
	free(f);
}

/* The last symbol that does not start behind `addr`, -1: none. */
static int64_t last_before(const struct elf_file *f, uint64_t addr)
{
	uint32_t low = 0, high = f->symbols.nr;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (f->symbols.at[middle].start <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	return (int64_t)low - 1;
}

bool elf_file_find(struct elf_file *f, uint64_t addr, struct elf_function *out)
{
	int64_t at = last_before(f, addr);

	for (int64_t i = at; i >= 0 && i > at - LOOK_BACK; i--) {
		const struct symbol *s = &f->symbols.at[i];

		if (addr >= s->end)
			continue;
		out->name = name_of(f, s);
		out->start = s->start;
		out->end = s->end;
		out->plt = s->plt;
		return true;
	}
	return false;
}

static uint64_t symbol_in(Elf *elf, const char *name)
{
	Elf_Scn *scn = NULL;
	struct section s;

	for (int i = 0; i < SECTIONS_MAX && (scn = elf_nextscn(elf, scn));
	     i++) {
		Elf_Data *data;
		GElf_Sym sym;
		size_t nr;

		if (!get_section(elf, scn, &s) || !s.head.sh_entsize ||
		    (s.head.sh_type != SHT_SYMTAB &&
		     s.head.sh_type != SHT_DYNSYM))
			continue;
		data = section_data(&s);
		nr = data ? data->d_size / s.head.sh_entsize : 0;
		for (size_t k = 0; k < nr && k < SYMBOLS_MAX; k++) {
			const char *found;

			if (!gelf_getsym(data, (int)k, &sym) ||
			    sym.st_shndx == SHN_UNDEF)
				continue;
			found = elf_strptr(elf, s.head.sh_link, sym.st_name);
			if (found && !strcmp(found, name))
				return sym.st_value;
		}
	}
	return 0;
}

uint64_t elf_file_symbol(struct elf_file *f, const char *name)
{
	uint64_t addr = symbol_in(f->elf, name);

	return addr || !f->debug ? addr : symbol_in(f->debug, name);
}

bool elf_file_section(struct elf_file *f, const char *name, uint64_t *addr,
		      uint64_t *size)
{
	struct section s;

	if (!find_section(f->elf, name, &s))
		return false;
	*addr = s.head.sh_addr;
	*size = s.head.sh_size;
	return true;
}

bool elf_image_section(char *bytes, size_t size, const char *name,
		       uint64_t *addr, uint64_t *offset, uint64_t *section_size)
{
	struct section s;
	Elf *elf;
	bool found;

	elf_version(EV_CURRENT);
	elf = elf_memory(bytes, size);
	found = elf && elf_kind(elf) == ELF_K_ELF &&
		find_section(elf, name, &s);
	if (found) {
		*addr = s.head.sh_addr;
		*offset = s.head.sh_offset;
		*section_size = s.head.sh_size;
	}
	elf_end(elf);
	return found;
}

enum elf_names elf_file_names(const struct elf_file *f)
{
	return f->names;
}

const uint8_t *elf_file_build_id(const struct elf_file *f, size_t *size)
{
	*size = f->build_id_size;
	return f->build_id;
}

uint32_t elf_file_symbols(const struct elf_file *f)
{
	return f->symbols.nr;
}

struct Dwarf_CFI_s *elf_file_cfi(const struct elf_file *f)
{
	return f->cfi;
}
