# SPDX-License-Identifier: MIT
"""A program that knows how long each of its functions takes: it reads the
clock when each begins and ends. Runs under every Python from 3.9.

usage: known_shares.py nested|plain|slow SECONDS OUT

nested: level_0 calls level_1 and so on; they take 95 to 5 % of the time.
plain:  twenty functions that take the same.
slow:   the same twenty, each slowed down by another amount.

OUT is JSON: "rounds", "wall_ns" of all rounds, "ns" of each function.
"""

import json
import sys
from time import perf_counter_ns as clock

NS = {}
LEVELS = 10
PARTS = 20
UNIT = 60


def spend(name, own, below):
    """Write a function that loops `own` times, calls `below`, and adds what
    it took to NS[name]. Each is its own code, with its own lines."""
    call = f"    {below}()\n" if below else ""
    text = (f"def {name}():\n"
            "    start = clock()\n"
            "    x = 0\n"
            f"    for i in range({own}):\n"
            "        x += i * i\n"
            f"{call}"
            f"    NS['{name}'] += clock() - start\n")
    NS[name] = 0
    exec(compile(text, f"<{name}>", "exec"), globals())


def write_nested():
    """The own shares from the outside in: 5, 5, 15, 15, 10, 10, 15, 15, 5,
    5; so the totals below the root are 95, 90, 75, 60, 50, 40, 25, 10, 5."""
    own = (5, 5, 15, 15, 10, 10, 15, 15, 5, 5)
    for i in reversed(range(LEVELS)):
        below = f"level_{i + 1}" if i + 1 < LEVELS else None
        spend(f"level_{i}", own[i] * UNIT, below)
    return ["level_0"]


def injected(i):
    """How many units function `i` is slowed down by: 1 to 20, shuffled."""
    return (i * 7 + 3) % PARTS + 1


def write_parts(slow):
    names = [f"part_{i}" for i in range(PARTS)]
    for i, name in enumerate(names):
        spend(name, (1 + (injected(i) if slow else 0)) * UNIT * 3, None)
    return names


def rounds(functions, seconds):
    start = clock()
    end = start + int(seconds * 1e9)
    number = 0
    while clock() < end:
        for function in functions:
            function()
        number += 1
    return number, clock() - start


def main(mode, seconds, out):
    if mode == "nested":
        names = write_nested()
    else:
        names = write_parts(mode == "slow")
    functions = [globals()[name] for name in names]
    number, wall_ns = rounds(functions, float(seconds))
    with open(out, "w", encoding="utf-8") as file:
        json.dump({"rounds": number, "wall_ns": wall_ns, "ns": NS}, file)
    print("ok")


if __name__ == "__main__":
    main(*sys.argv[1:])
