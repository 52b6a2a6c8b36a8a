# SPDX-License-Identifier: MIT
"""Bad input: one line what happened, one line what to type next, the right
exit status, nothing lost, and never a half file under the final name."""

import os
import pathlib
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

import pytest

SECONDS = 60
NOBODY = 65534

WORK = """
import sys, time
def work():
    return sum(i * i for i in range(2000))
end = time.monotonic() + float(sys.argv[1])
while time.monotonic() < end:
    work()
print("done", flush=True)
"""

WAIT = "import time; print('ready', flush=True); time.sleep(60)"


def run(command, **options):
    options.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.run(
        command, capture_output=True, timeout=SECONDS, **options
    )


def refused(done, status, *words):
    """Two lines, nothing on stdout, the status, and these words in it."""
    text = done.stderr.decode()
    assert done.returncode == status, text
    assert done.stdout == b""
    lines = text.splitlines()
    assert len(lines) == 2, text
    assert lines[0].startswith("tare: ")
    assert lines[1].startswith("  try: ")
    for word in words:
        assert word in text, text


@pytest.fixture
def recording(tare, any_python, tmp_path):
    script = tmp_path / "work.py"
    script.write_text(WORK)
    done = run(
        [tare, "run", "-q", "-o", "x.tare"]
        + ["--", *any_python.command(script, "0.3")],
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    return tmp_path / "x.tare"


@pytest.fixture
def waiting(any_python):
    """A Python that sleeps, and is ended with the test."""
    process = subprocess.Popen(
        any_python.command("-c", WAIT), stdout=subprocess.PIPE
    )
    assert process.stdout.readline() == b"ready\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_no_such_file(tare, tmp_path):
    refused(run([tare, "report", "no.tare"], cwd=tmp_path), 2, "no.tare")
    refused(run([tare, "run", "no.py"], cwd=tmp_path), 127, "no.py")
    export = [tare, "export", "--format", "collapsed", "no.tare"]
    refused(run(export, cwd=tmp_path), 2, "no.tare")


def test_a_program_in_place_of_a_script(tare, tmp_path):
    done = run([tare, "run", shutil.which("cat")], cwd=tmp_path)
    refused(done, 125, "tare run -- ")
    done = run([tare, "run", "cat", "x"], cwd=tmp_path)
    refused(done, 127, "tare run -- cat")


def test_not_a_process_number(tare):
    for word in ("abc", "0", "12x", "99999999999", "0x10"):
        refused(run([tare, "attach", word]), 2, word)
    refused(run([tare, "dump"]), 2)
    refused(run([tare, "dump", "--", "-1"]), 2, "-1")
    refused(run([tare, "dump", "1", "2"]), 2, "too many")


@pytest.mark.parametrize("verb", ["attach", "dump"])
def test_no_such_process(tare, tmp_path, verb):
    gone = subprocess.Popen(["true"])
    gone.wait()
    refused(run([tare, verb, str(gone.pid)], cwd=tmp_path), 2, str(gone.pid))


@pytest.mark.parametrize("verb", ["attach", "dump"])
def test_a_zombie(tare, tmp_path, verb):
    gone = subprocess.Popen(["true"])
    os.waitid(os.P_PID, gone.pid, os.WEXITED | os.WNOWAIT)
    refused(run([tare, verb, str(gone.pid)], cwd=tmp_path), 2, "ended")
    gone.wait()


@pytest.mark.parametrize("verb", ["attach", "dump"])
def test_not_a_python_process(tare, tmp_path, verb):
    with subprocess.Popen(["sleep", "60"]) as process:
        done = run([tare, verb, str(process.pid)], cwd=tmp_path)
        process.kill()
    refused(done, 2, str(process.pid))
    assert os.listdir(tmp_path) == []


def test_a_target_that_is_no_python_runs_all_the_same(tare, tmp_path):
    done = run(
        [tare, "run", "--", "sh", "-c", "echo out; exit 7"], cwd=tmp_path
    )
    assert done.returncode == 7
    assert done.stdout == b"out\n"
    assert done.stderr.startswith(b"tare: note: no Python 3 was seen in 'sh'")
    assert os.listdir(tmp_path) == []


def unprivileged(tare, folder):
    """tare as somebody who is not root: its path, and options for run().

    The tare under test may be in a folder that only root can enter.
    """
    if os.geteuid() != 0:
        return tare, {}
    shutil.copy(tare, folder / "tare")
    top = pathlib.Path(tempfile.gettempdir()).resolve()
    for one in (folder, *folder.parents):
        if top in one.parents:
            one.chmod(0o755)
    who = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    return str(folder / "tare"), who


@pytest.mark.parametrize("verb", ["attach", "dump"])
def test_another_users_process(tare, tmp_path, verb):
    program, who = unprivileged(tare, tmp_path)
    # Root's: this one, or the first of the system.
    pid = str(os.getpid() if who else 1)
    refused(run([program, verb, pid], cwd="/", **who), 3, pid)


def test_a_process_that_exits_during_attach(tare, any_python, tmp_path):
    script = tmp_path / "work.py"
    script.write_text(WORK)
    with subprocess.Popen(
        any_python.command(script, "1"), stdout=subprocess.DEVNULL
    ) as process:
        time.sleep(0.3)
        done = run(
            [tare, "attach", "-o", "x.tare", str(process.pid)], cwd=tmp_path
        )
    assert done.returncode == 0, done.stderr
    assert b"work" in done.stderr
    assert sorted(os.listdir(tmp_path)) == ["work.py", "x.tare"]


def test_processes_that_exit_at_any_moment(tare, any_python, tmp_path):
    """Whatever the moment: a report, or two lines, and no half file."""
    for i in range(12):
        with subprocess.Popen(
            any_python.command("-c", f"import time; time.sleep({i * 0.01})"),
            stdout=subprocess.DEVNULL,
        ) as process:
            done = run([tare, "attach", str(process.pid)], cwd=tmp_path)
        text = done.stderr.decode()
        assert done.returncode in (0, 2, 3), text
        if done.returncode:
            assert len(text.splitlines()) == 2, text
        assert not [n for n in os.listdir(tmp_path) if "part" in n], text


def test_a_python_that_is_too_old_or_unknown(tare, every_python, tmp_path):
    """tare run lets it run; tare attach says no in two lines."""
    refusable = [
        one
        for one in every_python
        if not one.root
        and (
            one.free_threaded or tuple(map(int, one.minor.split("."))) < (3, 9)
        )
    ]
    if not refusable:
        pytest.skip("no Python before 3.9 and none without the GIL here")
    for one in refusable:
        code = "import sys, time; time.sleep(0.3); sys.exit(7)"
        done = run([tare, "run", "--", *one.command("-c", code)], cwd=tmp_path)
        text = done.stderr.decode()
        assert done.returncode == 7, one.name
        assert text.startswith("tare: note: "), (one.name, text)
        assert len(text.splitlines()) <= 2, (one.name, text)
        code = "import time; time.sleep(60)"
        with subprocess.Popen(one.command("-c", code)) as process:
            time.sleep(0.3)
            done = run([tare, "attach", str(process.pid)], cwd=tmp_path)
            process.kill()
        refused(done, 2)
        assert os.listdir(tmp_path) == []


NOT_DUMPABLE = f"""
import ctypes, os, time
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid({NOBODY})
    os.setuid({NOBODY})
ctypes.CDLL(None).prctl(4, 0)
print('ready', flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("verb", ["attach", "dump"])
def test_a_kernel_that_forbids_reading(tare, any_python, tmp_path, verb):
    """A process that is not dumpable can be read by root alone; what Yama,
    a container or a filter forbid is answered by the same error."""
    program, who = unprivileged(tare, tmp_path)
    with subprocess.Popen(
        any_python.command("-c", NOT_DUMPABLE), stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"ready\n"
        done = run([program, verb, str(process.pid)], cwd="/", **who)
        process.kill()
    refused(done, 3, str(process.pid))


@pytest.mark.parametrize("rate", ["0", "0.5", "5000k", "-3", "1e9", "nan", ""])
def test_a_rate_that_cannot_be_kept(tare, tmp_path, rate):
    done = run([tare, "run", f"--rate={rate}", "-c", "1"], cwd=tmp_path)
    refused(done, 125, "rate")
    done = run([tare, "attach", f"--rate={rate}", "1"], cwd=tmp_path)
    refused(done, 2, "rate")


def damages(data):
    yield "empty", b""
    yield "one byte", data[:1]
    yield "header only", data[:100]
    yield "half", data[: len(data) // 2]
    yield "short of a page", data[:-1000]
    yield "text", b"not a recording\n" * 500
    yield "zeros", bytes(len(data))
    yield "header then zeros", data[:100] + bytes(len(data) - 100)
    yield "other application", data[:68] + b"abcd" + data[72:]
    for at in range(4096, len(data), max(4096, len(data) // 16)):
        page = bytes(b ^ 0x55 for b in data[at : at + 512])
        yield f"page at {at}", data[:at] + page + data[at + 512 :]


def test_a_damaged_recording(tare, recording, tmp_path):
    """Either tare notices, or what it reads is still a whole recording."""
    refusals = 0
    for what, data in damages(recording.read_bytes()):
        bad = tmp_path / "bad.tare"
        bad.write_bytes(data)
        for command in (
            ["report", "bad.tare"],
            ["report", "--json", "bad.tare"],
            ["export", "--format", "collapsed", "bad.tare"],
        ):
            done = run([tare, *command], cwd=tmp_path)
            assert done.returncode in (0, 2), (what, done.stderr)
            if done.returncode:
                refused(done, 2, "bad.tare")
                refusals += 1
        assert bad.read_bytes() == data, "a reader must not write"
        bad.unlink()
    assert refusals > 24


def test_a_foreign_recording(tare, tmp_path):
    with sqlite3.connect(tmp_path / "other.tare") as other:
        other.execute("create table sample (a, b)")
    other.close()
    refused(run([tare, "report", "other.tare"], cwd=tmp_path), 2, "other.tare")
    refused(run([tare, "report", "."], cwd=tmp_path), 2, "not a file")


def test_an_output_that_exists(tare, recording, tmp_path):
    before = recording.read_bytes()
    words = ["run", "-q", "-o", "x.tare"]
    code = ["-c", "print(1)"]
    refused(run([tare, *words, *code], cwd=tmp_path), 125, "x.tare")
    assert recording.read_bytes() == before
    export = [tare, "export", "--format", "collapsed", "x.tare", "-o"]
    refused(run([*export, "work.py"], cwd=tmp_path), 2, "work.py")
    assert (tmp_path / "work.py").read_text() == WORK
    assert run([*export, "y.txt"], cwd=tmp_path).returncode == 0
    refused(run([*export, "y.txt"], cwd=tmp_path), 2, "y.txt")
    assert run([*export, "y.txt", "-f"], cwd=tmp_path).returncode == 0
    assert b"work" in (tmp_path / "y.txt").read_bytes()
    done = run([tare, *words, "-f", "work.py", "0.3"], cwd=tmp_path)
    assert done.returncode == 0 and done.stdout == b"done\n", done.stderr
    assert recording.read_bytes() != before
    assert sorted(os.listdir(tmp_path)) == ["work.py", "x.tare", "y.txt"]


def test_two_outputs_of_one_name_never_meet(tare, any_python, tmp_path):
    """%p makes the names of parallel runs differ."""
    (tmp_path / "work.py").write_text(WORK)
    words = ["run", "-q", "-o", "a-%p-%h-%%.tare"]
    runs = [
        subprocess.Popen(
            [tare, *words, "--", *any_python.command("work.py", "0.3")],
            stdout=subprocess.DEVNULL,
            cwd=tmp_path,
        )
        for _ in range(2)
    ]
    assert [one.wait(SECONDS) for one in runs] == [0, 0]
    names = [name for name in os.listdir(tmp_path) if name != "work.py"]
    assert len(names) == 2
    assert all(os.uname().nodename in name for name in names)
    assert all(name.endswith("-%.tare") for name in names)


def weighs_in_memory(done, word):
    """The target's status and output, a note, and the report all the same."""
    text = done.stderr.decode()
    assert done.returncode == 0, text
    assert done.stdout == b"done\n"
    assert "tare: note: no file was written" in text, text
    assert "  try: " in text
    assert word in text
    assert "net: not estimated yet" in text
    assert "work.py" in text


def test_a_folder_that_cannot_be_written(tare, any_python, tmp_path):
    (tmp_path / "work.py").write_text(WORK)
    command = any_python.command(tmp_path / "work.py", "0.5")
    # /proc takes no new files, whoever asks.
    done = run([tare, "run", "--", *command], cwd="/proc")
    weighs_in_memory(done, "work.py")
    done = run(
        [tare, "run", "-o", "/proc/x.tare", "--", *command], cwd=tmp_path
    )
    weighs_in_memory(done, "/proc/x.tare")
    assert os.listdir(tmp_path) == ["work.py"]


def test_a_full_disk(tare, any_python, tmp_path):
    """A limit on file sizes fails writes as a full disk does, for any user."""
    (tmp_path / "work.py").write_text(WORK)
    command = any_python.command(tmp_path / "work.py", "3")
    done = run(
        [tare, "run", "-o", "x.tare", "--", *command],
        cwd=tmp_path,
        preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_FSIZE, (20000, resource.RLIM_INFINITY)
        ),
    )
    weighs_in_memory(done, "x.tare")
    assert not (tmp_path / "x.tare").exists()


def test_tare_killed_in_the_middle(tare, any_python, tmp_path):
    (tmp_path / "work.py").write_text(WORK)
    process = subprocess.Popen(
        [tare, "run", "-o", "x.tare"]
        + ["--", *any_python.command(tmp_path / "work.py", "6")],
        stdout=subprocess.PIPE,
        cwd=tmp_path,
    )
    time.sleep(4)
    process.kill()
    process.wait()
    assert not (tmp_path / "x.tare").exists()
    refused(run([tare, "report", "x.tare"], cwd=tmp_path), 2, "x.tare.part")
    done = run([tare, "report", "x.tare.part"], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert b"work" in done.stdout
    # The target has gone on to its end.
    assert process.stdout.read() == b"done\n"
    process.stdout.close()


def test_hostile_names_do_not_reach_the_terminal(tare, tmp_path):
    name = "\x1b[31mred\x07\n.tare"
    done = run([tare, "report", name], cwd=tmp_path)
    refused(done, 2)
    assert b"\x1b" not in done.stderr and b"\x07" not in done.stderr


def test_a_flood_of_ctrl_c_during_attach(tare, waiting, tmp_path):
    """The first one ends and reports, and what was seen is not lost."""
    process = subprocess.Popen(
        [tare, "attach", "-o", "x.tare", str(waiting.pid)],
        stderr=subprocess.PIPE,
        cwd=tmp_path,
    )
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    _, text = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, text
    assert b"net: not estimated yet" in text
    assert (tmp_path / "x.tare").exists()
    assert waiting.poll() is None


def test_python_is_not_found(tare, tmp_path):
    (tmp_path / "empty").mkdir()
    environment = {"PATH": str(tmp_path / "empty")}
    done = run([tare, "run", "-c", "1"], env=environment, cwd=tmp_path)
    refused(done, 127, "--python")
    environment["TARE_PYTHON"] = "/no/such/python"
    done = run([tare, "run", "-c", "1"], env=environment, cwd=tmp_path)
    refused(done, 127, "TARE_PYTHON")


def test_the_interpreter_of_the_environment_comes_first(tare, tmp_path):
    where = tmp_path / "venv" / "bin"
    where.mkdir(parents=True)
    (where / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (where / "python").chmod(0o755)
    environment = {**os.environ, "VIRTUAL_ENV": str(tmp_path / "venv")}
    environment.pop("TARE_PYTHON", None)
    done = run(
        [tare, "run", "--no-report", "-c", "import sys; print(sys.version)"],
        env=environment,
        cwd=tmp_path,
    )
    assert done.stdout.decode().strip() == sys.version
    (where / "python").write_text("#!/bin/sh\necho mine; exit 4\n")
    done = run([tare, "run", "-c", "1"], env=environment, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (4, b"mine\n")
