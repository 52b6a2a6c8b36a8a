# SPDX-License-Identifier: MIT
"""The Julia set of z*z + c on a square grid, in plain Python.

usage: julia.py [WIDTH [ITERATIONS]]

The problem (c, the range, 1000 x 1000 points, at most 300 iterations) is the
one of the book "High Performance Python"; its check sum is 33219980.
"""

import sys
import time

C = complex(-0.62772, -0.42193)
LOW, HIGH = -1.8, 1.8
BOOK = (1000, 300, 33219980)


def axis(start, step, more):
    """The points from `start` in steps of `step`, added up one by one: the
    rounding of that sum is part of the problem."""
    points = []
    point = start
    while more(point):
        points.append(point)
        point += step
    return points


def coordinates(width):
    """One complex number for each point, row by row from the top."""
    step = (HIGH - LOW) / width
    columns = axis(LOW, step, lambda x: x < HIGH)
    rows = axis(HIGH, -step, lambda y: y > LOW)
    points = []
    for y in rows:
        for x in columns:
            points.append(complex(x, y))
    return points


def escape_times(limit, points, constants):
    """For each point, the steps until it leaves the circle of radius 2."""
    times = [0] * len(points)
    for i in range(len(points)):
        n = 0
        z = points[i]
        c = constants[i]
        while abs(z) < 2 and n < limit:
            z = z * z + c
            n += 1
        times[i] = n
    return times


def main(arguments):
    width = int(arguments[0]) if arguments else BOOK[0]
    limit = int(arguments[1]) if len(arguments) > 1 else BOOK[1]
    points = coordinates(width)
    constants = [C] * len(points)
    start = time.perf_counter()
    times = escape_times(limit, points, constants)
    seconds = time.perf_counter() - start
    total = sum(times)
    if (width, limit) == BOOK[:2]:
        assert total == BOOK[2], total
    print(f"{len(points)} points, sum {total}")
    print(f"escape_times took {seconds:.2f} s", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])
