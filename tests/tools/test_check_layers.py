# SPDX-License-Identifier: MIT
"""The table of layers is enforced: each kind of violation, planted, is found.

Every test has a sound twin beside the planted one, so that a check that finds
fault with everything fails too."""

import subprocess
import sys

import check_layers
import pytest


@pytest.mark.parametrize(
    ("module", "include", "sound"),
    [
        ("base", "os/file.h", False),
        ("base", "base/err.h", True),
        ("store", "cli/opt.h", False),
        ("store", "profile/profile.h", True),
        ("render", "sample/sample.h", False),
        ("export", "store/store.h", False),
        ("target", "cpython/layout.h", False),
        ("cpython", "os/clock.h", False),
        ("cpython", "target/target.h", True),
        ("sample", "cpython/process.h", True),
        ("sample", "store/store.h", False),
        ("profile", "commands/command.h", False),
        ("commands", "sample/sample.h", True),
        ("", "commands/command.h", True),
        ("", "sample/sample.h", False),
    ],
)
def test_an_include_is_judged_by_the_table(module, include, sound):
    text = f'#include <stdio.h>\n#include "{include}"\n'
    found = list(check_layers.check_text(module, text))
    assert bool(found) != sound
    assert sound or found[0][0] == 2


@pytest.mark.parametrize("include", ["err.h", "../base/err.h", "nowhere/x.h"])
def test_an_include_is_written_from_src(include):
    assert list(check_layers.check_text("base", f'#include "{include}"\n'))


def test_an_include_with_odd_blanks_is_seen():
    assert list(check_layers.check_text("base", '\t#  include\t"os/file.h"'))


# A wrong entry in the table would let two modules use each other.
def test_the_table_has_no_circle():
    def below(module, seen):
        assert module not in seen, f"{module} is above itself"
        for used in check_layers.MAY_USE[module].split():
            below(used, {*seen, module})

    for module in check_layers.MAY_USE:
        below(module, set())


def plant(root, name, text):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def run(root):
    return subprocess.run(
        [sys.executable, check_layers.__file__, str(root)],
        capture_output=True,
        text=True,
    )


def test_the_program_names_file_and_line_and_fails(tmp_path):
    plant(tmp_path, "src/base/err.c", '#include "base/err.h"\n')
    assert run(tmp_path).returncode == 0
    plant(tmp_path, "src/store/store.h", '\n\n#include "cli/opt.h"\n')
    done = run(tmp_path)
    assert done.returncode == 1
    assert done.stdout == "src/store/store.h:3: store may not use cli/\n"


def test_a_folder_without_a_place_in_the_table_is_found(tmp_path):
    plant(tmp_path, "src/misc/misc.c", "\n")
    assert run(tmp_path).returncode == 1
