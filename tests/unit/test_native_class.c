/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "native/native_class.h"

static const struct {
	enum native_module_kind kind;
	const char *symbol;
	enum native_class class;
} cases[] = {
	{ NATIVE_MODULE_PYTHON, "_PyEval_EvalFrameDefault", NATIVE_LOOP },
	{ NATIVE_MODULE_PYTHON, "_PyEval_EvalFrameDefault.cold", NATIVE_LOOP },
	{ NATIVE_MODULE_PYTHON, "_PyEval_EvalFrameDefault.lto_priv.0",
	  NATIVE_LOOP },
	{ NATIVE_MODULE_PYTHON, "_TAIL_CALL_LOAD_FAST", NATIVE_LOOP },
	{ NATIVE_MODULE_PYTHON, "_PyEval_EvalFrameDefaultX", NATIVE_PYTHON },
	{ NATIVE_MODULE_PYTHON, "_PyEval_EvalFrame", NATIVE_PYTHON },
	{ NATIVE_MODULE_PYTHON, "dict_traverse", NATIVE_COLLECTOR },
	{ NATIVE_MODULE_PYTHON, "gc_collect_main.constprop.0",
	  NATIVE_COLLECTOR },
	{ NATIVE_MODULE_PYTHON, "_PyObject_Malloc", NATIVE_ALLOCATOR },
	{ NATIVE_MODULE_PYTHON, "take_gil", NATIVE_GIL },
	{ NATIVE_MODULE_PYTHON, "PyDict_GetItem", NATIVE_PYTHON },
	{ NATIVE_MODULE_PYTHON, "", NATIVE_PYTHON },
	{ NATIVE_MODULE_LIBC, "_int_malloc", NATIVE_ALLOCATOR },
	{ NATIVE_MODULE_LIBC, "memcpy", NATIVE_LIBC },
	{ NATIVE_MODULE_LIBRARY, "take_gil", NATIVE_LIBRARY },
	{ NATIVE_MODULE_LIBRARY, "mi_malloc", NATIVE_ALLOCATOR },
	{ NATIVE_MODULE_JIT, "py::f:/a.py", NATIVE_TRAMPOLINE },
	{ NATIVE_MODULE_JIT, "", NATIVE_JIT },
	{ NATIVE_MODULE_KERNEL, "", NATIVE_KERNEL },
	{ NATIVE_MODULE_UNKNOWN, "x", NATIVE_UNKNOWN },
	{ NATIVE_MODULE_PYTHON, ".cold", NATIVE_PYTHON },
};

Test(native_class, functions_have_the_class_of_their_name_and_file)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_assert_eq(native_class_of(cases[i].kind, cases[i].symbol),
			     cases[i].class, "%s", cases[i].symbol);
}

Test(native_class, the_c_library_is_known_by_its_name)
{
	cr_assert_eq(native_module_kind_of("libc.so.6"), NATIVE_MODULE_LIBC);
	cr_assert_eq(native_module_kind_of("libc-2.31.so"), NATIVE_MODULE_LIBC);
	cr_assert_eq(native_module_kind_of("ld-linux-x86-64.so.2"),
		     NATIVE_MODULE_LIBC);
	cr_assert_eq(native_module_kind_of("[vdso]"), NATIVE_MODULE_LIBC);
	cr_assert_eq(native_module_kind_of("libcrypto.so.3"),
		     NATIVE_MODULE_LIBRARY);
	cr_assert_eq(native_module_kind_of(""), NATIVE_MODULE_LIBRARY);
}

Test(native_class, every_class_has_a_text)
{
	for (int i = 0; i < NATIVE_CLASS_NR; i++)
		cr_assert(native_class_text((enum native_class)i)[0]);
	cr_assert(native_class_text(NATIVE_CLASS_NR)[0]);
}
