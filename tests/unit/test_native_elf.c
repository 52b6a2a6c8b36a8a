/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <elf.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "native/elf_file.h"

/* This program itself is the file that is read. */
int native_elf_marker(int x);

__attribute__((noinline)) int native_elf_marker(int x)
{
	return x * 3 + 1;
}

static void read_self(struct buf *b)
{
	int fd = open("/proc/self/exe", O_RDONLY);
	ssize_t got;

	memset(b, 0, sizeof(*b));
	do {
		cr_assert(buf_reserve(b, 1 << 20));
		got = read(fd, b->data + b->size, 1 << 20);
		b->size += got > 0 ? (size_t)got : 0;
	} while (got > 0);
	close(fd);
}

static struct elf_file *open_self(void)
{
	struct elf_file *f;
	struct err err;

	cr_assert_eq(elf_file_open(&f, open("/proc/self/exe", O_RDONLY), "/x",
				   true, NULL, &err),
		     ERR_OK, "%s", err.msg);
	return f;
}

Test(native_elf, a_function_is_found_by_any_address_in_it)
{
	struct elf_file *f = open_self();
	uint64_t addr = elf_file_symbol(f, "native_elf_marker");
	struct elf_function found;

	cr_assert_neq(addr, 0);
	cr_assert(elf_file_find(f, addr, &found));
	cr_assert_str_eq(found.name, "native_elf_marker");
	cr_assert_eq(found.start, addr);
	cr_assert(elf_file_find(f, found.end - 1, &found));
	cr_assert_str_eq(found.name, "native_elf_marker");
	cr_assert_eq(elf_file_names(f), ELF_NAMES_FULL);
	cr_assert_not_null(elf_file_cfi(f));
	cr_assert_not(elf_file_find(f, 0, &found));
	cr_assert_not(elf_file_find(f, UINT64_MAX, &found));
	elf_file_close(f);
}

Test(native_elf, stubs_of_other_files_functions_have_their_names)
{
	struct elf_file *f = open_self();
	uint64_t addr, size;
	struct elf_function found;
	unsigned stubs = 0;

	if (!elf_file_section(f, ".plt.sec", &addr, &size) &&
	    !elf_file_section(f, ".plt", &addr, &size))
		cr_skip_test("this program was linked without stubs");
	for (uint64_t at = addr; at < addr + size; at += 16)
		if (elf_file_find(f, at, &found) && found.plt) {
			cr_assert(found.name[0]);
			stubs++;
		}
	cr_assert_gt(stubs, 0);
	elf_file_close(f);
}

Test(native_elf, the_place_in_the_process_follows_from_the_mapping)
{
	struct elf_file *f = open_self();
	char line[512], perms[8];
	unsigned long long start, end, offset;
	uint64_t bias = 0, addr = (uint64_t)(uintptr_t)native_elf_marker;
	FILE *maps = fopen("/proc/self/maps", "re");

	while (fgets(line, sizeof(line), maps))
		if (sscanf(line, "%llx-%llx %7s %llx", &start, &end, perms,
			   &offset) == 4 &&
		    addr >= start && addr < end)
			break;
	fclose(maps);
	cr_assert(elf_file_bias(f, start, offset, &bias));
	cr_assert_eq(elf_file_symbol(f, "native_elf_marker") + bias, addr);
	cr_assert_not(elf_file_bias(f, start, UINT64_MAX - 4096, &bias));
	elf_file_close(f);
}

Test(native_elf, what_is_no_elf_file_is_refused)
{
	struct elf_file *f;
	struct err err;

	cr_assert_eq(elf_file_open_bytes(&f, "", 0, true, &err), ERR_CORRUPT);
	cr_assert_eq(elf_file_open_bytes(&f, "\177ELF", 4, true, &err),
		     ERR_CORRUPT);
	cr_assert_eq(elf_file_open(&f, open("/dev/zero", O_RDONLY), "/dev/zero",
				   true, NULL, &err),
		     ERR_CORRUPT);
	cr_assert_eq(elf_file_open(&f, open("/proc/self", O_RDONLY), "/", true,
				   NULL, &err),
		     ERR_CORRUPT);
	cr_assert_null(f);
}

static void look_around(struct elf_file *f)
{
	struct elf_function found;
	uint64_t bias, addr, size;

	for (uint64_t at = 0; at < 65536; at += 1021)
		if (elf_file_find(f, at, &found))
			cr_assert_geq(strlen(found.name), 0);
	elf_file_bias(f, 0x1000, 0, &bias);
	elf_file_symbol(f, "nothing of this name");
	elf_file_section(f, ".text", &addr, &size);
}

Test(native_elf, a_file_that_was_cut_off_is_read_as_far_as_it_goes)
{
	struct elf_file *f;
	struct err err;
	struct buf b;

	read_self(&b);
	for (size_t size = 1; size < b.size; size += b.size / 97) {
		if (elf_file_open_bytes(&f, b.data, size, false, &err))
			continue;
		look_around(f);
		elf_file_close(f);
	}
	buf_release(&b);
}

/* Counts, offsets and links of a section table that somebody has changed. */
Test(native_elf, a_damaged_section_table_does_no_harm)
{
	struct elf_file *f;
	struct buf b, copy = { 0 };
	Elf64_Ehdr head;
	struct err err;

	read_self(&b);
	memcpy(&head, b.data, sizeof(head));
	srand(4711);
	for (int round = 0; round < 200; round++) {
		buf_clear(&copy);
		buf_add(&copy, b.data, b.size);
		for (int i = 0; i < 4; i++) {
			size_t at = head.e_shoff +
				    (size_t)rand() %
					    (head.e_shnum * sizeof(Elf64_Shdr));

			copy.data[at] = (char)rand();
		}
		if (elf_file_open_bytes(&f, copy.data, copy.size, false, &err))
			continue;
		look_around(f);
		elf_file_close(f);
	}
	buf_release(&copy);
	buf_release(&b);
}
