/* SPDX-License-Identifier: MIT */
#include "export/export.h"

#include <string.h>

#define X(name) extern const struct exporter exporter_##name;
#include "export/exporters.def"
#undef X

const struct exporter *const exporters[] = {
#define X(name) &exporter_##name,
#include "export/exporters.def"
#undef X
	NULL,
};

int export_find(const char *format, const struct exporter **out,
		struct err *err)
{
	struct buf names = { 0 };

	for (const struct exporter *const *e = exporters; *e; e++) {
		if (!strcmp((*e)->name, format)) {
			buf_release(&names);
			*out = *e;
			return ERR_OK;
		}
		buf_printf(&names, "%s%s", names.size ? ", " : "", (*e)->name);
	}
	*out = NULL;
	err_set(err, ERR_USAGE, "there is no export format '%.100s'", format);
	err_hint(err, "the formats are: %s", buf_str(&names));
	buf_release(&names);
	return ERR_USAGE;
}
