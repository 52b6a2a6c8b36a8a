# SPDX-License-Identifier: MIT
"""The Python package: it becomes the program and leaves nothing of itself.

The program is a stand-in here, a shell script that says what it was given."""

import os
import pathlib
import shutil
import signal
import stat
import subprocess
import sys

import pytest

PACKAGE = pathlib.Path(__file__).resolve().parents[2] / "python" / "tare"


@pytest.fixture
def site(tmp_path):
    """A folder to import `tare` from, without a program yet."""
    target = tmp_path / "lib" / "site" / "tare"
    target.mkdir(parents=True)
    for source in PACKAGE.glob("*.py"):
        shutil.copy(source, target)
    return target.parent


def put_program(folder, text):
    folder.mkdir(exist_ok=True, parents=True)
    program = folder / "tare"
    program.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


def start(site, *args, **options):
    return subprocess.Popen(
        [sys.executable, "-m", "tare", *args],
        env={**os.environ, "PYTHONPATH": str(site)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def test_it_becomes_the_program_in_the_same_process(site):
    put_program(site / "tare", 'echo "$$"; for x; do echo "<$x>"; done; exit 7')
    process = start(site, "run", "a b", "", "--", "-x")
    out, _ = process.communicate(timeout=60)
    assert out.split("\n") == [
        str(process.pid),
        "<run>",
        "<a b>",
        "<>",
        "<-->",
        "<-x>",
        "",
    ]
    assert process.returncode == 7


# Python ignores SIGPIPE; a target that inherited this would never end in
# `target | head`.
@pytest.mark.parametrize("name", ["SIGPIPE", "SIGXFSZ"])
def test_no_signal_stays_ignored(site, name):
    put_program(site / "tare", "grep SigIgn /proc/$$/status")
    out, err = start(site).communicate(timeout=60)
    ignored = int(out.split()[1], 16)
    number = getattr(signal, name)
    assert not ignored >> (number - 1) & 1, err


def test_without_its_program_it_says_so_in_two_lines(site):
    process = start(site, "--version")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 125
    assert out == ""
    first, second = err.splitlines()
    assert first.startswith("tare: ")
    assert second.startswith("try: ")


def test_in_a_checkout_it_finds_what_make_built(tmp_path):
    package = tmp_path / "python" / "tare"
    shutil.copytree(PACKAGE, package)
    (package / "tare").unlink(missing_ok=True)
    put_program(tmp_path / "build", "echo built")
    out, err = start(package.parent).communicate(timeout=60)
    assert out == "built\n", err


def test_a_file_that_cannot_be_executed_is_not_the_program(site):
    (site / "tare" / "tare").write_text("", encoding="utf-8")
    process = start(site)
    process.communicate(timeout=60)
    assert process.returncode == 125
