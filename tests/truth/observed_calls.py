# SPDX-License-Identifier: MIT
"""Judging stacks of a program by the calls that it was seen to make: for
programs that others wrote, where nobody says which stacks are legal."""

import json

from legal_stacks import Verdict, text_of


class ObservedCalls:
    """What record_calls.py wrote down. The stacks judged are those above
    the function `base` of the file `path`."""

    def __init__(self, text, path, base):
        data = json.loads(text)
        self.base = path, base
        self.calls = {((a, f, line), (b, g))
                      for a, f, line, b, g in data["calls"]}
        self.makers = {tuple(one) for one in data["makers"]}
        self.lines = {}
        for path, function, lines in data["lines"]:
            self.lines.setdefault((path, function), set()).update(lines)

    def above(self, frames):
        """The frames from the base on, or None."""
        for i, frame in enumerate(frames):
            if (frame.path, frame.name) == self.base:
                return frames[i:]
        return None

    def why_impossible(self, frames):
        edges = list(zip(frames, frames[1:]))
        for i, (a, b) in enumerate(edges):
            if i + 1 == len(edges) and self.may_be_made(b):
                continue
            if ((a.path, a.name, a.line), (b.path, b.name)) not in self.calls:
                return f"{text_of(a)} never called {b.name}"
        leaf = frames[-1]
        lines = self.lines.get((leaf.path, leaf.name), ())
        if leaf.line > 0 and leaf.line not in lines:
            return f"{leaf.name} has no line {leaf.line}"
        return None

    def may_be_made(self, frame):
        """Is this a generator or coroutine at its first line? From 3.11 it
        is a frame for a moment where it is made, wherever that is."""
        function = frame.path, frame.name
        return function in self.makers and frame.line <= min(
            self.lines[function])

    def judge(self, stacks):
        verdict = Verdict()
        for frames, count in stacks:
            frames = self.above(frames)
            if frames is None:
                verdict.outside += count
                continue
            reason = self.why_impossible(frames)
            if reason is None:
                verdict.legal += count
            else:
                verdict.impossible += count
                verdict.reasons[reason] += count
        return verdict
