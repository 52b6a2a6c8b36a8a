/* SPDX-License-Identifier: MIT */
/*
 * Linked into every test program of a sanitizer build: a test that loses
 * memory fails.
 *
 * LeakSanitizer looks when a process exits, but Criterion ends the process of
 * a test with _exit(), so that leaks pass unseen, and it takes no notice of
 * what fails in a teardown (Criterion 2.4.1). So the check is made the last
 * statement of each test: this definition comes before the library's, which
 * it then calls.
 */
#include <criterion/criterion.h>
#include <dlfcn.h>
#include <sanitizer/lsan_interface.h>
#include <stdlib.h>

static void (*test_body)(void);

static void test_body_and_leak_check(void)
{
	test_body();
	cr_assert(!__lsan_do_recoverable_leak_check(), "memory was leaked");
}

void criterion_internal_test_main(void (*body)(void))
{
	void (*library)(void (*)(void));

	library = dlsym(RTLD_NEXT, "criterion_internal_test_main");
	if (!library)
		abort();
	test_body = body;
	library(test_body_and_leak_check);
}
