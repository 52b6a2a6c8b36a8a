# SPDX-License-Identifier: MIT
"""known_native.py LIBRARY SECONDS THREADS: a program whose native stacks are
known. Every truth_* function of the library is called from one line only;
test_native_stacks.py reads this text to know which.

Prints how long each function spun, in iterations.
"""

import collections
import ctypes
import json
import re
import sys
import threading
import time

held = ctypes.PyDLL(sys.argv[1])  # calls keep the GIL
free = ctypes.CDLL(sys.argv[1])   # calls give it back
SECONDS, THREADS = float(sys.argv[2]), int(sys.argv[3])
N = 100_000
spun = collections.Counter()
callback_type = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_long)


def in_a():
    held.truth_a(3 * N)
    spun["truth_a"] += 3 * N


def in_b():
    held.truth_b(2 * N)
    spun["truth_b"] += 2 * N


def in_tiny():
    for _ in range(300):
        held.truth_tiny(20)


def from_c(n):
    held.truth_inner(n)
    spun["truth_inner"] += n
    return 0


def in_outer():
    held.truth_outer(callback, 2 * N)
    spun["truth_outer"] += 2 * N


def key(x):
    held.truth_key(N // 2)
    spun["truth_key"] += N // 2
    return -x


def in_sort():
    sorted([1, 2, 3, 4], key=key)


def replace(match):
    held.truth_re(N)
    spun["truth_re"] += N
    return match[0]


def in_sub():
    pattern.sub(replace, "xx")


def deeper(depth):
    if depth:
        return deeper(depth - 1)
    return in_a()


def generator():
    yield in_b()
    yield in_tiny()


def work():
    deeper(5)
    in_b()
    in_outer()
    in_sort()
    in_sub()
    in_tiny()
    list(generator())


def in_held():
    held.truth_held(N)


def in_free():
    free.truth_free(N)


def other():
    while not over:
        # With the GIL for long enough to be made to give it away.
        for _ in range(20):
            in_held()
        in_free()


callback = callback_type(from_c)
pattern = re.compile("x")
over = False
others = [threading.Thread(target=other) for _ in range(THREADS - 1)]
for one in others:
    one.start()
while time.thread_time() < SECONDS:
    work()
over = True
for one in others:
    one.join()
print(json.dumps(spun))
