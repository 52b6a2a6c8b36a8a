# SPDX-License-Identifier: MIT
"""tare run ends as its target does, and its target runs as without tare."""

import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time

import pytest

SECONDS = 60


def run(command, **options):
    options.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.run(
        command, capture_output=True, timeout=SECONDS, **options
    )


def both(tare, command, **options):
    """What `command` does alone, and under tare."""
    return run(command, **options), run(
        [tare, "run", "--", *command], **options
    )


def same(alone, weighed):
    assert weighed.returncode == alone.returncode
    assert weighed.stdout == alone.stdout
    assert weighed.stderr.startswith(alone.stderr)


ENDS = {
    "zero": "pass",
    "one": "raise SystemExit(1)",
    "seven": "raise SystemExit(7)",
    "255": "raise SystemExit(255)",
    "256 is 0": "raise SystemExit(256)",
    "text is 1": "raise SystemExit('no')",
    "os._exit": "import os; os._exit(3)",
    "uncaught": "1 / 0",
    "125": "raise SystemExit(125)",
    "127": "raise SystemExit(127)",
    **{
        name: f"import os, signal; os.kill(os.getpid(), signal.{name})"
        for name in (
            "SIGTERM",
            "SIGSEGV",
            "SIGKILL",
            "SIGHUP",
            "SIGABRT",
            "SIGUSR1",
            "SIGALRM",
            "SIGRTMAX",
        )
    },
    "SIGPIPE": "import os, signal; "
    "signal.signal(signal.SIGPIPE, signal.SIG_DFL); "
    "os.kill(os.getpid(), signal.SIGPIPE)",
    "SIGINT": "import os, signal; os.kill(os.getpid(), signal.SIGINT); "
    "import time; time.sleep(9)",
}


@pytest.mark.parametrize("code", ENDS.values(), ids=ENDS.keys())
@pytest.mark.parametrize("busy", ["", "sum(range(10**6)); "], ids=["", "busy"])
def test_status_is_the_targets(tare, any_python, tmp_path, code, busy):
    command = any_python.command("-c", busy + "print(1, flush=True); " + code)
    same(*both(tare, command, cwd=tmp_path))


def test_status_of_script_module_and_code(tare, any_python, tmp_path):
    (tmp_path / "seven.py").write_text("import sys; sys.exit(len(sys.argv))")
    start = [tare, "run", "--python", any_python.command()[0]]
    words = ["a", "--json", "-q", "--"]
    for form in (["seven.py"], ["-m", "seven"]):
        done = run([*start, *form, *words], cwd=tmp_path)
        assert done.returncode == 5, done.stderr
    code = "import sys; print(sys.argv); sys.exit(9)"
    done = run([*start, "-c", code, *words], cwd=tmp_path)
    assert done.returncode == 9
    assert done.stdout.decode() == f"{['-c', *words]}\n"


def test_a_shell_sees_128_and_the_signal(tare, any_python, tmp_path):
    code = "import os; os.kill(os.getpid(), 11)"
    words = [tare, "run", "--", *any_python.command("-c", code)]
    done = run(["sh", "-c", '"$@"; echo $?', "sh", *words], cwd=tmp_path)
    assert done.stdout == b"139\n"


def test_dying_again_leaves_no_second_core(tare, tmp_path):
    """A core of tare would be called after tare, or replace the target's."""
    done = run(
        ["sh", "-c", 'ulimit -c unlimited 2>/dev/null; exec "$@"', "sh"]
        + [tare, "run", "--", "sh", "-c", "kill -SEGV $$"],
        cwd=tmp_path,
    )
    assert done.returncode == -signal.SIGSEGV
    assert len([name for name in os.listdir(tmp_path) if "core" in name]) <= 1


def test_not_found_is_127(tare, tmp_path):
    for words in (
        ["--", "no-such-program"],
        ["--", "./no-such-program"],
        ["no-such-script.py"],
        ["--python", "no-such-python", "-c", "pass"],
    ):
        done = run([tare, "run", *words], cwd=tmp_path)
        assert done.returncode == 127, words
        assert done.stdout == b""
        what, hint = done.stderr.decode().splitlines()
        assert what.startswith("tare: ") and hint.startswith("  try: ")
        assert os.listdir(tmp_path) == []


def test_interpreter_of_a_script_not_found_is_127(tare, tmp_path):
    script = tmp_path / "orphan"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    done = run([tare, "run", "--", "./orphan"], cwd=tmp_path)
    assert done.returncode == 127
    assert b"first line" in done.stderr


def test_not_executable_is_126(tare, tmp_path):
    (tmp_path / "plain").write_text("echo never\n")
    (tmp_path / "folder").mkdir()
    for word in ("./plain", "./folder"):
        done = run([tare, "run", "--", word], cwd=tmp_path)
        assert done.returncode == 126, word
        assert done.stdout == b""
        assert done.stderr.startswith(b"tare: cannot execute ")
    assert sorted(os.listdir(tmp_path)) == ["folder", "plain"]


def test_own_failure_is_125_and_nothing_has_run(tare, tmp_path):
    (tmp_path / "there.tare").write_text("mine")
    for words in (
        ["--no-such-option", "-c", "print(1)"],
        ["--rate", "fast", "-c", "print(1)"],
        ["-o", "there.tare", "-c", "print(1)"],
        ["-o", "no/such/folder/x.tare", "-c", "print(1)"],
        ["-o", "%q.tare", "-c", "print(1)"],
        ["--expect", "nonsense", "-c", "print(1)"],
        [],
    ):
        done = run([tare, "run", *words], cwd=tmp_path)
        assert done.returncode == 125, words
        assert done.stdout == b""
        what, hint = done.stderr.decode().splitlines()
        assert what.startswith("tare: ") and hint.startswith("  try: ")
    assert (tmp_path / "there.tare").read_text() == "mine"
    assert os.listdir(tmp_path) == ["there.tare"]


def test_output_passes_byte_for_byte(tare, any_python, tmp_path):
    code = (
        "import sys\n"
        "for i in range(3000):\n"
        "    sys.stdout.buffer.write(bytes([i % 256]) * (i % 97))\n"
        "    sys.stderr.buffer.write(bytes([255 - i % 256]) * (i % 31))\n"
    )
    command = any_python.command("-c", code)
    alone, weighed = both(tare, command, cwd=tmp_path)
    same(alone, weighed)
    assert len(alone.stdout) > 100000


def test_input_reaches_the_target_untouched(tare, tmp_path):
    data = os.urandom(1 << 20)
    done = subprocess.run(
        [tare, "run", "--", "cat"],
        input=data,
        capture_output=True,
        cwd=tmp_path,
        timeout=SECONDS,
    )
    assert done.stdout == data


SELF = """
import os
def line(name):
    for text in open("/proc/self/status"):
        if text.startswith(name):
            return text
for name in ("SigBlk", "SigIgn", "SigCgt"):
    print(line(name), end="")
print(sorted(os.listdir("/proc/self/fd")), os.getpgid(0), os.getsid(0))
print(sorted(os.environ.items()), os.getcwd(), os.nice(0))
"""


@pytest.mark.parametrize(
    "before",
    [
        "true",
        "trap '' INT; trap '' PIPE; trap '' CHLD",
        "trap '' HUP; trap '' TERM; exec 5</dev/null",
        "exec 0<&-",
        "exec 2>&-",
        "ulimit -n 64",
    ],
)
def test_target_inherits_what_it_would_without_tare(tare, tmp_path, before):
    """Signals, open and closed files, groups, environment.

    SIGCHLD matters most: where it is ignored, the kernel throws the target's
    exit status away unless tare changes that for itself alone.
    """
    shell = ["sh", "-c", f'{before}; "$@"; exit $?', "sh"]
    python = [sys.executable, "-c", SELF + "raise SystemExit(7)"]
    # Both in the session and group of this test.
    alone = run([*shell, *python], cwd=tmp_path)
    weighed = run([*shell, tare, "run", "-q", "--", *python], cwd=tmp_path)
    assert weighed.returncode == alone.returncode == 7
    assert weighed.stdout == alone.stdout


def wait_for(condition, what):
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"never happened: {what}")


def read_line(stream):
    line = stream.readline()
    assert line, "ended too early"
    return line.decode().strip()


PASSED_ON = ["SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"]


@pytest.mark.parametrize("name", PASSED_ON)
def test_a_signal_sent_to_tare_reaches_the_target(
    tare, any_python, tmp_path, name
):
    code = "import time; print('ready', flush=True); time.sleep(60)"
    with subprocess.Popen(
        [tare, "run", "--", *any_python.command("-c", code)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
    ) as process:
        read_line(process.stdout)
        time.sleep(0.3)
        process.send_signal(getattr(signal, name))
        _, said = process.communicate(timeout=SECONDS)
    assert process.returncode == -getattr(signal, name)
    assert b"sleep" in said or b"<module>" in said  # the report was made


def test_a_target_that_handles_sigterm_decides(tare, any_python, tmp_path):
    code = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(4))\n"
        "print('ready', flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen(
        [tare, "run", "-q", "--", *any_python.command("-c", code)],
        stdout=subprocess.PIPE,
        cwd=tmp_path,
    ) as process:
        read_line(process.stdout)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=SECONDS)
    assert process.returncode == 4


class Terminal:
    """A program with a terminal of its own, as from a keyboard."""

    def __init__(self, command, cwd):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(cwd)
            os.execv(command[0], command)
        self.seen = b""

    def read_until(self, text):
        end = time.monotonic() + SECONDS
        while text not in self.seen:
            ready, _, _ = select.select([self.fd], [], [], 0.2)
            if ready:
                try:
                    self.seen += os.read(self.fd, 65536)
                except OSError:
                    break
            assert time.monotonic() < end, self.seen
        assert text in self.seen, self.seen

    def press(self, key):
        os.write(self.fd, termios.tcgetattr(self.fd)[6][key])

    def wait(self):
        while True:
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                break
            if not data:
                break
            self.seen += data
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        os.close(self.fd)
        return status


def test_ctrl_c_ends_the_target_and_then_tare(tare, any_python, tmp_path):
    code = "import time; print('ready', flush=True); time.sleep(60)"
    command = any_python.command("-c", code)
    terminal = Terminal([tare, "run", "--", *command], tmp_path)
    terminal.read_until(b"ready")
    time.sleep(0.3)
    terminal.press(termios.VINTR)
    assert terminal.wait() == -signal.SIGINT
    assert terminal.seen.count(b"KeyboardInterrupt") == 1
    assert b"net: not estimated yet" in terminal.seen
    assert [p.suffix for p in tmp_path.iterdir()] == [".tare"]


def test_ctrl_c_that_the_target_survives_is_survived(
    tare, any_python, tmp_path
):
    code = (
        "import sys, time\n"
        "try:\n"
        "    print('ready', flush=True)\n"
        "    time.sleep(60)\n"
        "except KeyboardInterrupt:\n"
        "    print('tidied', flush=True)\n"
        "    sys.exit(5)\n"
    )
    command = any_python.command("-c", code)
    terminal = Terminal([tare, "run", "--", *command], tmp_path)
    terminal.read_until(b"ready")
    terminal.press(termios.VINTR)
    assert terminal.wait() == 5
    assert b"tidied" in terminal.seen


def state(pid):
    with open(f"/proc/{pid}/stat") as stat:
        return stat.read().rpartition(")")[2].split()[0]


def test_ctrl_z_stops_both_and_both_go_on(tare, any_python, tmp_path):
    # A second process in the session, so that the group is no orphan: the
    # terminal stops nothing in an orphaned group.
    code = (
        "import os, time\n"
        "print('pid', os.getpid(), 'end', flush=True)\n"
        "end = time.monotonic() + 1.5\n"
        "while time.monotonic() < end: pass\n"
        "print('done', flush=True)\n"
        "os._exit(6)\n"
    )
    command = any_python.command("-c", code)
    shell = [
        "/bin/bash",
        "-c",
        'set -m; "$@"; echo "stopped $?"; read; kill -CONT %1; fg %1; '
        'echo "status $?"',
        "bash",
        tare,
        "run",
        "-q",
        "--",
        *command,
    ]
    terminal = Terminal(shell, tmp_path)
    terminal.read_until(b"end")
    target = int(terminal.seen.split(b"pid ")[1].split()[0])
    time.sleep(0.2)
    terminal.press(termios.VSUSP)
    terminal.read_until(b"stopped ")
    wait_for(lambda: state(target) == "T", "the target stopped")
    os.write(terminal.fd, b"\n")
    terminal.read_until(b"status 6")
    assert b"done" in terminal.seen
    terminal.wait()


def test_a_target_outlives_a_tare_that_is_killed(tare, any_python, tmp_path):
    code = (
        "import os, time\n"
        "print(os.getpid(), flush=True)\n"
        "time.sleep(1)\n"
        "open('alive', 'w').write('yes')\n"
    )
    process = subprocess.Popen(
        [tare, "run", "--", *any_python.command("-c", code)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=tmp_path,
    )
    target = int(read_line(process.stdout))
    process.kill()
    process.wait()
    process.stdout.close()
    assert state(target) in "RS"
    wait_for((tmp_path / "alive").exists, "the target went on")


def test_no_zombie_is_left(tare, any_python, tmp_path):
    """While tare shows its report the target must be gone for good."""
    reader, writer = os.pipe()
    process = subprocess.Popen(
        [tare, "run", "--", *any_python.command("-c", "sum(range(10**7))")],
        stdout=subprocess.DEVNULL,
        stderr=writer,
        cwd=tmp_path,
    )
    os.close(writer)
    while os.read(reader, 65536):
        children = f"/proc/{process.pid}/task/{process.pid}/children"
        try:
            pids = open(children).read().split()
        except OSError:
            continue
        assert not [pid for pid in pids if state(pid) == "Z"]
    os.close(reader)
    assert process.wait() == 0


def test_other_verbs_say_no_bad_input_and_failure(tare, any_python, tmp_path):
    code = (
        "def work():\n"
        "    return sum(i * i for i in range(2000))\n"
        "for _ in range(8000):\n"
        "    work()\n"
    )
    (tmp_path / "work.py").write_text(code)
    words = ["--python", any_python.command()[0], "-q", "-o", "x.tare"]
    assert run([tare, "run", *words, "work.py"], cwd=tmp_path).returncode == 0
    report = [tare, "report", "x.tare"]
    assert run(report, cwd=tmp_path).returncode == 0
    guess = run([*report, "--expect", "work=1%"], cwd=tmp_path)
    assert guess.returncode == 1 and b"not supported" in guess.stdout
    guess = run([*report, "--expect", "work=60-100%"], cwd=tmp_path)
    assert guess.returncode == 0 and b"supported" in guess.stdout
    assert run([*report, "--wrong"], cwd=tmp_path).returncode == 2
    assert run([tare, "report", "y.tare"], cwd=tmp_path).returncode == 2
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            report,
            cwd=tmp_path,
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=SECONDS,
        )
    assert done.returncode == 3
    assert b"No space left on device" in done.stderr


def test_a_reader_that_goes_away_is_quiet(tare):
    done = subprocess.run(
        ["bash", "-c", '"$0" man | true; echo ${PIPESTATUS[0]}', tare],
        capture_output=True,
        timeout=SECONDS,
    )
    # `true` may be gone before or after tare writes.
    assert done.stdout in (b"0\n", b"141\n")
    assert done.stderr == b""
