# SPDX-License-Identifier: MIT
"""The wheel: one file for all Pythons, that runs where nothing is installed.

$TARE_WHEEL names a wheel to test; without it one is built as `make wheel`
builds it."""

import os
import pathlib
import re
import stat
import subprocess
import sys
import zipfile

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection

# One process builds it for all.
pytestmark = pytest.mark.xdist_group("wheel")

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
LIMIT_S = 300

# What every Linux with glibc has; all else must be in the wheel.
OF_THE_SYSTEM = re.compile(
    r"(libc|libm|libdl|librt|libpthread|libz|ld-linux-[\w-]+)\.so\.\d+"
)


def run(*command, **options):
    done = subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        **options,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    if os.environ.get("TARE_WHEEL"):
        return pathlib.Path(os.environ["TARE_WHEEL"])
    out = tmp_path_factory.mktemp("wheel")
    build = TOP / "tools" / "build_wheel.py"
    run(sys.executable, build, out)
    (path,) = out.iterdir()
    return path


@pytest.fixture(scope="session")
def floor(wheel):
    """The oldest glibc that the name of the wheel promises to do with."""
    found = re.search(r"manylinux_(\d+)_(\d+)_", wheel.name)
    return tuple(map(int, found.groups()))


@pytest.fixture(scope="session")
def elf_files(wheel):
    """(name, ELFFile) of all programs and libraries in the wheel."""
    archive = zipfile.ZipFile(wheel)
    found = []
    for name in archive.namelist():
        with archive.open(name) as file:
            if file.read(4) != b"\x7fELF":
                continue
        found.append((name, ELFFile(archive.open(name))))
    return found


def glibc_needed(elf):
    """The newest glibc version that an ELF file asks for, as (2, 34)."""
    section = next(
        (s for s in elf.iter_sections() if isinstance(s, GNUVerNeedSection)),
        None,
    )
    newest = (2, 0)
    for _, versions in section.iter_versions() if section else ():
        for version in versions:
            match = re.fullmatch(r"GLIBC_(\d+)\.(\d+)(\.\d+)?", version.name)
            if match:
                newest = max(newest, (int(match[1]), int(match[2])))
    return newest


def needed_libraries(elf):
    dynamic = elf.get_section_by_name(".dynamic")
    return [t.needed for t in dynamic.iter_tags("DT_NEEDED")]


def test_its_name_promises_every_python_and_a_glibc(wheel):
    machine = os.uname().machine
    assert re.fullmatch(
        rf"tare-[\d.]+-py3-none-manylinux_2_\d+_{machine}\.whl", wheel.name
    )


def test_it_holds_the_program_and_no_extension_module(elf_files):
    names = [name for name, _ in elf_files]
    assert "tare/tare" in names
    others = [name for name in names if name != "tare/tare"]
    assert all(name.startswith("tare.libs/") for name in others), names


def test_no_file_in_it_needs_a_newer_glibc_than_its_name_says(
    floor, elf_files
):
    needed = {name: glibc_needed(elf) for name, elf in elf_files}
    assert needed["tare/tare"] > (2, 0), "no versioned symbols were found"
    assert max(needed.values()) <= floor, needed


def test_every_library_it_needs_is_in_it_or_part_of_any_system(elf_files):
    inside = {pathlib.PurePosixPath(name).name for name, _ in elf_files}
    for name, elf in elf_files:
        for library in needed_libraries(elf):
            assert library in inside or OF_THE_SYSTEM.fullmatch(library), (
                f"{name} needs {library}"
            )


# pip drops the right to execute when the entry is not marked a regular file.
def test_the_program_is_marked_executable(wheel):
    entry = zipfile.ZipFile(wheel).getinfo("tare/tare")
    mode = entry.external_attr >> 16
    assert stat.S_ISREG(mode)
    assert mode & 0o111 == 0o111


def test_the_program_has_no_debugging_data(elf_files):
    program = dict(elf_files)["tare/tare"]
    assert program.get_section_by_name(".debug_info") is None


def check_version(command, wheel, folder, path="/nonexistent"):
    """It runs with nothing to be found on PATH."""
    bare = {"PATH": path, "HOME": str(folder)}
    said = run(*command, "--version", env=bare, cwd=folder)
    assert wheel.name.split("-")[1] in said


def in_an_environment(python, wheel, folder):
    # A blank in the path is where scripts and library paths break.
    place = folder / "a venv"
    run(python.interpreter.path, "-m", "venv", place)
    pip = [place / "bin" / "python", "-m", "pip", "install", "-q"]
    run(*pip, "--no-deps", "--no-index", wheel)
    check_version([place / "bin" / "tare"], wheel, folder)
    check_version([place / "bin" / "python", "-m", "tare"], wheel, folder)


def glibc_of(root):
    said = run("chroot", root, "ldd", "--version").splitlines()[0]
    return tuple(map(int, re.search(r"(\d+)\.(\d+)$", said).groups()))


def in_a_chroot(python, wheel, folder):
    """Another system, that has neither pip nor compiler: installed from here.
    /proc is where the loader learns what $ORIGIN is."""
    place = python.folder() / "a place"
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-index"]
    run(*pip, "--no-deps", "--target", place, wheel)
    code = "import sys; sys.path.insert(0, sys.argv.pop(1)); "
    code += "from tare.__main__ import main; sys.exit(main())"
    command = python.command("-c", code, python.inside(place), proc=True)
    check_version(command, wheel, folder, path=os.environ["PATH"])


def test_it_installs_and_runs_where_there_is_no_compiler(
    python, wheel, floor, tmp_path
):
    if not python.root:
        in_an_environment(python, wheel, tmp_path)
        return
    if glibc_of(python.root) < floor:
        pytest.skip(f"the glibc of {python.name} is older than {floor}")
    in_a_chroot(python, wheel, tmp_path)
