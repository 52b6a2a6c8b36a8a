/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <string.h>

#include "base/utf8.h"

static void check(const char *text, size_t size, uint32_t want)
{
	uint32_t code = 0;

	cr_expect_eq(utf8_decode(text, &code), size);
	if (size)
		cr_expect_eq(code, want);
}

Test(base_utf8, each_length_is_decoded_at_its_bounds)
{
	check("", 1, 0);
	check("\x7f", 1, 0x7f);
	check("\xc2\x80", 2, 0x80);
	check("\xdf\xbf", 2, 0x7ff);
	check("\xe0\xa0\x80", 3, 0x800);
	check("\xef\xbf\xbf", 3, 0xffff);
	check("\xf0\x90\x80\x80", 4, 0x10000);
	check("\xf4\x8f\xbf\xbf", 4, 0x10ffff);
}

Test(base_utf8, what_rfc_3629_forbids_is_refused)
{
	static const char *const wrong[] = {
		"\x80",
		"\xbf",
		"\xc0\xaf",
		"\xc1\xbf",
		"\xe0\x9f\xbf",
		"\xed\xa0\x80",
		"\xed\xbf\xbf",
		"\xf0\x8f\xbf\xbf",
		"\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80",
		"\xff",
		"\xc2",
		"\xe2\x82",
		"\xf0\x9f\x90",
		"\xc2\x41",
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		check(wrong[i], 0, 0);
}

/* Under the address sanitizer a read past the end is seen. */
Test(base_utf8, the_end_of_the_text_is_not_passed)
{
	char *text = strdup("\xf0");

	check(text, 0, 0);
	free(text);
}
