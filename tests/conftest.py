# SPDX-License-Identifier: MIT
"""What tests in Python share.

  tare        path of the program under test: $TARE, or build/tare
  python      one interpreter after the other; see Python below
  any_python  just one, for tests that are not about interpreters

TARE_PYTHONS says which:

  minor    one of each minor version, of this machine itself where it can be
  debian   one of each minor version, Debian's build where there is one
           (make test-pythons, which leaves out what is not about interpreters)
  some     the oldest, the newest and one between (make test)
  all      every one
"""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

import pytest

TOP = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / "tools"))

import pythons  # noqa: E402

# Under nohup, or behind a shell's "&", the programs that tests start would
# ignore them, too.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)

# Side by side, the jobs of one test must not be in the process group of another
# one's: tare tells by that whose a process without a parent may be.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.setpgrp()

# What tare promises to read.
OLDEST, NEWEST = (3, 9), (3, 15)


class Python:
    """One interpreter, with what is needed to run programs in it.

    The programs that start() starts are ended with the test. An interpreter
    in a chroot sees only what place() put there for it.
    """

    def __init__(self, interpreter):
        self.interpreter = interpreter
        self.version = interpreter.version
        self.minor = interpreter.minor
        self.root = interpreter.root
        self.name = interpreter.name
        self.free_threaded = interpreter.free_threaded
        self._folder = None
        self._started = []

    def folder(self):
        """A fresh folder that programs in this interpreter can see."""
        if self._folder is None:
            parent = os.path.join(self.root, "tmp") if self.root else None
            self._folder = tempfile.mkdtemp(prefix="tare-test-", dir=parent)
        return pathlib.Path(self._folder)

    def inside(self, path):
        """A path as a program in this interpreter has to write it."""
        if not self.root:
            return str(path)
        return "/" + os.path.relpath(path, self.root)

    def place(self, script):
        """Where a program can find `script` (a file): itself or a copy."""
        if not self.root:
            return str(script)
        return self.inside(shutil.copy(script, self.folder()))

    def write(self, name, text):
        """A new file with this text; its path as a program sees it."""
        path = self.folder() / name
        path.write_text(text, encoding="utf-8")
        return self.inside(path)

    def command(self, *args, proc=False):
        """The words of a command; no script in it is placed for you."""
        return self.interpreter.command(*map(str, args), proc=proc)

    def script(self, script, *args, proc=False):
        """The words of a command that runs the file `script`."""
        return self.command(self.place(script), *args, proc=proc)

    def script_text(self, name, text, *args, proc=False):
        """The words of a command that runs a new script with this text."""
        return self.command(self.write(name, text), *args, proc=proc)

    def start(self, script, *args, proc=False, **popen):
        """Start the file `script`; subprocess.Popen, pid the interpreter's."""
        process = subprocess.Popen(
            self.script(script, *args, proc=proc), **popen
        )
        self._started.append(process)
        return process

    def close(self):
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream:
                    stream.close()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)


def supported(interpreter):
    numbers = tuple(map(int, interpreter.minor.split(".")))
    return OLDEST <= numbers <= NEWEST and not interpreter.free_threaded


def one_of_each_minor(found, in_chroot=False):
    """The one outside a chroot where there is one, or that inside; the newest
    of several."""
    chosen = {}
    for one in found:
        known = chosen.get(one.minor)
        if known is None or bool(one.root) == in_chroot or (
                bool(known.root) != in_chroot):
            chosen[one.minor] = one
    return list(chosen.values())


def ends_and_middle(found):
    each = one_of_each_minor(found)
    return [each[i] for i in sorted({0, len(each) // 2, len(each) - 1})]


CHOICES = {
    "minor": one_of_each_minor,
    "debian": lambda found: one_of_each_minor(found, in_chroot=True),
    "some": ends_and_middle,
    "all": list,
}

FOUND = pythons.find()
SUPPORTED = [one for one in FOUND if supported(one)]
MODE = os.environ.get("TARE_PYTHONS", "minor")
CHOSEN = CHOICES[MODE](SUPPORTED)


@pytest.fixture(params=CHOSEN, ids=lambda one: one.name)
def python(request):
    one = Python(request.param)
    yield one
    one.close()


@pytest.fixture
def any_python():
    local = [one for one in SUPPORTED if not one.root] or SUPPORTED
    one = Python(local[-1])
    yield one
    one.close()


@pytest.fixture(scope="session")
def every_python():
    """All that were found, with those that tare is right to refuse."""
    return FOUND


@pytest.fixture(scope="session")
def tare():
    path = pathlib.Path(os.environ.get("TARE") or TOP / "build" / "tare")
    if not os.access(path, os.X_OK):
        pytest.fail(f"{path} is not there: type 'make'", pytrace=False)
    return str(path.absolute())


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "alone: not side by side with others, as it says how much "
        "of something short is seen, or how long something took")


def depends_on_python(item):
    """Or would it be the same test again that `make test` runs?"""
    return (item.path.parent.name != "python"
            or "python" in item.fixturenames)


def pytest_collection_modifyitems(config, items):
    if MODE == "debian":
        again = [one for one in items if not depends_on_python(one)]
        config.hook.pytest_deselected(items=again)
        items[:] = [one for one in items if depends_on_python(one)]
