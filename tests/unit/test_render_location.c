/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <string.h>

#include "render/location.h"
#include "render/safe_text.h"

static struct safe_scope scope;

static void enter(void)
{
	safe_enter(&scope);
}

static void leave(void)
{
	safe_leave(&scope);
}

TestSuite(render_location, .init = enter, .fini = leave);

static void check(const char *file, const char *directory, uint32_t line,
		  size_t width, const char *want)
{
	struct buf out = { 0 };

	location_put(&out, file, directory, line, width);
	cr_expect_str_eq(buf_str(&out), want);
	buf_release(&out);
}

Test(render_location, a_path_is_told_from_where_a_reader_would)
{
	cr_expect_str_eq(location_file("/home/ada/p/a.py", "/home/ada/p"),
			 "a.py");
	cr_expect_str_eq(location_file("/home/ada/p/a.py", "/home/ada/p/"),
			 "a.py");
	cr_expect_str_eq(location_file("/home/ada/pp/a.py", "/home/ada/p"),
			 "/home/ada/pp/a.py");
	cr_expect_str_eq(location_file("/home/ada/p", "/home/ada/p"),
			 "/home/ada/p");
	cr_expect_str_eq(
		location_file("/v/lib/python3.11/site-packages/n/c.py", "/v"),
		"n/c.py");
	cr_expect_str_eq(
		location_file("/usr/lib/python3.13/json/decoder.py", ""),
		"python3.13/json/decoder.py");
	cr_expect_str_eq(location_file("<string>", "/"), "<string>");
	cr_expect_str_eq(location_file("/a.py", "/"), "/a.py");
}

Test(render_location, folders_go_before_the_name_of_the_file)
{
	const char *file = "/p/one/two/three/four/module.py";

	check(file, "/p", 12, 80, "one/two/three/four/module.py:12");
	check(file, "/p", 12, 30, "one/\xe2\x80\xa6/three/four/module.py:12");
	check(file, "/p", 12, 22, "one/\xe2\x80\xa6/module.py:12");
	check(file, "/p", 12, 15, "\xe2\x80\xa6/module.py:12");
	check(file, "/p", 12, 12, "module.py:12");
	check(file, "/p", 12, 10, "mod\xe2\x80\xa6.py:12");
	check(file, "/p", 12, LOCATION_BARE, "module.py:12");
}

Test(render_location, an_unknown_line_or_file_is_left_out)
{
	check("a.py", "", 0, 80, "a.py");
	check("", "", 0, 80, "?");
	check("", "", 7, 80, "?:7");
}

Test(render_location, an_absolute_path_loses_its_first_folders)
{
	const char *file = "/srv/one/two/module.py";

	check(file, "/p", 3, 80, "/srv/one/two/module.py:3");
	check(file, "/p", 3, 20, "\xe2\x80\xa6/two/module.py:3");
	check(file, "/p", 3, 16, "\xe2\x80\xa6/module.py:3");
}

/* Width counts, not bytes: each of these letters takes two columns. */
Test(render_location, wide_letters_are_measured_in_columns)
{
	check("\xe8\xa8\x88\xe7\xae\x97/\xe8\xa1\x8c.py", "", 1, 12,
	      "\xe8\xa8\x88\xe7\xae\x97/\xe8\xa1\x8c.py:1");
	check("\xe8\xa8\x88\xe7\xae\x97/\xe8\xa1\x8c.py", "", 1, 11,
	      "\xe2\x80\xa6/\xe8\xa1\x8c.py:1");
}

/* A path made of slashes must not take the square of its length. */
Test(render_location, a_hostile_path_is_cut_quickly, .timeout = 5)
{
	size_t size = 4 << 20;
	char *path = malloc(size + 1);
	struct buf out = { 0 };

	memset(path, '/', size);
	path[size] = '\0';
	location_put(&out, path, "", 3, 20);
	cr_expect_leq(safe_width(buf_str(&out)), 20);
	buf_release(&out);
	free(path);
}
