# SPDX-License-Identifier: MIT
"""Threads that compute in turns under one GIL and pass results by a queue.

usage: threads.py [THREADS [TASKS]]
"""

import queue
import sys
import threading


def collatz(n):
    """Steps from n down to 1."""
    steps = 0
    while n != 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        steps += 1
    return steps


def longest(first, last):
    """The number in [first, last) with the most steps."""
    best = (0, 0)
    for n in range(first, last):
        steps = collatz(n)
        if steps > best[0]:
            best = (steps, n)
    return best


def worker(tasks, results):
    while True:
        task = tasks.get()
        if task is None:
            return
        results.put(longest(*task))


def collect(results, count):
    """Wait for `count` results; the best of them, the smaller number first
    where two are equal."""
    best = (0, 0)
    for _ in range(count):
        steps, n = results.get()
        if (steps, -n) > (best[0], -best[1]):
            best = (steps, n)
    return best


def main(arguments):
    thread_count = int(arguments[0]) if arguments else 4
    task_count = int(arguments[1]) if len(arguments) > 1 else 60
    tasks, results = queue.Queue(), queue.Queue()
    threads = [threading.Thread(target=worker, args=(tasks, results),
                                name=f"worker-{i}")
               for i in range(thread_count)]
    for thread in threads:
        thread.start()
    for i in range(task_count):
        tasks.put((1 + i * 1000, 1 + (i + 1) * 1000))
    steps, n = collect(results, task_count)
    for _ in threads:
        tasks.put(None)
    for thread in threads:
        thread.join()
    print(f"below {1 + task_count * 1000} the longest way is from {n}: "
          f"{steps} steps")


if __name__ == "__main__":
    main(sys.argv[1:])
