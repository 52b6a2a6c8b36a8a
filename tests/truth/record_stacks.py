# SPDX-License-Identifier: MIT
"""Runs a program of serial_programs.py and writes down its own stacks, as
seen from inside, in collapsed form. Runs under every Python from 3.9.

usage: record_stacks.py trace|look SCRIPT SECONDS OUT

trace: at every instruction, by settrace, over one round of the main loop.
look: from another thread, as often as the GIL allows, for SECONDS.
"""

import _thread
import collections
import faulthandler
import os
import re
import sys
import threading
import time

SEEN = collections.Counter()
# Above this depth only some of the instructions: the walk itself takes long.
DEEP, STRIDE = 60, 41
# faulthandler cuts off what is deeper.
MOST = 100
LINE = re.compile(r'^  File "(.*)", line (\d+|\?\?\?) in (.*)$')


def write_down(frame):
    """Count the stack that ends in `frame`, down to the script's module."""
    stack = []
    while frame is not None:
        code = frame.f_code
        if code.co_filename == __file__:
            break
        stack.append((code.co_name, code.co_filename, frame.f_lineno or 0))
        frame = frame.f_back
    if stack:
        SEEN[tuple(reversed(stack))] += 1


def is_deep(frame):
    for _ in range(DEEP):
        frame = frame.f_back
        if frame is None:
            return False
    return True


def tracer(script):
    events = iter(range(1 << 62))

    def at_event(frame, _event, _arg):
        if frame.f_code.co_filename != script:
            return None
        frame.f_trace_opcodes = True
        if next(events) % STRIDE == 0 or not is_deep(frame):
            write_down(frame)
        return at_event
    return at_event


def trace_threads(trace):
    """Threads of both modules are traced from their first instruction."""
    start = _thread.start_new_thread

    def start_traced(function, args):
        def traced():
            sys.settrace(trace)
            function(*args)
        return start(traced, ())

    threading.settrace(trace)
    _thread.start_new_thread = start_traced


def look(state):
    """faulthandler walks all stacks in one go, under the GIL. A walk along
    f_back from here would be overtaken by the threads that it watches."""
    with open(state["notes"], "w+b") as notes:
        while not state["done"]:
            faulthandler.dump_traceback(notes, all_threads=True)
            notes.write(b"\n")
            notes.flush()
            time.sleep(0.0001)
        notes.seek(0)
        read_notes(notes.read().decode())
    os.unlink(state["notes"])
    state["lock"].release()


def read_notes(text):
    for thread in re.split(r"(?m)^(?:Current thread|Thread|Stack).*$|^$",
                           text):
        stack = []
        for line in thread.splitlines():
            if not line:
                continue
            match = LINE.match(line)
            # Cut off at the root side: the words for too many frames, and
            # (3.14, 3.15) the frame without lines that runs __init__.
            if not match or match[1] in ("__init__", "<shim>"):
                stack = []
                break
            if match[1] == __file__:
                break
            number = 0 if match[2] == "???" else int(match[2])
            stack.append((match[3], match[1], number))
        if stack and len(stack) < MOST:
            SEEN[tuple(reversed(stack))] += 1


def main(mode, script, seconds, out):
    with open(script, encoding="utf-8") as file:
        code = compile(file.read(), script, "exec")
    sys.argv = [script, "0" if mode == "trace" else seconds]
    names = {"__name__": "__main__", "__file__": script}
    if mode == "trace":
        trace = tracer(script)
        trace_threads(trace)
        sys.settrace(trace)
        exec(code, names)
        sys.settrace(None)
    else:
        sys.setswitchinterval(0.00005)
        state = {"done": False, "lock": _thread.allocate_lock(),
                 "notes": out + ".notes"}
        state["lock"].acquire()
        _thread.start_new_thread(look, (state,))
        exec(code, names)
        state["done"] = True
        state["lock"].acquire()
    with open(out, "w", encoding="utf-8") as file:
        for stack, count in SEEN.items():
            text = ";".join("%s (%s:%d)" % frame for frame in stack)
            file.write("%s %d\n" % (text, count))


if __name__ == "__main__":
    main(*sys.argv[1:])
