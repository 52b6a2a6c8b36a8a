# SPDX-License-Identifier: MIT
"""Merged stacks of native code and Python, of programs in which every native
function is called from one Python line only: known_native.py.
"""

import collections
import json
import re
import subprocess
import sysconfig

import native_programs
import pytest
import tare_runs

HERE = tare_runs.HERE
SCRIPT = "known_native.py"

# Enough samples (100 a second of CPU time) for four standard errors of a
# share of one fourth to be less than the 3 points that are asked for.
CPU_S = 32
POINTS = 3.0


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    """known_native.c, compiled."""
    path = tmp_path_factory.mktemp("native") / "known_native.so"
    compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
    done = subprocess.run(
        [compiler, "-O1", "-fPIC", "-shared", "-nostdlib", "-o", path,
         HERE / "known_native.c"], check=False)
    if done.returncode:
        pytest.skip("no C compiler")
    return path


def known_lines():
    """{native function: (Python function, line)}, by the program's text."""
    lines, inside = {}, ""
    text = (HERE / SCRIPT).read_text(encoding="utf-8")
    for number, line in enumerate(text.splitlines(), 1):
        inside = "".join(re.findall(r"^def (\w+)", line)) or inside
        for name in re.findall(r"\.(truth_\w+)\(", line):
            lines[name] = (inside, number)
    return lines


# Python functions that C code calls: the Python function that called the C
# code, and what of it is on the stack in between where that has a name.
CALLED_FROM_C = {
    "from_c": ("in_outer", "truth_outer"),
    "key": ("in_sort", None),
    "replace": ("in_sub", None),
}
# Called from Python; several callers are several ways.
CALLED_FROM_PYTHON = {
    "in_a": {"deeper"}, "deeper": {"deeper", "work"},
    "in_b": {"work", "generator"}, "in_tiny": {"work", "generator"},
    "in_outer": {"work"}, "in_sort": {"work"}, "in_sub": {"work"},
    "generator": {"work"}, "work": {"<module>"}, "in_held": {"other"},
    "in_free": {"other"},
}


class Stack:
    """A merged stack, newest first, as (name, line); line None is native."""

    def __init__(self, frames):
        self.frames = [
            (f.name, f.line if f.path.endswith(".py") or f.line else None)
            for f in reversed(frames)]

    def python_above(self, at):
        """The next Python frame, and the native ones before it."""
        natives = []
        for name, line in self.frames[at + 1:]:
            if line is not None:
                return (name, line), natives
            natives.append(name)
        return None, natives

    def trouble(self, lines):
        """Why this stack cannot be; None if it can."""
        for at, (name, line) in enumerate(self.frames):
            above, natives = self.python_above(at)
            caller = above and above[0]
            if line is None:
                if name in lines and above != lines[name]:
                    return f"{name} was called by {above}"
            elif name in CALLED_FROM_C:
                wanted, between = CALLED_FROM_C[name]
                if caller != wanted or not natives or (
                        between and between not in natives):
                    return f"{name} was called by {caller} over {natives}"
            elif name in CALLED_FROM_PYTHON:
                if caller not in CALLED_FROM_PYTHON[name]:
                    return f"{name} was called by {caller}"
        return None


def said_of(recording, others):
    """`others`: how much of a CPU they had meanwhile."""
    said = recording.report()["native_stacks"]
    if said["why_none"]:
        pytest.skip(said["why_none"])
    return dict(said, others=others)


def merged_stacks(place, library, threads, seconds):
    """The recording, its merged stacks with their counts, and what the
    program says of itself."""
    script = place.copy(HERE / SCRIPT)
    program = place.copy(library)
    recording, others = tare_runs.beside(lambda: tare_runs.record(
        place, script, program, seconds, threads, options=("--native",),
        limit=seconds * 12 + 30))
    said = said_of(recording, others)
    stacks = [(Stack(frames), nr)
              for frames, nr in recording.collapsed("--native")]
    assert sum(nr for _, nr in stacks) == said["merged"]
    return said, stacks, json.loads(recording.stdout)


def check_merged(said):
    """Where others wait for the CPUs, tare may not be let in at once."""
    print(f"{said['merged']} of {said['samples']} merged: "
          f"{said['outcomes']}")
    quiet = said["others"] <= tare_runs.OTHERS
    least = (0.95 if quiet else 0.8) * said["samples"]
    assert said["merged"] >= least, said["outcomes"]


def check_possible(stacks):
    lines = known_lines()
    wrong = collections.Counter()
    total = 0
    for stack, nr in stacks:
        total += nr
        trouble = stack.trouble(lines)
        if trouble:
            wrong[trouble] += nr
    print(f"{sum(wrong.values())} of {total} merged stacks cannot be",
          dict(wrong))
    assert sum(wrong.values()) <= 0.001 * total, wrong


def check_shares(said, spun):
    """The native functions' parts of the time, by the library's own count."""
    found = collections.Counter()
    for call in said["calls"]:
        python = call["python"]
        if call["symbol"] == "spin" and python:
            found[python["function"], python["line"]] += call["samples"]
    lines = known_lines()
    total = sum(spun.values())
    seen = sum(found[lines[name]] for name in spun)
    apart = {name: 100 * (found[lines[name]] / seen - nr / total)
             for name, nr in spun.items()}
    print("points apart:", {k: round(v, 2) for k, v in apart.items()})
    assert max(map(abs, apart.values())) <= POINTS, apart


# The entries of the interpreter's loop are marked in a way of its own by each.
@pytest.mark.releases("3.9", "3.11", "3.15")
def test_stacks_and_shares_of_one_thread_are_right(place, library):
    said, stacks, spun = merged_stacks(place, library, 1, CPU_S)
    assert said["samples"] >= 0.8 * CPU_S * 100
    check_merged(said)
    check_possible(stacks)
    check_shares(said, spun)


@pytest.mark.releases("3.10", "3.13", "3.14")
def test_stacks_of_threads_are_right(place, library):
    said, stacks, _ = merged_stacks(place, library, 3, 6)
    print(f"{said['merged']} of {said['samples']} merged: "
          f"{said['outcomes']}")
    assert said["merged"] >= 0.5 * said["samples"], said["outcomes"]
    check_possible(stacks)
    names = {name for stack, _ in stacks for name, _ in stack.frames}
    assert {"truth_held", "truth_free", "truth_a"} <= names


NUMPY = native_programs.HEAD + """
import numpy
a = numpy.random.rand(300, 300)
def multiply():
    return a @ a
def sines():
    return numpy.sin(a)
def in_order():
    return numpy.sort(a.ravel())
def python():
    return sum(range(20000))
def work():
    multiply(), sines(), in_order(), python()
run(work)
"""

NUMBA = native_programs.HEAD + native_programs.COLLATZ + """
def work():
    return collatz(3000)
run(work)
"""

# Native functions by a pattern, and who alone can have called them.
PACKAGES = {
    "numpy": (NUMPY, {"gemm": "multiply", r"(^|_)sin(_|\d|$)": "sines"}),
    "numba": (NUMBA, {"collatz": "work"}),
}


def calls_with(said, word):
    """Samples in functions with this word, by the Python function."""
    found = collections.Counter()
    for call in said["calls"]:
        if re.search(word, call["symbol"] or ""):
            found[(call["python"] or {}).get("function")] += call["samples"]
    return found


@pytest.mark.parametrize("name", PACKAGES)
def test_functions_of_packages_have_their_callers(tmp_path, name):
    python = native_programs.environment()
    if python is None:
        pytest.skip("no Python for NumPy and Numba, or no way to fetch them")
    text, callers = PACKAGES[name]
    script, out = tmp_path / "program.py", tmp_path / "recording.tare"
    script.write_text(text, encoding="utf-8")
    _, others = tare_runs.beside(lambda: subprocess.run(
        [tare_runs.TARE, "run", "--native", "-q", "-o", out, "--", python,
         script, "8"], check=True, timeout=60, stdout=subprocess.DEVNULL,
        env={**tare_runs.environment(), "OPENBLAS_NUM_THREADS": "1"}))
    said = said_of(tare_runs.Recording(out, ""), others)
    check_merged(said)
    for word, function in callers.items():
        found = calls_with(said, word)
        print(word, dict(found))
        assert sum(found.values()) > 20, word
        assert set(found) <= {function}, found
