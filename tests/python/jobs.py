# SPDX-License-Identifier: MIT
"""Recording a job of several processes, and what its report says of each."""

import json
import os
import pathlib
import subprocess
import time

SECONDS = 120

# What the programs of the tests begin with. each() says on stderr who it is,
# in one write, so that lines of several processes stay apart.
HEAD = '''
import os, sys, time
def tell(word, **more):
    import json
    os.write(2, (json.dumps(dict(more, word=word, pid=os.getpid(),
                                 parent=os.getppid())) + "\\n").encode())
def spin(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sum(i * i for i in range(500))
'''


class Job:
    """A recording: the report, what the processes told, how tare ended."""

    def __init__(self, done, report):
        self.status = done.returncode
        self.stdout = done.stdout
        self.stderr = done.stderr
        self.report = report
        self.told = [json.loads(line) for line in done.stderr.splitlines()
                     if line.startswith("{")]
        self.processes = {}
        for one in report["processes"] if report else ():
            assert one["pid"] not in self.processes, one
            self.processes[one["pid"]] = one

    def who(self, word):
        """The pids of the processes that told `word`."""
        return [one["pid"] for one in self.told if one["word"] == word]

    def of(self, word):
        """The one process that told it, as reported."""
        (pid,) = self.who(word)
        assert pid in self.processes, (word, pid, self.listing())
        return self.processes[pid]

    def listing(self):
        return "\n".join(
            "{pid} of {parent}: {command} {python} {exit} {trouble} "
            "{wall_s:.3f}".format(**one) for one in self.processes.values())

    def threads(self, pid):
        return [one for one in self.report["threads"] if one["pid"] == pid]

    def cpu_s(self):
        """All CPU time that was counted for any of the processes."""
        return sum(one["cpu_s"] for one in self.processes.values())


def read_report(tare, path):
    done = subprocess.run([tare, "report", "--json", path], check=True,
                          capture_output=True, timeout=SECONDS)
    return json.loads(done.stdout)


def report_text(tare, path="x.tare"):
    return subprocess.run([tare, "report", path], check=True, text=True,
                          capture_output=True, timeout=SECONDS).stdout


def functions_by_thread(tare, path="x.tare"):
    """{thread ID: names of the functions that were seen in it}"""
    done = subprocess.run(
        [tare, "export", "--format", "collapsed", "--threads", path],
        check=True, capture_output=True, text=True, timeout=SECONDS)
    names = {}
    for line in done.stdout.splitlines():
        thread, *frames = line.rpartition(" ")[0].split(";")
        tid = int(thread.rpartition("(tid ")[2].rstrip(")"))
        names.setdefault(tid, set()).update(
            frame.partition(" (")[0] for frame in frames)
    return names


def run(tare, command, *options, path="x.tare", env=None, launch=()):
    """Record `command`; also when nothing of it could be recorded."""
    path = pathlib.Path(path)
    path.unlink(missing_ok=True)
    done = subprocess.run(
        [*launch, tare, "run", "--no-report", "-o", path, *options, "--",
         *map(os.fspath, command)],
        capture_output=True, text=True, timeout=SECONDS, env=env,
        stdin=subprocess.DEVNULL)
    assert "Sanitizer" not in done.stderr, done.stderr
    assert done.returncode >= 0, done.stderr
    report = read_report(tare, path) if path.exists() else None
    return Job(done, report)


def attach(tare, pid, seconds, *options, path="x.tare", launch=()):
    path = pathlib.Path(path)
    path.unlink(missing_ok=True)
    done = subprocess.run(
        [*launch, tare, "attach", str(pid), "-d", str(seconds), "--no-report",
         "-o", path, *options],
        capture_output=True, text=True, timeout=SECONDS,
        stdin=subprocess.DEVNULL)
    assert "Sanitizer" not in done.stderr, done.stderr
    report = read_report(tare, path) if path.exists() else None
    return Job(done, report)


def wait_until(true, what, seconds=30):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.01)


def is_sanitized(tare):
    """tare of a sanitizer build is several times slower."""
    return b"__asan_init" in pathlib.Path(tare).read_bytes()


def state_of(pid):
    """One letter, as in ps."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        return file.read().rpartition(")")[2].split()[0]
