# SPDX-License-Identifier: MIT
"""The split of a program's time into libraries, by the kernel's CPU clock,
against where the program is when it is stopped at random instants; and how
many of the functions have a name.

The second is found without any of tare's code for names: the instruction
pointer of the stopped thread, looked up in /proc/PID/maps here.
"""

import bisect
import collections
import contextlib
import functools
import json
import os
import shutil
import subprocess

import native_programs
import pytest
import tare_runs

# As many looks as make chance smaller than what is asked for: with 5000 on
# each side, a share of one half varies by 1.0 points. A program that has to
# share its CPU takes longer to get there.
RATE_HZ, SECONDS = 1000, 6
LOOKS, ROUNDS_MAX = 5000, 5
POINTS = 3.0

BUILD = tare_runs.TOP / "build"
SPLIT = BUILD / "tests" / "truth" / "native_split"


@functools.cache
def native_split():
    meson = os.environ.get("MESON", "meson")
    subprocess.run([meson, "compile", "-C", BUILD, "native_split"],
                   check=True, stdout=subprocess.DEVNULL)
    return SPLIT


# A stopped thread that was serving a page fault stands at the instruction
# that caused it, where the clock of an ordinary user sees nothing: it does
# not run inside the kernel. So memory is kept, not given back and faulted in
# again, which was a tenth of the time of the program with NumPy.
ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_MMAP_THRESHOLD_": "1000000000",
    "MALLOC_TRIM_THRESHOLD_": "4000000000",
}


@contextlib.contextmanager
def program(command):
    with subprocess.Popen(
            command, env={**tare_runs.environment(), **ENVIRONMENT}, cwd="/",
            stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "ready\n"
            yield process.pid
        finally:
            process.kill()


def start(*args, **more):
    return subprocess.Popen([native_split(), *map(str, args)], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            **more)


def finish(process):
    """What it printed; the test is skipped where the kernel forbids it."""
    out, err = process.communicate(timeout=60)
    if process.returncode and "cannot see the native code" in err:
        pytest.skip(err.splitlines()[0])
    assert not process.returncode, err
    return out


def sample(pid, seconds, rate, *options):
    return json.loads(finish(start("sample", pid, seconds, rate, *options)))


class Maps:
    """/proc/PID/maps: which file is mapped where."""

    def __init__(self, pid):
        self.starts, self.rows = [], []
        with open(f"/proc/{pid}/maps", encoding="utf-8") as lines:
            for line in lines:
                span, perms, _, _, _, *path = line.split(maxsplit=5)
                if "x" not in perms:
                    continue
                first, last = (int(n, 16) for n in span.split("-"))
                self.starts.append(first)
                self.rows.append((last, path[0].strip() if path else ""))

    def find(self, addr):
        at = bisect.bisect(self.starts, addr) - 1
        if at >= 0 and addr < self.rows[at][0]:
            return self.rows[at][1]
        return "?"


def shares(counts):
    total = sum(counts.values())
    return {key: 100 * nr / total for key, nr in counts.items()}


def true_split(text, maps):
    """By file, of what ran in user code: a thread in a system call has its
    number in the third column."""
    counts = collections.Counter()
    for line in text.splitlines():
        _, addr, call = line.split()
        if int(call) == -1:
            counts[maps.find(int(addr, 16))] += 1
    return counts


def sampled_split(said):
    counts = collections.Counter()
    for function in said["functions"]:
        if function["class"] != "kernel":
            path = function["module"]
            counts["" if path == "[generated]" else path] += (
                function["samples"])
    return counts


def check_split(pid):
    true, found = collections.Counter(), collections.Counter()
    for _ in range(ROUNDS_MAX):
        maps = Maps(pid)
        stopper = start("stop", pid, SECONDS, RATE_HZ)
        said = sample(pid, SECONDS, RATE_HZ)
        true += true_split(finish(stopper), maps)
        found += sampled_split(said)
        assert said["lost"] == said["damaged"] == 0
        if min(sum(true.values()), sum(found.values())) >= LOOKS:
            break
    print(f"{sum(found.values())} samples, {sum(true.values())} stops: ",
          end="")
    true, found = shares(true), shares(found)
    apart = {path: round(found.get(path, 0) - true.get(path, 0), 2)
             for path in {*true, *found}}
    worst = max(apart.values(), key=abs)
    print(f"{worst:+.2f} points apart at most: "
          f"{({k.rpartition('/')[2]: v for k, v in apart.items()})}")
    assert abs(worst) <= POINTS, apart


@pytest.mark.releases("3.9", "3.12", "3.15")
def test_stdlib_split_is_that_of_the_stopped_program(place):
    script = place.put("native_work.py", native_programs.STDLIB)
    command = place.interpreter.command(script, "60")
    with program(command) as pid:
        check_split(pid)


def test_stacks_reach_the_loop_and_the_root(place):
    script = place.put("native_work.py", native_programs.STDLIB)
    with program(place.interpreter.command(script, "60")) as pid:
        said = sample(pid, 3, 250, "stack=16384")
    whole, nr = said["ends"][0], said["samples"]
    assert nr > 50
    assert whole >= 0.98 * nr, said["ends"]
    assert said["loops"] >= 0.98 * nr


@pytest.fixture(scope="session")
def python_with_packages():
    python = native_programs.environment()
    if python is None:
        pytest.skip("no Python for NumPy, Numba and Cython, or no way to "
                    "fetch them")
    return python


def named_share(said, *words):
    """Of the samples in files with one of these words in their path."""
    named = total = 0
    for function in said["functions"]:
        if any(word in function["module"] for word in words):
            total += function["samples"]
            named += function["samples"] if function["name"] else 0
    print(f"{named} of {total} samples in {'/'.join(words)} are named")
    assert total > 50
    return named / total


CASES = {
    "numpy": (native_programs.NUMPY, ("_multiarray_umath", "_umath_linalg")),
    "openblas": (native_programs.NUMPY, ("openblas",)),
    "numba": (native_programs.NUMBA, ("[generated]",)),
    "cython": (native_programs.CYTHON, ("native_cy",)),
}


def packaged_program(python, folder, name):
    text = CASES[name][0]
    if text is native_programs.CYTHON and not native_programs.compile_cython(
            python, folder):
        pytest.skip("no C compiler, or no headers of this Python")
    script = folder / "native_work.py"
    script.write_text(text, encoding="utf-8")
    return [python, script, "60", folder]


@pytest.mark.parametrize("name", CASES)
def test_leaf_functions_are_named(python_with_packages, tmp_path, name):
    command = packaged_program(python_with_packages, tmp_path, name)
    with program(command) as pid:
        said = sample(pid, 5, 1000)
    assert named_share(said, *CASES[name][1]) >= 0.98


@pytest.mark.parametrize("name", ["numpy", "numba", "cython"])
def test_packaged_split_is_that_of_the_stopped_program(
        python_with_packages, tmp_path, name):
    command = packaged_program(python_with_packages, tmp_path, name)
    with program(command) as pid:
        check_split(pid)


def test_functions_of_perf_trampolines_are_named(place):
    if place.version < (3, 12):
        pytest.skip("-X perf came with 3.12")
    script = place.put("native_work.py", native_programs.STDLIB)
    with program(place.interpreter.command("-X", "perf", script,
                                           "60")) as pid:
        said = sample(pid, 2, 250, "stack=16384")
    names = {entry.split(":", 1)[1] for chain in said["chains"]
             for entry in chain if entry.startswith("[generated]")}
    if not names:
        pytest.skip("this Python was built without perf trampolines")
    assert any(name.startswith("py::work:") for name in names), names
    assert said["ends"][0] >= 0.98 * said["samples"], said["ends"]


def test_another_user_may_not_look_and_is_told_why(place):
    setpriv = shutil.which("setpriv")
    if os.geteuid() or not setpriv:
        pytest.skip("needs root and setpriv, to be somebody else")
    script = place.put("native_work.py", native_programs.STDLIB)
    with program(place.interpreter.command(script, "60")) as pid:
        done = subprocess.run(
            [setpriv, "--reuid=65534", "--regid=65534", "--clear-groups",
             native_split(), "sample", str(pid), "1", "100"],
            capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Permission denied" in done.stderr or "not yours" in done.stderr
