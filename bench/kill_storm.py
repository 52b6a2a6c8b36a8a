#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How many targets come to harm when tare is killed: kill_storm.py
[--cycles 10000] [--minutes 30] [--targets 4].

tare is attached to programs that run and killed by SIGKILL after 5 to 150 ms,
one time in eight while it stops them (--exact-stacks). After each kill the
target must run, untraced; at its end its output must be whole.
"""

import argparse
import pathlib
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TOP / "tests" / "truth"), str(TOP / "tests" / "python")]

import kill_storm  # noqa: E402
import tare_runs  # noqa: E402


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--cycles", type=int, default=10000)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--targets", type=int, default=4)
    args = parser.parse_args()
    found = [one for one in tare_runs.interpreters() if not one.root]
    chosen = [found[i % len(found)] for i in range(args.targets)]
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tare-storm-") as folder:
        script = pathlib.Path(folder, "target.py")
        script.write_text(kill_storm.TARGET, encoding="utf-8")
        tally = kill_storm.run(
            tare_runs.TARE, [one.command(str(script)) for one in chosen],
            folder, args.cycles, args.minutes * 60)
    took = time.monotonic() - start
    print(f"{tally.cycles} kills in {took:.0f} s, {tally.sampling} of them "
          f"while tare had a file open; targets: "
          f"{', '.join(one.name for one in chosen)}")
    print(f"{tally.rounds} rounds of work, harm: {len(tally.harm)}")
    for line in tally.harm:
        print("  " + line)
    return 1 if tally.harm or tally.cycles < args.cycles else 0


if __name__ == "__main__":
    sys.exit(main())
