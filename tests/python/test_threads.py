# SPDX-License-Identifier: MIT
"""Who the threads of a program are, by the name that Python has for them."""

import json
import math
import os
import resource
import subprocess
import textwrap
import time

import pytest

pytestmark = pytest.mark.alone

SECONDS = 60

PROGRAM = textwrap.dedent("""
    import _thread, sys, threading

    def wait():
        here.acquire()

    class Special(threading.Thread):
        def __init__(self, many):
            super().__init__(name="special \\u00e9 \\u4e2d \\U0001f40d")
            for i in range(many):
                setattr(self, "more%d" % i, i)

        def run(self):
            wait()

    here = threading.Lock()
    here.acquire()
    plain = threading.Thread(target=wait, name="plain")
    looked_at = threading.Thread(target=wait, name="looked at")
    looked_at.__dict__["extra"] = 1
    unnamed = threading.Thread(target=wait)
    overloaded = Special(200)
    overloaded.name = "overloaded"
    for thread in plain, looked_at, unnamed, Special(1), overloaded:
        thread.daemon = True
        thread.start()
    _thread.start_new_thread(wait, ())
    print(sys.version_info[1], unnamed.name, flush=True)
    sys.stdin.read()
""")


def names_of(tare, pid):
    done = subprocess.run(
        [tare, "dump", "--json", str(pid)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stderr
    return sorted(t["name"] for t in json.loads(done.stdout)["threads"])


def test_threads_have_the_names_that_python_gave_them(tare, python, tmp_path):
    script = tmp_path / "program.py"
    script.write_text(PROGRAM, encoding="utf-8")
    process = python.start(
        script,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    minor, unnamed = process.stdout.readline().split(" ", 1)
    end = time.monotonic() + SECONDS
    names = []
    # The last thread may not have begun yet.
    while len(names) < 7 and time.monotonic() < end:
        names = names_of(tare, process.pid)
    assert len(names) == 7
    for name in ("MainThread", "plain", "looked at", unnamed.strip()[:15]):
        assert name in [n[:15] for n in names]
    if int(minor) < 14:
        # From 3.14 on the kernel has the name, cut to 15 bytes.
        assert "special é 中 🐍" in names
        assert unnamed.strip() in names
        assert "overloaded" in names


MANY = """
import threading, time
def work():
    while True:
        end = time.thread_time() + 0.001
        while time.thread_time() < end: pass
        time.sleep(0.1)
for i in range(30):
    threading.Thread(target=work, daemon=True).start()
print("ready", flush=True)
time.sleep(60)
"""


@pytest.fixture
def many(python):
    with subprocess.Popen(python.script_text("many.py", MANY),
                          stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        yield process.pid
        still_there = process.poll() is None
        process.kill()
    assert still_there


def attach(tare, pid, **more):
    done = subprocess.run(
        [tare, "attach", "--json", "-d", "1", "-o", "x.tare", str(pid)],
        capture_output=True, text=True, timeout=SECONDS, check=True, **more)
    report = json.loads(done.stderr)
    assert len(report["threads"]) == 31
    for thread in report["threads"]:
        assert math.isclose(sum(thread["states"].values()), thread["wall_s"],
                            rel_tol=0.02)
        # What it waits for is seen all the same.
        assert thread["states"]["sleep"] > 0.5 or thread["main"]
    return report


def test_more_threads_than_files_may_be_open(tare, many):
    report = attach(tare, many, preexec_fn=lambda: resource.setrlimit(
        resource.RLIMIT_NOFILE, (60, 60)))
    assert all(t["cpu_s"] is not None for t in report["threads"])
    assert sum(t["cpu_s"] > 0.001 for t in report["threads"]) == 30


WITHOUT = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <string.h>
static int deny(const char *path)
{
	const char *last = strrchr(path, '/');
	return last && !strcmp(last, "/" MISSING);
}
#define WRAP(name) \\
int name(const char *path, int flags, unsigned mode) \\
{ \\
	int (*real)(const char *, int, unsigned) = dlsym(RTLD_NEXT, #name); \\
	if (deny(path)) { \\
		errno = ENOENT; \\
		return -1; \\
	} \\
	return real(path, flags, mode); \\
}
WRAP(open)
WRAP(open64)
"""


def without(name, folder):
    """An environment in which no thread has the file `name` in /proc."""
    (folder / "no.c").write_text(WITHOUT)
    subprocess.run(["cc", "-shared", "-fPIC", f'-DMISSING="{name}"', "-o",
                    folder / "no.so", folder / "no.c", "-ldl"], check=True)
    return dict(os.environ, LD_PRELOAD=str(folder / "no.so"),
                ASAN_OPTIONS="verify_asan_link_order=0")


def test_a_kernel_that_does_not_tell_who_waits_for_a_cpu(tare, many, tmp_path):
    report = attach(tare, many, env=without("schedstat", tmp_path))
    assert all(t["cpu_s"] is None for t in report["threads"])
    assert "uncounted" in [one["key"] for one in report["warnings"]]


BUSY = """
import threading, time
def first(end):
    while time.thread_time() < end: pass
def second(end):
    while time.thread_time() < end: pass
def doze():
    for i in range(800): time.sleep(0.001)
for i in range(3):
    threading.Thread(target=doze, daemon=True).start()
for i in range(8):
    first(time.thread_time() + 0.06)
    second(time.thread_time() + 0.06)
print("over")
"""


def test_a_kernel_that_does_not_tell_what_a_thread_waits_for(
        tare, any_python, tmp_path):
    """Who may be running all the time is read at each look, and the end of
    the program is seen."""
    done = subprocess.run(
        [tare, "run", "--json", "-o", "x.tare", "--",
         *any_python.script_text("busy.py", BUSY)],
        capture_output=True, text=True, timeout=SECONDS, check=True,
        env=without("syscall", tmp_path))
    assert done.stdout == "over\n"
    report = json.loads(done.stderr)
    took = {f["function"]: f["self_s"] for f in report["functions"]}
    assert 0.5 < took["first"] / took["second"] < 2, took
    (main,) = [t for t in report["threads"] if t["main"]]
    assert main["cpu_s"] > 0.9
