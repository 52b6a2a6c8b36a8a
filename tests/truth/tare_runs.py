# SPDX-License-Identifier: MIT
"""Running tare on a program under some Python, and reading what it wrote.

Shared by the tests of this folder and by bench/.
"""

import contextlib
import functools
import importlib.util
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

from legal_stacks import parse_collapsed

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[1]
TARE = pathlib.Path(os.environ.get("TARE") or TOP / "build" / "tare")
OLDEST = (3, 9)
LIMIT_S = 60


def load_pythons():
    """tools/pythons.py, which is a program, as a module."""
    spec = importlib.util.spec_from_file_location(
        "pythons", TOP / "tools" / "pythons.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["pythons"] = module
    spec.loader.exec_module(module)
    return module


def minor_of(interpreter):
    return tuple(int(n) for n in interpreter.version.split(".")[:2])


@functools.cache
def interpreters():
    """One interpreter for each release from 3.9 on; all that are found with
    TARE_TRUTH_PYTHONS=all, or those of the releases named there."""
    wanted = os.environ.get("TARE_TRUTH_PYTHONS", "")
    found = [one for one in load_pythons().find()
             if minor_of(one) >= OLDEST and not one.free_threaded]
    if wanted == "all":
        return found
    by_minor = {}
    for one in found:
        if not wanted or one.minor in wanted.split(","):
            by_minor.setdefault(one.minor, one)
    return list(by_minor.values())


class Place:
    """A folder that both the tests and the interpreter see, and how to write
    a path in it for each of them."""

    def __init__(self, interpreter, folder):
        self.interpreter = interpreter
        self.version = minor_of(interpreter)
        self.outside = pathlib.Path(folder)
        root = interpreter.root
        self.inside = pathlib.PurePosixPath(
            "/", self.outside.relative_to(root)) if root else self.outside

    def put(self, name, text):
        """Write a file; its path as the interpreter sees it."""
        (self.outside / name).write_text(text, encoding="utf-8")
        return str(self.inside / name)

    def copy(self, path):
        shutil.copy(path, self.outside)
        return str(self.inside / pathlib.Path(path).name)

    def python(self, *args, **more):
        """Run the interpreter without tare."""
        more.setdefault("timeout", LIMIT_S)
        return subprocess.run(
            self.interpreter.command(*args), check=True, text=True,
            env=environment(), stdout=subprocess.PIPE, **more)


@contextlib.contextmanager
def place_for(interpreter):
    base = pathlib.Path(interpreter.root or "/", "tmp")
    if not interpreter.root:
        base = pathlib.Path(tempfile.gettempdir()).resolve()
    with tempfile.TemporaryDirectory(dir=base, prefix="tare-truth-") as folder:
        os.chmod(folder, 0o755)
        yield Place(interpreter, folder)


def environment():
    """No variable of the caller may change how the target runs; the seed of
    string hashes is fixed so that runs are alike."""
    clean = {k: v for k, v in os.environ.items() if k[:6] != "PYTHON"}
    return dict(clean, PYTHONHASHSEED="0", PYTHONDONTWRITEBYTECODE="1")


class Recording:
    """A .tare file, and what the target wrote to stdout."""

    def __init__(self, path, stdout):
        self.path = path
        self.stdout = stdout
        self._report = None

    def report(self):
        if self._report is None:
            self._report = json.loads(tare("report", "--json", self.path))
        return self._report

    def collapsed(self, *options):
        """[(frames, count)] of unmarked samples."""
        return parse_collapsed(tare("export", self.path, "--format",
                                    "collapsed", *options))

    def marked(self):
        """The marked samples: {mark: [(frames without the mark, count)]}."""
        marks = {"[salvaged]": [], "[inconsistent]": [], "[lost]": []}
        for frames, count in self.collapsed("--marked"):
            if frames[-1].name in marks and not frames[-1].path:
                marks[frames[-1].name].append((frames[:-1], count))
        return marks

    def sampling(self):
        return self.report()["sampling"]


def tare(*args):
    answer = subprocess.run(
        [str(TARE), *map(str, args)], check=False, text=True,
        timeout=LIMIT_S, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if answer.returncode:
        raise AssertionError(f"tare {args[0]} ended with "
                             f"{answer.returncode}:\n{answer.stderr}")
    return answer.stdout


def record(place, script, *args, rate=1000, options=(), files=(), more=(),
           limit=LIMIT_S):
    """Profile `script` (a path as the interpreter sees it), which gets the open
    `files` and `more` environment, for `limit` seconds at most."""
    out = place.outside / "recording.tare"
    out.unlink(missing_ok=True)
    command = [str(TARE), "run", "--rate", str(rate), "-o", str(out),
               "--no-report", *options]
    args = [str(a) for a in args]
    if place.interpreter.root:
        command += ["--", *place.interpreter.command(script, *args)]
    else:
        command += ["--python", place.interpreter.path, script, *args]
    answer = subprocess.run(
        command, check=False, text=True, timeout=limit, pass_fds=files,
        env=dict(environment(), **dict(more)),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if answer.returncode:
        raise AssertionError(f"{' '.join(command)} ended with "
                             f"{answer.returncode}:\n{answer.stderr}")
    return Recording(out, answer.stdout)


# Of a CPU: what else this machine may do while tare is held against the truth.
# Beside more than that tare misses ticks, and says so.
OTHERS, TRIES = 0.15, 4


def others_s():
    """CPU seconds that this machine has spent on anything else than us and the
    children that we have waited for; those that its host took away, too."""
    with open("/proc/stat", encoding="ascii") as file:
        ticks = [int(word) for word in file.readline().split()[1:9]]
    idle, waiting = ticks[3:5]
    busy = (sum(ticks) - idle - waiting) / os.sysconf("SC_CLK_TCK")
    return busy - sum(os.times()[:4])


def beside(measure):
    """(The answer of measure(), how much of a CPU others had meanwhile)"""
    began, before = time.monotonic(), others_s()
    answer = measure()
    return answer, (others_s() - before) / (time.monotonic() - began)


def undisturbed(measure):
    """The answer of measure() from a moment in which this machine did little
    else; if there was none in some tries, the last one."""
    for _ in range(TRIES):
        answer, others = beside(measure)
        if others <= OTHERS:
            break
        print(f"others had {others:.2f} of a CPU")
    return answer


@contextlib.contextmanager
def running(place, script, *args):
    """The process ID of `script`, under way; ended when the block ends."""
    command = place.interpreter.command(script, *(str(a) for a in args))
    with subprocess.Popen(command, env=environment(), cwd="/",
                          stdout=subprocess.DEVNULL) as process:
        try:
            yield process.pid
        finally:
            process.kill()


def attach(place, pid, seconds, rate=1000, options=()):
    """Profile a process that runs already."""
    out = place.outside / "recording.tare"
    out.unlink(missing_ok=True)
    tare("attach", pid, "-d", seconds, "--rate", rate, "-o", out,
         "--no-report", *options)
    return Recording(out, "")
