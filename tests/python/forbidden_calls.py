# SPDX-License-Identifier: MIT
"""Execute a program that may not touch other processes:
forbidden_calls.py PROGRAM [ARGUMENTS].

A seccomp filter ends it with SIGSYS at the first system call by which it
could write into another process, stop it, send it a signal or change how it
is scheduled. Descriptors open for writing are not looked at: which file they
belong to a filter cannot know.
"""

import ctypes
import os
import platform
import struct
import sys

# An argument that must be 0, or None: the call is forbidden as it is.
FORBIDDEN = {
    "ptrace": None, "process_vm_writev": None, "pidfd_send_signal": None,
    "tkill": None, "tgkill": None, "rt_sigqueueinfo": None,
    "rt_tgsigqueueinfo": None, "process_madvise": None, "kcmp": None,
    "kill": 1,  # signal 0 only asks whether the process is there
    "sched_setaffinity": 0, "sched_setattr": 0, "sched_setscheduler": 0,
    "sched_setparam": 0, "prlimit64": 0,
}
# asm/unistd.h and asm-generic/unistd.h.
NUMBERS = {
    "x86_64": (0xC000003E, {
        "ptrace": 101, "process_vm_writev": 311, "pidfd_send_signal": 424,
        "tkill": 200, "tgkill": 234, "rt_sigqueueinfo": 129,
        "rt_tgsigqueueinfo": 297, "process_madvise": 440, "kcmp": 312,
        "kill": 62, "sched_setaffinity": 203, "sched_setattr": 314,
        "sched_setscheduler": 144, "sched_setparam": 142, "prlimit64": 302}),
    "aarch64": (0xC00000B7, {
        "ptrace": 117, "process_vm_writev": 271, "pidfd_send_signal": 424,
        "tkill": 130, "tgkill": 131, "rt_sigqueueinfo": 138,
        "rt_tgsigqueueinfo": 240, "process_madvise": 440, "kcmp": 272,
        "kill": 129, "sched_setaffinity": 122, "sched_setattr": 274,
        "sched_setscheduler": 119, "sched_setparam": 118, "prlimit64": 261}),
}

LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06  # BPF_LD|W|ABS, JMP|JEQ|K, RET|K
ALLOW, KILL_PROCESS = 0x7FFF0000, 0x80000000
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, MODE_FILTER = 38, 22, 2


def statement(code, value, true=0, false=0):
    return struct.pack("=HBBI", code, true, false, value)


def make_filter(machine):
    """The program over struct seccomp_data: nr, arch, address, arguments."""
    arch, numbers = NUMBERS[machine]
    code = [statement(LOAD, 4), statement(EQUAL, arch, true=1),
            statement(RETURN, ALLOW)]
    for name, argument in FORBIDDEN.items():
        code.append(statement(LOAD, 0))
        if argument is None:
            code.append(statement(EQUAL, numbers[name], false=1))
        else:
            code += [statement(EQUAL, numbers[name], false=3),
                     statement(LOAD, 16 + 8 * argument),
                     statement(EQUAL, 0, true=1)]
        code.append(statement(RETURN, KILL_PROCESS))
    return [*code, statement(RETURN, ALLOW)]


def install(code):
    class Program(ctypes.Structure):
        _fields_ = [("nr", ctypes.c_ushort), ("at", ctypes.c_char_p)]

    libc = ctypes.CDLL(None, use_errno=True)
    program = Program(len(code), b"".join(code))
    for words in ((PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
                  (PR_SET_SECCOMP, MODE_FILTER, ctypes.byref(program), 0, 0)):
        if libc.prctl(*words):
            error = os.strerror(ctypes.get_errno())
            sys.exit(f"forbidden_calls: no filter here: {error}")


def main():
    install(make_filter(platform.machine()))
    os.execv(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
