/* SPDX-License-Identifier: MIT */
/* The layout sources, for layout.c only. */
#ifndef TARE_CPYTHON_LAYOUTS_LAYOUTS_H
#define TARE_CPYTHON_LAYOUTS_LAYOUTS_H

#include "cpython/layout.h"

#define X(name) extern const struct py_layout_source py_layout_##name;
#include "cpython/layouts/layouts.def"
#undef X

#endif
