#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""All checks of `make lint`, each of which counts as one test.

  lint.py            run them all
  lint.py --fix      let clang-format and ruff mend what they can

The last line is `N passed, N failed, 0 skipped`.
"""

import collections
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import check_layers
import check_style
import run_tests

TOP = check_style.root_folder()
BIN = TOP / "build" / "venv" / "bin"
RUFF = ("--no-cache", "--output-format", "concise")


def run(*command):
    """Whether the command is content; what it says is shown if it is not."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=TOP,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        print(done.stdout + done.stderr, end="")
    return done.returncode == 0


def names(*suffixes):
    return [
        name
        for name in check_style.listed(TOP)
        if name.endswith(suffixes) and (TOP / name).is_file()
    ]


def show(findings):
    findings = list(findings)
    for finding in findings:
        print(finding)
    return not findings


def layers():
    return show(check_layers.check_tree(TOP))


def style():
    return show(check_style.check_tree(TOP))


def c_format():
    sources = names(".c", ".h")
    done = subprocess.run(
        ["clang-format", "--dry-run", "-Werror", *sources],
        cwd=TOP,
        capture_output=True,
        text=True,
    )
    place = re.compile(r"^([^\s:]+):\d+:\d+: error", re.MULTILINE)
    places = place.findall(done.stderr)
    for name, nr in sorted(collections.Counter(places).items()):
        print(f"{name}: {nr} places are not as clang-format has them")
    if places:
        print("try: make format")
    elif done.returncode:
        print(done.stderr)
    return done.returncode == 0


def c_mistakes():
    """clang-tidy on the program, in the build that `make test` uses too."""
    if not run_tests.configure() or not run_tests.build():
        return False
    sources = [name for name in names(".c") if name.startswith("src/")]
    groups = [sources[i::8] for i in range(8)]

    def look(group):
        folder = run_tests.BUILD
        return not group or run("clang-tidy", "--quiet", "-p", folder, *group)

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return all(list(pool.map(look, groups)))


def python_mistakes():
    return run(BIN / "ruff", "check", *RUFF, ".")


def spelling():
    return run(BIN / "codespell", *names(""))


CHECKS = (layers, style, c_format, python_mistakes, spelling, c_mistakes)


def fix():
    run("clang-format", "-i", *names(".c", ".h"))
    run(BIN / "ruff", "check", *RUFF, "--fix", ".")


def main(argv):
    if argv[1:] == ["--fix"]:
        fix()
        return 0
    failed = 0
    for check in CHECKS:
        print(f"lint: {check.__name__.replace('_', ' ')}", flush=True)
        failed += not check()
    print(f"{len(CHECKS) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
