/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "base/utf8.h"
#include "render/safe_text.h"

static struct safe_scope scope;

static void enter(void)
{
	safe_enter(&scope);
	cr_assert(scope.utf8, "these tests need a UTF-8 locale");
}

static void leave(void)
{
	safe_leave(&scope);
}

TestSuite(render_safe_text, .init = enter, .fini = leave);

static void check(const char *text, size_t width, enum safe_cut cut,
		  const char *want, size_t want_width)
{
	struct buf out = { 0 };

	cr_expect_eq(safe_add(&out, text, width, cut), want_width,
		     "width of '%s'", want);
	cr_expect_str_eq(buf_str(&out), want);
	buf_release(&out);
}

static void check_whole(const char *text, const char *want, size_t width)
{
	check(text, 1000, SAFE_CUT_END, want, width);
	cr_expect_eq(safe_width(text), width);
}

Test(render_safe_text, ordinary_text_is_kept)
{
	check_whole("", "", 0);
	check_whole("calculate_z", "calculate_z", 11);
	check_whole("\xc3\xbc"
		    "bersicht",
		    "\xc3\xbc"
		    "bersicht",
		    9);
}

Test(render_safe_text, an_ideograph_takes_two_columns)
{
	check_whole("\xe8\xa8\x88\xe7\xae\x97", "\xe8\xa8\x88\xe7\xae\x97", 4);
}

Test(render_safe_text, a_mark_stands_on_its_base)
{
	check_whole("e\xcc\x81x", "e\xcc\x81x", 2);
}

/* "Zalgo" text would be painted over the rows above and below. */
Test(render_safe_text, a_pile_of_marks_is_cut_off)
{
	check_whole("e\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81",
		    "e\xcc\x81\xcc\x81\xcc\x81\xcc\x81\\u0301", 7);
}

/* It would be drawn upon the blank, or the name, in front of it. */
Test(render_safe_text, a_mark_without_a_base_is_escaped)
{
	check_whole("\xcc\x81x", "\\u0301x", 7);
}

Test(render_safe_text, control_characters_are_shown_as_escapes)
{
	check_whole("\033[2J", "\\x1b[2J", 7);
	check_whole("a\nb\r", "a\\x0ab\\x0d", 10);
	check_whole("\x7f", "\\x7f", 4);
	check_whole("a\tb", "a b", 3);
}

/* U+009B is a control sequence introducer in one character. */
Test(render_safe_text, controls_above_ascii_are_shown_as_escapes)
{
	check_whole("\xc2\x9b"
		    "31m",
		    "\\u009b31m", 9);
}

Test(render_safe_text, directional_overrides_are_shown_as_escapes)
{
	check_whole("x\xe2\x80\xaegnp.py", "x\\u202egnp.py", 13);
	check_whole("\xe2\x81\xa6", "\\u2066", 6);
	check_whole("\xf3\xa0\x81\x81", "\\U000e0041", 10);
}

Test(render_safe_text, bytes_that_are_not_utf8_are_shown_as_escapes)
{
	check_whole("\xff", "\\xff", 4);
	check_whole("\xc0\xaf", "\\xc0\\xaf", 8);
	check_whole("\xed\xb2\x80", "\\xed\\xb2\\x80", 12);
	check_whole("\xe2\x82", "\\xe2\\x82", 8);
	check_whole("\xf5\x80\x80\x80", "\\xf5\\x80\\x80\\x80", 16);
}

Test(render_safe_text, what_does_not_fit_is_cut_at_the_end)
{
	check("calculate", 6, SAFE_CUT_END, "calcu\xe2\x80\xa6", 6);
	check("calculate", 9, SAFE_CUT_END, "calculate", 9);
	check("calculate", 1, SAFE_CUT_END, "\xe2\x80\xa6", 1);
	check("calculate", 0, SAFE_CUT_END, "", 0);
}

Test(render_safe_text, what_does_not_fit_is_cut_in_the_middle)
{
	check("calculate", 6, SAFE_CUT_MIDDLE, "cal\xe2\x80\xa6te", 6);
	check("calculate", 5, SAFE_CUT_MIDDLE, "ca\xe2\x80\xa6te", 5);
	check("calculate", 2, SAFE_CUT_MIDDLE, "c\xe2\x80\xa6", 2);
}

/* Half of a wide character, or of an escape, is never shown. */
Test(render_safe_text, a_cut_does_not_split_a_character)
{
	check("\xe8\xa8\x88\xe7\xae\x97", 3, SAFE_CUT_END,
	      "\xe8\xa8\x88\xe2\x80\xa6", 3);
	check("\xe8\xa8\x88\xe7\xae\x97", 2, SAFE_CUT_END, "\xe2\x80\xa6", 1);
	check("a\033bcdef", 6, SAFE_CUT_END, "a\\x1b\xe2\x80\xa6", 6);
	check("a\033bcdef", 5, SAFE_CUT_END, "a\xe2\x80\xa6", 2);
}

static void check_random(const char *text, size_t width, enum safe_cut cut)
{
	struct buf out = { 0 };
	size_t used = safe_add(&out, text, width, cut);
	const char *at = buf_str(&out);
	uint32_t code;
	int columns = 0;

	cr_assert_leq(used, width);
	while (*at) {
		size_t size = utf8_decode(at, &code);

		cr_assert(size, "malformed output");
		cr_assert(code >= 0x20 && !(code >= 0x7f && code < 0xa0));
		cr_assert(code < 0x202a || code > 0x202e);
		cr_assert_geq(wcwidth((wchar_t)code), 0);
		columns += wcwidth((wchar_t)code);
		at += size;
	}
	cr_assert_leq((size_t)columns, used);
	buf_release(&out);
}

/* Any bytes at all, cut anywhere: printable, and as wide as it says. */
Test(render_safe_text, any_bytes_give_printable_text_of_the_width_it_says)
{
	static const char *const parts[] = {
		"a",
		"\033[1m",
		"\xe8\xa8\x88",
		"\xcc\x81",
		"\xe2\x80\xae",
		"\xff",
		"\xf0\x9f\x90\x8d",
		"\xef\xb8\x8f",
		"\xe2\x80\x8d",
		"\xc2\x9b",
		"\xe1\x85\xa1",
	};
	const size_t nr = sizeof(parts) / sizeof(parts[0]);

	srand(7);
	for (int round = 0; round < 3000; round++) {
		struct buf text = { 0 };

		for (int i = rand() % 20; i > 0; i--) {
			if (rand() % 4)
				buf_add_str(&text, parts[(size_t)rand() % nr]);
			else
				buf_add_char(&text, (char)(1 + rand() % 255));
		}
		check_random(buf_str(&text), (size_t)rand() % 40,
			     rand() % 2 ? SAFE_CUT_END : SAFE_CUT_MIDDLE);
		buf_release(&text);
	}
}
