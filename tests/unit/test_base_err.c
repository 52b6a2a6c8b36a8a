/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/err.h"

Test(base_err, a_failure_gives_its_code_back_with_its_message)
{
	struct err err;

	cr_assert_eq(err_set(&err, ERR_GONE, "process %d", 412), ERR_GONE);
	cr_assert_eq(err.code, ERR_GONE);
	cr_assert_str_eq(err.msg, "process 412");
	cr_assert_str_eq(err.hint, "");
}

/* A hint that is left over from an earlier failure would send the user the
 * wrong way. */
Test(base_err, a_new_failure_forgets_the_old_hint)
{
	struct err err;

	err_set(&err, ERR_EXISTS, "there");
	err_hint(&err, "type %s", "--force");
	cr_assert_str_eq(err.hint, "type --force");
	err_set(&err, ERR_CORRUPT, "damaged");
	cr_assert_str_eq(err.hint, "");
	err_hint(&err, "again");
	errno = ENOENT;
	err_sys(&err, "cannot open");
	cr_assert_str_eq(err.hint, "");
}

Test(base_err, a_system_error_says_what_the_system_said)
{
	struct err err;

	errno = ENOENT;
	cr_assert_eq(err_sys(&err, "cannot open '%s'", "f"), ERR_SYS);
	cr_assert_str_eq(err.msg, "cannot open 'f': No such file or directory");
}

Test(base_err, lack_of_permission_is_a_code_of_its_own)
{
	struct err err;

	errno = EPERM;
	cr_assert_eq(err_sys(&err, "x"), ERR_PERM);
	errno = EACCES;
	cr_assert_eq(err_sys(&err, "x"), ERR_PERM);
	errno = EIO;
	cr_assert_eq(err_sys(&err, "x"), ERR_SYS);
}

/* Paths of a hostile target can be as long as they like. */
Test(base_err, a_long_message_is_cut_not_overrun)
{
	char text[2 * sizeof(((struct err *)0)->msg)];
	struct err err;

	memset(text, 'm', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	err_set(&err, ERR_SYS, "%s", text);
	cr_assert_eq(strlen(err.msg), sizeof(err.msg) - 1);
	errno = EIO;
	err_sys(&err, "%s", text);
	cr_assert_eq(strlen(err.msg), sizeof(err.msg) - 1);
	err_hint(&err, "%s", text);
	cr_assert_eq(strlen(err.hint), sizeof(err.hint) - 1);
}

/* One byte is left for ": reason": it must be cut there, not past the end. */
Test(base_err, the_reason_of_a_long_system_error_is_cut_too)
{
	struct err err;
	int width = (int)sizeof(err.msg) - 2;

	errno = EIO;
	err_sys(&err, "%*s", width, "");
	cr_assert_eq(strlen(err.msg), sizeof(err.msg) - 1);
	cr_assert_eq(err.msg[sizeof(err.msg) - 2], ':');
}

Test(base_err, every_code_has_its_words)
{
	for (int code = 0; code < ERR_CODE_NR; code++) {
		const char *text = err_code_text((enum err_code)code);

		cr_assert_not_null(text);
		cr_assert_neq(text[0], '\0');
		cr_assert_str_neq(text, "unknown error");
	}
	cr_assert_str_eq(err_code_text(ERR_CODE_NR), "unknown error");
}
