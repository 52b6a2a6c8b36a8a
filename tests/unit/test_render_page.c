/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "render/page.h"

static struct safe_scope scope;
static struct buf out;
static struct page page;

static void enter(void)
{
	safe_enter(&scope);
	page = (struct page){ .out = &out, .width = 20 };
}

static void leave(void)
{
	safe_leave(&scope);
}

TestSuite(render_page, .init = enter, .fini = leave);

static void check(const char *want)
{
	cr_expect_str_eq(buf_str(&out), want);
	buf_release(&out);
}

Test(render_page, text_is_cut_where_the_line_ends)
{
	page_put(&page, "0123456789");
	page_put(&page, "0123456789abc");
	page_put(&page, "more");
	page_newline(&page);
	page_put(&page, "next");
	check("0123456789012345678\xe2\x80\xa6\nnext");
}

Test(render_page, no_line_ends_in_blanks)
{
	page_put(&page, "a");
	page_to(&page, 10);
	page_newline(&page);
	page_to(&page, 3);
	page_put(&page, "b");
	page_newline(&page);
	check("a\n   b\n");
}

Test(render_page, numbers_end_at_their_column)
{
	page_right(&page, "12", 6);
	page_right(&page, "7", 12);
	check("    12     7");
}

Test(render_page, a_style_is_ended_before_the_line_is)
{
	page.colour = true;
	page_style(&page, PAGE_BOLD);
	page_put(&page, "a");
	page_newline(&page);
	page_put(&page, "b");
	check("\033[1ma\033[0m\nb");
}

Test(render_page, without_colour_there_are_no_escapes)
{
	page_style(&page, PAGE_RED);
	page_put(&page, "a");
	check("a");
}

Test(render_page, words_are_broken_between_lines)
{
	page_words(&page, "the quick brown fox jumps over the lazy dog", 2);
	check("the quick brown fox\n  jumps over the\n  lazy dog");
}

Test(render_page, a_word_wider_than_the_line_is_cut)
{
	page_words(&page, "a 012345678901234567890123456789 b", 2);
	check("a\n  012345678\xe2\x80\xa6"
	      "23456789\n  b");
}

static void check_command(const char *one, const char *two, const char *want)
{
	const char *words[] = { one, two, NULL };

	page_command(&page, words);
	check(want);
}

Test(render_page, a_plain_command_is_left_alone)
{
	check_command("tare", "a-b_c.tare", "tare a-b_c.tare");
}

Test(render_page, what_a_shell_would_read_is_quoted)
{
	check_command("tare", "a b", "tare a\\ b");
	page.column = 0;
	check_command("tare", "$x'\"`;", "tare \\$x\\'\\\"\\`\\;");
	page.column = 0;
	check_command("tare", "~a~", "tare \\~a~");
	page.column = 0;
	check_command("tare", "a\033b\n", "tare \\\na$'\\033'b$'\\012'");
}

Test(render_page, a_long_command_is_continued_in_the_first_column)
{
	check_command("tare", "0123456789012345", "tare \\\n0123456789012345");
	page.column = 0;
	check_command("tare", "012345678901234567890123456789",
		      "tare \\\n0123456789012345678\\\n90123456789");
}

/* Whatever the name of the file: what is printed makes a shell see that name.
 */
Test(render_page, a_shell_reads_the_command_back)
{
	srand(11);
	for (int round = 0; round < 40; round++) {
		char word[40] = "", got[64] = "";
		const char *words[] = { "printf", "%s", word, NULL };
		struct buf script = { 0 };
		FILE *shell;
		int size = 1 + rand() % 30;

		for (int i = 0; i < size; i++)
			word[i] = (char)(1 + rand() % 126);
		page = (struct page){ .out = &script, .width = 20 };
		page_command(&page, words);
		cr_assert_eq(setenv("SCRIPT", buf_str(&script), 1), 0);
		/* eval sees it as if typed; sh need not know $'', bash does. */
		shell = popen("bash -c \"$SCRIPT\"", "r");
		cr_assert(shell);
		cr_assert_eq(fread(got, 1, sizeof(got) - 1, shell),
			     strlen(word));
		pclose(shell);
		cr_assert_str_eq(got, word);
		buf_release(&script);
	}
}
