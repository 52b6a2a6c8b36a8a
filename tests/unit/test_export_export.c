/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <string.h>

#include "export/export.h"

Test(export_export, each_format_is_found_by_its_name)
{
	const struct exporter *found;
	struct err err;
	int nr = 0;

	for (const struct exporter *const *e = exporters; *e; e++, nr++) {
		cr_assert_eq(export_find((*e)->name, &found, &err), ERR_OK);
		cr_expect_eq(found, *e);
		cr_expect(*(*e)->summary);
	}
	cr_expect_gt(nr, 0);
}

Test(export_export, an_unknown_format_is_refused_with_the_known_ones)
{
	const struct exporter *found;
	struct err err;

	cr_assert_eq(export_find("colapsed", &found, &err), ERR_USAGE);
	cr_expect_null(found);
	cr_expect_not_null(strstr(err.msg, "'colapsed'"));
	for (const struct exporter *const *e = exporters; *e; e++)
		cr_expect_not_null(strstr(err.hint, (*e)->name));
}
