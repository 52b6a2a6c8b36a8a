# SPDX-License-Identifier: MIT
"""What the captured processes ran: a stack through each kind of frame."""

import threading
import time


def in_thread(event):
    event.wait()


def leaf(seconds):
    time.sleep(seconds)
    return True


def generator(seconds):
    yield leaf(seconds)


def by_callback(seconds):
    return sorted([1], key=lambda _: [any(generator(seconds))])


class Größe:
    def method(self, depth, seconds):
        if depth:
            return self.method(depth - 1, seconds)
        return by_callback(seconds)


def main():
    event = threading.Event()
    threading.Thread(target=in_thread, args=(event,), daemon=True).start()
    Größe().method(3, 600)


main()
