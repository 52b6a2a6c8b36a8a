# SPDX-License-Identifier: MIT
# Times one expression in this process and says what it saw on a pipe.
# `tare time` runs it with -c in one fresh interpreter after the other; it has
# to work in every Python 3.
#
# argv: the pipe's descriptor, "on" or "off" for the collector, the number of
# executions in a batch or 0 to find one, setup, expression.


def tare_time():
    import gc
    import itertools
    import linecache
    import os
    import platform
    import sys
    import time

    pipe, collector, loops, setup, expression = sys.argv[1:6]
    pipe, loops = int(pipe), int(loops)
    sys.argv = [""]
    os.set_inheritable(pipe, False)
    # A batch is long beside the clock's and the loop's own cost. One process
    # is one figure, so many batches of one process would not tell more.
    batch_ns, batches_most, enough_ns = 10000000, 5, 250000000

    def say(*words):
        data = (" ".join(map(str, words)) + "\n").encode()
        while data:
            data = data[os.write(pipe, data):]

    def indented(text, by):
        return text.replace("\n", "\n" + " " * by)

    # As timeit has it: names are locals of one function, setup runs once.
    def compiled(statement, name):
        source = (
            "def _tare_loop(_tare_next, _tare_wall, _tare_cpu):\n"
            "    " + indented(setup or "pass", 4) + "\n"
            "    _tare_turns = _tare_next(None)\n"
            "    while _tare_turns is not None:\n"
            "        _tare_c0 = _tare_cpu()\n"
            "        _tare_w0 = _tare_wall()\n"
            "        for _tare_i in _tare_turns:\n"
            "            " + indented(statement, 12) + "\n"
            "            pass\n"
            "        _tare_w1 = _tare_wall()\n"
            "        _tare_c1 = _tare_cpu()\n"
            "        _tare_turns = _tare_next((_tare_w1 - _tare_w0,\n"
            "                                  _tare_c1 - _tare_c0))\n"
        )
        linecache.cache[name] = (
            len(source), None, source.splitlines(True), name)
        space = {"__name__": "__main__"}
        exec(compile(source, name, "exec"), space)
        return space["_tare_loop"]

    def collections():
        return sum(one.get("collections", 0) for one in gc.get_stats())

    def calibrated(seen, loops):
        """The next number of executions to try, or None: long enough."""
        if seen[0] >= batch_ns or loops >= 10 ** 9:
            return None
        return loops * (10 if seen[0] < batch_ns // 20 else 2)

    # What the loop asks: how many turns next? None: done.
    def steps(loops):
        if not loops:
            loops = 1
            while True:
                seen = yield loops
                more = calibrated(seen, loops)
                if more is None:
                    break
                loops = more
        else:
            # Caches, specialised bytecode, the branch predictor: sorted() of
            # 1,000 numbers takes 41 us at first and 34 us after 30 ms.
            seen = yield 1
            if seen[0] < batch_ns:
                yield loops * 3
        say("loops", loops)
        total = 0
        for _ in range(batches_most):
            before = collections()
            seen = yield loops
            say("batch", seen[0], seen[1], collections() - before)
            total += seen[0]
            if total >= enough_ns:
                break

    def drive(plan):
        def following(seen):
            try:
                turns = plan.send(seen)
            except StopIteration:
                return None
            return itertools.repeat(None, turns)
        return following

    def empty_steps():
        yield 10000
        seen = yield 100000
        say("empty", seen[0], 100000)

    # Alone first: an error in it is shown where it was typed.
    compile(setup, "<setup>", "exec")
    compile(expression, "<expression>", "exec")
    say("tare.expression", 1)
    say("python", platform.python_implementation(), platform.python_version())
    clocks = time.perf_counter_ns, time.process_time_ns
    loop = compiled(expression, "<tare time>")
    gc.collect()
    if collector == "on":
        gc.enable()
    else:
        gc.disable()
    loop(drive(steps(loops)), *clocks)
    gc.disable()
    setup = ""
    compiled("pass", "<empty>")(drive(empty_steps()), *clocks)
    say("end")


tare_time()
