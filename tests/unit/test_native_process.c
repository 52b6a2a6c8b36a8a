/* SPDX-License-Identifier: MIT */
/* Addresses and stacks of a live process: this one, or a child of it. */
#include <criterion/criterion.h>
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "native/native.h"
#include "os/clock.h"
#include "os/perf_clock.h"

#define AGAIN_NS (30 * CLOCK_MS_NS)

static struct native *open_self(bool unwind)
{
	const struct native_opts opts = { .unwind = unwind };
	struct native *n;
	struct err err;

	cr_assert_eq(native_open(&n, getpid(), &opts, &err), ERR_OK, "%s",
		     err.msg);
	return n;
}

static const struct native_function *at(struct native *n, const void *addr)
{
	return native_function(n, native_locate(n, (uint64_t)(uintptr_t)addr));
}

int native_process_marker(void);

__attribute__((noinline)) int native_process_marker(void)
{
	return 4711;
}

Test(native_process, functions_of_the_program_are_named)
{
	struct native *n = open_self(false);
	const struct native_function *f =
		at(n, (void *)(uintptr_t)native_process_marker);

	cr_assert_str_eq(f->name, "native_process_marker");
	cr_assert_eq(f->class, NATIVE_LIBRARY);
	cr_assert(strstr(native_module(n, f->module)->path, "test_native"));
	native_close(n);
}

/* By the real library's address: a sanitizer has a getpid() of its own. */
Test(native_process, functions_of_the_c_library_are_named)
{
	struct native *n = open_self(false);
	void *libc = dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD);
	const struct native_function *f;

	if (!libc)
		cr_skip_test("no libc.so.6");
	f = at(n, dlsym(libc, "getppid"));
	cr_assert(strstr(f->name, "getppid"), "%s", f->name);
	cr_assert_eq(f->class, NATIVE_LIBC);
	native_close(n);
}

Test(native_process, addresses_of_nothing_are_not_known)
{
	struct native *n = open_self(false);

	cr_assert_eq(native_locate(n, 0), NATIVE_NOT_KNOWN);
	cr_assert_eq(native_locate(n, 42), NATIVE_NOT_KNOWN);
	cr_assert_eq(native_locate(n, UINT64_MAX), NATIVE_NOT_KNOWN);
	cr_assert_str_eq(native_function(n, NATIVE_NOT_KNOWN)->name, "");
	cr_assert_eq(native_function(n, UINT32_MAX)->class, NATIVE_UNKNOWN);
	cr_assert_eq(native_function(n, native_kernel(n))->class,
		     NATIVE_KERNEL);
	native_close(n);
}

Test(native_process, one_function_has_one_number)
{
	struct native *n = open_self(false);
	uint64_t addr = (uint64_t)(uintptr_t)native_process_marker;
	uint32_t function = native_locate(n, addr);

	cr_assert_eq(native_locate(n, addr), function);
	cr_assert_eq(native_locate(n, addr + 1), function);
	native_close(n);
}

static char *map_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

Test(native_process, generated_code_gets_its_name_when_the_perf_map_has_it)
{
	struct native *n = open_self(false);
	char *code = map_code(), path[64];
	const struct native_function *f;
	FILE *map;

	snprintf(path, sizeof(path), "/tmp/perf-%d.map", (int)getpid());
	unlink(path);
	clock_sleep(AGAIN_NS);
	f = at(n, code);
	cr_assert_eq(f->class, NATIVE_JIT);
	cr_assert_str_eq(f->name, "");
	map = fopen(path, "we");
	fprintf(map, "%llx 20 py::f:/a.py\n",
		(unsigned long long)(uintptr_t)code);
	fclose(map);
	clock_sleep(AGAIN_NS);
	f = at(n, code + 1);
	unlink(path);
	cr_assert_str_eq(f->name, "py::f:/a.py");
	cr_assert_eq(f->class, NATIVE_TRAMPOLINE);
	cr_assert_str_eq(at(n, code + 0x20)->name, "");
	native_close(n);
}

/* /tmp is everybody's: somebody else could put names into our mouth. */
Test(native_process, a_perf_map_of_another_user_is_not_believed)
{
	struct native *n = open_self(false);
	char *code = map_code(), path[64];
	FILE *map;

	if (geteuid())
		cr_skip_test("needs root, to make a file of another user");
	snprintf(path, sizeof(path), "/tmp/perf-%d.map", (int)getpid());
	map = fopen(path, "we");
	fprintf(map, "%llx 20 lie\n", (unsigned long long)(uintptr_t)code);
	fclose(map);
	cr_assert(!chown(path, 65534, 65534));
	clock_sleep(AGAIN_NS);
	cr_assert_str_eq(at(n, code)->name, "");
	unlink(path);
	native_close(n);
}

/* The list of GDB's manual, as tare finds it in a process. */
struct jit_entry {
	struct jit_entry *next, *prev;
	const void *addr;
	uint64_t size;
};

struct jit_list {
	uint32_t version, action;
	struct jit_entry *relevant, *first;
};

extern struct jit_list __jit_debug_descriptor;
struct jit_list __jit_debug_descriptor = { .version = 1 };

#define JIT_SIZE ((size_t)64 << 20)

/* Pages that nobody has touched are not there; one that was read is. */
static bool was_read(char *image)
{
	unsigned char is_there = 0;

	cr_assert_eq(mincore(image, 4096, &is_there), 0);
	madvise(image, JIT_SIZE, MADV_DONTNEED);
	return is_there;
}

static char *map_image(void)
{
	return mmap(NULL, JIT_SIZE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/*
 * A list that somebody wrote to keep us busy: each look read all of it again,
 * and as much as it named.
 */
Test(native_process, what_is_no_image_is_read_once_and_not_without_end)
{
	char *code = map_code(), *image = map_image(), *late = map_image();
	struct native *n = open_self(false);
	struct jit_entry entries[10];

	for (int i = 0; i < 10; i++) {
		entries[i].next = i < 9 ? &entries[i + 1] : NULL;
		entries[i].addr = i ? image : late;
		entries[i].size = JIT_SIZE;
	}
	__jit_debug_descriptor.first = entries;
	cr_assert_str_eq(at(n, code)->name, "");
	cr_assert(was_read(image));
	cr_assert_not(was_read(late));
	clock_sleep(AGAIN_NS);
	cr_assert_str_eq(at(n, code)->name, "");
	cr_assert_not(was_read(image));
	cr_assert_not(was_read(late));
	__jit_debug_descriptor.first = NULL;
	munmap(image, JIT_SIZE);
	munmap(late, JIT_SIZE);
	munmap(code, 4096);
	native_close(n);
}

Test(native_process, what_is_mapped_later_is_found)
{
	struct native *n = open_self(false);
	char *code;

	clock_sleep(AGAIN_NS);
	code = map_code();
	cr_assert_eq(at(n, code)->class, NATIVE_JIT);
	munmap(code, 4096);
	native_close(n);
}

Test(native_process, a_process_that_is_gone_is_said_to_be)
{
	const struct native_opts opts = { 0 };
	struct native *n;
	struct err err;
	pid_t child = fork();

	if (!child)
		_exit(0);
	waitpid(child, NULL, 0);
	cr_assert_eq(native_open(&n, child, &opts, &err), ERR_GONE);
	cr_assert_null(n);
}

static const struct native_function *in_child(struct native *n)
{
	return at(n, (void *)(uintptr_t)native_process_marker);
}

/*
 * The maps of a zombie are empty, not gone: taken for what is mapped, they made
 * the last samples of every process unknown.
 */
Test(native_process, a_zombie_has_what_it_had_mapped)
{
	const struct native_opts opts = { 0 };
	struct perf_record mapped = { .kind = PERF_RECORD_KIND_MAPPED };
	struct native *n;
	siginfo_t info;
	struct err err;
	pid_t child = fork();

	if (!child) {
		pause();
		_exit(0);
	}
	cr_assert_eq(native_open(&n, child, &opts, &err), ERR_OK);
	cr_assert_str_eq(in_child(n)->name, "native_process_marker");
	kill(child, SIGKILL);
	cr_assert(!waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT));
	mapped.pid = child;
	native_note(n, &mapped);
	cr_assert_str_eq(in_child(n)->name, "native_process_marker");
	clock_sleep(AGAIN_NS);
	cr_assert_eq(native_locate(n, 42), NATIVE_NOT_KNOWN);
	cr_assert_str_eq(in_child(n)->name, "native_process_marker");
	waitpid(child, NULL, 0);
	native_close(n);
}

/* --------------------------------------------------------------- unwinding */

static volatile unsigned sink;

unsigned native_process_outer(int depth);

/* CPU time of the child ends it, so that a slow machine has enough, too. */
__attribute__((noinline)) static unsigned spin(void)
{
	struct timespec t;

	do {
		for (int i = 0; i < 20000; i++)
			sink++;
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	} while (t.tv_nsec < 300000000 && !t.tv_sec);
	return sink;
}

__attribute__((noinline)) unsigned native_process_outer(int depth)
{
	unsigned below = depth ? native_process_outer(depth - 1) : spin();

	sink++; /* so that this is no tail call */
	return below + 1;
}

struct seen {
	unsigned samples, whole, outer;
};

static void take_sample(struct native *n, const struct perf_record *r,
			struct seen *seen)
{
	static struct chain chain;
	unsigned outer = 0;

	native_unwind(n, r, &chain);
	for (uint32_t i = 0; i < chain.nr; i++)
		outer += !strcmp(
			native_function(n, native_locate(n, chain.addr[i]))
				->name,
			"native_process_outer");
	if (!outer) /* has not begun yet, or is ending */
		return;
	seen->samples++;
	seen->whole += chain.end == CHAIN_WHOLE;
	seen->outer += outer == 11;
}

static void watch(pid_t child, struct seen *seen)
{
	const struct perf_clock_opts opts = { .rate_hz = 500,
					      .stack_size = 16384 };
	const struct native_opts how = { .unwind = true };
	struct perf_record r;
	struct perf_clock *c;
	struct native *n;
	struct err err;

	cr_assert_eq(native_open(&n, child, &how, &err), ERR_OK);
	if (perf_clock_open(&c, child, &opts, &err)) {
		native_close(n);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		cr_skip_test("%s", err.msg);
	}
	for (int i = 0; i < 20; i++) {
		clock_sleep(10 * CLOCK_MS_NS);
		while (perf_clock_next(c, &r))
			if (r.kind == PERF_RECORD_KIND_SAMPLE)
				take_sample(n, &r, seen);
	}
	perf_clock_close(c);
	native_close(n);
}

Test(native_process, chains_are_whole_and_have_every_caller)
{
	struct seen seen = { 0 };
	pid_t child = fork();

	if (!child) {
		native_process_outer(10);
		_exit(0);
	}
	watch(child, &seen);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	cr_assert_gt(seen.samples, 10);
	cr_assert_geq(seen.outer, seen.samples * 9 / 10, "%u of %u", seen.outer,
		      seen.samples);
	cr_assert_geq(seen.whole, seen.samples * 9 / 10, "%u of %u", seen.whole,
		      seen.samples);
}

/* Registers and stacks of no program that ever was. */
Test(native_process, noise_is_unwound_to_an_end)
{
	static uint64_t stack[512];
	static struct chain chain;
	struct native *n = open_self(true);
	uint64_t code = (uint64_t)(uintptr_t)native_process_marker;

	srand(4711);
	for (int round = 0; round < 2000; round++) {
		struct perf_record r = { .kind = PERF_RECORD_KIND_SAMPLE,
					 .regs_nr = 16,
					 .stack_size = sizeof(stack),
					 .stack = (const uint8_t *)stack };

		r.sp = 0x7ffd00000000u + (unsigned)rand() % 64;
		for (int i = 0; i < 512; i++)
			stack[i] = rand() % 2 ? code + (unsigned)rand() % 90000
					      : r.sp + (unsigned)rand() % 4096;
		for (int i = 0; i < 16; i++)
			r.regs[i] = r.sp + (unsigned)rand() % 4096;
		r.pc = r.ip = code + (unsigned)rand() % 90000;
		native_unwind(n, &r, &chain);
		cr_assert_leq(chain.nr, CHAIN_DEPTH_MAX);
		cr_assert_gt(chain.nr, 0);
	}
	native_close(n);
}
