# SPDX-License-Identifier: MIT
"""The truth harness, before anything is judged by it: it accepts what a
program can see of itself, and it rejects what was spliced together."""

import random

import pytest

from legal_stacks import Frame, judge, parse_collapsed, parse_frame
from serial_programs import PROGRAMS
from tare_runs import HERE, place_for

SPLICES = 3000
# The judge is one and the same; what it learns of a program differs little.
SOME = pytest.mark.releases("3.9", "3.12", "3.15")


def own_stacks(place, source, mode):
    recorder = place.copy(HERE / "record_stacks.py")
    out = str(place.inside / "out")
    answer = place.python(recorder, mode, source.automaton.path, "0.3", out)
    assert answer.stdout == "ok\n"
    return parse_collapsed((place.outside / "out").read_text())


@pytest.fixture(scope="session")
def known():
    return {}


@pytest.fixture
def seen(interpreter, name, known):
    """The program `name` and what it saw of itself in the two modes."""
    key = interpreter, name
    if key not in known:
        with place_for(interpreter) as place:
            path = str(place.inside / f"{name}.py")
            source = PROGRAMS[name](path, place.version)
            place.put(f"{name}.py", source.text)
            known[key] = source, {mode: own_stacks(place, source, mode)
                                  for mode in ("trace", "look")}
    return known[key]


def shape(automaton, frames):
    """A stack of the program but for the line of its leaf."""
    ours = [frame for frame in frames if automaton.ours(frame)]
    return (*ours[:-1], ours[-1].name)


def only_ours(automaton, stacks):
    """The stacks that end in the program, nowhere call other code, and have
    two frames of it at least."""
    for frames, _ in stacks:
        ours = [automaton.ours(frame) for frame in frames]
        if sum(ours) > 1 and all(ours[ours.index(True):]):
            yield frames


@pytest.mark.parametrize("name", PROGRAMS)
def test_what_a_program_sees_of_itself_is_legal(seen):
    source, stacks = seen
    for mode in ("trace", "look"):
        verdict = judge(source.automaton, stacks[mode])
        assert verdict.judged >= 20, f"{mode}: hardly anything seen"
        assert not verdict.impossible, f"{mode}: {verdict}"


# The share of splices that may pass, where more is allowed than happens in
# the one round that was traced: which generators run while another one is
# closed (generators), which line __exit__ is called from (scopes), whether
# two hashes meet (callbacks).
LAX = {"generators": 0.02, "scopes": 0.01, "callbacks": 0.002}


@SOME
@pytest.mark.parametrize("name", PROGRAMS)
def test_two_moments_spliced_together_are_impossible(seen, name):
    """The root side of one stack and the leaf side of another. What passes
    must be the shape of a stack that was seen as well."""
    source, stacks = seen
    ours = [frames for mode in ("trace", "look")
            for frames in only_ours(source.automaton, stacks[mode])]
    shapes = {shape(source.automaton, frames) for frames in ours}
    long = [frames for frames in ours if len(frames) > 2]
    chance = random.Random(7)
    passed, spliced = [], 0
    for _ in range(20 * SPLICES):
        a, b = chance.choice(long), chance.choice(long)
        cut = chance.randrange(2, min(len(a), len(b)))
        mixed = a[:cut] + b[cut:]
        if shape(source.automaton, mixed) in shapes:
            continue
        spliced += 1
        if source.automaton.why_impossible(mixed) is None:
            passed.append(mixed)
        if spliced == SPLICES:
            break
    assert spliced >= SPLICES / 10, f"only {spliced} splices to be had"
    assert len(passed) <= LAX.get(name, 0) * spliced, (
        f"{len(passed)} of {spliced} splices pass, as\n{passed[0]}")


@SOME
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_wrong_line_a_gap_and_a_stranger_are_impossible(seen):
    source, stacks = seen
    automaton = source.automaton
    chance = random.Random(11)
    some = list(only_ours(automaton, stacks["trace"]))
    for frames in chance.sample(some, min(200, len(some))):
        first = [automaton.ours(frame) for frame in frames].index(True)
        at = chance.randrange(first, len(frames) - 1)
        other = frames[at]._replace(line=len(source.text.splitlines()) + 1)
        assert automaton.why_impossible(frames[:at] + [other] +
                                        frames[at + 1:])
        assert automaton.why_impossible(frames[1:])
        stranger = Frame("stranger", automaton.path, frames[at].line)
        assert automaton.why_impossible(frames[:at] + [stranger])
        assert automaton.why_impossible(
            frames[:at] + [stranger] + frames[at:])


def test_frames_are_read_as_tare_writes_them():
    assert parse_frame("A.f.<locals>.<lambda> (/a b/c (1).py:12)") == (
        "<lambda>", "/a b/c (1).py", 12)
    assert parse_frame("f (/a/b.py)") == ("f", "/a/b.py", 0)
    assert parse_frame("[lost]") == ("[lost]", "", 0)
    with pytest.raises(ValueError):
        parse_collapsed("f (a:1);g (a:2)\n")
