# SPDX-License-Identifier: MIT
"""Which stacks of a program can exist: an automaton, and its verdicts.

A node is one function in one moment of the program (its phase, its depth).
It says which lines may be current while the function is the leaf, and which
nodes may be called from which line. A stack is legal when a walk from a root
to a leaf reads exactly its frames. Two frames of different moments that were
spliced together have no such walk, because every moment has functions, or
lines, of its own.
"""

import collections
import re

FRAME = re.compile(r"^(?P<name>.*?) \((?P<path>.*?)(?::(?P<line>-?\d+))?\)$")

# The folder name is part of the test: ours are the frames of this file only.
Frame = collections.namedtuple("Frame", "name path line")


class Node:
    """One function in one moment."""

    def __init__(self, key, name, lines=()):
        self.key = key
        self.name = name
        self.lines = set(lines)
        self.calls = {}  # line -> keys of the nodes called from there
        self.foreign = set()  # lines from which code of others runs

    def add_call(self, line, *keys):
        self.lines.add(line)
        self.calls.setdefault(line, set()).update(keys)


class Automaton:
    """The legal stacks of the program in the file `path`."""

    def __init__(self, path):
        self.path = path
        self.nodes = {}
        self.roots = set()
        self.thread_roots = set()  # may stand under threading's own frames

    def node(self, key, name=None, lines=()):
        if key in self.nodes:
            raise ValueError(f"two nodes are called {key}")
        self.nodes[key] = Node(key, name or key, lines)
        return self.nodes[key]

    def check_closed(self):
        """Every call leads somewhere: a typing mistake must not make a
        harness that forbids what exists."""
        for node in self.nodes.values():
            for keys in node.calls.values():
                for key in keys:
                    if key not in self.nodes:
                        raise ValueError(f"{node.key} calls unknown {key}")

    def ours(self, frame):
        return frame.path == self.path

    def why_impossible(self, frames, whole=True):
        """None when `frames` (root first) can exist, or the reason. With
        whole=False they may end anywhere: a root side."""
        first = next((i for i, f in enumerate(frames) if self.ours(f)), None)
        if first is None:
            return None
        starts = self.roots
        if first:
            if not is_thread_start(frames[:first]):
                return f"a foreign root, {frames[0].name}"
            starts = self.thread_roots
        return self._walk(frames[first:], starts, whole)

    def _walk(self, frames, starts, whole):
        now = [self.nodes[key] for key in starts]
        for i, frame in enumerate(frames):
            now = [n for n in now if n.name == frame.name]
            if not now:
                return f"frame {i}, {text_of(frame)}, cannot stand there"
            if i + 1 == len(frames):
                return self._leaf(now, frame, i, whole)
            if not self.ours(frames[i + 1]):
                if any(frame.line in n.foreign for n in now):
                    return self._foreign(frames[i + 1:])
                return f"frame {i}, {text_of(frame)}, calls nobody else's code"
            now = [self.nodes[key] for n in now
                   for key in n.calls.get(frame.line, ())]
        return "no frames"

    def _foreign(self, frames):
        if any(self.ours(f) for f in frames):
            return "foreign code that calls back"
        return None

    def _leaf(self, now, frame, i, whole):
        # Some instructions belong to no line; they may be current in a leaf.
        if frame.line <= 0 and whole:
            return None
        if any(frame.line in n.lines for n in now):
            return None
        return f"leaf {i}, {text_of(frame)}, has no such line then"


def is_thread_start(frames):
    """Are these the frames that threading.Thread puts under a target?"""
    names = [f.name for f in frames]
    if not all(f.path.endswith("threading.py") for f in frames):
        return False
    return names in (["_bootstrap", "_bootstrap_inner", "run"],)


def text_of(frame):
    return f"{frame.name}:{frame.line}"


def plain_name(name):
    """`C.method` and `f.<locals>.<listcomp>` by their last part: releases
    differ in whether a code object knows more than that."""
    return name.rsplit(".", 1)[-1]


def parse_frame(text):
    match = FRAME.match(text)
    if not match:
        return Frame(text, "", 0)
    return Frame(plain_name(match["name"]), match["path"],
                 int(match["line"] or 0))


def parse_collapsed(text):
    """[(frames, count)] from collapsed text, frames root first."""
    stacks = []
    cache = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        stack, _, count = line.rpartition(" ")
        if not stack or not count.isdigit():
            raise ValueError(f"line {number} is no collapsed stack: {line!r}")
        frames = []
        for part in stack.split(";"):
            if part not in cache:
                cache[part] = parse_frame(part)
            frames.append(cache[part])
        stacks.append((frames, int(count)))
    return stacks


class Verdict:
    """What a set of stacks is worth, in samples."""

    def __init__(self):
        self.legal = 0
        self.impossible = 0
        self.outside = 0  # start-up and exit of the interpreter: not judged
        self.reasons = collections.Counter()

    @property
    def judged(self):
        return self.legal + self.impossible

    @property
    def percent(self):
        return 100.0 * self.impossible / self.judged if self.judged else 0.0

    def __iadd__(self, other):
        self.legal += other.legal
        self.impossible += other.impossible
        self.outside += other.outside
        self.reasons += other.reasons
        return self

    def __str__(self):
        text = (f"{self.impossible} of {self.judged} impossible "
                f"({self.percent:.4f} %), {self.outside} outside")
        for reason, count in self.reasons.most_common(5):
            text += f"\n    {count} x {reason}"
        return text


def judge(automaton, stacks, whole=True):
    """The verdict on [(frames, count)]."""
    verdict = Verdict()
    for frames, count in stacks:
        if not any(automaton.ours(f) for f in frames):
            verdict.outside += count
            continue
        reason = automaton.why_impossible(frames, whole)
        if reason is None:
            verdict.legal += count
        else:
            verdict.impossible += count
            verdict.reasons[reason] += count
    return verdict
