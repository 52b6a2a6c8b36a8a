# SPDX-License-Identifier: MIT
"""Programs with native code, and the virtual environment that they need."""

import pathlib
import shutil
import subprocess
import sysconfig

import tare_runs

HERE = pathlib.Path(__file__).resolve().parent
VENV = tare_runs.TOP / "build" / "native-venv"
WANTED = HERE / "native-requirements.txt"

# Each runs for argv[1] seconds once it has said that it is ready.
HEAD = """
import sys, time
def run(work):
    work()
    print("ready", flush=True)
    end = time.monotonic() + float(sys.argv[1])
    while time.monotonic() < end:
        work()
"""

STDLIB = HEAD + r"""
import difflib, gc, json, re, zlib
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)
data = [{"a": i, "b": [str(j) for j in range(20)]} for i in range(100)]
text = json.dumps(data)
class Node:
    pass
def garbage():
    for i in range(1000):
        a, b = Node(), Node()
        a.b, b.a = b, a
    gc.collect()
def work():
    fib(14)
    json.loads(text)
    re.sub(r"(\d+)", lambda m: m[1], text[:3000])
    sorted(text[:5000])
    zlib.compress(text[:20000].encode(), 6)
    garbage()
run(work)
"""

NUMPY = HEAD + """
import numpy
a = numpy.random.rand(400, 400)
def work():
    a @ a
    numpy.sin(a) + numpy.sqrt(a) * 2
    numpy.sort(a.ravel())
    numpy.linalg.solve(a, a[0])
    a.astype("f4").cumsum()
    sum(range(20000))
run(work)
"""

COLLATZ = """
import numba, numpy
@numba.njit
def collatz(n):
    longest = 0
    for i in range(1, n):
        steps, x = 0, i
        while x != 1:
            x = x // 2 if x % 2 == 0 else 3 * x + 1
            steps += 1
        longest = max(longest, steps)
    return longest
"""

NUMBA = HEAD + COLLATZ + """
@numba.vectorize(["float64(float64)"])
def bent(x):
    return x * x + 1.0 / (x + 1)
a = numpy.random.rand(100000)
def work():
    collatz(3000)
    bent(a)
run(work)
"""

CYTHON_SOURCE = """
# cython: language_level=3
cdef double inner(double x, int n):
    cdef int i
    cdef double s = 0
    for i in range(n):
        s += x / (i + 1)
    return s
def heavy(int n):
    return inner(1.5, n)
def objects(list xs):
    s = 0
    for x in xs:
        s = s + x
    return s
cdef class Thing:
    def method(self, int n):
        cdef int i
        cdef long s = 0
        for i in range(n):
            s ^= i * 7 % (i + 3)
        return s
"""

CYTHON = HEAD + """
sys.path.insert(0, sys.argv[2])
import native_cy
xs, thing = list(range(1000)), native_cy.Thing()
def work():
    native_cy.heavy(10000)
    native_cy.objects(xs)
    thing.method(10000)
run(work)
"""


def interpreter():
    """The newest one outside a chroot that the wheels are for; or None."""
    wanted = ("3.13", "3.12")
    found = [one for one in tare_runs.interpreters()
             if not one.root and one.minor in wanted]
    return max(found, key=tare_runs.minor_of, default=None)


def environment():
    """The Python with the packages, made if need be; or None."""
    python = VENV / "bin" / "python"
    made_from = VENV / "made-from.txt"
    wanted = WANTED.read_bytes()
    if made_from.is_file() and made_from.read_bytes() == wanted:
        return python
    base = interpreter()
    if base is None:
        return None
    shutil.rmtree(VENV, ignore_errors=True)
    for command in ([base.path, "-m", "venv", VENV],
                    [python, "-m", "pip", "install", "--quiet", "--no-deps",
                     "--only-binary", ":all:", "-r", WANTED]):
        if subprocess.run(command, check=False,
                          env=tare_runs.environment()).returncode:
            return None
    made_from.write_bytes(wanted)
    return python


def compile_cython(python, folder):
    """native_cy in `folder`; False where there is no compiler for it."""
    source = pathlib.Path(folder, "native_cy.pyx")
    source.write_text(CYTHON_SOURCE, encoding="utf-8")
    paths = subprocess.run(
        [python, "-c", "import sysconfig; "
         "print(sysconfig.get_path('include')); "
         "print(sysconfig.get_config_var('EXT_SUFFIX'))"],
        check=True, text=True, stdout=subprocess.PIPE).stdout.split()
    compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
    for command in ([python, "-m", "cython", source],
                    [compiler, "-O2", "-shared", "-fPIC", f"-I{paths[0]}",
                     source.with_suffix(".c"), "-o",
                     source.with_suffix(paths[1])]):
        if subprocess.run(command, check=False, cwd=folder).returncode:
            return False
    return True
