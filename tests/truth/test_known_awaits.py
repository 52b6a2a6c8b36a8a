# SPDX-License-Identifier: MIT
"""Where the tasks of asyncio wait, as tare reports it, held against what they
know themselves (known_awaits.py): each function within three points of the
time of all tasks, and the whole of it within two percent."""

import json

import pytest

from tare_runs import HERE, record

POINTS = 3.0
PERCENT = 2.0
ENOUGH = 300  # readings: the share of a task is then known to 3 points
FIRST = (3, 12)  # whose tasks are read


def run(place, mode, seconds):
    script = place.copy(HERE / "known_awaits.py")
    recording = record(place, script, mode, seconds,
                       place.inside / "told.json")
    assert recording.stdout == "ok\n"
    told = json.loads((place.outside / "told.json").read_text())
    return told, recording


def run_enough(place, mode):
    for seconds in (8, 16, 32):
        told, recording = run(place, mode, seconds)
        if recording.report()["tasks"]["effective_readings"] >= ENOUGH:
            return told, recording
    raise AssertionError(f"too few readings: {recording.report()['tasks']}")


def by_function(report, key):
    seconds = {}
    for row in report["awaits"]:
        name = row["function"]
        seconds[name] = seconds.get(name, 0) + row[key]
    return seconds


def check(told, report):
    tasks = report["tasks"]
    life = told["life"]
    seen = by_function(report, "seconds")
    errors = {name: 100 * (seen.get(name, 0) / tasks["seconds"] - s / life)
              for name, s in told["awaited"].items()}
    running = 1 - sum(told["awaited"].values()) / life
    errors["(running)"] = 100 * (tasks["running_s"] / tasks["seconds"]
                                 - running)
    closes = 100 * (tasks["seconds"] / life - 1)
    text = ", ".join(f"{name} {error:+.1f}" for name, error in errors.items())
    print(f"{tasks['effective_readings']:.0f} readings, {closes:+.1f} % of "
          f"{life:.0f} s, {tasks['unknown_s']:.2f} s not known: {text}")
    assert all(abs(error) <= POINTS for error in errors.values()), text
    assert abs(closes) <= PERCENT
    assert tasks["unknown_s"] <= tasks["seconds"] * PERCENT / 100
    parts = (tasks["waiting_s"] + tasks["ready_s"] + tasks["running_s"]
             + tasks["unknown_s"])
    assert abs(parts - tasks["seconds"]) < 1e-3
    # asyncio.run() makes two of its own when the program's are over.
    assert tasks["tasks_seen"] <= told["tasks"] + 2


@pytest.fixture
def known(place):
    if place.version < FIRST:
        pytest.skip("the tasks of this release are not read")
    return place


def names_of(frames):
    return [frame.name for frame in frames]


def check_stacks(recording):
    """A task is continued by the one that waits for it, and by no other."""
    stacks = [(names_of(frames), ms) for frames, ms in
              recording.collapsed("--awaits")]
    parts = [(names, ms) for names, ms in stacks if "part" in names]
    whole = sum(ms for names, ms in parts
                if names[:3] == ["many", "gathering", "part"])
    # Or not at all: its awaiter was not known well enough in a reading.
    assert all(names[:3] == ["many", "gathering", "part"] or
               names[:2] == ["gathering", "part"] or
               names[:1] == ["part"] for names, _ in parts), parts
    assert whole >= 0.95 * sum(ms for _, ms in parts)
    members = [(names, ms) for names, ms in stacks if "member" in names]
    for names, _ in members:
        assert names[:1] == ["member"] or names[:3] == [
            "many", "grouping", "__aexit__"], names
        assert "elsewhere" not in names
    inside = sum(ms for names, ms in members if names[0] == "many")
    # Of 60 ms the last 40: before, the group waits for something else.
    assert 0.55 <= inside / sum(ms for _, ms in members) <= 0.75


def test_tasks_wait_where_they_say(known):
    told, recording = run_enough(known, "many")
    report = recording.report()
    check(told, report)
    waits = by_function(report, "task_s")
    total = by_function(report, "seconds")
    for name, s in total.items():
        if name in ("many", "gathering", "grouping"):
            assert waits[name] >= 0.95 * s, name
        elif name in told["awaited"]:
            assert waits[name] == 0, name
    check_stacks(recording)


def test_tasks_in_the_queue_of_their_loop_are_ready(known):
    told, recording = run_enough(known, "turns")
    report = recording.report()
    check(told, report)
    ready = by_function(report, "ready_s")["turn"]
    assert ready >= 0.97 * by_function(report, "seconds")["turn"]


def test_a_release_whose_tasks_are_not_known_is_no_trouble(place):
    if place.version >= FIRST:
        pytest.skip("the tasks of this release are read")
    _, recording = run(place, "many", 1)
    report = recording.report()
    assert report["awaits"] == [] and report["tasks"] is None
    assert recording.collapsed("--awaits") == []
    assert report["sampling"]["complete"] > 0
