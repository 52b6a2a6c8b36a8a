#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the kernel's CPU clock costs a program: native_cost.py [ROUNDS], and
what tare run --native does: native_cost.py merged [ROUNDS].

A fixed piece of work is run with and without samples, by turns in random
order, and its CPU time and wall time are compared pair by pair. Prints the
median slow-down of each kind of sample with the interval that half of the
pairs lie in, and what one sample costs the target and the sampler.
"""

import json
import os
import pathlib
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import estimate

TOP = pathlib.Path(__file__).resolve().parent.parent
SPLIT = TOP / "build" / "tests" / "truth" / "native_split"

KINDS = {
    "50 Hz": ["50"],
    "100 Hz": ["100"],
    "250 Hz": ["250"],
    "100 Hz, chain": ["100", "chain"],
    "100 Hz, 8 KB of stack": ["100", "stack=8192"],
    "100 Hz, 32 KB of stack": ["100", "stack=32768"],
    # So much more often that the cost of one sample shows above the noise.
    "4000 Hz": ["4000"],
    "4000 Hz, chain": ["4000", "chain"],
    "4000 Hz, 8 KB of stack": ["4000", "stack=8192"],
    "4000 Hz, 32 KB of stack": ["4000", "stack=32768"],
}

WORK = """
import sys
sys.stdin.readline()
def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
for _ in range(8): fib(30)
"""


def run(options):
    """(CPU seconds, wall seconds, what the sampler says or None)."""
    target = subprocess.Popen([sys.executable, "-c", WORK],
                              stdin=subprocess.PIPE)
    sampler = None
    if options:
        rate, *rest = options
        sampler = subprocess.Popen(
            [SPLIT, "sample", str(target.pid), "100", rate, *rest],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    time.sleep(0.15)
    start = time.monotonic()
    target.stdin.write(b"\n")
    target.stdin.close()
    _, status, usage = os.wait4(target.pid, 0)
    wall = time.monotonic() - start
    target.returncode = status
    said = json.loads(sampler.communicate()[0]) if sampler else None
    return usage.ru_utime + usage.ru_stime, wall, said


# Half a second each; they tell what they took themselves, so that tare's own
# start is left out.
MERGED_HEAD = """
import sys, time
def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
def julia(width):
    total = 0
    for i in range(width):
        z, n = complex(-1.8 + 3.6 * i / width, 0.1), 0
        while abs(z) < 2 and n < 300:
            z, n = z * z + complex(-0.62772, -0.42193), n + 1
        total += n
    return total
cpu, wall = time.process_time(), time.monotonic()
"""
MERGED_TAIL = """
sys.stderr.write(f"{time.process_time() - cpu} {time.monotonic() - wall}")
"""
MERGED_WORK = {"loop": "for _ in range(40): julia(1500)",
               "calls": "for _ in range(250): fib(22)"}
TARE = TOP / "build" / "tare"
MERGED_KINDS = {
    "nothing": [],
    "--no-native": [TARE, "run", "-q", "--no-native"],
    "--native": [TARE, "run", "-q", "--native"],
}
TRIMMED = 10  # the highest and the lowest tenth of the ratios


def run_merged(folder, kind, work):
    """(CPU seconds, wall seconds) of the work."""
    words = MERGED_KINDS[kind]
    if words:
        words = [*words, "-f", "-o", os.path.join(folder, "x.tare"), "--"]
    done = subprocess.run(
        [*words, sys.executable, "-c",
         MERGED_HEAD + MERGED_WORK[work] + MERGED_TAIL],
        check=True, stderr=subprocess.PIPE, text=True)
    cpu, wall = map(float, done.stderr.split())
    return cpu, wall


def trimmed(ratios):
    ratios = sorted(ratios)
    cut = len(ratios) // TRIMMED
    return estimate.of_mean(ratios[cut:len(ratios) - cut])


def merged(rounds):
    with tempfile.TemporaryDirectory() as folder:
        for work in MERGED_WORK:
            took = {kind: [] for kind in MERGED_KINDS}
            for _ in range(rounds):
                for kind in random.sample(list(took), len(took)):
                    took[kind].append(run_merged(folder, kind, work))
            for kind, base in (("--no-native", "nothing"),
                               ("--native", "nothing"),
                               ("--native", "--no-native")):
                told = []
                for i, name in enumerate(("CPU", "wall")):
                    ratio = trimmed(a[i] / b[i] for a, b in
                                    zip(took[kind], took[base]))
                    told.append(f"{name} {100 * (ratio['mean'] - 1):+.2f} ± "
                                f"{100 * ratio['half_width']:.2f} %")
                print(f"{work:6} {kind:12} over {base:12} {', '.join(told)}, "
                      f"{rounds} pairs, load {os.getloadavg()[0]:.1f}",
                      flush=True)


def main():
    if sys.argv[1:2] == ["merged"]:
        merged(int(sys.argv[2]) if len(sys.argv) > 2 else 20)
        return
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    seen = {kind: [] for kind in KINDS}
    for _ in range(rounds):
        for kind in random.sample(list(KINDS), len(KINDS)):
            first = random.random() < 0.5
            plain = None if first else run(None)
            with_it = run(KINDS[kind])
            plain = plain or run(None)
            seen[kind].append((plain, with_it))
    for kind, pairs in seen.items():
        cpu = sorted((b[0] / a[0] - 1) * 100 for a, b in pairs)
        wall = [(b[1] / a[1] - 1) * 100 for a, b in pairs]
        samples = [b[2]["samples"] for _, b in pairs]
        each = [(b[0] - a[0]) / b[2]["samples"] * 1e6 for a, b in pairs]
        own = [b[2]["drain_cpu_s"] / b[2]["samples"] * 1e6 for _, b in pairs]
        print(f"{kind:24} CPU {statistics.median(cpu):+6.2f} % "
              f"({cpu[len(cpu) // 4]:+.2f} to {cpu[-len(cpu) // 4]:+.2f}), "
              f"wall {statistics.median(wall):+6.2f} %, "
              f"{statistics.median(samples):.0f} samples, "
              f"{statistics.median(each):6.1f} us of the target and "
              f"{statistics.median(own):5.1f} us of the sampler each, "
              f"lost {sum(b[2]['lost'] for _, b in pairs)}", flush=True)
    print(f"load average {os.getloadavg()[0]:.1f}, "
          f"{resource.getrusage(resource.RUSAGE_SELF).ru_utime:.1f} s here")


if __name__ == "__main__":
    main()
