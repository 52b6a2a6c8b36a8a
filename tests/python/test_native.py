# SPDX-License-Identifier: MIT
"""tare run --native: what a user sees of merged stacks. Whether they are true
is for tests/truth/test_native_stacks.py."""

import contextlib
import errno
import json
import os
import pathlib
import platform
import sqlite3
import subprocess
import sys

import jobs
import pytest

HERE = pathlib.Path(__file__).resolve().parent

PROGRAM = '''
import sys, time
def key(x):
    return -x
def sorting(end):
    while time.thread_time() < end:
        sorted(range(2000), key=key)
sorting(float(sys.argv[1]))
print("done")
sys.exit(7)
'''

RELAY = '''
import threading, time
def work():
    while time.thread_time() < 0.1:
        sum(i * i for i in range(500))
time.sleep(1)
for _ in range(40):
    one = threading.Thread(target=work)
    one.start()
    one.join()
'''

# So many samples are taken of a second of CPU time, and the kernel follows new
# threads by itself up to so many CPUs.
RATE, FOLLOWED_CPUS = 100, 32

# perf_event_open() by machine.
PERF = {"x86_64": 298, "aarch64": 241}

WITHOUT_PERF = f"""
import ctypes, os, sys
sys.path.insert(0, {str(HERE)!r})
import forbidden_calls as f
code = [f.statement(f.LOAD, 0), f.statement(f.EQUAL, {{number}}, false=1),
        f.statement(f.RETURN, 0x50000 | {errno.EPERM}),
        f.statement(f.RETURN, f.ALLOW)]
f.install(code)
os.execv(sys.argv[1], sys.argv[1:])
"""


def record(tare, command, *options, before=()):
    return subprocess.run(
        [*before, tare, "run", *options, "-o", "x.tare", "--", *command],
        capture_output=True, text=True, timeout=jobs.SECONDS)


def native_stacks(tare):
    said = jobs.read_report(tare, "x.tare")["native_stacks"]
    if said["why_none"]:
        pytest.skip(said["why_none"])
    return said


def export(tare, *options):
    return subprocess.run([tare, "export", "-F", "collapsed", *options,
                           "x.tare"], capture_output=True, text=True,
                          timeout=jobs.SECONDS)


def test_native_functions_and_their_lines(tare, python):
    done = record(tare, python.script_text("a.py", PROGRAM, 3), "--native",
                  "--no-report", "-q")
    assert (done.returncode, done.stdout, done.stderr) == (7, "done\n", "")
    said = native_stacks(tare)
    assert said["merged"] > 0.5 * said["samples"] > 50
    assert said["merged"] == sum(c["samples"] for c in said["calls"])
    assert sum(said["outcomes"].values()) == said["samples"]
    assert sum(c["share"] for c in said["calls"]) == pytest.approx(1)
    below = [c for c in said["calls"] if not c["bytecode"] and c["python"]
             and c["python"]["function"] in ("sorting", "key")]
    assert sum(c["samples"] for c in below) > 0.3 * said["merged"]
    lines = export(tare, "--native").stdout.splitlines()
    assert any(";sorting (" in line and ";key (" in line for line in lines)
    assert ".so" in "".join(lines) or "/python" in "".join(lines)
    shown = subprocess.run([tare, "report", "x.tare"], capture_output=True,
                           text=True, timeout=jobs.SECONDS).stdout
    assert "hottest native functions" in shown


def test_no_stacks_are_taken_unless_they_are_asked_for(tare, any_python):
    record(tare, any_python.script_text("a.py", PROGRAM, 0.5), "-q")
    said = jobs.read_report(tare, "x.tare")["native_stacks"]
    assert said["samples"] == 0 and said["why_none"] is None
    done = export(tare, "--native")
    assert done.returncode == 1
    assert "tare run --native" in done.stderr
    assert not done.stdout


# Rings are read every half a second, when most of these threads have ended.
def test_threads_that_have_ended_keep_their_samples(tare, any_python):
    if os.cpu_count() > FOLLOWED_CPUS:
        pytest.skip("with so many CPUs short threads are missed")
    job = jobs.run(tare, any_python.script_text("a.py", RELAY))
    why = job.report["native"]["why_none"]
    if why:
        pytest.skip(why)
    with contextlib.closing(sqlite3.connect("x.tare")) as file:
        threads, cpu_s = file.execute(
            "SELECT count(*), sum(cpu_ns) / 1e9 FROM thread "
            "WHERE NOT main").fetchone()
        (samples,) = file.execute(
            "SELECT sum(n.nr) FROM native n JOIN thread t ON t.id = n.thread "
            "WHERE NOT t.main").fetchone()
    print(threads, cpu_s, samples, job.report["native"]["lost"])
    assert threads >= 30
    assert samples >= 0.8 * RATE * 40 * 0.1
    assert job.report["native"]["lost"] <= 0.1 * samples


@pytest.mark.parametrize("options, words", [
    (("--native",), "no native stacks: "),
    ((), "native code is not told apart: "),
])
def test_where_the_kernel_forbids_it_the_recording_goes_on(
        tare, any_python, options, words):
    number = PERF.get(platform.machine())
    if not number:
        pytest.skip("the system calls of this machine are not listed")
    before = [sys.executable, "-c", WITHOUT_PERF.format(number=number)]
    done = record(tare, any_python.script_text("a.py", PROGRAM, 1),
                  *options, before=before)
    if "no filter here" in done.stderr:
        pytest.skip(done.stderr)
    assert (done.returncode, done.stdout) == (7, "done\n")
    assert words in done.stderr
    report = jobs.read_report(tare, "x.tare")
    if options:
        assert report["native_stacks"]["why_none"]
    assert not report["native"]["samples"]
    assert report["native"]["why_none"]
    assert report["sampling"]["complete"] > 50


def test_all_processes_of_a_job_have_stacks(tare, python):
    code = jobs.HEAD + "children = [os.fork() for _ in range(2)]\n" \
        "spin(3)\nos.wait() if all(children) else None\n"
    record(tare, python.script_text("a.py", code), "--native", "-q")
    native_stacks(tare)
    rows = sqlite3.connect("x.tare").execute(
        "SELECT p.pid, sum(m.nr) FILTER (WHERE m.outcome < 2), sum(m.nr) "
        "FROM merge_count m JOIN thread t ON t.id = m.thread "
        "JOIN process p ON p.id = t.process GROUP BY 1").fetchall()
    print(rows)
    assert len(rows) == 4
    assert all(merged and merged > 0 for _, merged, _ in rows), rows


def test_a_killed_recording_keeps_its_stacks(tare, any_python):
    command = any_python.script_text("a.py", PROGRAM, 8)
    with subprocess.Popen([tare, "run", "--native", "-q", "-o", "x.tare",
                           "--", *command], stdout=subprocess.PIPE) as run:
        try:
            run.communicate(timeout=6)
        except subprocess.TimeoutExpired:
            run.kill()
        run.communicate()
    done = subprocess.run([tare, "report", "--json", "x.tare.part"],
                          capture_output=True, text=True, check=True)
    said = json.loads(done.stdout)["native_stacks"]
    if said["why_none"]:
        pytest.skip(said["why_none"])
    assert said["merged"] > 20


@pytest.mark.parametrize("verb", [["run", "x.py"], ["attach", "1"]])
def test_with_and_without_exclude_each_other(tare, verb):
    done = subprocess.run([tare, verb[0], "--native", "--no-native", verb[1]],
                          capture_output=True, text=True, check=False)
    assert done.returncode in (2, 125)
    assert "exclude each other" in done.stderr


def test_stopping_the_target_and_native_stacks_go_together(tare, any_python):
    done = record(tare, any_python.script_text("a.py", PROGRAM, 2), "--native",
                  "--exact-stacks", "-q")
    assert done.returncode == 7
    said = native_stacks(tare)
    assert said["samples"] > 50
    # 95 % on a machine that does nothing else; without going after a thread
    # that wakes on another CPU one or none.
    assert said["merged"] > 0.3 * said["samples"]


DUMPED = """
import os, sys, time
if not sys.is_stack_trampoline_active():
    sys.exit(3)
print(os.getpid(), flush=True)
def key(x):
    return -x
def dumped(end):
    while time.thread_time() < end:
        sorted(range(2000), key=key)
dumped(0)
# What is written last stays in a buffer of the writer.
for i in range(200):
    exec(f"def filler_{i}(): pass\\nfiller_{i}()")
dumped(2)
"""


def test_functions_of_a_jitdump_are_named(tare, python):
    """-X perf_jit names its trampolines there, and nowhere else."""
    if tuple(map(int, python.minor.split("."))) < (3, 13):
        pytest.skip("-X perf_jit came with 3.13")
    script = python.write("dumped.py", DUMPED)
    has_any = python.command("-c", "import sysconfig; print(sysconfig."
                             "get_config_var('PY_HAVE_PERF_TRAMPOLINE'))")
    if subprocess.run(has_any, stdout=subprocess.PIPE).stdout != b"1\n":
        pytest.skip("this Python was built without perf trampolines")
    done = record(tare, python.command("-X", "perf_jit", script), "--native",
                  "--no-report", "-q")
    assert done.returncode == 0, done.stderr
    pid = done.stdout.strip()
    folder = pathlib.Path(python.root or "/", "tmp")
    (folder / f"jit-{pid}.dump").unlink()
    assert not (folder / f"perf-{pid}.map").exists()
    native_stacks(tare)
    lines = export(tare, "--native").stdout.splitlines()
    below = [line for line in lines if ";dumped (" in line]
    named = [line for line in below if ";py::dumped:" in line
             and "([generated]);dumped (" in line]
    count = [sum(int(line.rpartition(" ")[2]) for line in which)
             for which in (named, below)]
    print(f"{count[0]} of {count[1]} samples below a name of the dump")
    assert count[1] > 30
    assert count[0] >= 0.9 * count[1]
