# SPDX-License-Identifier: MIT
"""tare attached to living programs and killed at random moments, again and
again: do the programs notice? For test_harmless.py and bench/kill_storm.py.

Each target prints a line for each round of its work, and what a round gives
is known from a run without tare. After each kill the target must be neither
stopped nor traced, and at its end no line may be missing or different.
"""

import collections
import contextlib
import os
import pathlib
import random
import subprocess
import threading
import time

LIMIT_S = 60
PERIOD = 16  # rounds after which the work repeats itself

# Half of the time asleep, so that several of them leave room for others.
TARGET = f"""
import hashlib, json, queue, sys, threading, time

def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)

def compute(seed):
    text = json.dumps([fib(8 + seed % 4), [i * seed for i in range(50)]])
    words = sorted(text.split(), key=lambda w: hash(len(w)))
    return hashlib.sha256(" ".join(words).encode()).hexdigest()

def serve(jobs, answers):
    while True:
        answers.put(compute(jobs.get()))

jobs, answers = queue.Queue(), queue.Queue()
for _ in range(3):
    threading.Thread(target=serve, args=(jobs, answers), daemon=True).start()

def round_of(number):
    seed = number % {PERIOD}
    for i in range(8):
        jobs.put(seed * 8 + i)
    told = sorted(answers.get() for _ in range(8))
    return hashlib.sha256("".join(told).encode()).hexdigest()

over = threading.Event()
if sys.argv[1] == "reference":
    rounds = {PERIOD}
else:
    rounds = 10 ** 9
    threading.Thread(target=lambda: (sys.stdin.read(), over.set()),
                     daemon=True).start()
number = 0
while number < rounds and not over.is_set():
    start = time.monotonic()
    print(number, round_of(number), flush=True)
    time.sleep(min(time.monotonic() - start, 0.02))
    number += 1
print("end", number, flush=True)
"""


def status_of(pid):
    """What /proc says of a process; {} when it is gone."""
    with contextlib.suppress(OSError):
        lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
        return dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    return {}


def harm(pid):
    """How a process is not as it should be; "" when all is well."""
    status = status_of(pid)
    state = status.get("State", "gone")
    if state[0] not in "RSD":
        return f"process {pid} is {state}"
    if status["TracerPid"] != "0":
        return f"process {pid} is traced by {status['TracerPid']}"
    return ""


def reference(command):
    """The lines of one period, from a run without tare."""
    done = subprocess.run([*command, "reference"], check=True, text=True,
                          timeout=LIMIT_S, stdout=subprocess.PIPE)
    lines = done.stdout.splitlines()
    assert lines[-1] == f"end {PERIOD}" and len(lines) == PERIOD + 1
    return [line.split()[1] for line in lines[:-1]]


def wrong_lines(lines, wanted):
    """What is wrong with the output of a target."""
    if not lines or lines[-1] != f"end {len(lines) - 1}":
        return [f"it did not come to its end, but to {lines[-1:]}"]
    return [f"line {number} is {line!r}"
            for number, line in enumerate(lines[:-1])
            if line != f"{number} {wanted[number % PERIOD]}"]


# sampling: of how many tare had begun its file when it was killed.
Tally = collections.namedtuple("Tally", "cycles sampling rounds harm")


class Storm:
    """`cycles` times tare on one target, with a thread of its own."""

    def __init__(self, tare, command, folder, cycles, until, seed):
        self.tare, self.command = tare, command
        self.folder = pathlib.Path(folder)
        self.cycles, self.until = cycles, until
        self.random = random.Random(seed)
        self.done = self.sampling = self.rounds = 0
        self.harm = []
        self.thread = threading.Thread(target=self.run)

    def attach(self, pid, number):
        words = [self.tare, "attach", str(pid), "-q", "-f", "-o", "x.tare"]
        words += ["--rate", self.random.choice(["100", "1000", "10000"])]
        if number % 8 == 7:
            words.append("--exact-stacks")
        return subprocess.Popen(words, cwd=self.folder,
                                stdin=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)

    def cycle(self, pid, number):
        sampler = self.attach(pid, number)
        time.sleep(self.random.uniform(0.005, 0.15))
        sampler.kill()
        sampler.wait()
        parts = list(self.folder.glob("*.part*"))
        self.sampling += bool(parts)
        for part in parts:
            part.unlink()
        self.done += 1
        found = harm(pid)
        if found:
            self.harm.append(f"cycle {number}: {found}")

    def run(self):
        wanted = reference(self.command)
        with open(self.folder / "out", "w+", encoding="utf-8") as out:
            with subprocess.Popen([*self.command, "storm"], stdout=out,
                                  stdin=subprocess.PIPE) as target:
                try:
                    number = 0
                    while (number < self.cycles and not self.harm
                           and time.monotonic() < self.until):
                        self.cycle(target.pid, number)
                        number += 1
                    target.stdin.close()
                    # One that is stopped would not end.
                    target.wait(0 if self.harm else LIMIT_S)
                except subprocess.TimeoutExpired:
                    self.harm.append("the target did not end")
                finally:
                    target.kill()
            if target.returncode:
                self.harm.append(f"it ended with {target.returncode}")
            out.seek(0)
            lines = out.read().splitlines()
        self.rounds = len(lines) - 1
        self.harm += wrong_lines(lines, wanted)[:5]


def run(tare, commands, folder, cycles, limit_s):
    """`cycles` kills in all, shared among the targets `commands`, which run
    at the same time; not begun any more after `limit_s`."""
    until = time.monotonic() + limit_s
    storms = []
    for number, command in enumerate(commands):
        own = pathlib.Path(folder, str(number))
        own.mkdir()
        share = (cycles * (number + 1) // len(commands)
                 - cycles * number // len(commands))
        storms.append(Storm(os.fspath(tare), command, own, share, until,
                            number))
    for storm in storms:
        storm.thread.start()
    for storm in storms:
        storm.thread.join()
    return Tally(sum(s.done for s in storms), sum(s.sampling for s in storms),
                 sum(s.rounds for s in storms),
                 [text for s in storms for text in s.harm])
