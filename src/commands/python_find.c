/* SPDX-License-Identifier: MIT */
#include "commands/python_find.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "os/child.h"

static bool take(const char *name, char *out, size_t size)
{
	char path[4096];

	return program_find(name, path, sizeof(path)) &&
	       (size_t)snprintf(out, size, "%s", name) < size;
}

static int take_named(const char *name, const char *origin, char *out,
		      size_t size, struct err *err)
{
	if (take(name, out, size))
		return ERR_OK;
	err_set(err, ERR_NOT_FOUND, "no interpreter '%s' (from %s)", name,
		origin);
	err_hint(err, "tare run --python \"$(command -v python3)\" ...");
	return err->code;
}

int python_find(const char *asked, char *out, size_t size, struct err *err)
{
	const char *named = getenv("TARE_PYTHON");
	const char *environment = getenv("VIRTUAL_ENV");
	char path[4096];

	if (asked)
		return take_named(asked, "--python", out, size, err);
	if (named && *named)
		return take_named(named, "TARE_PYTHON", out, size, err);
	if (environment && *environment &&
	    (size_t)snprintf(path, sizeof(path), "%s/bin/python", environment) <
		    sizeof(path) &&
	    take(path, out, size))
		return ERR_OK;
	if (take("python3", out, size) || take("python", out, size))
		return ERR_OK;
	err_set(err, ERR_NOT_FOUND, "no python3 and no python on PATH");
	err_hint(err, "tare run --python /path/to/python ...");
	return err->code;
}
