# SPDX-License-Identifier: MIT
"""The programs under examples/ run, small, under every Python that tare
reads; what they print is always the same."""

import os
import pathlib
import subprocess
import sys

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests" / "truth"))

import tare_runs  # noqa: E402

PRINTS = {
    "julia": (["60", "100"], "3600 points, sum "),
    "diffusion": (["20", "10"], "20 x 20, 10 steps: heat 16.000000, "),
    "primes": (["10000"], "1229 primes below 10000, the last is 9973\n"),
    "text_job": (["1"], "1 rounds over 5 modules, all the same\n"),
    "threads": (["3", "4"],
                "below 4001 the longest way is from 3711: 237 steps\n"),
    "waiting": (["0.2"], "waited for a clock, a lock, 5120 bytes of a pipe "
                "and a disk\n"),
}


def test_every_example_is_tested():
    names = {path.stem for path in (TOP / "examples").glob("*.py")}
    assert names == set(PRINTS)


@pytest.mark.parametrize("interpreter", tare_runs.interpreters(),
                         ids=lambda one: one.name)
def test_examples_run_and_print_the_same(interpreter):
    with tare_runs.place_for(interpreter) as place:
        for name, (args, expected) in PRINTS.items():
            script = place.copy(TOP / "examples" / f"{name}.py")
            first = place.python(script, *args).stdout
            assert first.startswith(expected), name
            assert first == place.python(script, *args).stdout, name


def test_the_julia_set_of_the_book_sums_to_33219980():
    """By the Python at hand: some seconds."""
    script = TOP / "examples" / "julia.py"
    answer = subprocess.run([sys.executable, str(script)], check=True,
                            text=True, capture_output=True, timeout=300,
                            env=dict(os.environ))
    assert answer.stdout == "1000000 points, sum 33219980\n"
