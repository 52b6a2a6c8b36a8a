# SPDX-License-Identifier: MIT
"""tare top: the live view in a terminal, and what it prints without one."""

import json
import os
import re
import signal
import subprocess
import time

import pytest
from terminal import Terminal

SECONDS = 60

THREADS = """\
import threading, time, sys

def count(n):
    total = 0
    for i in range(n):
        total += i
    return total

def work():
    while True:
        count(200)

def main():
    for i in range(3):
        threading.Thread(target=work, name=f"worker-{i}", daemon=True).start()
    threading.Thread(target=time.sleep, args=(600,), name="sleeper",
                     daemon=True).start()
    time.sleep(600)

main()
"""

POOL = """\
import multiprocessing, os, time

def churn(parent):
    while os.getppid() == parent:
        sum(range(1000))

if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    for i in range(2):
        context.Process(target=churn, args=(os.getpid(),)).start()
    time.sleep(600)
"""

# By self, by total and by name these three are three different orders.
THREE = """\
import time

def z_most():
    for i in range(6000): i * i

def a_least():
    for i in range(1000): i * i

def m_outer():
    for i in range(3000): i * i
    z_most()
    a_least()

print("ready", flush=True)
while True:
    m_outer()
"""

# So are these threads by what they wish to compute, by how long they hold the
# GIL, and by name: it is given away for the hash.
HASHER = """\
import hashlib, threading, time

def hash():
    while True:
        hashlib.pbkdf2_hmac("sha256", b"x", b"y", 300_000)

def half():
    while True:
        end = time.thread_time() + 0.004
        while time.thread_time() < end:
            sum(range(100))
        time.sleep(0.006)

def start(name, target):
    # Before 3.14 the kernel is not told the name.
    def run():
        with open(f"/proc/self/task/{threading.get_native_id()}/comm",
                  "w") as file:
            file.write(name)
        target()
    threading.Thread(target=run, name=name, daemon=True).start()

start("a-sleeper", lambda: time.sleep(600))
start("z-hash", hash)
start("m-half", half)
print("ready", flush=True)
time.sleep(600)
"""

UNLIKE = """\
import os, time

large = os.fork()
if not large:
    memory = bytearray(60_000_000)
    time.sleep(600)
busy = os.fork()
if not busy:
    while True:
        sum(range(1000))
print(large, busy, flush=True)
time.sleep(600)
"""

SHORT = """\
import sys, time
print("a line of its own", flush=True)
print("a complaint", file=sys.stderr, flush=True)
end = time.monotonic() + float(sys.argv[1])
while time.monotonic() < end:
    sum(range(1000))
sys.exit(7)
"""


@pytest.fixture
def terminal():
    opened = []

    def make(*words, **options):
        opened.append(Terminal([str(word) for word in words], **options))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


@pytest.fixture
def threads(any_python):
    process = any_python.start(any_python.write("threads.py", THREADS))
    time.sleep(0.5)
    return process


def run(command, **options):
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        **options,
    )


def number_before(text, what):
    """The number in the row that has `what` in it, first column."""
    for line in text.splitlines():
        if what in line and (found := re.match(r" *([\d.]+)", line)):
            return float(found[1])
    raise AssertionError(f"no {what} in\n{text}")


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
def test_views_of_threads_that_share_a_gil(tare, threads, terminal, size):
    screen = terminal(
        tare, "top", threads.pid, columns=size[0], lines=size[1]
    )
    text = screen.wait_for("count", "GIL held", "threads.py")
    rows = text.splitlines()
    assert rows[0].startswith(f"{threads.pid} ")
    assert "threads.py" in rows[0] and "CPython 3." in rows[0]
    assert "5 threads" in rows[1] and "/1000 Hz" in rows[1]
    assert rows[-1].startswith("q quit")
    text = screen.wait_for("take turns on one GIL")
    assert number_before(text, "count") > 20

    screen.type("2")
    screen.wait_for("line ", "threads.py:6", "count")
    screen.type("3")
    text = screen.wait_for("queue", "worker-0", "sleeper", "holds")
    sleeper = next(r for r in text.splitlines() if r.startswith("sleeper"))
    assert "100" in sleeper
    worker = next(r for r in text.splitlines() if r.startswith("worker-0"))
    cpu, queue, gil = re.findall(r"[\d.<·]+", worker[9:])[:3]
    assert 10 < int(cpu) < 60 and 20 < int(gil) < 90
    screen.type("4")
    screen.wait_for("memory", "MB", "state")
    screen.type("\t")
    screen.wait_for("defined at")
    screen.type("q")
    assert screen.end() == 0
    assert screen.is_restored()
    assert f"next: tare attach {threads.pid} -d 10" in screen.text()
    assert threads.poll() is None


def test_keys(tare, threads, terminal):
    screen = terminal(tare, "top", "--window", "1s", threads.pid)
    screen.wait_for("count", "last 1.")
    screen.type("?")
    screen.wait_for("leave; the program runs on")
    screen.type("x")
    screen.wait_for("count")
    # the order: a name, then by self again
    screen.type("ss")
    screen.wait_for("count")
    names = [
        row.split()[2]
        for row in screen.text().splitlines()[6:]
        if re.match(r" +[\d.]", row)
    ]
    assert names == sorted(names)
    screen.type("s")
    screen.type("f")
    screen.wait_for("all ", "f recent")
    screen.type("f")
    screen.wait_for("last 1.")
    screen.type("w")
    screen.wait_for("% of CPU time")
    screen.type("w3")
    screen.wait_for("holds")
    screen.type("\x1b[Bt")  # the second thread
    text = screen.wait_for("thread worker-")
    assert "defined at" in text
    screen.type("T")
    screen.wait_for("5 threads")
    screen.type(" ")
    before = screen.wait_for("held: space goes on")
    screen.read(1.5)
    assert screen.text() == before
    screen.type(" ")
    screen.wait_for("last 1.", "space hold")
    screen.type("r")
    screen.read(0.5)
    screen.type("q")
    assert screen.end() == 0 and screen.is_restored()


def test_a_window_forgets_what_is_over(tare, any_python, terminal):
    script = any_python.write(
        "phases.py",
        "import time\n"
        "def first(end):\n"
        "    while time.monotonic() < end: pass\n"
        "def second(end):\n"
        "    while time.monotonic() < end: pass\n"
        "now = time.monotonic()\n"
        "first(now + 4)\n"
        "second(now + 600)\n",
    )
    process = any_python.start(script)
    screen = terminal(tare, "top", "-i", "500ms", "-w", "1s", process.pid)
    screen.wait_for("first")
    text = screen.wait_for("second", seconds=15)
    end = time.monotonic() + 15
    while "first" in screen.text() and time.monotonic() < end:
        screen.read(0.2)
    text = screen.text()
    assert "first" not in text and number_before(text, "second") > 95
    screen.type("f")
    text = screen.wait_for("first", "second")
    screen.type("q")
    assert screen.end() == 0


def test_resizing(tare, threads, terminal):
    screen = terminal(tare, "top", threads.pid)
    screen.wait_for("count", "q quit")
    screen.resize(200, 50)
    screen.wait_for("95 % CI", "q quit")
    assert screen.screen.display[-1].startswith("q quit")
    screen.resize(60, 10)
    time.sleep(0.5)
    screen.read(1)
    assert screen.screen.display[-1].startswith("q quit")
    screen.resize(20, 4)
    screen.read(1.5)
    screen.resize(80, 24)
    screen.wait_for("defined at", "q quit")
    screen.type("q")
    assert screen.end() == 0 and screen.is_restored()


def test_tree_of_processes(tare, any_python, terminal):
    process = any_python.start(any_python.write("pool.py", POOL))
    screen = terminal(tare, "top", process.pid, columns=120)
    screen.wait_for("3 processes")
    screen.type("4")
    text = screen.wait_for("└")
    rows = [r for r in text.splitlines() if re.match(r" {2,}\d+ ", r)]
    assert len(rows) == 3
    assert rows[0].split()[0] == str(process.pid)
    assert "└" not in rows[0] and all("└" in row for row in rows[1:])
    screen.type("q")
    assert screen.end() == 0


def started(python, name, text, **popen):
    """The process, and the line with which it says that it is ready."""
    process = python.start(
        python.write(name, text), stdout=subprocess.PIPE, text=True, **popen
    )
    return process, process.stdout.readline()


def table(text, title):
    """The lines of one table of a printed picture, its heads first."""
    lines = text.splitlines()
    (at,) = [i for i, line in enumerate(lines) if line.startswith(title)]
    rows = lines[at + 1 :]
    return rows[: rows.index("")] if "" in rows else rows


def figures(row):
    """self %, total % and the words of a row of functions or lines."""
    found = re.match(r" *([\d.<·]+) +([\d.<·]+)  (.*)", row)
    assert found, row
    # "<0.1" and "·" are the smallest there are.
    return (
        *(float(x) if x[0].isdigit() else 0.0 for x in found.groups()[:2]),
        found[3].split(),
    )


@pytest.mark.parametrize("key", ["self", "total", "name"])
def test_rows_are_in_the_order_asked_for(tare, any_python, key):
    """By what is shown: how long each takes on a busy machine is chance."""
    process, _ = started(any_python, "three.py", THREE)
    done = run([tare, "top", "--once", "--sort", key, "-i", "2s",
                str(process.pid)])  # fmt: skip
    assert done.returncode == 0, done.stderr
    for title, column in (("functions in %", 0), ("lines in %", 1)):
        rows = [figures(row) for row in table(done.stdout, title)[1:]]
        names = [row[2][column] for row in rows]
        assert {"z_most", "m_outer", "a_least"} <= set(names), done.stdout
        if key == "name":
            assert names == sorted(names), done.stdout
        else:
            shares = [row[("self", "total").index(key)] for row in rows]
            assert shares == sorted(shares, reverse=True), done.stdout


def underlined(screen):
    """The words that are, from top to bottom."""
    cells = [
        screen.screen.buffer[y][x]
        for y in range(screen.screen.lines)
        for x in range(screen.screen.columns)
    ]
    text = "".join(c.data if c.underscore else "\n" for c in cells)
    return [word for word in text.split("\n") if word.strip()]


def wait_for_order(screen, head, words):
    """Until `head` alone is underlined (None: nothing is), and the rows with
    these words are in their order."""
    end = time.monotonic() + 30
    while True:
        rows = screen.text().splitlines()[4:]  # below title and tabs
        at = [
            next((i for i, row in enumerate(rows) if word in row.split()), -1)
            for word in words
        ]
        heads = underlined(screen) or [None]
        if -1 not in at and at == sorted(at) and heads == [head]:
            return
        assert time.monotonic() < end, (
            f"{words} under {heads} in\n{screen.text()}"
        )
        screen.read(0.1)


def test_the_key_s_goes_from_column_to_column(tare, any_python, terminal):
    process, _ = started(any_python, "three.py", THREE)
    screen = terminal(tare, "top", "--sort", "total", process.pid)
    for head, words in (
        ("total %", ["m_outer", "z_most", "a_least"]),
        ("function", ["a_least", "m_outer", "z_most"]),
        ("self %", ["z_most", "m_outer", "a_least"]),
        ("total %", ["m_outer", "z_most", "a_least"]),
    ):
        wait_for_order(screen, head, words)
        screen.type("s")
    screen.type("q")
    assert screen.end() == 0


def test_the_order_of_threads(tare, any_python, terminal):
    process, _ = started(any_python, "hasher.py", HASHER)
    screen = terminal(tare, "top", process.pid, columns=120)
    screen.type("3")
    for head, words in (
        ("CPU", ["z-hash", "m-half", "a-sleeper"]),
        ("holds", ["m-half", "z-hash"]),
        ("thread", ["a-sleeper", "m-half", "z-hash"]),
        ("CPU", ["z-hash", "m-half", "a-sleeper"]),
    ):
        wait_for_order(screen, head, words)
        screen.type("s")
    # t follows the one that is first on the screen.
    wait_for_order(screen, "holds", ["m-half", "z-hash"])
    screen.type("t")
    screen.wait_for("thread m-half", "defined at")
    screen.type("q")
    assert screen.end() == 0


def test_the_order_of_processes(tare, any_python, terminal):
    process, children = started(
        any_python, "unlike.py", UNLIKE, start_new_session=True
    )
    try:
        root, (large, busy) = str(process.pid), children.split()
        screen = terminal(tare, "top", "-i", "500ms", root, columns=120)
        screen.wait_for("3 processes")
        screen.type("4")
        wait_for_order(screen, None, [root, large, busy])
        assert screen.text().count("└") == 2
        screen.type("s")
        wait_for_order(screen, "CPU %", [busy, root])
        assert "└" not in screen.text()
        screen.type("s")
        wait_for_order(screen, "memory", [large, root])
        screen.type("s")
        wait_for_order(screen, None, [root, large, busy])
        screen.type("q")
        assert screen.end() == 0
    finally:
        os.killpg(process.pid, signal.SIGKILL)


def test_few_bytes_a_picture(tare, threads, terminal):
    screen = terminal(tare, "top", threads.pid)
    screen.wait_for("count")
    screen.read(6)
    taken = screen.read(5)
    # 24 rows of 80 columns are 1920; 160 to 320 were measured
    assert 0 < taken / 5 < 700
    screen.type("q")
    screen.end()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_restores(tare, threads, terminal, number):
    screen = terminal(tare, "top", threads.pid)
    screen.wait_for("q quit")
    screen.kill(number)
    assert screen.end() == 0
    assert screen.is_restored()
    assert threads.poll() is None


def test_control_c_ends_it_and_restores(tare, threads, terminal):
    screen = terminal(tare, "top", threads.pid)
    screen.wait_for("q quit")
    screen.type("\x03")
    assert screen.end() == 0
    assert screen.is_restored()


@pytest.mark.parametrize("number", [signal.SIGABRT, signal.SIGQUIT])
def test_a_death_restores_too(tare, threads, terminal, number):
    screen = terminal(tare, "top", threads.pid)
    screen.wait_for("q quit")
    screen.kill(number)
    assert screen.end() == -number
    assert screen.is_restored()


def test_suspending_gives_the_terminal_back_for_a_while(
    tare, threads, terminal
):
    screen = terminal("bash", "--norc", "-i")
    screen.type(f"{tare} top {threads.pid}\n")
    screen.wait_for("q quit", "count")
    screen.type("\x1a")
    screen.wait_for("Stopped")
    screen.type("fg\n")
    screen.read(1)
    screen.wait_for("q quit", "count")
    screen.type("q")
    screen.wait_for("next: tare attach")
    # At its prompt the shell itself has other settings.
    screen.type("exit\n")
    assert screen.end() == 0
    assert screen.is_restored()


def test_the_process_ends(tare, any_python, terminal):
    process = any_python.start(
        any_python.write("short.py", SHORT),
        "3",
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(0.5)
    screen = terminal(tare, "top", process.pid, lines=60)
    screen.wait_for("q quit")
    assert screen.end() == 0
    assert screen.is_restored()
    text = screen.text()
    assert f"process {process.pid} has ended" in text
    assert "functions" in text and "<module>" in text
    assert "next: tare run" in text


def start_words(python):
    return ["--python", python.command()[0]]


def local(python):
    if python.root:
        pytest.skip("no interpreter outside of a chroot")
    return python


def test_a_program_behind_the_screen(tare, any_python, terminal, tmp_path):
    python = local(any_python)
    script = tmp_path / "short.py"
    script.write_text(SHORT)
    screen = terminal(tare, "top", *start_words(python), script, "3", lines=60)
    screen.wait_for("<module>", "q quit")
    assert "a line of its own" not in screen.text()
    assert screen.end() == 7
    assert screen.is_restored()
    text = screen.text()
    assert "ended with status 7" in text
    assert "its output: short.out (30 B)" in text
    assert re.search("^next: tare run -- ", text, re.M)
    output = (tmp_path / "short.out").read_text()
    assert output == "a line of its own\na complaint\n"


def test_leaving_the_screen_leaves_the_program(
    tare, any_python, terminal, tmp_path
):
    python = local(any_python)
    script = tmp_path / "short.py"
    script.write_text(SHORT)
    (tmp_path / "short.out").write_text("mine")
    screen = terminal(tare, "top", *start_words(python), script, "3")
    screen.wait_for("<module>")
    screen.type("q")
    screen.wait_for("runs on; tare waits")
    assert screen.is_restored()
    assert screen.end() == 7
    assert (tmp_path / "short.out").read_text() == "mine"
    assert "complaint" in (tmp_path / "short-2.out").read_text()


def test_redirected_output_is_left_alone(tare, any_python, terminal, tmp_path):
    python = local(any_python)
    script = tmp_path / "short.py"
    script.write_text(SHORT)
    words = f"{tare} top --python {python.command()[0]} {script} 2"
    screen = terminal("sh", "-c", f"{words} 2>/dev/null | cat >x; echo done")
    screen.wait_for("<module>")
    screen.wait_for("done")
    assert screen.is_restored()
    assert (tmp_path / "x").read_text() == "a line of its own\n"
    assert not (tmp_path / "short.out").exists()


def test_control_c_ends_the_program_as_without_tare(
    tare, any_python, terminal, tmp_path
):
    python = local(any_python)
    script = tmp_path / "short.py"
    script.write_text(SHORT)
    screen = terminal(tare, "top", *start_words(python), script, "600")
    screen.wait_for("<module>")
    screen.type("\x03")
    assert screen.end() == -signal.SIGINT
    assert screen.is_restored()
    assert "KeyboardInterrupt" in (tmp_path / "short.out").read_text()


def test_terminate_is_passed_on(tare, any_python, terminal, tmp_path):
    python = local(any_python)
    script = tmp_path / "short.py"
    script.write_text(SHORT)
    screen = terminal(tare, "top", *start_words(python), script, "600")
    screen.wait_for("<module>")
    screen.kill(signal.SIGTERM)
    assert screen.end() == -signal.SIGTERM
    assert screen.is_restored()


def test_a_program_that_cannot_be_started(tare, terminal):
    screen = terminal(tare, "top", "--", "./none")
    assert screen.end() == 127
    assert "no program './none'" in screen.text()
    assert os.listdir() == []


@pytest.mark.parametrize("term", ["vt100", "xterm-256color", "screen", "linux"])
def test_terminals(tare, threads, terminal, term):
    screen = terminal(tare, "top", threads.pid, term=term)
    screen.wait_for("count", "q quit")
    screen.type("q")
    assert screen.end() == 0


def test_no_colour(tare, threads, terminal):
    screen = terminal(
        tare, "top", threads.pid, term="xterm-256color", NO_COLOR="1"
    )
    screen.wait_for("count")
    screen.type(" ")
    screen.wait_for("held")
    screen.type("q")
    assert screen.end() == 0
    assert not re.search(rb"\x1b\[[0-9;]*3[0-7]m", screen.received)


def test_without_utf8(tare, threads, terminal):
    screen = terminal(tare, "top", threads.pid, LC_ALL="C")
    screen.wait_for("count", "q quit")
    screen.type("3")
    screen.wait_for("holds")
    screen.type("q")
    screen.wait_for("q quit")
    shown = screen.received[: screen.received.rfind(b"\x1b[?1049l")]
    assert shown.isascii()
    assert screen.end() == 0


@pytest.mark.parametrize("term", ["dumb", "", "no-such-terminal"])
def test_a_terminal_that_cannot(tare, threads, terminal, term):
    screen = terminal(tare, "top", threads.pid, term=term)
    assert screen.end() == 2
    assert "TERM" in screen.text()
    assert f"try: tare attach {threads.pid} -d 10" in screen.text()


def test_hostile_names(tare, any_python, terminal):
    script = any_python.write(
        "hostile.py",
        "import time\n"
        "def work():\n"
        "    while True: sum(range(100))\n"
        "work.__code__ = work.__code__.replace(\n"
        "    co_name='a\\x1b[2Jb\\u202ec', **({'co_qualname':\n"
        "    'a\\x1b[2Jb\\u202ec'} if hasattr(work.__code__,\n"
        "    'co_qualname') else {}))\n"
        "work()\n",
    )
    process = any_python.start(script)
    screen = terminal(tare, "top", process.pid)
    text = screen.wait_for("a\\x1b[2Jb\\u202ec")
    assert "q quit" in text
    screen.type("q")
    assert screen.end() == 0


def test_off_a_terminal_one_picture_is_printed(tare, threads):
    begin = time.monotonic()
    done = run([tare, "top", "--interval", "500ms", str(threads.pid)])
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - begin < 10
    assert "\x1b" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    for title in ("functions", "lines", "threads", "processes"):
        assert re.search(rf"^{title} in % of", done.stdout, re.M)
    assert "worker-2" in done.stdout and "count" in done.stdout
    again = run([tare, "top", "--once", str(threads.pid), "-i", "500ms"])
    assert again.returncode == 0 and "worker-2" in again.stdout


def test_json(tare, threads):
    done = run([tare, "top", "--json", str(threads.pid)])
    assert done.returncode == 0, done.stderr
    top = json.loads(done.stdout)
    assert top["schema"] == "tare.top/1"
    assert top["pid"] == threads.pid
    assert 0.9 < top["window_s"] < 5
    assert 0.5 < top["gil_share"] <= 1
    assert "one GIL" in top["sentence"]
    by_name = {t["name"]: t for t in top["threads"]}
    held = [by_name[f"worker-{i}"]["gil_share"] for i in range(3)]
    assert sum(held) == pytest.approx(top["gil_share"], abs=0.05)
    for thread in top["threads"]:
        assert sum(thread["states"].values()) == pytest.approx(
            thread["wall_s"], rel=0.02
        )
    assert by_name["sleeper"]["states"]["sleep"] > 0.9 * top["window_s"]
    assert by_name["worker-0"]["now"]["function"] in ("count", "work")
    shares = sum(f["self_share"] for f in top["functions"])
    assert shares == pytest.approx(1, abs=0.01)
    assert top["processes"][0]["memory_bytes"] > 1e6
    assert top["sampling"]["complete"] > 0


@pytest.mark.parametrize(
    "words, status, complaint",
    [
        (["999999999"], 2, "no process"),
        ([], 2, "which process, or which program?"),
        (["1", "2"], 2, "'2' is one word too many"),
        (["--interval", "1ms", "1"], 2, "nobody reads so fast"),
        (["--window", "1ms", "1"], 2, "a window so short"),
        (["--rate", "1e9", "1"], 2, "--rate"),
        (["--sort", "size", "1"], 2, "self,total,name"),
        (["--once", "x.py"], 125, "a process that runs already"),
        (["none.py"], 125, "there is no terminal"),
    ],
)
def test_bad_usage(tare, words, status, complaint):
    done = run([tare, "top", *words], start_new_session=True)
    assert done.returncode == status, done.stderr
    assert complaint in done.stderr
    assert done.stdout == ""


def test_a_process_that_may_not_be_read(tare, threads):
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody who may not")
    # A directory that nobody else may enter could hide the program itself.
    done = run(
        ["setpriv", "--reuid=65534", "--clear-groups", tare, "top", "--once",
         str(threads.pid)]
    )  # fmt: skip
    if "setpriv" in done.stderr:
        pytest.skip(done.stderr)
    assert done.returncode == 3
    assert "tare: " in done.stderr and "try: " in done.stderr
