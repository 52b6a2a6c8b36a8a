#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run the tests and count them: run_tests.py [--only NAME] test | pythons

  test      C unit tests and pytest, on a sanitizer build, with live processes
            of three releases of Python (make test)
  pythons   recordings of live processes of every release that can be had, on
            the optimised build (make test-pythons)

TARE_PYTHONS (tests/conftest.py) chooses other interpreters.

The last line is `N passed, N failed, N skipped` over everything that ran,
each test of each test program being one. The status is 0 when none failed.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import re
import subprocess
import sys
import xml.etree.ElementTree

import pythons

TOP = pathlib.Path(__file__).resolve().parent.parent
BUILD = TOP / "build-asan"
VENV_PYTHON = TOP / "build" / "venv" / "bin" / "python"
MESON = os.environ.get("MESON", "meson")

# Live coverage that `pythons` insists on, and the suite that brings each.
REQUIRED = {
    "3.9": "bullseye",
    "3.11": "bookworm",
    "3.13": "trixie",
    "3.14": "sid",
    "3.15": "sid",
}
# A Python that is out of support: its suite may vanish from the mirrors.
MAY_VANISH = ("3.9",)


@dataclasses.dataclass
class Count:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other):
        return Count(
            self.passed + other.passed,
            self.failed + other.failed,
            self.skipped + other.skipped,
        )

    def __str__(self):
        return (
            f"{self.passed} passed, {self.failed} failed, "
            f"{self.skipped} skipped"
        )

    @property
    def total(self):
        return self.passed + self.failed + self.skipped


def parse_junit(path):
    """The root of a JUnit file; None when there is no whole file."""
    try:
        return xml.etree.ElementTree.parse(path).getroot()
    except (OSError, xml.etree.ElementTree.ParseError):
        return None


def failed(case):
    return case.find("failure") is not None or case.find("error") is not None


def count_cases(cases):
    count = Count()
    for case in cases:
        if failed(case):
            count.failed += 1
        elif case.find("skipped") is not None:
            count.skipped += 1
        else:
            count.passed += 1
    return count


# ------------------------------------------------------------- unit tests


def configure():
    """Always anew: a test file that was dropped in has to be seen."""
    command = [MESON, "setup", BUILD, TOP]
    if (BUILD / "meson-info").is_dir():
        command.append("--reconfigure")
    else:
        command += [
            "-Dtests=enabled",
            "-Dwerror=true",
            "-Db_sanitize=address,undefined",
            "-Db_lundef=false",
        ]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        print(done.stdout + done.stderr)
    return done.returncode == 0


def build():
    return subprocess.run([MESON, "compile", "-C", BUILD]).returncode == 0


def unit_test_names():
    shown = subprocess.run(
        [MESON, "introspect", BUILD, "--tests"],
        capture_output=True,
        text=True,
        check=True,
    )
    return [one["name"] for one in json.loads(shown.stdout)]


def choose_unit_tests(only):
    """What to tell Meson: programs by name, or else tests inside of them."""
    if not only:
        return []
    programs = [name for name in unit_test_names() if only in name]
    return programs or [f"--test-args=--filter=*{only}*"]


def bad_programs(log):
    """Names of test programs that did not end well, as Meson logged them."""
    bad = set()
    for line in log.read_text(encoding="utf-8").splitlines():
        one = json.loads(line)
        if one["result"] not in ("OK", "SKIP", "EXPECTEDFAIL"):
            bad.add(one["name"].rpartition(" / ")[2])
    return bad


def not_asked_for(case):
    """Whether Criterion skipped a test because of its --filter."""
    return case.findtext("system-out") == "test was skipped"


def show_skips(cases):
    for case in cases:
        if case.find("skipped") is not None:
            reason = case.findtext("system-out") or "no reason given"
            print(f"SKIPPED {case.get('name')}: {reason}")


def count_unit(root, bad, only):
    """What Meson saw, plus one failure for each program that broke off with
    no test of it having failed (a time-out, a crash at start)."""
    count = Count()
    for suite in root.iter("testsuite"):
        cases = suite.findall("testcase")
        if only:
            cases = [case for case in cases if not not_asked_for(case)]
        show_skips(cases)
        count += count_cases(cases)
        name = suite.get("name", "").rpartition(".")[2]
        if name in bad and not any(map(failed, cases)):
            print(f"{name}: broke off")
            count.failed += 1
    return count


def run_unit_tests(only):
    logs = BUILD / "meson-logs"
    junit, log = logs / "testlog.junit.xml", logs / "testlog.json"
    junit.unlink(missing_ok=True)
    status = subprocess.run(
        [
            *(MESON, "test", "-C", BUILD, "--no-rebuild", "--print-errorlogs"),
            *choose_unit_tests(only),
        ],
        stdin=subprocess.DEVNULL,
    ).returncode
    root = parse_junit(junit)
    count = Count()
    if root is not None:
        count = count_unit(root, bad_programs(log), only)
    if status and not count.failed:
        print(f"the unit tests ended with status {status}")
        count.failed = 1
    return count


# ----------------------------------------------------------------- pytest


def run_pytest(paths, only, junit, environment, options=()):
    junit.unlink(missing_ok=True)
    command = [VENV_PYTHON, "-m", "pytest", "-q", "-rs", f"--junitxml={junit}"]
    command += options
    if only:
        command += ["-k", only]
    status = subprocess.run(
        [*command, *paths],
        cwd=TOP,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
    ).returncode
    root = parse_junit(junit)
    count = Count() if root is None else count_cases(root.iter("testcase"))
    # 5: no test was found, which is judged over all that ran.
    if status not in (0, 5) and not count.failed:
        print(f"pytest ended with status {status}")
        count.failed = 1
    return count


# Most tests mostly wait; the rest says that it is to run alone.
SIDE_BY_SIDE = ["-m", "not alone", "--dist", "loadgroup", "-n",
                str(min(os.cpu_count() or 1, 8))]  # fmt: skip
ALONE = ["-m", "alone"]


def run_side_by_side(paths, only, junits, environment):
    count = run_pytest(paths, only, junits[0], environment, SIDE_BY_SIDE)
    return count + run_pytest(paths, only, junits[1], environment, ALONE)


# The name of an interpreter in that of a test, as pythons.Interpreter has it.
INTERPRETER = re.compile(r"[\[-](\d+\.\d+)\.\d+(?:(?:a|b|rc)\d+)?\+?-[a-z]")


def count_covered(required, junits):
    """One for each release that must have been there: whether a test with a
    live process of it has passed."""
    covered = set()
    for junit in junits:
        root = parse_junit(junit)
        cases = [] if root is None else root.iter("testcase")
        for case in cases:
            if not failed(case) and case.find("skipped") is None:
                covered.update(INTERPRETER.findall(case.get("name", "")))
    missing = [minor for minor in required if minor not in covered]
    for minor in missing:
        print(f"FAILED: no test passed with a live Python {minor}")
    return Count(passed=len(required) - len(missing), failed=len(missing))


def test_folders():
    """All of tests/ but what needs an optimised build and every Python."""
    return [
        path
        for path in sorted((TOP / "tests").iterdir())
        if path.name != "truth" and any(path.glob("**/test_*.py"))
    ]


# ------------------------------------------------------------------ suites


def suite_test(only):
    if not configure() or not build():
        print("the build failed")
        return Count(failed=1)
    count = run_unit_tests(only)
    # The other releases have their turn on the optimised build.
    environment = {
        "TARE": str(BUILD / "tare"),
        "TARE_PYTHONS": os.environ.get("TARE_PYTHONS", "some"),
    }
    junits = [BUILD / "pytest.xml", BUILD / "pytest-alone.xml"]
    return count + run_side_by_side(test_folders(), only, junits, environment)


def required_minors(outcome):
    """What must be covered, given how fetching went."""
    return [
        minor
        for minor, suite in REQUIRED.items()
        if minor not in MAY_VANISH or outcome.get(suite) != "not served"
    ]


def suite_pythons(only):
    outcome = pythons.fetch(list(pythons.SUITES))
    environment = {
        "TARE": str(TOP / "build" / "tare"),
        "TARE_PYTHONS": os.environ.get("TARE_PYTHONS", "debian"),
    }
    tests, build = TOP / "tests", TOP / "build"
    names = ("pytest-truth.xml", "pytest-pythons.xml", "pytest-alone.xml")
    junits = [build / name for name in names]
    count = run_pytest([tests / "truth"], only, junits[0], environment)
    count += run_side_by_side(
        [tests / "python"], only, junits[1:], environment
    )
    if only:
        return count
    return count + count_covered(required_minors(outcome), junits)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--only", metavar="NAME", default="")
    parser.add_argument("suite", choices=["test", "pythons"])
    args = parser.parse_args()
    run = suite_test if args.suite == "test" else suite_pythons
    count = run(args.only)
    if not count.total:
        print("no test ran" + (f" for '{args.only}'" if args.only else ""))
        count.failed = 1
    print(count, flush=True)
    return 1 if count.failed else 0


if __name__ == "__main__":
    sys.exit(main())
