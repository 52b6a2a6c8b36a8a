/* SPDX-License-Identifier: MIT */
/*
 * Prints where a CPython before 3.13 keeps what tare reads, for a new file in
 * src/cpython/layouts/. Not part of the program. Compile it with the headers
 * of the build in question:
 *
 *   cc -I PREFIX/include/python3.11 -I PREFIX/include/python3.11/internal \
 *      tools/print_layout.c -o print_layout && ./print_layout
 */
#define Py_BUILD_CORE 1
#include <Python.h>
#include <frameobject.h>
#include <internal/pycore_interp.h>
#include <internal/pycore_runtime.h>
#if PY_VERSION_HEX >= 0x030b0000
#include <internal/pycore_frame.h>
#endif
#include <stddef.h>
#include <stdio.h>

#define SIZE(name, size) printf("\t." name " = %zu,\n", (size_t)(size))
#define AT(name, type, member) SIZE(name, offsetof(type, member))

#if PY_VERSION_HEX >= 0x030b0000
static void print_frames(void)
{
	AT("interp_threads_head", PyInterpreterState, threads.head);
	AT("thread_frame", PyThreadState, cframe);
	AT("thread_native_thread_id", PyThreadState, native_thread_id);
	AT("thread_datastack_chunk", PyThreadState, datastack_chunk);
	AT("cframe_current_frame", _PyCFrame, current_frame);
	AT("cframe_previous", _PyCFrame, previous);
	SIZE("cframe_size", sizeof(_PyCFrame));
	AT("frame_previous", _PyInterpreterFrame, previous);
	AT("frame_code", _PyInterpreterFrame, f_code);
	AT("frame_instr", _PyInterpreterFrame, prev_instr);
	AT("frame_owner", _PyInterpreterFrame, owner);
	AT("frame_stacktop", _PyInterpreterFrame, stacktop);
	SIZE("frame_size", offsetof(_PyInterpreterFrame, localsplus));
	AT("frame_locals", _PyInterpreterFrame, localsplus);
	AT("code_qualname", PyCodeObject, co_qualname);
	AT("code_linetable", PyCodeObject, co_linetable);
	AT("code_bytecode", PyCodeObject, co_code_adaptive);
}
#else
static void print_frames(void)
{
	AT("interp_threads_head", PyInterpreterState, tstate_head);
	AT("thread_frame", PyThreadState, frame);
	AT("frame_previous", PyFrameObject, f_back);
	AT("frame_code", PyFrameObject, f_code);
	AT("frame_instr", PyFrameObject, f_lasti);
	SIZE("frame_size", sizeof(PyFrameObject));
	AT("frame_locals", PyFrameObject, f_localsplus);
	AT("code_qualname", PyCodeObject, co_name);
#if PY_VERSION_HEX >= 0x030a0000
	AT("code_linetable", PyCodeObject, co_linetable);
#else
	AT("code_linetable", PyCodeObject, co_lnotab);
#endif
	AT("code_bytecode", PyCodeObject, co_code);
}
#endif

int main(void)
{
	printf("/* %s */\n", PY_VERSION);
	AT("runtime_interpreters_head", _PyRuntimeState, interpreters.head);
	SIZE("runtime_size", sizeof(_PyRuntimeState));
	AT("interp_next", PyInterpreterState, next);
	SIZE("interp_size", sizeof(PyInterpreterState));
#if PY_VERSION_HEX >= 0x030c0000
	AT("interp_gil", PyInterpreterState, ceval.gil);
#else
	AT("runtime_gil", _PyRuntimeState, ceval.gil);
#endif
	AT("gil_last_holder", struct _gil_runtime_state, last_holder);
	AT("gil_locked", struct _gil_runtime_state, locked);
	AT("gil_switch_number", struct _gil_runtime_state, switch_number);
	AT("thread_next", PyThreadState, next);
	AT("thread_thread_id", PyThreadState, thread_id);
	AT("thread_id", PyThreadState, id);
	SIZE("thread_size", sizeof(PyThreadState));
	print_frames();
	AT("code_filename", PyCodeObject, co_filename);
	AT("code_firstlineno", PyCodeObject, co_firstlineno);
	SIZE("code_size", sizeof(PyCodeObject));
	AT("type_keys", PyHeapTypeObject, ht_cached_keys);
	AT("unicode_state", PyASCIIObject, state);
	AT("unicode_length", PyASCIIObject, length);
	SIZE("ascii_size", sizeof(PyASCIIObject));
	SIZE("compact_size", sizeof(PyCompactUnicodeObject));
	AT("bytes_length", PyVarObject, ob_size);
	AT("bytes_data", PyBytesObject, ob_sval);
	return 0;
}
