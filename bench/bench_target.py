# SPDX-License-Identifier: MIT
"""What the samplers are attached to. Runs under every Python from 3.9.

usage: bench_target.py spin SECONDS DEPTH THREADS
       bench_target.py work SECONDS NAME
       bench_target.py units SECONDS OUT loop|calls

Prints "ready" when it is under way, and ends by itself after SECONDS.

spin:  THREADS threads compute at the bottom of DEPTH calls.
work:  a program of real_programs.py.
units: equal pieces of work, one after the other, without calls of Python
       functions or made of little else; a line of OUT for each piece: when
       it began, what it took in wall and in CPU time (nanoseconds).
"""

import sys
import threading
import time


def spin(end):
    x = 0
    while time.perf_counter() < end:
        for i in range(2000):
            x += i
    return x


def down(depth, end):
    if depth > 1:
        return down(depth - 1, end)
    return spin(end)


def run_spin(end, depth, threads):
    sys.setrecursionlimit(10000)
    others = [threading.Thread(target=down, args=(int(depth), end))
              for _ in range(int(threads) - 1)]
    for thread in others:
        thread.start()
    print("ready", flush=True)
    down(int(depth), end)
    for thread in others:
        thread.join()


def run_work(end, name):
    import real_programs
    sys.setrecursionlimit(5000)
    work = real_programs.PROGRAMS[name]()
    work()
    print("ready", flush=True)
    while time.perf_counter() < end:
        work()


def julia_row(width, limit):
    """A row of the Julia set: the loop that examples/julia.py is made of."""
    c = complex(-0.62772, -0.42193)
    total = 0
    for i in range(width):
        z = complex(-1.8 + 3.6 * i / width, 0.1)
        n = 0
        while abs(z) < 2 and n < limit:
            z = z * z + c
            n += 1
        total += n
    return total


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


UNITS = {"loop": lambda: julia_row(1500, 300), "calls": lambda: fib(20)}


def run_units(end, out, kind):
    work = UNITS[kind]
    with open(out, "w", encoding="ascii") as file:
        print("ready", flush=True)
        while time.perf_counter() < end:
            wall, cpu = time.monotonic_ns(), time.process_time_ns()
            for _ in range(4):
                work()
            used = time.process_time_ns() - cpu
            file.write(f"{wall} {time.monotonic_ns() - wall} {used}\n")
            file.flush()


def main(mode, seconds, *args):
    end = time.perf_counter() + float(seconds)
    {"spin": run_spin, "work": run_work, "units": run_units}[mode](end, *args)


if __name__ == "__main__":
    main(*sys.argv[1:])
