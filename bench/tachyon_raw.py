# SPDX-License-Identifier: MIT
"""The reader under CPython's sampler alone: no timer, no collector.

usage: tachyon_raw.py PID SECONDS all|main

Prints JSON: the CPU time of the loop, looks, stacks of threads, errors.
"""

import _remote_debugging
import json
import sys
import time


def unwinder_for(pid, every):
    """As profiling.sampling makes its own: frame cache, no native frames."""
    choice = {"all_threads": True} if every else {"only_active_thread": False}
    return _remote_debugging.RemoteUnwinder(pid, cache_frames=True, **choice)


def main(pid, seconds, which):
    unwinder = unwinder_for(int(pid), which == "all")
    end = time.perf_counter() + float(seconds)
    looks = stacks = errors = 0
    cpu = time.process_time()
    while time.perf_counter() < end:
        looks += 1
        try:
            for interpreter in unwinder.get_stack_trace():
                stacks += len(interpreter.threads)
        except (RuntimeError, UnicodeDecodeError, MemoryError, OSError):
            errors += 1
    print(json.dumps({"cpu_s": time.process_time() - cpu, "looks": looks,
                      "stacks": stacks, "errors": errors}))


if __name__ == "__main__":
    main(*sys.argv[1:])
