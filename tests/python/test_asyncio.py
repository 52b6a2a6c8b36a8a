# SPDX-License-Identifier: MIT
"""The tasks of asyncio, as the reader of tests/live has them, against what the
program itself says of them."""

import json
import pathlib
import subprocess
import textwrap

import jobs
import pytest

HERE = pathlib.Path(__file__).resolve().parent
SECONDS = 60

# Who waits for whom in asyncio_target.py, by name.
WAITED_FOR_BY = {
    "in group 1": "group",
    "in group 2": "group",
    "gathered 1": "gathered",
    "waited 1": "waited",
    "shielded 1": "shielded",
    "direct 1": "direct",
}


@pytest.fixture
def reader(tare):
    path = pathlib.Path(tare).parent / "tests" / "live" / "read_tasks"
    if not path.exists():
        pytest.skip(f"{path} was not built")
    return str(path)


@pytest.fixture
def asyncio_python(python):
    if tuple(map(int, python.minor.split("."))) < (3, 12):
        pytest.skip("the tasks of this release are not read")
    return python


def read(reader, pid, *args):
    done = subprocess.run(
        [reader, *map(str, args[:1]), str(pid), *map(str, args[1:])]
        if args and args[0] == "-e"
        else [reader, str(pid), *map(str, args)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=SECONDS,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def start(python, script, *args):
    process = python.start(
        script,
        *args,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    return process


def by_name(tasks):
    return {task["name"]: task for task in tasks}


def check(truth, seen):
    """Every task of the truth is there as it is, and no other is alive."""
    true = {task["id"]: task for task in truth["tasks"]}
    alive = {
        task["id"]: task for task in seen["tasks"] if task["state"] != "done"
    }
    assert set(true) == set(alive)
    for key, task in true.items():
        one = alive[key]
        assert one["name"] == task["name"]
        assert one["frames"] == task["frames"], task["name"]
        assert one["loop"] == task["loop"]
        assert one["state"] == "waiting"
        assert not one["moved"] and not one["cut"] and not one["opaque"]


def check_awaiters(seen):
    names = {task["id"]: task["name"] for task in seen["tasks"]}
    waits = {
        task["name"]: [names[one] for one in task["awaiters"]]
        for task in seen["tasks"]
    }
    for name, parent in WAITED_FOR_BY.items():
        assert waits[name] == [parent]
    (gathered,) = [
        t
        for t in seen["tasks"]
        if [names[one] for one in t["awaiters"]] == ["gathered"]
        and t["name"] != "gathered 1"
    ]
    assert gathered["frames"][-1][0] == "async_for"
    # main() gathers all others.
    (first,) = [t["id"] for t in seen["tasks"] if t["frames"][-1:] and
                t["frames"][-1][0] == "main"]
    assert by_name(seen["tasks"])["group"]["awaiters"] == [first]
    assert by_name(seen["tasks"])["eager"]["awaiters"] == [first]


def test_tasks_are_what_the_program_says(reader, asyncio_python):
    process = start(asyncio_python, HERE / "asyncio_target.py")
    truth = json.loads(process.stdout.readline())
    (once,) = read(reader, process.pid)
    check(truth, once)
    check_awaiters(once)
    # A reader that has seen them before comes to the same.
    (again,) = read(reader, process.pid, 70)
    check(truth, again)
    check_awaiters(again)
    assert again["totals"]["moved"] == 0
    ended = [t["id"] for t in again["tasks"] if t["state"] == "done"]
    assert set(ended) <= set(truth["ended"])
    loops = {loop["id"]: loop["thread"] for loop in again["loops"]}
    assert set(loops) == set(truth["loops"])
    assert 0 not in loops.values() and len(set(loops.values())) == 2


def dump(tare, pid, *args):
    return subprocess.run(
        [tare, "dump", *args, str(pid)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=SECONDS,
        text=True,
        check=True,
    ).stdout


def test_dump_lists_the_tasks(tare, asyncio_python):
    process = start(asyncio_python, HERE / "asyncio_target.py")
    truth = json.loads(process.stdout.readline())
    listed = json.loads(dump(tare, process.pid, "--json"))["tasks"]
    seen = by_name(listed)
    # Newest first there, from the root inwards here.
    for task in truth["tasks"]:
        if list(t["name"] for t in truth["tasks"]).count(task["name"]) == 1:
            frames = [[f["function"], f["line"]] for f in
                      seen[task["name"]]["frames"]]
            assert frames == task["frames"][::-1]
    assert len(listed) == len(truth["tasks"])
    for name, parent in WAITED_FOR_BY.items():
        assert seen[name]["awaited_by"] == parent
        assert seen[name]["state"] == "future"
        assert seen[parent]["state"] == "task"
    text = dump(tare, process.pid)
    assert "task direct: waiting for tasks, awaited by Task-1\n" in text


def test_a_thousand_tasks_take_tens_of_system_calls(reader, asyncio_python):
    process = start(asyncio_python, HERE / "asyncio_target.py", 1000)
    truth = json.loads(process.stdout.readline())
    (seen,) = read(reader, process.pid, 3)
    check(truth, seen)
    # One task of a class written in Python takes hundreds.
    assert seen["totals"]["first_calls"] < 200
    assert seen["calls"] < 20


def test_a_program_without_asyncio_has_no_tasks(reader, python, tmp_path):
    script = tmp_path / "idle.py"
    script.write_text("print(flush=True); input()")
    process = python.start(
        script,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    process.stdout.readline()
    done = subprocess.run(
        [reader, str(process.pid)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=SECONDS,
        text=True,
    )
    assert done.returncode == 1
    known = tuple(map(int, python.minor.split("."))) >= (3, 12)
    assert json.loads(done.stdout)["known"] == known
    assert ("not in use" if known else "not known") in done.stderr


# Short tasks of two kinds, whose stacks must never be mixed up. Each function
# awaits on one line only.
BUSY = textwrap.dedent("""
    import asyncio, random

    async def a3():
        await asyncio.sleep(random.random() / 500)
    async def a2():
        await a3()
    async def a1():
        await a2()
    async def b3():
        await asyncio.sleep(0)
    async def b2():
        await b3()
    async def b1():
        await b2()

    async def make():
        while True:
            many = random.randrange(60)
            kinds = [random.choice((a1, b1)) for _ in range(many)]
            tasks = [asyncio.create_task(k(), name=k.__name__) for k in kinds]
            await asyncio.sleep(random.random() / 1000)
            del tasks

    async def main():
        print(flush=True)
        await asyncio.gather(*(make() for _ in range(3)))

    asyncio.run(main())
""")

LINES = {"a3": 5, "a2": 7, "a1": 9, "b3": 11, "b2": 13, "b1": 15}


def is_legal(task):
    """Is the stack one that a task of this name can have?"""
    frames = [(name, line) for name, line in task["frames"]
              if name not in ("sleep", "__sleep0")]
    kind = task["name"][:1]
    stack = [f"{kind}{i}" for i in (1, 2, 3)]
    names = [name for name, _ in frames[::-1]]
    return names == stack[: len(names)] and all(
        # The first line: not begun.
        line in (LINES[name], LINES[name] - 1)
        for name, line in frames
    )


def test_tasks_that_come_and_go_are_never_mixed_up(
    reader, asyncio_python, tmp_path
):
    script = tmp_path / "busy.py"
    script.write_text(BUSY)
    process = asyncio_python.start(
        script, stdout=subprocess.PIPE, encoding="utf-8"
    )
    process.stdout.readline()
    readings = read(reader, process.pid, "-e", 400, 500)
    believed = moved = 0
    for reading in readings:
        for task in reading["tasks"]:
            if task["name"][1:] != "1" or task["state"] in ("done", "running"):
                continue
            if task["moved"] or task["cut"] or None in task["frames"]:
                moved += 1
                continue
            believed += 1
            assert is_legal(task), task
    assert believed > 1000
    # How many move depends on how long it takes to read one.
    assert moved < believed / 10 or jobs.is_sanitized(reader)
