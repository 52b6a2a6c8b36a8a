#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What it costs to tell the state of threads that wait: states_cost.py
[--seconds 5] [--rounds 3] [--threads 1,16,64,256].

tare looks at a program all of whose threads sleep, 1000 times a second; its
CPU time, as the kernel has it for the whole process, is divided by the looks.
Two kinds of sleep: one that never ends, and one of 20 ms at a time. Prints
the medians of the rounds; the goal is 2 us for a thread and look, beyond what
one sleeping thread costs.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / "tests" / "truth"))

import tare_runs  # noqa: E402

TARGET = """
import sys, threading, time
number, kind = int(sys.argv[1]), sys.argv[2]
over = threading.Event()
def sleep():
    while True:
        if kind == "forever":
            over.wait()
        else:
            time.sleep(0.02)
threading.stack_size(256 * 1024)
for _ in range(number - 1):
    threading.Thread(target=sleep, daemon=True).start()
print("ready", flush=True)
sleep()
"""


def record(pid, seconds, folder):
    """(CPU seconds of tare, ticks, looks)"""
    path = folder / "x.tare"
    tare = subprocess.Popen(
        [tare_runs.TARE, "attach", str(pid), "-d", str(seconds), "-q", "-f",
         "-o", path])
    _, status, usage = os.wait4(tare.pid, 0)
    assert status == 0, status
    report = json.loads(tare_runs.tare("report", "--json", path))
    looks = sum(t["looks"]["taken"] for t in report["threads"])
    return (usage.ru_utime + usage.ru_stime, report["sampling"]["ticks"],
            looks)


def one_round(interpreter, number, kind, seconds, folder):
    """(CPU us of a tick, looks in a tick), what tare does before and after
    being taken out by a short recording."""
    script = folder / "target.py"
    script.write_text(TARGET, encoding="utf-8")
    with subprocess.Popen(
            interpreter.command(str(script), str(number), kind),
            stdout=subprocess.PIPE, text=True) as target:
        try:
            target.stdout.readline()
            short = record(target.pid, seconds / 5, folder)
            long = record(target.pid, seconds, folder)
        finally:
            target.kill()
    ticks = long[1] - short[1]
    return (1e6 * (long[0] - short[0]) / ticks, (long[2] - short[2]) / ticks)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", default="1,16,64,256")
    args = parser.parse_args()
    interpreter = [one for one in tare_runs.interpreters()
                   if not one.root][-1]
    print(f"{interpreter.name}, 1 kHz, {args.rounds} rounds of "
          f"{args.seconds:g} s")
    print(f"{'sleep':>10} {'threads':>8} {'us a tick':>10} {'looks':>8} "
          f"{'us more a thread and look':>26}")
    with tempfile.TemporaryDirectory(prefix="tare-bench-") as folder:
        for kind in ("forever", "20ms"):
            first = None
            for number in map(int, args.threads.split(",")):
                rounds = [one_round(interpreter, number, kind, args.seconds,
                                    pathlib.Path(folder))
                          for _ in range(args.rounds)]
                tick = statistics.median(r[0] for r in rounds)
                looks = statistics.median(r[1] for r in rounds)
                more = ""
                if first is None:
                    first = tick
                else:
                    more = f"{(tick - first) / (looks - 1):.2f}"
                print(f"{kind:>10} {number:>8} {tick:>10.1f} {looks:>8.1f} "
                      f"{more:>26}", flush=True)


if __name__ == "__main__":
    main()
