/* SPDX-License-Identifier: MIT */
#include "native/native.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "native/native_internal.h"
#include "native/readable.h"
#include "os/clock.h"

/* An address that is in no map makes the maps be read again, this often. */
#define MAPS_AGAIN_NS (10 * CLOCK_MS_NS)

/* Addresses whose function is remembered. */
#define KNOWN_MAX (1024u * 1024)

/* Functions of the interpreter to ask for frame pointers; most of them have
 * to keep one for it to be worth anything. */
#define POINTER_PROBES 64
#define POINTER_SHARE 0.8

/* In the file a name "f" may be the stub that jumps to it. */
#define STUB_SUFFIX "@plt"

static uint32_t add_function(struct native *n, const char *symbol,
			     const char *suffix, uint32_t module)
{
	enum native_module_kind kind = n->modules.at[module].shown.kind;
	struct native_function f = { .module = module };
	char name[READABLE_MAX];
	size_t size;
	char *copy;

	if (n->functions.nr >= FUNCTIONS_MAX)
		return NATIVE_NOT_KNOWN;
	f.class = native_class_of(kind, symbol);
	readable_name(symbol, name, sizeof(name) - sizeof(STUB_SUFFIX));
	size = strlen(name);
	snprintf(name + size, sizeof(name) - size, "%s", suffix);
	copy = strdup(name);
	if (!copy)
		return NATIVE_NOT_KNOWN;
	f.name = copy;
	if (!vec_push(&n->functions, f)) {
		free(copy);
		return NATIVE_NOT_KNOWN;
	}
	return n->functions.nr - 1;
}

/* The modules and functions that are there without being mapped, in the order
 * of their numbers. */
static bool add_fixed(struct native *n)
{
	static const struct {
		const char *name;
		enum native_module_kind kind;
	} fixed[] = {
		[MODULE_NOT_KNOWN] = { "", NATIVE_MODULE_UNKNOWN },
		[MODULE_JIT] = { "[generated]", NATIVE_MODULE_JIT },
		[MODULE_KERNEL] = { "[kernel]", NATIVE_MODULE_KERNEL },
	};

	for (uint32_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
		if (modules_add(n, fixed[i].name, 0, fixed[i].kind) != i)
			return false;
		n->modules.at[i].tried = true;
		if (add_function(n, "", "", i) != i)
			return false;
	}
	return true;
}

static bool is_code(struct native *n, const struct mapping *mapping)
{
	return mapping && n->modules.at[mapping->module].shown.kind !=
				  NATIVE_MODULE_UNKNOWN;
}

/* The mapping of `addr`, with the maps read anew where that may help. */
static const struct mapping *find_mapping(struct native *n, uint64_t addr)
{
	const struct mapping *found;
	struct err err;

	if (n->stale)
		modules_read(n, &err);
	found = modules_find(n, addr);
	if (found || clock_now_ns() - n->maps_ns < MAPS_AGAIN_NS)
		return found;
	modules_read(n, &err);
	return modules_find(n, addr);
}

/*
 * Code without an unwind table of which callers are known all the same, by
 * the bytes up to where its callee returns to.
 */
static const struct stub {
	uint8_t code[8];
	uint8_t size;
	uint8_t frame; /* bytes on the stack above the return address */
} stubs[] = {
#if defined(__x86_64__)
	/* sub $8,%rsp; call *%rcx: trampolines of CPython's -X perf, one for
	 * each Python function (Python/asm_trampoline.S) */
	{ { 0x48, 0x83, 0xec, 0x08, 0xff, 0xd1 }, 6, 8 },
#endif
	{ { 0 }, 0, 0 }
};

static void find_stub(struct native *n, uint64_t addr, struct unwind_place *out)
{
	uint8_t code[sizeof(stubs[0].code)];
	struct err err;

	for (const struct stub *s = stubs; s->size; s++) {
		/* `addr` is the last byte of the call */
		if (target_read(n->target, addr + 1 - s->size, code, s->size,
				&err) ||
		    memcmp(code, s->code, s->size) != 0)
			continue;
		out->is_stub = true;
		out->stub_frame = s->frame;
	}
}

static void place(void *arg, uint64_t addr, struct unwind_place *out)
{
	struct native *n = arg;
	const struct mapping *mapping = modules_find(n, addr);
	struct elf_file *f;

	out->is_code = is_code(n, mapping);
	if (!out->is_code)
		return;
	if (mapping->module == MODULE_JIT)
		jit_find_now(n, addr, &f);
	else
		f = modules_file(n, mapping, &out->bias);
	if (f)
		out->cfi = elf_file_cfi(f);
	else if (mapping->module == MODULE_JIT)
		find_stub(n, addr, out);
}

int native_open(struct native **out, pid_t pid, const struct native_opts *opts,
		struct err *err)
{
	struct native *n = calloc(1, sizeof(*n));
	int rc;

	*out = NULL;
	if (!n)
		return err_nomem(err);
	n->pid = pid;
	n->opts = *opts;
	n->root.fd = -1;
	jit_init(&n->jit);
	n->unwinder = unwinder_new(place, n);
	rc = n->unwinder && add_fixed(n) ? ERR_OK : err_nomem(err);
	if (!rc)
		rc = target_open(&n->target, pid, err);
	if (!rc) {
		file_root_open(&n->root, pid);
		rc = modules_read(n, err);
	}
	if (rc) {
		native_close(n);
		return rc;
	}
	*out = n;
	return ERR_OK;
}

void native_close(struct native *n)
{
	if (!n)
		return;
	unwinder_free(n->unwinder);
	jit_release(&n->jit);
	for (uint32_t i = 0; i < n->modules.nr; i++) {
		elf_file_close(n->modules.at[i].elf);
		free(n->modules.at[i].path);
	}
	/* Names are copies, only const for those who look at them. */
	for (uint32_t i = 0; i < n->functions.nr; i++)
		free((void *)(uintptr_t)n->functions.at[i].name);
	vec_release(&n->modules);
	vec_release(&n->functions);
	vec_release(&n->mappings);
	map_release(&n->module_of);
	map_release(&n->function_of);
	map_release(&n->generated_of);
	map_release(&n->known);
	file_root_close(&n->root);
	target_close(n->target);
	free(n);
}

void native_note(struct native *n, const struct perf_record *record)
{
	if ((record->kind == PERF_RECORD_KIND_MAPPED ||
	     record->kind == PERF_RECORD_KIND_EXEC) &&
	    record->pid == n->pid)
		n->stale = true;
}

/* A function of a file, by where it begins; the rest of a file is one. */
static uint32_t function_at(struct native *n, uint32_t module,
			    const struct elf_function *f)
{
	const uint64_t low = (UINT64_C(1) << 48) - 1;
	uint64_t key = (uint64_t)module << 48 | (f ? f->start & low : low);
	uint32_t at = map_get(&n->function_of, key);

	if (at != MAP_NONE)
		return at;
	at = add_function(n, f ? f->name : "", f && f->plt ? STUB_SUFFIX : "",
			  module);
	if (at != NATIVE_NOT_KNOWN)
		map_put(&n->function_of, key, at);
	return at;
}

static uint32_t locate_file(struct native *n, const struct mapping *mapping,
			    uint64_t addr)
{
	struct elf_function f;
	struct elf_file *file;
	uint64_t bias = 0;

	file = modules_file(n, mapping, &bias);
	if (file && elf_file_find(file, addr - bias, &f))
		return function_at(n, mapping->module, &f);
	return function_at(n, mapping->module, NULL);
}

static uint64_t hash_name(const char *name)
{
	uint64_t hash = 0;

	for (; *name; name++)
		hash = map_hash(hash ^ (uint8_t)*name);
	return hash;
}

/* Code that moves keeps its name: one function for each name. Two names of
 * one hash would be shown as one, which in 64 bits does not happen. */
static uint32_t locate_generated(struct native *n, uint64_t addr)
{
	struct elf_file *object;
	const char *name = jit_find(n, addr, &object);
	uint64_t key;
	uint32_t at;

	if (!name)
		return MODULE_JIT;
	key = hash_name(name);
	at = map_get(&n->generated_of, key);
	if (at != MAP_NONE)
		return at;
	at = add_function(n, name, "", MODULE_JIT);
	if (at != NATIVE_NOT_KNOWN)
		map_put(&n->generated_of, key, at);
	return at;
}

uint32_t native_locate(struct native *n, uint64_t addr)
{
	const struct mapping *mapping;
	uint32_t at;

	at = n->stale ? MAP_NONE : map_get(&n->known, addr);
	if (at != MAP_NONE)
		return at;
	mapping = find_mapping(n, addr);
	if (!mapping)
		return NATIVE_NOT_KNOWN;
	if (mapping->module == MODULE_JIT) {
		at = locate_generated(n, addr);
		if (at == MODULE_JIT) /* it may get a name yet */
			return at;
	} else {
		at = locate_file(n, mapping, addr);
	}
	if (n->known.nr >= KNOWN_MAX)
		map_clear(&n->known);
	map_put(&n->known, addr, at);
	return at;
}

uint32_t native_kernel(const struct native *n)
{
	(void)n;
	return MODULE_KERNEL;
}

const struct native_function *native_function(const struct native *n,
					      uint32_t function)
{
	return &n->functions.at[function < n->functions.nr ? function : 0];
}

const struct native_module *native_module(const struct native *n,
					  uint32_t module)
{
	return &n->modules.at[module < n->modules.nr ? module : 0].shown;
}

uint32_t native_function_nr(const struct native *n)
{
	return n->functions.nr;
}

uint32_t native_module_nr(const struct native *n)
{
	return n->modules.nr;
}

void native_unwind(struct native *n, const struct perf_record *sample,
		   struct chain *out)
{
	/* Rules are made for what is mapped, so know that first. */
	if (!sample->in_kernel)
		native_locate(n, sample->ip);
	if (sample->regs_nr) {
		unwinder_walk(n->unwinder, sample, out);
		return;
	}
	chain_from_pointers(sample, out);
	/* Where somebody kept something else in the register, what follows is
	 * noise. */
	for (uint32_t i = 0; i < out->nr; i++)
		if (!modules_find(n, out->addr[i]))
			out->nr = i;
}

/* Where the interpreter's loop is mapped; NULL: nowhere yet. */
static const struct mapping *find_python(struct native *n)
{
	for (uint32_t i = 0; i < n->mappings.nr; i++) {
		const struct mapping *m = &n->mappings.at[i];
		uint64_t bias;

		if (modules_file(n, m, &bias) &&
		    n->modules.at[m->module].shown.kind == NATIVE_MODULE_PYTHON)
			return m;
	}
	return NULL;
}

bool native_keeps_pointers(struct native *n)
{
	const struct mapping *m = find_python(n);
	unsigned asked = 0, kept = 0;
	struct elf_function f;
	struct elf_file *file;
	uint64_t bias, step;

	if (!m)
		return false;
	file = modules_file(n, m, &bias);
	step = (m->end - m->start) / POINTER_PROBES + 1;
	for (uint64_t addr = m->start; addr < m->end; addr += step) {
		uint64_t middle;

		if (!elf_file_find(file, addr - bias, &f) || f.plt)
			continue;
		middle = f.start + (f.end - f.start) / 2 + bias;
		asked++;
		kept += unwinder_keeps_pointer(n->unwinder, middle);
	}
	return asked && kept >= asked * POINTER_SHARE;
}
