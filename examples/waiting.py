# SPDX-License-Identifier: MIT
"""A program that mostly waits: for time, for a lock, for a pipe, for a disk.

usage: waiting.py [SECONDS]

Each of the four takes about a quarter of SECONDS, and one thread each stands
on the other side of the lock and of the pipe.
"""

import os
import sys
import tempfile
import threading
import time

PIECE = b"x" * 65536


def wait_for_time(seconds):
    time.sleep(seconds)


def hold(lock, held, seconds):
    with lock:
        held.set()
        time.sleep(seconds)


def wait_for_lock(seconds):
    lock, held = threading.Lock(), threading.Event()
    holder = threading.Thread(target=hold, args=(lock, held, seconds),
                              name="holder")
    holder.start()
    held.wait()
    with lock:
        pass
    holder.join()


def trickle(fd, pieces, seconds):
    for _ in range(pieces):
        time.sleep(seconds / pieces)
        os.write(fd, PIECE[:512])
    os.close(fd)


def wait_for_pipe(seconds):
    source, sink = os.pipe()
    writer = threading.Thread(target=trickle, args=(sink, 10, seconds),
                              name="writer")
    writer.start()
    size = 0
    while True:
        piece = os.read(source, 4096)
        if not piece:
            break
        size += len(piece)
    os.close(source)
    writer.join()
    return size


def wait_for_disk(seconds):
    end = time.monotonic() + seconds
    with tempfile.TemporaryFile() as file:
        while time.monotonic() < end:
            file.seek(0)
            for _ in range(16):
                file.write(PIECE)
            file.flush()
            os.fsync(file.fileno())
        file.seek(0)
        while file.read(len(PIECE)):
            pass


def main(arguments):
    seconds = float(arguments[0]) if arguments else 4.0
    wait_for_time(seconds / 4)
    wait_for_lock(seconds / 4)
    size = wait_for_pipe(seconds / 4)
    wait_for_disk(seconds / 4)
    print(f"waited for a clock, a lock, {size} bytes of a pipe and a disk")


if __name__ == "__main__":
    main(sys.argv[1:])
