# SPDX-License-Identifier: MIT
"""Who the threads of a program are, by the name that Python has for them."""

import json
import subprocess
import textwrap
import time

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
