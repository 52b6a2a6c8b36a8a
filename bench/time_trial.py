#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Does `tare time` keep its promises on this machine, as noisy as it is?

  time_trial.py [--trials 200] [--max-time 6s] [--tare PATH] [--json FILE]
                [--only same|more] [--peers]

In turns: a real Python program against itself (A/A), and against itself with
3 % more CPU time. Counted is how often "different" is said on each clock, and
how often the 95 % interval holds the truth. How many turns of the loop are 3 %
of the whole program is measured first, and checked by the median of all
ratios at the end, which needs none of the intervals.

--peers: the same program in the same minute under hyperfine and timeit,
where they are there.
"""

import argparse
import json
import math
import os
import pathlib
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parent.parent
TURNS = 60000
MORE = 0.03
PROGRAM = (
    "import sys\n"
    "table = {}\n"
    "for i in range(int(sys.argv[1])):\n"
    "    table[i % 997] = table.get(i % 997, 0) + i * i % 7\n"
)


def say(*words):
    print(*words, flush=True)


def program(turns):
    return [os.path.realpath(sys.executable), "-I", "-S", "-c", PROGRAM,
            str(turns)]


def compare(tare, a, b, *options):
    done = subprocess.run(
        [tare, "time", "--json", *options, "--", *a, "--", *b],
        capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def turns_for(tare, more):
    """How many turns make the program's CPU time longer by this share."""
    both = compare(tare, program(TURNS), program(2 * TURNS), "-t", "20s")
    twice = both["comparisons"][0]["cpu"]["ratio"]
    # Start-up included: CPU(n) = start + n * turn, so CPU(2n) / CPU(n) - 1
    # is the loop's share of the whole.
    return round(TURNS * (1 + more / (twice - 1)))


class Counts:
    def __init__(self, name, truth):
        self.name, self.truth = name, truth
        self.different = dict.fromkeys(("wall", "cpu"), 0)
        self.unclear = dict.fromkeys(("wall", "cpu"), 0)
        self.outside = dict.fromkeys(("wall", "cpu"), 0)
        self.ratios = {"wall": [], "cpu": []}
        self.widths = {"wall": [], "cpu": []}
        self.runs, self.seconds, self.either = [], [], 0

    def add(self, report):
        one = report["comparisons"][0]
        self.runs.append(len(report["subjects"][0]["runs"]))
        self.seconds.append(report["elapsed_s"])
        for clock in ("wall", "cpu"):
            low, high = one[clock]["interval"]
            verdict = one[clock]["verdict"]
            self.different[clock] += verdict == "different"
            self.unclear[clock] += verdict == "unclear"
            self.outside[clock] += not low <= self.truth <= high
            self.ratios[clock].append(one[clock]["ratio"])
            self.widths[clock].append((high - low) / 2)
        self.either += any(one[clock]["verdict"] == "different"
                           for clock in ("wall", "cpu"))

    def figures(self):
        return {"name": self.name, "trials": len(self.runs),
                "runs_of_each": statistics.median(self.runs),
                "seconds": statistics.median(self.seconds),
                "different_on_either": self.either,
                **{clock: {
                    "different": self.different[clock],
                    "unclear": self.unclear[clock],
                    "interval_misses": self.outside[clock],
                    "median_ratio": statistics.median(self.ratios[clock]),
                    "sd_ratio": statistics.pstdev(self.ratios[clock]),
                    "half_width": statistics.median(self.widths[clock]),
                } for clock in ("wall", "cpu")}}


def upper(hits, trials):
    """The 95 % upper limit of a rate (Clopper and Pearson, one-sided)."""
    low, high = hits / trials, 1.0
    for _ in range(60):
        p = (low + high) / 2
        tail = sum(math.comb(trials, k) * p**k * (1 - p)**(trials - k)
                   for k in range(hits + 1))
        low, high = (p, high) if tail > 0.05 else (low, p)
    return high


def show(figures):
    n = figures["trials"]
    say(f"{figures['name']}: {n} comparisons, median {figures['runs_of_each']}"
        f" runs of each, {figures['seconds']:.1f} s")
    for clock in ("wall", "cpu"):
        f = figures[clock]
        say(f"  {clock:4}  different {f['different']} (rate at most "
            f"{upper(f['different'], n):.1%}), unclear {f['unclear']}, "
            f"95 % interval misses {f['interval_misses']}; ratio "
            f"{f['median_ratio']:.4f}, half-width {f['half_width']:.4f}")
    say(f"  on either clock: {figures['different_on_either']}")


def peers(tare):
    words = program(TURNS)
    done = subprocess.run([tare, "time", "--json", "--", *words],
                          capture_output=True, text=True, check=True)
    wall = json.loads(done.stdout)["subjects"][0]["wall_s"]
    low, high = wall["interval"]
    say(f"tare: median {wall['median'] * 1e3:.2f} ms ({low * 1e3:.2f} to "
        f"{high * 1e3:.2f}), least {wall['least'] * 1e3:.2f}, mean "
        f"{wall['mean'] * 1e3:.2f} +- {wall['deviation'] * 1e3:.2f}, "
        f"{wall['n']} runs")
    if shutil.which("hyperfine"):
        with tempfile.NamedTemporaryFile() as out:
            subprocess.run(
                ["hyperfine", "-N", "-w1", "--export-json", out.name,
                 "--style", "none", shlex.join(words)],
                capture_output=True, check=True)
            (one,) = json.load(out)["results"]
        say(f"hyperfine: median {one['median'] * 1e3:.2f} ms, least "
            f"{one['min'] * 1e3:.2f}, mean {one['mean'] * 1e3:.2f} +- "
            f"{one['stddev'] * 1e3:.2f}, {len(one['times'])} runs; CPU "
            f"{(one['user'] + one['system']) * 1e3:.2f}")
    else:
        say("hyperfine: not there")
    code = "sorted(data)"
    setup = "import random; r = random.Random(1); " \
            "data = [r.random() for _ in range(1000)]"
    done = subprocess.run([sys.executable, "-m", "timeit", "-s", setup, code],
                          capture_output=True, text=True, check=True)
    say("timeit:", done.stdout.strip())
    done = subprocess.run(
        [tare, "time", "--json", "--python", sys.executable, "-s", setup,
         code], capture_output=True, text=True, check=True)
    for one in json.loads(done.stdout)["subjects"]:
        low, high = one["wall_s"]["interval"]
        say(f"tare, gc {one['gc']}: {one['wall_s']['median'] * 1e6:.2f} us "
            f"({low * 1e6:.2f} to {high * 1e6:.2f}), "
            f"least {one['wall_s']['least'] * 1e6:.2f}")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--max-time", default="6s")
    parser.add_argument("--tare", default=str(TOP / "build" / "tare"))
    parser.add_argument("--json")
    parser.add_argument("--only", choices=("same", "more"))
    parser.add_argument("--peers", action="store_true")
    args = parser.parse_args()
    if args.peers:
        peers(args.tare)
        return
    trials(args)


def trials(args):
    kinds = []
    if args.only != "more":
        kinds.append((Counts("A/A", 1), TURNS))
    if args.only != "same":
        longer = turns_for(args.tare, MORE)
        say(f"{MORE:.0%} more is {longer} turns instead of {TURNS}")
        kinds.append((Counts("+3 %", 1 + MORE), longer))
    for i in range(args.trials):
        for counts, turns in kinds:
            counts.add(compare(args.tare, program(TURNS), program(turns),
                               "-t", args.max_time))
        figures = [counts.figures() for counts, _ in kinds]
        if args.json:
            pathlib.Path(args.json).write_text(
                json.dumps(figures, indent=2) + "\n")
        if i % 20 == 19 or i == args.trials - 1:
            for one in figures:
                show(one)


if __name__ == "__main__":
    main()
