# SPDX-License-Identifier: MIT
"""A program in a terminal of its own, and what that terminal shows."""

import fcntl
import os
import select
import signal
import struct
import subprocess
import termios
import time

import pyte

SECONDS = 30


class Terminal:
    """Starts `command` in a new session on a new terminal.

    `screen` is what pyte makes of the bytes that came; `received` are they.
    """

    def __init__(self, command, columns=80, lines=24, term="xterm", **env):
        self.screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self.screen)
        self.received = b""
        self.master, slave = os.openpty()
        self.resize(columns, lines)
        self.modes = termios.tcgetattr(slave)
        self.slave = slave
        settings = {**os.environ, "TERM": term, "LC_ALL": "C.UTF-8", **env}
        settings.pop("NO_COLOR", None)
        settings.update(env)
        self.process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=settings,
            preexec_fn=self._take_terminal,
        )

    @staticmethod
    def _take_terminal():
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def resize(self, columns, lines):
        size = struct.pack("HHHH", lines, columns, 0, 0)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, size)
        self.screen.resize(lines, columns)

    def read(self, seconds):
        """Take in what comes in so many seconds; how many bytes that were."""
        before = len(self.received)
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if not select.select([self.master], [], [], left)[0]:
                break
            try:
                data = os.read(self.master, 65536)
            except OSError:  # nobody has the other side open
                break
            self.received += data
            self._stream.feed(data)
        return len(self.received) - before

    def text(self):
        return "\n".join(line.rstrip() for line in self.screen.display)

    def wait_for(self, *wanted, seconds=SECONDS):
        """Read until all the texts are on the screen at a time."""
        end = time.monotonic() + seconds
        while not all(one in self.text() for one in wanted):
            assert time.monotonic() < end, f"{wanted} in\n{self.text()}"
            self.read(0.1)
        return self.text()

    def type(self, keys):
        os.write(self.master, keys.encode())

    def kill(self, number):
        self.process.send_signal(number)

    def end(self, seconds=SECONDS):
        """Read to the end of the program; its status as subprocess has it."""
        end = time.monotonic() + seconds
        while self.process.poll() is None:
            assert time.monotonic() < end, f"does not end:\n{self.text()}"
            self.read(0.1)
        self.read(0.2)
        return self.process.returncode

    def is_restored(self):
        """The modes are as they were, and so is the screen."""
        last = self.received
        return (
            termios.tcgetattr(self.slave) == self.modes
            and last.rfind(b"\x1b[?1049l") > last.rfind(b"\x1b[?1049h")
            and last.rfind(b"\x1b[?25h") > last.rfind(b"\x1b[?25l")
        )

    def close(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        os.close(self.master)
        os.close(self.slave)
