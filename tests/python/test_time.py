# SPDX-License-Identifier: MIT
"""tare time: what is run, what is said of it, and how it ends.

How good its figures are is the business of bench/time_trial.py."""

import json
import os
import pathlib
import pty
import re
import signal
import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.alone

SECONDS = 60


def run(command, **options):
    options.setdefault("stdin", subprocess.DEVNULL)
    options.setdefault("text", True)
    return subprocess.run(
        command, capture_output=True, timeout=SECONDS, **options
    )


def report(tare, *words, **options):
    done = run([tare, "time", "--json", *words], **options)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def python(code):
    return [sys.executable, "-I", "-S", "-c", code]


# ------------------------------------------------------------ one command


def test_one_run_is_transparent(tare, tmp_path):
    """As time(1): input, output and status are the command's."""
    code = (
        "import sys; data = sys.stdin.buffer.read(); "
        "sys.stdout.buffer.write(data[::-1]); "
        "sys.stderr.write('words\\n'); sys.exit(7)"
    )
    data = os.urandom(100000)
    done = subprocess.run(
        [tare, "time", "--runs", "1", "--", *python(code)],
        input=data,
        capture_output=True,
        timeout=SECONDS,
    )
    assert done.returncode == 7
    assert done.stdout == data[::-1]
    assert done.stderr.startswith(b"words\n")
    assert b"waiting" in done.stderr and b"peak memory" in done.stderr


def test_many_runs_hide_the_output_and_give_no_input(tare):
    code = "import sys; print(sys.stdin.read() + 'x' * 1000)"
    done = run(
        [tare, "time", "-n", "3", "--", *python(code)],
        input="never",
        stdin=None,
    )
    assert done.returncode == 0
    assert "xxxx" not in done.stdout + done.stderr
    assert "3 runs" in done.stdout
    assert done.stderr == ""
    shown = run(
        [tare, "time", "-n", "3", "-w0", "--show-output", "--"]
        + python("print('seen')")
    )
    assert shown.stdout == "seen\n" * 3
    assert "3 runs" in shown.stderr


def test_the_command_writes_to_a_pipe_and_not_to_dev_null(tare):
    """grep and others do less work when they see /dev/null."""
    code = (
        "import os, stat, sys; "
        "sys.exit(0 if stat.S_ISFIFO(os.fstat(1).st_mode) else 9)"
    )
    report(tare, "-n", "2", "--", *python(code))


def test_more_output_than_a_pipe_holds_is_no_problem(tare):
    got = report(
        tare, "-n2", "--", *python("import os; os.write(1, b'x' * 5000000)")
    )
    # One write() may take less.
    assert got["subjects"][0]["runs"][0]["output_bytes"] >= 100000


def test_every_field_of_a_run(tare, tmp_path):
    code = (
        "import os, time\n"
        "data = bytearray(60000000)\n"
        "end = time.process_time() + 0.1\n"
        "while time.process_time() < end: pass\n"
        "time.sleep(0.2)\n"
        "with open('out', 'wb') as f: f.write(bytes(300000))\n"
    )
    got = report(tare, "-n", "4", "--", *python(code), cwd=tmp_path)
    assert got["schema"] == "tare.time/1"
    assert got["kind"] == "command" and got["end"] == "runs"
    (subject,) = got["subjects"]
    assert got["comparisons"] == []
    assert len(subject["runs"]) == 4 and len(subject["warmups"]) == 1
    for one in subject["runs"] + subject["warmups"]:
        assert one["exit"] == "0"
        assert one["wall_s"] >= 0.3
        assert 0.1 <= one["cpu_s"] < one["wall_s"]
        assert one["cpu_s"] == pytest.approx(one["user_s"] + one["sys_s"])
        assert one["waiting_s"] == pytest.approx(
            one["wall_s"] - one["cpu_s"]
        )
        assert one["waiting_s"] >= 0.19
        assert 60e6 < one["peak_bytes"] < 200e6
        assert one["minor_faults"] > 100
        assert one["major_faults"] >= 0
        assert one["voluntary_switches"] >= 1
        assert one["involuntary_switches"] >= 0
        if one["written_bytes"] is not None:
            assert one["written_bytes"] >= 300000
            assert one["read_bytes"] > 1000
    wall = subject["wall_s"]
    assert wall["least"] <= wall["median"] <= wall["most"]
    assert wall["n"] == 4 and wall["interval"] is None


def test_children_that_were_waited_for_are_counted(tare):
    code = (
        "import subprocess, sys; subprocess.run([sys.executable, '-c', "
        "'import time\\nwhile time.process_time() < 0.2: pass'])"
    )
    got = report(tare, "-n1", "-o", "/dev/stdout", "--", *python(code))
    assert got["subjects"][0]["runs"][0]["cpu_s"] >= 0.2


def test_the_peak_is_not_tares_own(tare):
    """What forks a program has its own memory counted, unless it looks."""
    peak = report(tare, "-n3", "--", "true")["subjects"][0]["runs"][0]
    mine = run([tare, "time", "-n1", "--json", "--", tare, "--version"])
    more = json.loads(mine.stderr)["subjects"][0]["runs"][0]["peak_bytes"]
    assert peak["peak_bytes"] is None or peak["peak_bytes"] < more


def test_runs_go_on_until_the_interval_is_narrow(tare):
    got = report(tare, "--", "sleep", "0.05")
    wall = got["subjects"][0]["wall_s"]
    assert got["end"] in ("narrow", "time")
    assert wall["n"] >= 10
    low, high = wall["interval"]
    assert low <= wall["median"] <= high
    if got["end"] == "narrow":
        assert (high - low) / 2 <= 0.011 * wall["median"]


def test_the_time_limit_holds(tare):
    begin = time.monotonic()
    got = report(tare, "-t", "500ms", "-w0", "--", "sleep", "0.2")
    assert time.monotonic() - begin < 5
    assert got["end"] == "time"
    assert 1 <= len(got["subjects"][0]["runs"]) <= 4


def test_prepare_runs_before_each_and_is_not_timed(tare, tmp_path):
    got = report(
        tare, "-n3", "-w2", "-p", "echo x >> log; sleep 0.1; rm -rf new",
        "--", "mkdir", "new",
        cwd=tmp_path,
    )  # fmt: skip
    assert (tmp_path / "log").read_text() == "x\n" * 5
    assert got["subjects"][0]["wall_s"]["most"] < 0.1
    done = run([tare, "time", "-p", "echo why >&2; false", "--", "true"])
    assert done.returncode == 125
    assert "--prepare failed" in done.stderr and "why" in done.stderr


def test_input_is_read_anew_by_each_run(tare, tmp_path):
    (tmp_path / "data").write_text("abc" * 1000)
    got = report(tare, "-n3", "--input", "data", "--", "cat", cwd=tmp_path)
    assert [x["output_bytes"] for x in got["subjects"][0]["runs"]] == [3000] * 3
    done = run([tare, "time", "--input", "no-such", "--", "cat"])
    assert done.returncode == 125 and "no-such" in done.stderr


# ------------------------------------------------------------------- ends


@pytest.mark.parametrize("runs", ["1", "5"])
def test_a_failing_command_is_reported_and_its_status_passed_on(tare, runs):
    code = "import sys; sys.stderr.write('my words\\n'); sys.exit(3)"
    done = run([tare, "time", "-n", runs, "--", *python(code)])
    assert done.returncode == 3
    assert done.stderr.count("my words\n") == 1
    if runs != "1":
        assert "ended with status 3" in done.stderr
        assert "--ignore-failure" in done.stderr
        assert done.stdout == ""


@pytest.mark.parametrize("runs", ["1", "5"])
def test_a_death_by_signal_is_died_again(tare, runs):
    done = run([tare, "time", "-n", runs, "--", "sh", "-c", "kill -SEGV $$"])
    assert done.returncode == -signal.SIGSEGV
    if runs != "1":
        assert "signal 11" in done.stderr


def test_ignored_failures_are_counted(tare):
    done = run([tare, "time", "-n4", "-i", "--", "sh", "-c", "exit 3"])
    assert done.returncode == 0
    assert "did not end with status 0" in " ".join(done.stdout.split())
    got = report(tare, "-n4", "-i", "--", "sh", "-c", "kill -9 $$")
    assert got["subjects"][0]["runs"][0]["exit"] == "signal 9"
    assert got["subjects"][0]["failed"] >= 4
    assert "failed_runs" in [x["key"] for x in got["warnings"]]


def test_not_found_and_not_executable(tare, tmp_path):
    (tmp_path / "plain").write_text("x\n")
    for words, status in (
        (["--", "no-such-program"], 127),
        (["--", "./no-such-program"], 127),
        (["--", "./plain"], 126),
        (["--", "/"], 126),
        (["--python", "no-such-python", "1"], 127),
    ):
        done = run([tare, "time", *words], cwd=tmp_path)
        assert done.returncode == status, words
        assert done.stdout == ""
        what, hint = done.stderr.splitlines()
        assert what.startswith("tare: ") and hint.startswith("  try: ")


def test_nothing_runs_unless_both_are_there(tare, tmp_path):
    done = run(
        [tare, "time", "--", "touch", "ran", "--", "no-such-program"],
        cwd=tmp_path,
    )
    assert done.returncode == 127
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--"],
        ["--", "true", "--"],
        ["--", "--", "true"],
        ["--", "true", "--", "true", "--", "true"],
        ["1", "--", "true"],
        ["1", "2", "3"],
        ["-n", "0", "--", "true"],
        ["-n", "many", "--", "true"],
        ["-w", "-1", "--", "true"],
        ["-t", "soon", "--", "true"],
        ["--json", "--markdown", "--", "true"],
        ["--setup", "x", "--", "true"],
        ["--prepare", "x", "1"],
        ["--nonsense", "--", "true"],
        ["-o", "there", "--", "true"],
    ],
)
def test_bad_usage_is_125_and_nothing_has_run(tare, tmp_path, words):
    (tmp_path / "there").write_text("mine")
    done = run([tare, "time", *words], cwd=tmp_path)
    assert done.returncode == 125, words
    assert done.stdout == ""
    what, hint = done.stderr.splitlines()
    assert what.startswith("tare: ") and hint.startswith("  try: ")
    assert (tmp_path / "there").read_text() == "mine"


def test_slips_of_the_hand_are_answered(tare, tmp_path):
    (tmp_path / "x.py").write_text("")
    done = run([tare, "time", "x.py"], cwd=tmp_path)
    assert done.returncode == 125
    assert "  try: tare time -- python3 x.py" in done.stderr
    done = run([tare, "time", "sleep", "1", "2"])
    assert "  try: tare time -- sleep 1 ..." in done.stderr
    done = run([tare, "time", "true"])
    assert done.returncode == 1
    assert "  try: tare time -- true" in done.stderr


# -------------------------------------------------------------- compare two


def test_two_commands_take_turns(tare):
    got = report(
        tare, "-n", "16", "--", "sleep", "0.01", "--", "sleep", "0.1"
    )
    (one,) = got["comparisons"]
    assert one["design"] == "blocks" and one["wall"]["units"] == 8
    assert len(one["order"]) == 16
    for i in range(0, 16, 2):
        assert {one["order"][i], one["order"][i + 1]} == {"AB", "BA"}
    low, high = one["wall"]["interval"]
    assert low <= one["wall"]["ratio"] <= high
    assert one["wall"]["verdict"] == "different" and low > 1.5
    assert [len(x["runs"]) for x in got["subjects"]] == [16, 16]
    assert [x["text"] for x in got["subjects"]] == ["sleep 0.01", "sleep 0.1"]


def test_two_runs_of_each_are_said_to_be_few(tare):
    got = report(tare, "-n2", "--", "true", "--", "true")
    (one,) = got["comparisons"]
    assert one["design"] == "pairs"
    assert one["wall"]["approximate"] is True
    done = run([tare, "time", "-n1", "--", "true", "--", "true"])
    assert done.returncode == 0
    assert "too few runs to tell" in done.stdout


def test_different_outputs_are_noticed(tare):
    got = report(tare, "-n6", "--", "echo", "a", "--", "echo", "abc")
    assert "output_differs" in [x["key"] for x in got["warnings"]]
    got = report(tare, "-n6", "--", "echo", "abc", "--", "echo", "abc")
    assert "output_differs" not in [x["key"] for x in got["warnings"]]


def test_which_of_two_failed_is_said(tare):
    done = run([tare, "time", "--", "true", "--", "sh", "-c", "exit 5"])
    assert done.returncode == 5
    assert "the command B ended with status 5" in done.stderr


# ------------------------------------------------------------- expressions


def test_an_expression_with_the_collector_off_and_on(tare, any_python):
    got = report(
        tare, "-n6", "--python", any_python.command()[0],
        "[[] for i in range(n)]", "--setup", "n = 20000",
    )  # fmt: skip
    assert got["kind"] == "expression"
    assert got["python"].startswith("CPython 3.")
    off, on = got["subjects"]
    assert (off["gc"], on["gc"]) == ("off", "on")
    assert off["loops"] == on["loops"] >= 1
    assert off["text"] == on["text"] == "[[] for i in range(n)]"
    assert all(x["collections"] == 0 for x in off["runs"])
    # One for each 700 or 2,000 containers.
    assert all(x["collections"] > 0 for x in on["runs"])
    for one in off["runs"]:
        assert 1e-5 < one["wall_s"] < 1
        assert 0 < one["cpu_s"]
        assert 0 < one["empty_s"] < 1e-6
    (both,) = got["comparisons"]
    assert (both["a"], both["b"]) == (0, 1)


def test_two_expressions_are_compared_in_both_states(tare):
    got = report(tare, "-n6", "time.sleep(.0001)", "-s", "import time",
                 "time.sleep(.001)")  # fmt: skip
    assert [x["gc"] for x in got["subjects"]] == ["off", "on", "off", "on"]
    assert [(x["a"], x["b"]) for x in got["comparisons"]] == [(0, 2), (1, 3)]
    for one in got["comparisons"]:
        assert 1.5 < one["wall"]["ratio"] < 10


def test_setup_runs_once_a_process_and_lines_are_allowed(tare, tmp_path):
    setup = "open('log', 'a').write('x')\nn = 1"
    code = "if n:\n    n += 1\nelse:\n    n = 1"
    got = report(tare, "-n3", "-w1", "-s", setup, code, cwd=tmp_path)
    assert len((tmp_path / "log").read_text()) == 8
    assert len(got["subjects"][0]["runs"]) == 3


def test_what_the_expression_prints_goes_nowhere(tare):
    done = run([tare, "time", "-n2", "print('words')"])
    assert done.returncode == 0
    assert "words\n" not in done.stdout.replace("print('words')", "")
    assert done.stderr == ""


@pytest.mark.parametrize(
    "code, words",
    [
        ("1 / 0", "ZeroDivisionError"),
        ("1 +", "SyntaxError"),
        ("nobody", "NameError"),
        ("raise SystemExit(9)", "status 9"),
    ],
)
def test_an_expression_that_fails(tare, code, words):
    done = run([tare, "time", code])
    assert done.returncode == (9 if "9" in code else 1)
    assert done.stdout == "" and words in done.stderr


@pytest.mark.parametrize(
    "code",
    [
        "import os; os._exit(0)",
        "import os\nfor fd in range(3, 50):\n"
        "    try: os.write(fd, b'batch 1 1 0\\n' * 99)\n"
        "    except OSError: pass",
        "import os\nfor fd in range(3, 50):\n"
        "    try: os.write(fd, b'\\0')\n"
        "    except OSError: pass",
        "import os\nfor fd in range(3, 50):\n"
        "    try: os.close(fd)\n"
        "    except OSError: pass\nos._exit(0)",
    ],
)
def test_a_record_that_was_tampered_with_is_refused(tare, code):
    done = run([tare, "time", "-n2", code])
    assert done.returncode == 125
    assert done.stdout == ""
    assert "no whole account" in done.stderr


# -------------------------------------------------------------------- stops


def children_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as children:
        return [int(x) for x in children.read().split()]


def gone(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


def wait_until(condition, what):
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"never happened: {what}")


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_ends_it_with_a_report_and_without_a_child(
    tare, tmp_path, name
):
    """A shell and its child that will not be told, both of them."""
    script = (
        "trap '' TERM INT; echo x >> log; "
        "if [ $(wc -l < log) -ge 4 ]; then echo $$ > pid; "
        "sleep 100 & echo $! > child; wait; wait; sleep 100; fi"
    )
    process = subprocess.Popen(
        [tare, "time", "--json", "--", "sh", "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
    )

    def started():
        path = tmp_path / "child"
        return path.exists() and path.read_text().strip()

    child = int(wait_until(started, "the fourth run"))
    shell = int((tmp_path / "pid").read_text())
    process.send_signal(getattr(signal, name))
    out, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == -getattr(signal, name)
    got = json.loads(out)
    assert got["end"] == "stopped"
    # A warm-up and two; the fourth was cut off and does not count.
    assert len(got["subjects"][0]["runs"]) == 2
    wait_until(lambda: gone(shell) and gone(child), "both are gone")


class Terminal:
    def __init__(self, command, cwd):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(cwd)
            os.execv(command[0], command)
        self.seen = b""

    def read(self, until=None):
        while until is None or until not in self.seen:
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                break
            if not data:
                break
            self.seen += data
        return self.seen

    def wait(self):
        self.read()
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        os.close(self.fd)
        return status


def test_a_terminal_sees_a_bar_and_ctrl_c_a_report(tare, tmp_path):
    terminal = Terminal([tare, "time", "--", "sleep", "0.07"], tmp_path)
    terminal.read(until=" % ".encode())
    assert "\u2591".encode() in terminal.seen
    time.sleep(0.5)
    os.write(terminal.fd, b"\x03")
    assert terminal.wait() == -signal.SIGINT
    assert b"until it was stopped" in terminal.seen
    assert b"wall" in terminal.seen


def test_ctrl_c_in_a_single_run_is_the_commands(tare, tmp_path):
    code = (
        "import sys, time\n"
        "try:\n"
        "    print('ready', flush=True)\n"
        "    time.sleep(60)\n"
        "except KeyboardInterrupt:\n"
        "    sys.exit(5)\n"
    )
    terminal = Terminal([tare, "time", "-n1", "--", *python(code)], tmp_path)
    terminal.read(until=b"ready")
    os.write(terminal.fd, b"\x03")
    assert terminal.wait() == 5
    assert b"peak memory" in terminal.seen


# ------------------------------------------------------------------- output


def test_markdown_is_a_table(tare):
    done = run([tare, "time", "--markdown", "-n6", "--", "echo", "a|b`c",
                "--", "echo", "x"])  # fmt: skip
    lines = done.stdout.splitlines()
    assert len(lines) == 4
    cells = {line.replace("\\|", "").count("|") for line in lines}
    assert len(cells) == 1
    assert lines[1].startswith("|:--|")


def markdown(tare, *words):
    """Rows of cells; the second, of dashes, says how they are set."""
    done = run([tare, "time", "--markdown", *words])
    assert done.returncode == 0 and done.stderr == "", done.stderr
    rows = [[cell.strip() for cell in line.strip("|").split("|")]
            for line in done.stdout.splitlines()]
    assert len({len(row) for row in rows}) == 1, done.stdout
    assert all(set(cell) <= set(":-") for cell in rows.pop(1))
    return rows


CLOCKS = ["wall", "95 % CI", "CPU", "95 % CI", "runs"]
RATIOS = ["wall ratio (95 % CI)", "CPU ratio (95 % CI)"]


def test_markdown_of_one_command(tare):
    # Enough for an interval, though runs in a row may be alike.
    heads, row = markdown(tare, "-n30", "--", "sleep", "0.02")
    assert heads == ["command", *CLOCKS]
    assert row[0] == "`sleep 0.02`" and row[5] == "30"
    assert row[1].split()[1] == "ms" and float(row[1].split()[0]) >= 20
    assert row[2][0].isdigit()


def test_markdown_of_two_commands(tare):
    heads, a, b = markdown(tare, "-n8", "--", "sleep", "0.01",
                           "--", "sleep", "0.05")  # fmt: skip
    assert heads == ["command", *CLOCKS, *RATIOS]
    assert (a[0], b[0]) == ("`sleep 0.01`", "`sleep 0.05`")
    assert a[5:] == ["8", "1", "1"] and b[5] == "8"
    ratio, low, high = map(float, re.fullmatch(
        r"([\d.]+) \(([\d.]+)–([\d.]+)\)", b[6]).groups())
    assert 1.2 < low <= ratio <= high


def test_markdown_of_expressions(tare):
    heads, off, on = markdown(tare, "-n6", "[[] for i in range(99)]")
    assert heads == ["expression", "gc", *CLOCKS, *RATIOS]
    assert [off[1], on[1]] == ["off", "on"]
    assert off[0] == on[0] == "`[[] for i in range(99)]`"
    assert off[6:] == ["6", "1", "1"] and on[6] == "6"
    assert re.fullmatch(r"[\d.]+ \([\d.]+–[\d.]+\)", on[7])
    rows = markdown(tare, "-n1", "1", "2")[1:]
    assert [row[:2] for row in rows] == [
        ["`1`", "off"], ["`1`", "on"], ["`2`", "off"], ["`2`", "on"]]


DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "docs" / "json.md"


def documented():
    """What docs/json.md says of tare.time/1: {heading: {key: what it is}},
    and the keys of a run of a command and of an expression."""
    text = DOCUMENT.read_text(encoding="utf-8")
    text = text.partition("# `tare time --json`")[2].partition("\n# ")[0]
    tables, heading = {"": {}}, ""
    for line in text.splitlines():
        if line.startswith("## "):
            heading = line[3:]
            tables[heading] = {}
        elif line.startswith("| `"):
            keys, what = line.strip("| ").split(" | ", 1)
            for key in re.findall("`(\\w+)`", keys):
                tables[heading][key] = what
    prose = text.partition("A run of a command has")[2].partition("\n\n")[0]
    command, expression = prose.split("Of one process with an expression")
    names = [set(re.findall("`(\\w+)`", part)) - {"null", "loops"}
             for part in (command, expression)]
    return tables, names[0], names[1]


def inner(what):
    """The keys in the braces of a description."""
    return set(re.findall("`(\\w+)`", re.search("{(.*?)}", what)[1]))


@pytest.mark.parametrize(
    "words, kind, subjects, comparisons",
    [
        (["-n8", "--", "true"], "command", 1, 0),
        (["-n8", "--", "true", "--", "sleep", "0"], "command", 2, 1),
        (["-n2", "1 + 1"], "expression", 2, 1),
        (["-n2", "1 + 1", "2 + 2"], "expression", 4, 2),
    ],
)
def test_the_keys_are_those_of_the_document(
    tare, words, kind, subjects, comparisons
):
    tables, of_command, of_expression = documented()
    got = report(tare, *words)
    assert set(got) == set(tables[""])
    assert got["kind"] == kind
    assert (got["python"] is None) == (kind == "command")
    assert len(got["subjects"]) == subjects
    for one in got["subjects"]:
        assert set(one) == set(tables["Subjects"])
        assert (one["gc"] is None) == (kind == "command")
        for clock in ("wall_s", "cpu_s", "waiting_s"):
            if one[clock] is not None:
                assert set(one[clock]) == inner(tables["Subjects"][clock])
        for each in one["runs"] + one["warmups"]:
            assert set(each) == (
                of_command if kind == "command" else of_expression
            )
    assert len(got["comparisons"]) == comparisons
    for one in got["comparisons"]:
        assert set(one) == set(tables["Comparisons"])
        for clock in ("wall", "cpu"):
            assert set(one[clock]) == inner(tables["Comparisons"][clock])
    for one in got["warnings"]:
        assert set(one) == inner(tables[""]["warnings"])
        assert one["key"] in tables["Warnings"]


def test_the_report_can_go_to_a_file(tare, tmp_path):
    done = run([tare, "time", "-n2", "-o", "x", "--", "true"], cwd=tmp_path)
    assert (done.stdout, done.stderr) == ("", "")
    assert "2 runs" in (tmp_path / "x").read_text()


def test_hostile_words_do_not_reach_the_terminal(tare):
    done = run([tare, "time", "-n2", "--", "echo", "\x1b[2Jx\x07"])
    assert "\x1b" not in done.stdout and "\x07" not in done.stdout
    got = report(tare, "-n2", "--", b"echo", b"\xff\xfe")
    assert "\ufffd" in got["subjects"][0]["text"]


def test_lines_fit_and_nothing_is_coloured_in_a_pipe(tare):
    done = run([tare, "time", "-n8", "--", "true", "--", "sleep", "0.01"])
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "\x1b" not in done.stdout
