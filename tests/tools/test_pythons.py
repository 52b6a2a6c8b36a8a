# SPDX-License-Identifier: MIT
"""Finding and fetching interpreters, without the network: apt, the mirror and
debootstrap are stand-ins here."""

import os
import pathlib
import subprocess
import sys

import pytest
import pythons

TOOL = pathlib.Path(pythons.__file__)

# What debootstrap is called with is written down; then it makes a root, or
# fails half way.
DEBOOTSTRAP = """#!/bin/sh
printf '%s\\n' "$@" > "$TEST_FOLDER/arguments"
for part; do case $part in */*.part) root=$part ;; esac; done
mkdir -p "$root/usr/bin"
echo half > "$root/usr/bin/python3.9"
[ -z "$TEST_FAILS" ] || { echo "E: no space left"; exit 1; }
echo whole > "$root/usr/bin/python3.9"
"""


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache, with everything outside of it replaced."""
    tools = tmp_path / "tools"
    tools.mkdir()
    program = tools / "debootstrap"
    program.write_text(DEBOOTSTRAP, encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    monkeypatch.setenv("TEST_FOLDER", str(tmp_path))
    monkeypatch.setenv("TARE_PYTHONS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TARE_DEBIAN_MIRROR", "http://mirror.invalid/debian")
    monkeypatch.setattr(pythons, "check_served", lambda mirror, suite: None)
    monkeypatch.setattr(pythons, "as_root", lambda command: command)
    monkeypatch.setattr(pythons, "probe", probe_by_content)
    return tmp_path / "cache"


def probe_by_content(path, root, flavour):
    if pathlib.Path(root + path).read_text(encoding="utf-8") == "whole\n":
        return pythons.Interpreter("3.9.2", path, root, False, False, flavour)
    return None


def test_a_suite_gets_its_name_only_when_it_is_whole(cache, tmp_path):
    assert pythons.fetch(["bullseye"]) == {"bullseye": "ok"}
    assert sorted(p.name for p in cache.iterdir()) == ["bullseye", "lock"]
    arguments = (tmp_path / "arguments").read_text(encoding="utf-8").split()
    assert "http://mirror.invalid/debian" in arguments
    assert "--force-check-gpg" in arguments


def test_an_interrupted_fetch_leaves_nothing_under_the_name(
    cache, monkeypatch
):
    monkeypatch.setenv("TEST_FAILS", "1")
    outcome = pythons.fetch(["bullseye"])
    assert outcome["bullseye"].startswith("failed: ")
    assert "no space left" in outcome["bullseye"]
    assert not (cache / "bullseye").exists()
    monkeypatch.delenv("TEST_FAILS")
    assert pythons.fetch(["bullseye"]) == {"bullseye": "ok"}
    assert not (cache / "bullseye.part").exists()


def test_what_is_there_is_not_fetched_again(cache, tmp_path):
    pythons.fetch(["bullseye"])
    (tmp_path / "arguments").unlink()
    assert pythons.fetch(["bullseye"]) == {"bullseye": "ok"}
    assert not (tmp_path / "arguments").exists()


def test_a_suite_that_is_too_slow_is_given_up(cache, tmp_path, monkeypatch):
    program = tmp_path / "tools" / "debootstrap"
    program.write_text("#!/bin/sh\nsleep 60 & sleep 60\n", encoding="utf-8")
    monkeypatch.setattr(pythons, "FETCH_S", 0.2)
    outcome = pythons.fetch(["bullseye"])
    assert "not done after" in outcome["bullseye"]
    assert not (cache / "bullseye").exists()


def test_a_suite_that_the_mirror_lacks_is_no_failure(cache, monkeypatch):
    def gone(mirror, suite):
        raise pythons.NotServed("the mirror does not serve it")

    monkeypatch.setattr(pythons, "check_served", gone)
    assert pythons.fetch(["bullseye"]) == {"bullseye": "not served"}


@pytest.mark.parametrize(
    ("repositories", "mirror"),
    [
        ([("http://a/security", "Debian", "Debian-Security")], None),
        (
            [
                ("http://a/security", "Debian", "Debian-Security"),
                ("http://b/x", "Debian", "Debian"),
            ],
            "http://b/x",
        ),
        # before the first `apt-get update` apt knows addresses only
        ([("http://c/debian/", "", "")], "http://c/debian/"),
        ([("http://d/ubuntu/", "Ubuntu", "Ubuntu")], None),
    ],
)
def test_the_mirror_is_the_one_that_apt_uses(
    monkeypatch, repositories, mirror
):
    monkeypatch.delenv("TARE_DEBIAN_MIRROR", raising=False)
    monkeypatch.setattr(pythons, "apt_repositories", lambda: repositories)
    if mirror:
        assert pythons.debian_mirror() == mirror
    else:
        with pytest.raises(pythons.FetchFailed):
            pythons.debian_mirror()


def test_no_mirror_is_written_in_the_tool():
    text = TOOL.read_text(encoding="utf-8")
    assert "http:" + "//" not in text and "https:" + "//" not in text


def test_the_interpreter_that_runs_this_is_found(every_python):
    base = os.path.realpath(sys.executable)
    assert base in [one.path for one in every_python if not one.root]


def test_each_interpreter_is_listed_once(every_python):
    places = [(one.root, one.path) for one in every_python]
    assert len(places) == len(set(places))


def test_a_command_starts_the_interpreter_itself(python):
    code = "import os, platform; print(os.getpid(), platform.python_version())"
    process = subprocess.Popen(
        python.command("-c", code), stdout=subprocess.PIPE, text=True
    )
    out, _ = process.communicate(timeout=60)
    assert out.split() == [str(process.pid), python.version]


def test_a_program_in_a_chroot_can_be_given_proc(python):
    code = "import os; print(os.getpid(), os.readlink('/proc/self'))"
    process = subprocess.Popen(
        python.command("-c", code, proc=True), stdout=subprocess.PIPE, text=True
    )
    out, _ = process.communicate(timeout=60)
    assert out.split() == [str(process.pid)] * 2


@pytest.mark.parametrize(
    "name", ["python3.9-config", "python3-config", "python3.9.old", "pythonw"]
)
def test_what_is_not_an_interpreter_is_not_taken(tmp_path, monkeypatch, name):
    (tmp_path / name).touch()
    monkeypatch.setenv("PATH", str(tmp_path))
    taken = [path for path, _, _ in pythons.path_candidates()]
    assert str(tmp_path / name) not in taken
