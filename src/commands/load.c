/* SPDX-License-Identifier: MIT */
#include "commands/load.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "os/file.h"
#include "store/store.h"

int load_recording(struct profile **out, const char *path, struct err *err)
{
	struct buf part = { 0 };
	struct stat st;
	int rc;

	*out = NULL;
	if (stat(path, &st) == 0) {
		if (S_ISREG(st.st_mode))
			return store_load(out, path, err);
		err_set(err, ERR_USAGE, "'%s' is not a file", path);
		err_hint(err, "ls *.tare");
		return err->code;
	}
	if (errno != ENOENT && errno != ENOTDIR)
		return err_sys(err, "cannot open '%s'", path);
	rc = err_set(err, ERR_NOT_FOUND, "no file '%s'", path);
	buf_printf(&part, "%s.part", path);
	if (file_exists(buf_str(&part)))
		err_hint(err, "tare report %s   (a recording that was cut off)",
			 buf_str(&part));
	else
		err_hint(err, "ls *.tare");
	buf_release(&part);
	return rc;
}
