/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "native/readable.h"

static void check(const char *symbol, const char *expected)
{
	char out[READABLE_MAX];

	readable_name(symbol, out, sizeof(out));
	cr_assert_str_eq(out, expected, "%s", out);
}

Test(native_readable, cython_functions_have_the_names_of_the_source)
{
	check("__pyx_pw_5cymod_1heavy", "cymod.heavy");
	check("__pyx_pf_5cymod_heavy", "cymod.heavy");
	check("__pyx_f_5cymod_inner", "cymod.inner");
	check("__pyx_pw_5cymod_5Thing_1method", "cymod.Thing.method");
	check("__pyx_pw_3pkg_3sub_3mod_7f", "pkg.sub.mod.f");
	check("__pyx_fuse_1__pyx_f_5cymod_inner", "cymod.inner");
}

Test(native_readable, what_only_looks_like_cython_stays)
{
	check("__pyx_pw_", "__pyx_pw_");
	check("__pyx_pw_99", "__pyx_pw_99");
	check("__pyx_pw_99x_f", "__pyx_pw_99x_f");
	check("__pyx_pw_4abcd_", "__pyx_pw_4abcd_");
	check("__pyx_pw_4abcd_1", "__pyx_pw_4abcd_1");
	check("__pyx_fuse_", "__pyx_fuse_");
	check("__Pyx_PyObject_Call", "__Pyx_PyObject_Call");
	check("__pyx_pw_18446744073709551615_f",
	      "__pyx_pw_18446744073709551615_f");
}

Test(native_readable, versions_are_left_out)
{
	check("memcpy@@GLIBC_2.14", "memcpy");
	check("memcpy@GLIBC_2.2.5", "memcpy");
	check("@", "@");
	check("", "");
}

static void needs_demangler(void)
{
	if (!dlopen("libstdc++.so.6", RTLD_NOW))
		cr_skip_test("this system has no C++ library");
}

Test(native_readable, cxx_rust_and_numba_are_as_in_the_source)
{
	needs_demangler();
	check("_ZN3foo3barEi", "foo::bar(int)");
	check("_ZN4core3fmt5write17h0123456789abcdefE", "core::fmt::write");
	check("_ZN8__main__3vecB2v2B52c8tJTIeFImbKsAWlBR0FJMfbgsMFGDwYEQhVCww"
	      "AMEsTAA_3d_3dEd",
	      "__main__::vec(double)");
	check("__ufunc__._ZN3foo3barEi", "__ufunc__.foo::bar(int)");
	check("_Zthis is not mangled", "_Zthis is not mangled");
}

Test(native_readable, long_names_are_cut_not_overrun)
{
	char *name = calloc(1, 100000), *out;

	memset(name, 'x', 99999);
	for (size_t size = 1; size < 40; size++) {
		out = malloc(size);
		readable_name(name, out, size);
		cr_assert_eq(strlen(out), size - 1);
		readable_name("__pyx_pw_3pkg_3sub_3mod_7f", out, size);
		cr_assert_lt(strlen(out), size);
		free(out);
	}
	free(name);
}
