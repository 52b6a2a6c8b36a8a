# SPDX-License-Identifier: MIT
"""Threads that know what they wait for: known_states.py MODE SECONDS N OUT.

Each thread keeps books of its own wall time: on a CPU by its CPU clock, in the
run queue by the kernel's count, and what remains of each step is what the step
waits for. Where several threads want the GIL, a step that shall sleep so long
and takes longer has waited for the GIL for the rest.

waits   N threads, each with another kind of wait and some sleep
disk    a thread that waits for a disk, N - 1 that sleep
gil     a thread that keeps the GIL for 10 ms at a time, N - 1 that want it
spin    N threads that compute
collect a thread half of whose time is the collector, N - 1 that compute
"""

import ctypes
import gc
import json
import mmap
import os
import queue
import select
import socket
import sys
import threading
import time

# There may be no /proc in the root directory of this interpreter.
PROC = int(os.environ["PROC_FD"])
WITH_GIL = ctypes.PyDLL(None)  # its functions are called with the GIL held
KINDS = ("sleep", "lock", "event", "queue", "pipe", "socket", "poll", "child")
BLOCK = 8 << 20


def timers_are_late_ns():
    """By the kernel's slack of 50 us and a wake-up, which takes an idle CPU
    of a virtual machine longer than the slack."""
    late = []
    for _ in range(15):
        start = time.perf_counter_ns()
        time.sleep(0.002)
        late.append(time.perf_counter_ns() - start - 2_000_000)
    return sorted(late)[len(late) // 2]


SLACK_NS = timers_are_late_ns()

# When each thread was started: it may wait for the GIL before it keeps books.
STARTED = {}


class Books:
    """The wall time of the calling thread from its start, by what it was
    for."""

    def __init__(self):
        self.states = {}
        tid = threading.get_native_id()
        self.file = os.open(f"{os.getpid()}/task/{tid}/schedstat", os.O_RDONLY,
                            dir_fd=PROC)
        self.began = STARTED[threading.current_thread().name]

    @staticmethod
    def now():
        return time.perf_counter_ns()

    def queued(self):
        return int(os.pread(self.file, 100, 0).split()[1])

    def add(self, state, nanoseconds):
        self.states[state] = self.states.get(state, 0) + nanoseconds

    def step(self, state, do, until=None):
        """Do it, and write down what it took: as `state` until that time, which
        `until` says of the time it began, the rest as waiting for the GIL."""
        # To read a file is to let go of the GIL, and to wait for it again.
        queued, cpu, start = self.queued(), time.thread_time_ns(), self.now()
        do()
        waited = (self.now() - start - (time.thread_time_ns() - cpu)
                  - (self.queued() - queued))
        part = waited
        if until:
            part = min(waited, max(until(start) - start, 0) + SLACK_NS)
        self.add(state, part)
        self.add("gil_wait", waited - part)

    def close(self):
        wall = self.now() - self.began
        self.add("on_cpu", time.thread_time_ns())
        self.add("run_queue", self.queued())
        os.close(self.file)
        # Between the steps a thread waits for nothing but the GIL.
        self.add("gil_wait", wall - sum(self.states.values()))
        return {"wall_ns": wall, "states": self.states}


def sleeper(seconds):
    return lambda: time.sleep(seconds)


def after(seconds):
    """For how long a sleep sleeps."""
    return lambda start: start + int(seconds * 1e9)


class Feeder:
    """Does something every few milliseconds, without being in the way."""

    def __init__(self, do, seconds):
        self.did = 0

        def run():
            while True:
                time.sleep(seconds)
                self.did = time.perf_counter_ns()
                do()

        threading.Thread(target=run, daemon=True, name="feeder").start()

    def when(self, start):
        """When it did it last: nobody waits any more since."""
        return self.did


def run_child():
    """Not by subprocess, which also waits for a pipe."""
    os.waitpid(os.posix_spawn("/bin/sleep", ["sleep", "0.1"], {}), 0)


def make_wait(kind):
    """(state, a call that waits some 7 ms for it, when that is over)"""
    if kind == "sleep":
        return "sleep", sleeper(0.007), after(0.007)
    if kind == "lock":
        lock = threading.Lock()
        lock.acquire()
        feeder = Feeder(lambda: lock.locked() and lock.release(), 0.007)
        return "lock", lock.acquire, feeder.when
    if kind == "event":
        event = threading.Event()
        feeder = Feeder(event.set, 0.007)
        return "lock", lambda: event.wait() and event.clear(), feeder.when
    if kind == "queue":
        jobs = queue.Queue()
        feeder = Feeder(lambda: jobs.put(1), 0.007)
        return "lock", jobs.get, feeder.when
    if kind == "pipe":
        reader, writer = os.pipe()
        feeder = Feeder(lambda: os.write(writer, b"x"), 0.007)
        return "io", lambda: os.read(reader, 1), feeder.when
    if kind == "socket":
        here, there = socket.socketpair()
        feeder = Feeder(lambda: there.send(b"x"), 0.007)
        return "io", lambda: here.recv(1), feeder.when
    if kind == "poll":
        reader, writer = os.pipe()
        other, there = socket.socketpair()
        feeder = Feeder(lambda: os.write(writer, b"x"), 0.007)

        def wait():
            select.select([reader, other, there], [], [])
            os.read(reader, 1)

        return "io", wait, feeder.when
    return "child", run_child, None


def wait_and_sleep(kind, end, told):
    state, wait, until = make_wait(kind)
    seconds = 0.03 if kind == "child" else 0.003
    books = Books()
    while time.perf_counter() < end:
        books.step(state, wait, until)
        books.step("sleep", sleeper(seconds), after(seconds))
    told[threading.current_thread().name] = books.close()


def make_file(path):
    with open(path, "wb") as file:
        for _ in range(8):
            file.write(os.urandom(BLOCK))
        file.flush()
        os.fsync(file.fileno())
    return path


def read_from_disk(path, end, told):
    """Past the cache, and much at a time: a wait of some milliseconds."""
    file = os.open(path, os.O_RDONLY | os.O_DIRECT)
    block, number = mmap.mmap(-1, BLOCK), 0
    books = Books()
    while time.perf_counter() < end:
        books.step("io", lambda at=number % 8 * BLOCK: os.preadv(
            file, [block], at))
        books.step("sleep", sleeper(0.003), after(0.003))
        number += 1
    told[threading.current_thread().name] = books.close()


def keep_the_gil(end, told):
    books = Books()
    while time.perf_counter() < end:
        # Before its end is noted the GIL is given to somebody, if asked for.
        books.step("sleep", lambda: WITH_GIL.usleep(10_000), after(0.01))
        books.step("sleep", sleeper(0.004), after(0.004))
    told[threading.current_thread().name] = books.close()


def want_the_gil(end, told):
    books = Books()
    while time.perf_counter() < end:
        books.step("sleep", sleeper(0.002), after(0.002))
    told[threading.current_thread().name] = books.close()


def spin(end, told):
    books = Books()
    n = 0
    while time.perf_counter() < end:
        for _ in range(1000):
            n += 1
    told[threading.current_thread().name] = books.close()


def collect(end, told):
    """Half of the time in the collector. No callbacks of gc: they may let go
    of the GIL in the middle of a collection."""
    keep = [[] for _ in range(200_000)]
    spent = 0
    gc.disable()
    books = Books()
    while time.perf_counter() < end:
        before = time.thread_time_ns()
        gc.collect()
        took = time.thread_time_ns() - before
        spent += took
        until = time.thread_time_ns() + took
        while time.thread_time_ns() < until:
            pass
    answer = books.close()
    answer["collecting_ns"] = spent
    told[threading.current_thread().name] = answer
    del keep


def jobs(mode, number):
    if mode == "waits":
        return [(f"{KINDS[i % len(KINDS)]}-{i}",
                 lambda end, told, i=i: wait_and_sleep(
                     KINDS[i % len(KINDS)], end, told))
                for i in range(number)]
    if mode == "disk":
        path = make_file(sys.argv[4] + ".data")
        return [("disk", lambda end, told: read_from_disk(path, end, told))] + [
            (f"sleep-{i}", lambda end, told: wait_and_sleep(
                "sleep", end, told)) for i in range(number - 1)]
    if mode == "gil":
        return [("keeper", keep_the_gil)] + [
            (f"wants-{i}", want_the_gil) for i in range(number - 1)]
    first = collect if mode == "collect" else spin
    return [(f"{mode}-{i}", spin if i else first) for i in range(number)]


def main():
    mode, seconds, number, out = sys.argv[1:]
    told = {}
    wanted = jobs(mode, int(number))
    end = time.perf_counter() + float(seconds)
    threads = [threading.Thread(target=do, args=(end, told), name=name)
               for name, do in wanted]
    for thread in threads:
        STARTED[thread.name] = time.perf_counter_ns()
        thread.start()
    for thread in threads:
        thread.join()
    with open(out, "w", encoding="utf-8") as file:
        json.dump(told, file)
    print("ok", flush=True)
    os._exit(0)  # the feeders may go on


if __name__ == "__main__":
    main()
