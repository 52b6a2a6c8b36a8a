# SPDX-License-Identifier: MIT
"""Stacks of tare on work that others wrote, where each edge of a stack must
be a call that the program was seen to make (record_calls.py)."""

import collections

import pytest

from legal_stacks import Frame, Verdict
from observed_calls import ObservedCalls
from real_programs import PROGRAMS
from tare_runs import HERE, record

ENOUGH = 5000
# A loaded machine gives fewer samples a second; then it takes more recordings.
MOST_RECORDINGS = 20
COUNTED = ("taken", "complete", "salvaged", "inconsistent", "lost")
CALL_HEAVY = ("fib", "pprint", "difflib", "unparse")


def observed(place, name):
    """The calls of `name`, and the script as the interpreter sees it."""
    script = place.copy(HERE / "real_programs.py")
    recorder = place.copy(HERE / "record_calls.py")
    place.python(recorder, name, str(place.inside / "calls.json"))
    text = (place.outside / "calls.json").read_text()
    return script, ObservedCalls(text, script, "rounds")


@pytest.mark.parametrize("name", PROGRAMS)
def test_stacks_are_made_of_calls_that_happen(place, name):
    script, calls = observed(place, name)
    seconds = 1.5 if name in CALL_HEAVY else 0.8
    verdict = Verdict()
    sampling = collections.Counter()
    for _ in range(MOST_RECORDINGS):
        recording = record(place, script, name, seconds, rate=10000)
        assert recording.stdout == "ok\n"
        verdict += calls.judge(recording.collapsed())
        told = recording.sampling()
        sampling.update({key: told[key] for key in COUNTED})
        if verdict.judged >= ENOUGH:
            break
    text = f"{verdict}\n{dict(sampling)}"
    print(text)
    assert verdict.judged >= ENOUGH, f"too few to tell: {text}"
    assert verdict.percent <= 0.1, text
    assert sampling["complete"] >= 0.90 * sampling["taken"], text
    assert sampling["lost"] <= 0.01 * sampling["taken"], text


def test_a_call_that_did_not_happen_is_impossible(place):
    script, calls = observed(place, "difflib")
    line = next(edge[0][2] for edge in calls.calls
                if edge[0][:2] == (script, "rounds"))
    base = Frame("rounds", script, line)
    work = next(edge[1] for edge in calls.calls
                if edge[0] == (script, "rounds", line))
    inner = Frame(work[1], work[0], min(calls.lines[work]))
    assert calls.judge([([base, inner], 1)]).legal == 1
    for wrong in ([base, inner._replace(line=1)],
                  [base, inner, inner],
                  [base, inner._replace(name="stranger")],
                  [base._replace(line=line + 1), inner]):
        assert calls.judge([(wrong, 1)]).impossible == 1, wrong
    assert calls.judge([([inner], 1)]).outside == 1
