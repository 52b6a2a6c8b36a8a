# SPDX-License-Identifier: MIT
"""Stacks of tare on programs whose legal stacks are known.

The claim is at most 0.1 % impossible among the stacks that tare emits without
a mark. 3000 judged samples are the least for it: had one found none among
them, the true rate would be below 0.1 % with 95 % confidence (3/n).
"""

import pytest

from legal_stacks import Verdict, judge
from serial_programs import PROGRAMS
from tare_runs import record

ENOUGH = 3000
MOST_IMPOSSIBLE = 0.1  # percent
LEAST_COMPLETE = 90.0
MOST_LOST = 1.0
HONESTY = 0.2  # points


def percent(part, whole):
    return 100.0 * part / whole if whole else 0.0


def count(stacks):
    return sum(nr for _, nr in stacks)


# A loaded machine gives fewer samples a second; then it takes more recordings.
MOST_RECORDINGS = 20
KINDS = ("salvaged", "inconsistent", "lost")


class Seen:
    """Recordings of a program, judged until `enough` samples were."""

    def __init__(self, place, name, rate, seconds, enough=1):
        path = str(place.inside / f"{name}.py")
        self.source = PROGRAMS[name](path, place.version)
        script = place.put(f"{name}.py", self.source.text)
        self.told = dict.fromkeys(("taken", "complete", *KINDS), 0)
        self.complete = Verdict()
        self.roots = Verdict()
        self.doubted = Verdict()
        self.salvaged = self.inconsistent = self.lost = 0
        for _ in range(MOST_RECORDINGS):
            recording = record(place, script, seconds, rate=rate)
            assert recording.stdout == "ok\n"
            self._take_in(recording)
            if self.complete.judged >= enough:
                break

    def _take_in(self, recording):
        sampling = recording.sampling()
        for key in self.told:
            self.told[key] += sampling[key]
        automaton = self.source.automaton
        self.complete += judge(automaton, recording.collapsed())
        marked = recording.marked()
        self.salvaged += count(marked["[salvaged]"])
        self.lost += count(marked["[lost]"])
        self.inconsistent += count(marked["[inconsistent]"])
        self.roots += judge(automaton, marked["[salvaged]"], False)
        self.doubted += judge(automaton, marked["[inconsistent]"])

    @property
    def taken(self):
        return (self.complete.judged + self.complete.outside +
                self.salvaged + self.lost + self.inconsistent)

    def __str__(self):
        return (f"{self.taken} samples: complete {self.complete}; "
                f"{self.salvaged} salvaged {self.roots}; {self.inconsistent} "
                f"inconsistent {self.doubted}; {self.lost} lost")

    def check_report(self):
        """What the report says is what the stacks are."""
        told = self.told
        assert told["taken"] == self.taken, str(self)
        assert told["complete"] == (self.complete.judged +
                                    self.complete.outside), str(self)
        for kind in KINDS:
            assert told[kind] == getattr(self, kind), f"{kind}: {self}"

    def check_losses(self):
        assert percent(self.told["complete"],
                       self.taken) >= LEAST_COMPLETE, str(self)
        assert percent(self.lost, self.taken) <= MOST_LOST, str(self)

    def check_honesty(self):
        """Bad in truth are the impossible ones, what was salvaged or lost,
        and what was rightly doubted."""
        true = (self.complete.impossible + self.salvaged + self.lost +
                self.doubted.impossible + self.doubted.outside)
        told = sum(self.told[kind] for kind in KINDS)
        assert abs(percent(true - told, self.taken)) <= HONESTY, str(self)


@pytest.mark.parametrize("name", PROGRAMS)
def test_stacks_at_10_khz_are_possible(place, name):
    seen = Seen(place, name, rate=10000, seconds=1.0, enough=ENOUGH)
    print(seen)
    seen.check_report()
    assert seen.complete.judged >= ENOUGH, f"too few to tell: {seen}"
    assert seen.complete.percent <= MOST_IMPOSSIBLE, str(seen)
    assert percent(seen.roots.impossible,
                   seen.taken) <= MOST_IMPOSSIBLE, f"root sides: {seen}"
    seen.check_losses()
    seen.check_honesty()


AT_1_KHZ = ("two-leaves", "tree", "self-recursion", "generators", "turns",
            "callbacks")


def test_stacks_at_1_khz_are_possible(place):
    """Judged together: at this rate one program alone gives too few."""
    judged = impossible = 0
    texts = []
    for name in AT_1_KHZ:
        seen = Seen(place, name, rate=1000, seconds=0.8, enough=500)
        seen.check_report()
        judged += seen.complete.judged
        impossible += seen.complete.impossible
        texts.append(f"{name}: {seen}")
    text = "\n".join(texts)
    assert judged >= ENOUGH, f"too few to tell:\n{text}"
    assert percent(impossible, judged) <= MOST_IMPOSSIBLE, text


def test_threads_keep_their_stacks_apart(place):
    """With --threads the root frame is the thread, and the frames under it
    are those of the same run_k all the time."""
    path = str(place.inside / "turns.py")
    source = PROGRAMS["turns"](path, place.version)
    script = place.put("turns.py", source.text)
    recording = record(place, script, 1.0, rate=2000)
    roots = {}
    for frames, nr in recording.collapsed("--threads"):
        assert "tid " in frames[0].path, frames[0]
        for frame in frames:
            if frame.name.startswith("run_"):
                names = roots.setdefault(frames[0], {})
                names[frame.name] = names.get(frame.name, 0) + nr
    assert len(roots) >= 8, roots
    mixed = [names for names in roots.values() if len(names) > 1]
    assert not mixed, mixed
