# SPDX-License-Identifier: MIT
"""Runs two rounds of a program of real_programs.py under sys.setprofile and
writes down who called whom from which line. Runs under every Python from 3.9.

usage: record_calls.py NAME OUT

OUT is JSON: "calls" lists [file, function, line, file, function], "lines"
lists [file, function, [lines]] of every function that ran, "makers" those
whose call only makes a generator or coroutine: such a call is no event.
"""

import dis
import json
import sys

import real_programs


# CO_GENERATOR, CO_COROUTINE, CO_ASYNC_GENERATOR
MAKERS = 0x20 | 0x80 | 0x200


def lines_of(code):
    return {line for _, line in dis.findlinestarts(code)
            if line} | {code.co_firstlineno}


def main(name, out):
    sys.setrecursionlimit(5000)
    calls, codes = set(), set()

    def at_event(frame, event, _arg):
        if event != "call":
            return
        caller = frame.f_back
        codes.add(frame.f_code)
        codes.add(caller.f_code)
        calls.add((caller.f_code, caller.f_lineno, frame.f_code))

    work = real_programs.PROGRAMS[name]()
    work()
    sys.setprofile(at_event)
    real_programs.rounds(work, 0)
    real_programs.rounds(work, 0)
    sys.setprofile(None)
    with open(out, "w", encoding="utf-8") as file:
        json.dump({
            "calls": [[a.co_filename, a.co_name, line or 0,
                       b.co_filename, b.co_name] for a, line, b in calls],
            "lines": [[c.co_filename, c.co_name, sorted(lines_of(c))]
                      for c in codes],
            "makers": [[c.co_filename, c.co_name] for c in codes
                       if c.co_flags & MAKERS],
        }, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
