# SPDX-License-Identifier: MIT
"""Writing a Python program and the automaton of its stacks side by side.

Each line that is written goes to the node of the function it stands in, and
says which functions it calls. So the automaton is true by construction; that
it is neither too strict nor too lax is proven by running the program
(test_legal_stacks.py).
"""

import contextlib

from legal_stacks import Automaton


class Source:
    """A program in the making; `version` is the (major, minor) that will run
    it, for the few things that the compiler of that version decides."""

    def __init__(self, path, version):
        self.version = version
        self.automaton = Automaton(path)
        self.automaton.node("<module>", lines=[1])
        self.automaton.roots.add("<module>")
        self._text = ["# SPDX-License-Identifier: MIT"]
        self._owners = ["<module>"]
        self._depth = 0

    @property
    def text(self):
        return "\n".join(self._text) + "\n"

    @property
    def _node(self):
        return self.automaton.nodes[self._owners[-1]]

    def line(self, text, *calls, foreign=False):
        """Write one line that calls the nodes `calls`; its number."""
        self._text.append("    " * self._depth + text)
        number = len(self._text)
        self._node.add_call(number, *calls)
        if foreign:
            self._node.foreign.add(number)
        return number

    @contextlib.contextmanager
    def block(self, text, *calls):
        """A line that opens a block of the same function."""
        number = self.line(text, *calls)
        self._depth += 1
        yield number
        self._depth -= 1

    @contextlib.contextmanager
    def body(self, head, key, name=None, calls_it=False):
        """A function or class, whose body is a node of its own. The head
        line belongs to the outside (it runs the statement) and to the body
        (it starts there). A class body is called by its head line."""
        number = self.line(head, *([key] if calls_it else []))
        self.automaton.node(key, name or key, [number])
        self._owners.append(key)
        self._depth += 1
        yield number
        self._depth -= 1
        self._owners.pop()

    def function(self, name, parameters="", key=None, kind="def"):
        return self.body(f"{kind} {name}({parameters}):", key or name, name)

    def method(self, owner, name, parameters="self", kind="def"):
        return self.body(f"{kind} {name}({parameters}):",
                         f"{owner}.{name}", name)

    def klass(self, name, bases=""):
        return self.body(f"class {name}{bases}:", name, calls_it=True)

    def comprehension(self, text, kind, *calls, always=False):
        """A line with one comprehension that calls `calls`. From 3.12 only
        generator expressions (always=True) have a frame of their own."""
        if not always and self.version >= (3, 12):
            return self.line(text, *calls)
        key = f"{self._owners[-1]}.{kind}@{len(self._text) + 1}"
        number = self.line(text, key)
        self.automaton.node(key, kind, [number]).add_call(number, *calls)
        return number

    def split(self, *moments):
        """Replace the node of the function just written by several: each
        moment is (key, name, lines, {line: keys})."""
        for key, name, lines, calls in moments:
            node = self.automaton.node(key, name, lines)
            for number, keys in calls.items():
                node.add_call(number, *keys)

    def busy(self, serial):
        """A few lines that a leaf does, of a length that depends on its
        serial number so that leaves do not fall into step."""
        self.line(f"x = {serial}")
        for i in range(serial % 4):
            self.line(f"x = x * 3 + {i}")
        self.line("return x")

    def finish(self, *steps, threads=False):
        """The main loop over the functions `steps`, and the call of it."""
        with self.function("main", "seconds"):
            self.line("end = clock() + seconds")
            with self.block("while True:"):
                for step in steps:
                    self.line(f"{step}()", step)
                with self.block("if clock() >= end:"):
                    self.line("return")
        self.line("main(float(sys.argv[1]))", "main")
        self.line("print('ok')")
        self.automaton.check_closed()
        return self
