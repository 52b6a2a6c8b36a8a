# SPDX-License-Identifier: MIT
"""The command line: options, help, completion, colours, JSON."""

import json
import os
import re
import shutil
import subprocess

import pytest

SECONDS = 60
VERBS = [
    "run",
    "attach",
    "dump",
    "top",
    "report",
    "export",
    "time",
    "doctor",
    "help",
]


def run(command, **options):
    options.setdefault("stdin", subprocess.DEVNULL)
    options.setdefault("text", True)
    return subprocess.run(
        command, capture_output=True, timeout=SECONDS, **options
    )


@pytest.fixture(scope="module")
def recording(tare, tmp_path_factory):
    folder = tmp_path_factory.mktemp("recording")
    (folder / "work.py").write_text(
        "import threading, time\n"
        "def work():\n"
        "    return sum(i * i for i in range(2000))\n"
        "threading.Thread(target=time.sleep, args=(0.5,)).start()\n"
        "end = time.monotonic() + 0.5\n"
        "while time.monotonic() < end:\n"
        "    work()\n"
    )
    done = run([tare, "run", "-qo", "x.tare", "work.py"], cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "x.tare"


def test_tare_alone_shows_five_examples(tare):
    done = run([tare])
    assert done.returncode == 0
    examples = re.findall(r"^  tare \w+", done.stdout, re.M)
    assert len(examples) == 5
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_version(tare):
    for word in ("--version", "-V"):
        assert re.fullmatch(r"tare \d+\.\d+\.\d+\n", run([tare, word]).stdout)


@pytest.mark.parametrize("verb", [*VERBS, "completion", "man"])
def test_help_fits_a_screen(tare, verb):
    done = run([tare, "help", verb])
    assert done.returncode == 0
    assert run([tare, verb, "--help"]).stdout == done.stdout
    assert run([tare, verb, "-h"]).stdout == done.stdout
    lines = done.stdout.splitlines()
    assert len(lines) <= 25
    assert max(map(len, lines)) <= 80
    assert lines[0].startswith(f"tare {verb}: ")
    assert f"  tare {verb}" in done.stdout
    assert "examples:" in done.stdout


def test_help_lists_every_verb(tare):
    for command in (["help"], ["--help"], ["-h"]):
        text = run([tare, *command]).stdout
        for verb in VERBS:
            assert re.search(rf"^  {verb} ", text, re.M), verb


def options_of(tare, verb):
    return re.findall(r"--[a-z-]+", run([tare, "help", verb]).stdout)


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_of_the_help_is_known_and_in_the_man_page(tare, verb):
    man = run([tare, "man"]).stdout.replace("\\-", "-")
    for name in set(options_of(tare, verb)):
        done = run([tare, verb, f"{name}=", "--help"])
        assert "unknown option" not in done.stderr, name
        assert f"\\fB{name}\\fR" in man


def test_man_page_has_no_error(tare, tmp_path):
    if not shutil.which("groff"):
        pytest.skip("no groff")
    page = run([tare, "man"]).stdout
    done = run(["groff", "-man", "-ww", "-Tutf8"], input=page, stdin=None)
    assert done.returncode == 0
    assert done.stderr == ""
    assert "EXIT STATUS" in re.sub(r"\x1b\[[0-9;]*m|.\x08", "", done.stdout)


def complete(script, *words):
    """What bash offers for the last of `words`."""
    ask = (
        f"{script}\nCOMP_WORDS=({' '.join(words)})\n"
        f"COMP_CWORD={len(words) - 1}\n_tare\n"
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = run(["bash", "--norc", "-c", ask])
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return done.stdout.split()


def test_bash_completes_verbs_and_options(tare):
    script = run([tare, "completion", "bash"]).stdout
    assert complete(script, "tare", "re") == ["report"]
    assert complete(script, "tare", "run", "--exp") == ["--expect"]
    assert complete(script, "tare", "completion", "z") == ["zsh"]
    for verb in VERBS:
        offered = complete(script, "tare", verb, "--")
        assert set(offered) <= set(options_of(tare, verb))
        assert "--help" in offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_read_by_their_shells(tare, shell):
    done = run([tare, "completion", shell])
    assert done.returncode == 0 and done.stdout
    if shutil.which(shell):
        check = run([shell, "-n"], input=done.stdout, stdin=None)
        assert check.returncode == 0, check.stderr
    assert run([tare, "completion", "tcsh"]).returncode == 2


@pytest.mark.parametrize(
    "typed, meant",
    [
        (["reprt", "x"], "tare report"),
        (["attac", "1"], "tare attach"),
        (["script.py"], "tare run script.py"),
        (["x.tare"], "tare report x.tare"),
        (["--json", "report"], "tare help"),
        (["qqqqqq"], "tare help"),
        (["help", "exportt"], "tare help export"),
    ],
)
def test_a_wrong_verb_is_answered_with_the_right_one(tare, typed, meant):
    done = run([tare, *typed])
    assert done.returncode == 2
    what, hint = done.stderr.splitlines()
    assert what.startswith("tare: no ")
    assert hint == f"  try: {meant}"


@pytest.mark.parametrize(
    "typed, meant",
    [
        ("--rat", "--rate"),
        ("--ouptut", "--output"),
        ("--expct=a=1%", "--expect"),
        ("--no-reprt", "--no-report"),
        ("--exact", "--exact-stacks"),
    ],
)
def test_a_wrong_option_is_answered_with_the_right_one(tare, typed, meant):
    done = run([tare, "run", typed, "x.py"])
    assert done.returncode == 125
    assert f"(did you mean '{meant}'?)" in done.stderr
    assert "  try: tare help run\n" in done.stderr


@pytest.mark.parametrize(
    "words, complaint",
    [
        (["report"], "which recording?"),
        (["report", "a", "b"], "'b' is one word too many"),
        (["report", "--json=yes", "a"], "--json takes no value"),
        (["report", "a", "--limit"], "--limit needs a value"),
        (["report", "--limit", "-1", "a"], "--limit takes a whole number"),
        (["report", "--limit=4294967296", "a"], "--limit takes a whole"),
        (["report", "--color=blue", "a"], "auto,always,never"),
        (["report", "-Z", "a"], "unknown option '-Z'"),
        (["attach", "-d", "5 s", "1"], "--duration takes a time"),
        (["attach", "-d", "0", "1"], "--duration takes a time"),
        (["attach", "-d", "1e3", "1"], "--duration takes a time"),
        (["attach", "-d", "9" * 30, "1"], "--duration takes a time"),
        (["export", "x"], "--format"),
    ],
)
def test_bad_usage_says_what_is_wrong(tare, words, complaint):
    done = run([tare, *words])
    assert done.returncode == 2
    assert done.stdout == ""
    assert complaint in done.stderr.splitlines()[0]
    assert done.stderr.splitlines()[1].startswith("  try: ")


def test_options_may_follow_the_file(tare, recording):
    first = run([tare, "report", "--limit", "1", recording])
    last = run([tare, "report", recording, "--limit=1"])
    short = run([tare, "report", recording, "-l1"])
    assert first.returncode == 0
    assert first.stdout == last.stdout == short.stdout
    assert first.stdout != run([tare, "report", recording]).stdout


def test_options_of_the_target_stay_with_the_target(tare, tmp_path):
    (tmp_path / "args.py").write_text("import sys; print(sys.argv[1:])")
    words = ["--json", "-q", "--help", "--", "-o", "x", "--rate"]
    done = run([tare, "run", "-q", "args.py", *words], cwd=tmp_path)
    assert done.stdout == f"{words}\n"
    done = run([tare, "run", "-qm", "args", *words], cwd=tmp_path)
    assert done.stdout == f"{words}\n"
    code = "import sys; print(sys.argv[1:])"
    done = run([tare, "run", "-qc" + code, *words], cwd=tmp_path)
    assert done.stdout == f"{words}\n"


def test_a_word_that_looks_like_an_option(tare, recording, tmp_path):
    shutil.copy(recording, tmp_path / "-x.tare")
    assert run([tare, "report", "-x.tare"], cwd=tmp_path).returncode == 2
    done = run([tare, "report", "--", "-x.tare"], cwd=tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "environment, words, coloured",
    [
        ({}, [], False),
        ({"FORCE_COLOR": "1"}, [], True),
        ({"FORCE_COLOR": "0"}, [], False),
        ({"FORCE_COLOR": ""}, [], False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, [], False),
        ({"FORCE_COLOR": "1", "NO_COLOR": ""}, [], True),
        ({"NO_COLOR": "1"}, ["--color=always"], True),
        ({"FORCE_COLOR": "1"}, ["--color", "never"], False),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, [], True),
    ],
)
def test_colour(tare, recording, environment, words, coloured):
    clean = {
        name: value
        for name, value in os.environ.items()
        if name not in ("NO_COLOR", "FORCE_COLOR")
    }
    done = run([tare, "report", recording, *words], env=clean | environment)
    assert done.returncode == 0
    assert ("\x1b[" in done.stdout) is coloured


def test_json_of_every_verb(tare, recording, any_python, tmp_path):
    def read(text):
        return json.loads(text)["schema"]

    assert read(run([tare, "report", "--json", recording]).stdout) == (
        "tare.report/1"
    )
    assert read(run([tare, "doctor", "--json"]).stdout) == "tare.doctor/1"
    script = ["--json", recording.parent / "work.py"]
    done = run([tare, "run", *script], cwd=tmp_path)
    assert done.stdout == "" and read(done.stderr) == "tare.report/1"
    with subprocess.Popen(
        any_python.command(
            "-c", "import time; print(1, flush=True); time.sleep(60)"
        ),
        stdout=subprocess.PIPE,
    ) as process:
        process.stdout.readline()
        pid = str(process.pid)
        dump = json.loads(run([tare, "dump", "--json", pid]).stdout)
        attach = run([tare, "attach", "--json", "-d.5", pid], cwd=tmp_path)
        process.kill()
    assert dump["schema"] == "tare.dump/1"
    assert dump["pid"] == process.pid
    assert dump["threads"][0]["frames"][-1]["function"] == "<module>"
    assert read(attach.stderr) == "tare.report/1"


def test_no_report_names_the_file_and_the_next_command(tare, tmp_path):
    code = "sum(range(10**7))"
    done = run([tare, "run", "--no-report", "-c", code], cwd=tmp_path)
    (name,) = os.listdir(tmp_path)
    assert re.fullmatch(r"code\.\d+\.tare", name)
    assert done.stderr == f"tare report {name}\n"
    done = run(
        done.stderr.replace("tare ", f"{tare} ", 1).split(), cwd=tmp_path
    )
    assert done.returncode == 0


def test_the_file_is_called_after_the_script(tare, tmp_path):
    (tmp_path / "my job.py").write_text("sum(range(10**7))")
    done = run([tare, "run", "-q", tmp_path / "my job.py"], cwd=tmp_path)
    assert done.returncode == 0 and done.stderr == ""
    names = [name for name in os.listdir(tmp_path) if name != "my job.py"]
    assert re.fullmatch(r"my job\.\d+\.tare", names[0]), names


def test_source_lines_are_in_the_recording(tare, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "work.py").write_text(
        "import os\r\n"
        "os.chdir('folder')\r\n"
        "def work():\r\n"
        "\treturn sum(i * i for i in range(2000))  # h\xf6t\r\n"
        "for _ in range(1000): work()\r\n",
        encoding="utf-8",
        newline="",
    )
    run([tare, "run", "-qo", "x.tare", "work.py"], cwd=tmp_path)
    (tmp_path / "work.py").unlink()
    report = json.loads(
        run([tare, "report", "--json", "x.tare"], cwd=tmp_path).stdout
    )
    text = json.dumps(report, ensure_ascii=False)
    assert "return sum(i * i for i in range(2000))  # h\xf6t" in text


def test_a_source_that_changed_is_not_shown(tare, tmp_path):
    """A line of another version of the file would be a lie."""
    script = tmp_path / "work.py"
    script.write_text(
        "import os, time\n"
        "stamp = time.time() + 60\n"
        "os.utime(__file__, (stamp, stamp))\n"
        "for i in range(300):\n"
        "    sum(range(10000))  # the very line\n"
    )
    done = run([tare, "run", "-qo", "x.tare", "work.py"], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    shown = run([tare, "report", "x.tare"], cwd=tmp_path).stdout
    assert "work.py:5" in shown
    assert "the very line" not in shown


def test_doctor_says_what_works(tare, any_python):
    done = run([tare, "doctor"])
    assert done.returncode == 0, done.stdout
    for name in ("kernel", "tare run", "tare attach", "timer", "CPUs",
                 "states", "native code", "counters", "priority"):
        assert re.search(rf"^  (ok|slow|n\.a\.) +{name} ", done.stdout, re.M)
    with subprocess.Popen(["sleep", "60"]) as process:
        done = run([tare, "doctor", str(process.pid)])
        process.kill()
    assert done.returncode == 1
    assert re.search("^  no +a look at it ", done.stdout, re.M)
    assert done.stderr == ""
    with subprocess.Popen(
        any_python.command(
            "-c", "import time; print(1, flush=True); time.sleep(60)"
        ),
        stdout=subprocess.PIPE,
    ) as process:
        process.stdout.readline()
        done = run([tare, "doctor", "--json", str(process.pid)])
        process.kill()
    assert done.returncode == 0, done.stdout
    report = json.loads(done.stdout)
    assert report["works"] is True
    assert "1 thread" in report["checks"][-1]["detail"]


def test_doctor_without_a_python(tare, tmp_path):
    done = run([tare, "doctor"], env={"PATH": str(tmp_path)})
    assert "no python3" in done.stdout
    broken = tmp_path / "python3"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    done = run([tare, "doctor"], env={"PATH": str(tmp_path)})
    assert done.returncode == 1
    assert "does not work" in done.stdout
