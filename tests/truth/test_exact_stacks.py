# SPDX-License-Identifier: MIT
"""Live stacks against those of a target that is stopped for each look.

The two kinds take turns on one process, so that what differs between two
processes of one program (where things lie in memory) cannot be taken for a
difference between the two kinds. A share may differ by one point, a mean depth
by 2 %; the sampling error of both is allowed for on top.
"""

import collections
import math
import time

import pytest

from legal_stacks import judge
from serial_programs import PROGRAMS
from tare_runs import HERE, attach, record, running

POINTS = 1.0
DEPTH = 0.02
ENOUGH = 10000
WARM_UP_S = 0.5
# Stops that follow each other without a pause would all find the target one
# step further: the rate has to leave room for the clock to be random.
LIVE_HZ, STOPPED_HZ = 8000, 4000
# A loaded machine gives fewer samples a second; then it takes more rounds.
MOST_ROUNDS = 16


class Shares:
    """Samples above a base function, by function."""

    def __init__(self):
        self.samples = 0
        self.depth = 0
        self.own = collections.Counter()
        self.total = collections.Counter()

    def add(self, stacks, base):
        for frames, count in stacks:
            names = [frame.name for frame in frames]
            if base not in names:
                continue
            places = [(f.name, f.path) for f in frames[names.index(base):]]
            self.samples += count
            self.depth += count * len(places)
            self.own[places[-1]] += count
            for one in set(places):
                self.total[one] += count

    def mean_depth(self):
        return self.depth / self.samples


def differences(live, exact):
    """(points beyond the sampling error, what) for each function and kind,
    the worst first."""
    found = []
    for kind in ("own", "total"):
        a, b = getattr(live, kind), getattr(exact, kind)
        for function in set(a) | set(b):
            p, q = a[function] / live.samples, b[function] / exact.samples
            error = math.sqrt(p * (1 - p) / live.samples +
                              q * (1 - q) / exact.samples)
            found.append((100 * (abs(p - q) - 2 * error),
                          f"{kind} of {function[0]}: live {100 * p:.2f} %, "
                          f"stopped {100 * q:.2f} %"))
    return sorted(found, reverse=True)


def check_live_stacks(place, name):
    script = place.copy(HERE / "real_programs.py")
    live, exact = Shares(), Shares()
    with running(place, script, name, MOST_ROUNDS * 4) as pid:
        time.sleep(WARM_UP_S)
        for _ in range(MOST_ROUNDS):
            for shares, rate, options in (
                    (live, LIVE_HZ, ()),
                    (exact, STOPPED_HZ, ("--exact-stacks",))):
                one = attach(place, pid, 1, rate, options)
                shares.add(one.collapsed(), "rounds")
            if min(live.samples, exact.samples) >= ENOUGH:
                break
    text = (f"{live.samples} live, mean depth {live.mean_depth():.2f}; "
            f"{exact.samples} stopped, {exact.mean_depth():.2f}")
    worst = differences(live, exact)
    text = "\n".join([text] + [what for _, what in worst[:8]])
    print(text)
    assert min(live.samples, exact.samples) >= ENOUGH, text
    assert worst[0][0] <= POINTS, text
    assert abs(live.mean_depth() / exact.mean_depth() - 1) <= DEPTH, text


def test_live_stacks_agree_with_those_of_a_stopped_target(place):
    check_live_stacks(place, "fib")


@pytest.mark.releases("3.9", "3.12", "3.15")
@pytest.mark.parametrize("name", ("unparse", "pprint", "difflib"))
def test_live_stacks_of_other_programs_agree(place, name):
    check_live_stacks(place, name)


@pytest.mark.parametrize("name", ("two-leaves", "tree", "turns"))
def test_stacks_of_a_stopped_target_are_all_possible(place, name):
    """The second truth is itself held against the first: none, not one."""
    path = str(place.inside / f"{name}.py")
    source = PROGRAMS[name](path, place.version)
    script = place.put(f"{name}.py", source.text)
    recording = record(place, script, 1.0, rate=STOPPED_HZ,
                       options=("--exact-stacks",))
    verdict = judge(source.automaton, recording.collapsed())
    assert verdict.judged >= 1000, f"too few to tell: {verdict}"
    assert not verdict.impossible, str(verdict)
