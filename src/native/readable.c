/* SPDX-License-Identifier: MIT */
#include "native/readable.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Deeper names of packages and classes are left as they are. */
#define CYTHON_PARTS_MAX 16

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static void copy(char *out, size_t size, const char *text)
{
	snprintf(out, size, "%s", text);
}

/* ----------------------------------------------------------------- Cython */

/* What Cython puts before the functions of a module; the rest of its own
 * (__Pyx_..., __pyx_...) has no name in the source. */
static const char *const cython_prefixes[] = {
	"__pyx_pw_", /* called from Python: unpacks arguments */
	"__pyx_pf_", /* the body */
	"__pyx_f_",  /* cdef */
	"__pyx_gb_", /* the body of a generator */
};

/* "__pyx_fuse_1" stands before functions made for one of several types. */
static const char *skip_fused(const char *symbol)
{
	static const char fuse[] = "__pyx_fuse_";
	const char *at = symbol;

	if (strncmp(at, fuse, sizeof(fuse) - 1) != 0)
		return symbol;
	at += sizeof(fuse) - 1;
	while (is_digit(*at) || *at == '_')
		at++;
	/* at least the prefix that follows is wanted whole */
	while (at > symbol && at[-1] == '_')
		at--;
	return at;
}

/* "7package" and the '_' behind it; NULL when it is not that. */
static const char *cython_part(const char *at, const char **part, int *size)
{
	char *end;
	unsigned long nr;

	if (!is_digit(*at) || *at == '0')
		return NULL;
	nr = strtoul(at, &end, 10);
	if (nr > 256 || strnlen(end, nr + 1) <= nr || end[nr] != '_')
		return NULL;
	*part = end;
	*size = (int)nr;
	return end + nr + 1;
}

/* "__pyx_pw_3pkg_3mod_5Class_7method": pkg.mod.Class.method */
static bool read_cython(const char *symbol, char *out, size_t size)
{
	const char *at = skip_fused(symbol), *next, *part;
	size_t used = 0, i;
	int part_size, parts = 0;

	for (i = 0; i < sizeof(cython_prefixes) / sizeof(cython_prefixes[0]);
	     i++)
		if (!strncmp(at, cython_prefixes[i],
			     strlen(cython_prefixes[i])))
			break;
	if (i == sizeof(cython_prefixes) / sizeof(cython_prefixes[0]))
		return false;
	at += strlen(cython_prefixes[i]);
	while (parts++ < CYTHON_PARTS_MAX &&
	       (next = cython_part(at, &part, &part_size))) {
		used += (size_t)snprintf(out + used, size - used, "%.*s.",
					 part_size, part);
		if (used >= size)
			return true;
		at = next;
	}
	/* What is left is the function, with a number that tells functions
	 * of one name apart. */
	while (is_digit(*at))
		at++;
	if (!used || !*at)
		return false;
	snprintf(out + used, size - used, "%s", at);
	return true;
}

/* -------------------------------------------------------------------- C++ */

typedef char *demangler(const char *name, char *buffer, size_t *size,
			int *status);

/*
 * The C++ library is not linked: it would be the only reason to have it in
 * the wheel. Nearly every target has it, and so has nearly every system.
 */
static demangler *find_demangler(void)
{
	static demangler *found;
	static bool looked;
	void *library;

	if (looked)
		return found;
	looked = true;
	library = dlopen("libstdc++.so.6", RTLD_NOW | RTLD_LOCAL);
	if (!library)
		library = dlopen("libc++abi.so.1", RTLD_NOW | RTLD_LOCAL);
	if (library)
		/* POSIX makes functions of pointers to data, ISO C does not */
		*(void **)&found = dlsym(library, "__cxa_demangle");
	return found;
}

/* Take the text from `at` on that is `size` long out of its string. */
static void take_out(char *at, size_t size)
{
	memmove(at, at + size, strlen(at + size) + 1);
}

/* Numba keeps versions and options in ABI tags: "f[abi:v1][abi:c8tJ]". */
static void drop_tags(char *name)
{
	char *at;

	while ((at = strstr(name, "[abi:"))) {
		size_t size = strcspn(at, "]");

		take_out(at, at[size] ? size + 1 : size);
	}
}

/* Rust ends every path in a hash: "core::fmt::write::h0123456789abcdef". */
static void drop_rust_hash(char *name)
{
	size_t size = strlen(name);
	const size_t hash = strlen("::h0123456789abcdef");

	if (size > hash && !strncmp(name + size - hash, "::h", 3) &&
	    strspn(name + size - 16, "0123456789abcdef") == 16)
		name[size - hash] = '\0';
}

/* Numba writes "__ufunc__._ZN..." for what it wraps. */
static bool read_cxx(const char *symbol, char *out, size_t size)
{
	const char *mangled = strstr(symbol, "._ZN");
	demangler *demangle;
	char *name;
	int status;

	mangled = mangled ? mangled + 1 : symbol;
	if (strncmp(mangled, "_Z", 2) != 0)
		return false;
	demangle = find_demangler();
	name = demangle ? demangle(mangled, NULL, NULL, &status) : NULL;
	if (!name)
		return false;
	drop_tags(name);
	drop_rust_hash(name);
	snprintf(out, size, "%.*s%s", (int)(mangled - symbol), symbol, name);
	free(name);
	return true;
}

void readable_name(const char *symbol, char *out, size_t size)
{
	size_t length = strnlen(symbol, READABLE_MAX);
	char plain[READABLE_MAX];
	char *at;

	if (length == READABLE_MAX) {
		copy(out, size, symbol);
		return;
	}
	memcpy(plain, symbol, length + 1);
	/* "memcpy@@GLIBC_2.14" */
	at = strchr(plain, '@');
	if (at && at != plain)
		*at = '\0';
	if (!read_cython(plain, out, size) && !read_cxx(plain, out, size))
		copy(out, size, plain);
}
