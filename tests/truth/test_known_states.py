# SPDX-License-Identifier: MIT
"""What threads wait for, as tare reports it, held against what they know
themselves (known_states.py): each state within three points."""

import contextlib
import json
import math
import os
import subprocess
import sys

import pytest

from tare_runs import HERE, record, undisturbed

POINTS = 3.0
# Looks at a thread: a share is then known to 0.7 points (one standard error),
# and of a thousand of them that are compared none is off by three by chance.
ENOUGH = 5000
# The kernel's waits are the same for all; what differs is how the interpreter
# waits for the GIL (3.9, 3.13) and where its lock lies.
SOME = pytest.mark.releases("3.9", "3.13", "3.15")
STATES = ("on_cpu", "run_queue", "gil_wait", "lock", "io", "sleep", "child",
          "other")


@contextlib.contextmanager
def busy(number):
    """So many processes that take all the CPU that they can get."""
    with contextlib.ExitStack() as stack:
        for _ in range(number):
            process = stack.enter_context(subprocess.Popen(
                [sys.executable, "-c", "while True: pass"]))
            stack.callback(process.kill)
        yield


def run(place, mode, seconds, number):
    script = place.copy(HERE / "known_states.py")
    proc = os.open("/proc", os.O_RDONLY)
    try:
        recording = record(place, script, mode, seconds, number,
                           place.inside / "told.json", files=[proc],
                           more={"PROC_FD": str(proc)})
    finally:
        os.close(proc)
    assert recording.stdout == "ok\n"
    told = json.loads((place.outside / "told.json").read_text())
    report = recording.report()
    threads = {t["name"]: t for t in report["threads"] if t["name"] in told}
    assert set(threads) == set(told)
    return told, threads, report


def errors_of(told, thread):
    """{state: points that tare is off}"""
    return {state: 100 * (thread["states"][state] / thread["wall_s"]
                          - told["states"].get(state, 0) / told["wall_ns"])
            for state in STATES}


def check(place, mode, number, lengths=(7, 14, 21)):
    for seconds in lengths:
        told, threads, report = run(place, mode, seconds, number)
        looks = min(t["looks"]["taken"] for t in threads.values())
        if looks >= ENOUGH:
            break
    worst = {}
    for name, thread in threads.items():
        for state, error in errors_of(told[name], thread).items():
            if abs(error) > abs(worst.get(state, (0, ""))[0]):
                worst[state] = (error, name)
    text = ", ".join(f"{state} {error:+.1f} ({name})"
                     for state, (error, name) in worst.items())
    print(f"{mode} {number} {looks} looks: {text}")
    assert looks >= ENOUGH, f"too few looks to tell: {looks}"
    assert all(abs(e) <= POINTS for e, _ in worst.values()), text
    return told, threads, report


def check_closes(report):
    """Each thread and each process, within two percent."""
    for thread in report["threads"]:
        if thread["wall_s"] > 0.5:
            assert math.isclose(sum(thread["states"].values()),
                                thread["wall_s"], rel_tol=0.02)
            assert thread["states"]["other"] <= 0.02 * thread["wall_s"]
    for ledger in report["ledgers"]:
        # The job's has hundreds of children, too, who live for a millisecond
        # after or before their sleep.
        if ledger["scope"] == "job":
            continue
        gross = ledger["gross"][f"{ledger['clock']}_s"]
        unknown = sum(c["seconds"] for c in ledger["tare"]
                      if c["cause"] == "unexplained")
        if gross > 2:  # the kernel's own split of a process is in 10 ms
            assert unknown <= 0.02 * gross, ledger


def check_kinds(told, threads):
    """Pipe, socket and poll are not only all three input and output."""
    for name, thread in threads.items():
        kind = name.partition("-")[0]
        if kind in ("pipe", "socket", "poll"):
            waited = told[name]["states"]["io"] / told[name]["wall_ns"]
            found = thread["state_parts"][kind] / thread["wall_s"]
            assert 100 * abs(found - waited) <= POINTS, (name, found, waited)


def check_waits(place, number):
    told, threads, report = check(place, "waits", number)
    check_kinds(told, threads)
    check_closes(report)


@SOME
def test_waits_are_told_apart(place):
    check_waits(place, 16)


@SOME
def test_waits_of_two_threads(place):
    check_waits(place, 2)


@SOME
def test_waiting_for_a_disk(place):
    told, threads, report = check(place, "disk", 2)
    check_closes(report)
    waited = told["disk"]["states"]["io"] / told["disk"]["wall_ns"]
    found = threads["disk"]["state_parts"].get("disk", 0)
    if waited < 0.05:
        pytest.skip("the temporary files of this machine are on no disk")
    assert 100 * abs(found / threads["disk"]["wall_s"] - waited) <= POINTS


def check_gil(place, number):
    told, threads, _ = check(place, "gil", number)
    assert told["wants-0"]["states"]["gil_wait"] > 0
    assert threads["wants-0"]["states"]["gil_wait"] > 0.3 * \
        threads["wants-0"]["wall_s"]


def test_waiting_for_the_gil(place):
    check_gil(place, 2)


@SOME
def test_fifteen_threads_that_wait_for_the_gil(place):
    check_gil(place, 16)


def check_turns(place, number):
    _, threads, report = check(place, "spin", number)
    # One at a time; whoever asks for the GIL now and then may be queued, too.
    on_cpu = sum(t["states"]["on_cpu"] for t in threads.values())
    queued = sum(t["states"]["run_queue"] for t in threads.values())
    wall = max(t["wall_s"] for t in threads.values())
    assert on_cpu <= 1.05 * wall
    assert on_cpu + queued >= 0.9 * wall
    check_closes(report)


@SOME
def test_threads_that_compute_take_turns(place):
    check_turns(place, 16)


@SOME
def test_two_threads_that_compute_take_turns(place):
    check_turns(place, 2)


@SOME
@pytest.mark.parametrize("mode", ["waits", "gil", "spin"])
def test_beside_two_busy_processes_the_run_queue_grows(place, mode):
    with busy(2):
        told, threads, _ = check(place, mode, 4)
    if mode == "spin":
        queued = sum(t["states"]["run_queue"] for t in threads.values())
        assert queued > 0.1 * max(t["wall_s"] for t in threads.values())


def test_the_collector_is_told_apart(place):
    told, threads, report = undisturbed(
        lambda: check(place, "collect", 2, (14, 21)))
    for name, thread in threads.items():
        told[name].setdefault("collecting_ns", 0)
        collecting = sum(s for key, s in thread["state_parts"].items()
                         if key.startswith("collecting"))
        error = 100 * (collecting / thread["wall_s"]
                       - told[name]["collecting_ns"] / told[name]["wall_ns"])
        print(f"collecting {error:+.1f}")
        assert abs(error) <= POINTS
    # gc.collect() is a collection of the oldest generation.
    assert report["processes"][0]["collections_2"] >= 10
