# SPDX-License-Identifier: MIT
"""tare does nothing to the program that it looks at: killed at any moment it
leaves it running, and it makes no call that could touch it. The long version
of the first is bench/kill_storm.py."""

import os
import pathlib
import platform
import re
import shutil
import signal
import stat
import subprocess
import sys

import forbidden_calls
import jobs
import kill_storm
import pytest

HERE = pathlib.Path(__file__).resolve().parent
CYCLES = 200
FILTER = [sys.executable, str(HERE / "forbidden_calls.py")]
# LeakSanitizer stops its own process with ptrace, when it ends.
QUIET = dict(os.environ, ASAN_OPTIONS="detect_leaks=0")

WORK = jobs.HEAD + """
import threading
def work():
    while True:
        spin(0.01)
        time.sleep(0.002)
for _ in range(2):
    threading.Thread(target=work, daemon=True).start()
print("ready", flush=True)
work()
"""


def storm_commands(every_python, tmp_path, number):
    script = tmp_path / "storm.py"
    script.write_text(kill_storm.TARGET)
    local = [one for one in every_python if not one.root
             and not one.free_threaded
             and one.minor not in ("3.6", "3.7", "3.8")]
    return [local[i % len(local)].command(str(script)) for i in range(number)]


def test_a_killed_tare_leaves_no_trace(tare, every_python, tmp_path):
    commands = storm_commands(every_python, tmp_path, 2)
    tally = kill_storm.run(tare, commands, tmp_path, CYCLES, 120)
    print(f"{tally.cycles} kills, {tally.sampling} of a tare that recorded, "
          f"{tally.rounds} rounds of work")
    assert not tally.harm
    assert tally.cycles == CYCLES
    # Otherwise it would have been killed before it did anything.
    assert tally.sampling > 0.3 * CYCLES


@pytest.mark.parametrize("harm", [
    'kill -STOP "$2"', 'kill -KILL "$2"'])
def test_the_storm_sees_harm(every_python, tmp_path, harm):
    """A tool that stops or ends its target is found out."""
    fake = tmp_path / "fake"
    fake.write_text(f"#!/bin/sh\n{harm}\nexec sleep 10\n")
    fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
    commands = storm_commands(every_python, tmp_path, 1)
    tally = kill_storm.run(fake, commands, tmp_path, 10, 60)
    assert tally.harm


@pytest.fixture
def working(python):
    process = subprocess.Popen(
        python.script_text("work.py", WORK), stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"ready\n"
    yield process.pid
    process.kill()
    process.wait()
    process.stdout.close()


def under_filter(command):
    if platform.machine() not in forbidden_calls.NUMBERS:
        pytest.skip("the system calls of this machine are not listed")
    done = subprocess.run([*FILTER, *command], capture_output=True, text=True,
                          timeout=jobs.SECONDS, env=QUIET)
    if "no filter here" in done.stderr:
        pytest.skip(done.stderr)
    return done


@pytest.mark.parametrize("verb", [
    ["attach", "-d", "1", "--rate", "5kHz", "-q", "-o", "x.tare"],
    ["dump"]])
def test_no_call_touches_the_target(tare, working, verb):
    done = under_filter([tare, *verb, str(working)])
    assert done.returncode == 0, done
    if verb[0] == "attach":
        sampling = jobs.read_report(tare, "x.tare")["sampling"]
        assert sampling["complete"] > 500
        assert sampling["complete"] > 0.9 * sampling["taken"]


def test_no_call_touches_what_tare_starts(tare, python):
    """The filter is the target's, too."""
    code = jobs.HEAD + "spin(0.5)\nif not os.fork(): spin(0.2)\nelse: " \
        "os.wait()\n"
    words = [tare, "run", "-q", "-o", "x.tare", "--"]
    done = under_filter([*words, *python.script_text("run.py", code)])
    assert done.returncode == 0, done
    assert jobs.read_report(tare, "x.tare")["sampling"]["complete"] > 50


def test_the_filter_ends_what_touches_the_target(tare, working):
    done = under_filter([tare, "attach", "-d", "1", "--exact-stacks", "-q",
                         "-o", "x.tare", str(working)])
    assert done.returncode == -signal.SIGSYS, done
    assert not kill_storm.harm(working)


# Whatever could reach the target by way of a file.
WRITING = re.compile(r'open(?:at)?\((?:AT_FDCWD, )?"(/proc/[^"]*)", '
                     r'[^)]*(?:O_WRONLY|O_RDWR)')


def traced_opens(tare, pid, *options):
    subprocess.run(
        ["strace", "-f", "-e", "trace=open,openat,openat2", "-o", "calls",
         tare, "attach", "-d", "0.5", "-q", "-o", "x.tare", *options,
         str(pid)],
        check=True, capture_output=True, timeout=jobs.SECONDS, env=QUIET)
    return pathlib.Path("calls").read_text()


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not there")
def test_no_file_of_the_target_is_opened_for_writing(tare, working):
    text = traced_opens(tare, working)
    assert f"/proc/{working}/" in text
    assert not WRITING.findall(text)
    # The pattern would see one.
    assert WRITING.findall(
        f'openat(AT_FDCWD, "/proc/{working}/mem", O_RDWR|O_CLOEXEC) = 3')
