/* SPDX-License-Identifier: MIT */
/* Which interpreter runs a script. */
#ifndef TARE_COMMANDS_PYTHON_FIND_H
#define TARE_COMMANDS_PYTHON_FIND_H

#include <stddef.h>

#include "base/err.h"

/*
 * The first of: `asked` (--python; NULL when not given), $TARE_PYTHON,
 * $VIRTUAL_ENV/bin/python, python3 on PATH, python on PATH. `out` is what to
 * execute: a name on PATH stays a name, so that the interpreter sees the
 * argv[0] that it would see from a shell.
 */
int python_find(const char *asked, char *out, size_t size, struct err *err);

#endif
