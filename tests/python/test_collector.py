# SPDX-License-Identifier: MIT
"""The garbage collector, as the reader of tests/live has it, against the
callbacks of gc in the program itself."""

import json
import pathlib
import subprocess
import textwrap

import pytest

SECONDS = 60

# Which place in "seen" stands for what (enum py_collecting).
UNKNOWN, NO, FIRST, ANY = 0, 1, 2, 5

PROGRAM = textwrap.dedent("""
    import gc, json, sys

    which = sys.argv[1]
    starts = [0, 0, 0]

    def note(phase, info):
        if phase == "start":
            starts[info["generation"]] += 1

    gc.disable()
    keep = [[] for _ in range(200000)]
    gc.callbacks.append(note)
    before = [one["collections"] for one in gc.get_stats()]
    print(flush=True)
    if which == "natural":
        gc.enable()
        while sum(starts) < 500 or starts[2] < 3:
            keep.extend([[] for _ in range(1000)])
            del keep[-500:]
    else:
        for _ in range({"0": 400, "1": 200, "2": 60}[which]):
            more = [[] for _ in range(20000)]
            gc.collect(int(which))
    gc.disable()
    print(json.dumps([b + s for b, s in zip(before, starts)]), flush=True)
    sys.stdin.read()
""")


@pytest.fixture
def reader(tare):
    path = pathlib.Path(tare).parent / "tests" / "live" / "read_collector"
    if not path.exists():
        pytest.skip(f"{path} was not built")
    return str(path)


@pytest.fixture
def start(python, tmp_path):
    def start(which):
        script = tmp_path / "program.py"
        script.write_text(PROGRAM)
        return python.start(
            script,
            which,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )

    return start


def look(reader, pid, times):
    done = subprocess.run(
        [reader, str(pid), str(times), "300"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=SECONDS,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def collections(counts):
    return [one[0] for one in counts]


@pytest.mark.parametrize("generation", [0, 1, 2])
def test_the_generation_that_is_collected_is_seen(reader, start, generation):
    process = start(str(generation))
    process.stdout.readline()
    seen = look(reader, process.pid, 700)["seen"]
    assert seen[UNKNOWN] == 0
    assert seen[NO] > 0
    # Nothing but this generation was ever collected meanwhile; a look may fall
    # between the words that tell so (1 of 631, once).
    assert seen[FIRST + generation] > 0
    assert seen[FIRST + generation] >= 0.99 * sum(seen[FIRST : ANY + 1])


@pytest.mark.parametrize("which", ["0", "1", "2", "natural"])
def test_collections_are_counted_exactly(reader, start, which):
    process = start(which)
    process.stdout.readline()
    true = json.loads(process.stdout.readline())
    assert collections(look(reader, process.pid, 1)["after"]) == true
