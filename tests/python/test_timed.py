# SPDX-License-Identifier: MIT
"""tare.timed: what it counts, and that it is nothing when it is off."""

import asyncio
import os
import pathlib
import subprocess
import sys
import threading
import time

import pytest

PACKAGE = pathlib.Path(__file__).resolve().parents[2] / "python"
sys.path.insert(0, str(PACKAGE))

import tare._timed  # noqa: E402


@pytest.fixture
def timed():
    one = tare._timed._Timed(False)
    one._reported_at_exit = True  # the tests look for themselves
    one.on()
    return one


def only(timed):
    (result,) = timed.results().items()
    return result


def test_off_it_gives_back_the_function_itself():
    off = tare._timed._Timed(False)

    def work():
        return 1

    assert off(work) is work
    assert off("name")(work) is work
    with off("name"):
        pass
    assert off("a") is off("b")
    assert off.results() == {}


def test_loading_the_package_loads_none_of_it():
    code = (
        "import sys, tare; assert 'tare._timed' not in sys.modules; "
        "tare.timed; assert 'tare._timed' in sys.modules; "
        "assert 'inspect' not in sys.modules; from tare import timed"
    )
    subprocess.run(
        [sys.executable, "-S", "-c", code],
        check=True,
        env={"PYTHONPATH": str(PACKAGE)},
    )


def test_a_function_keeps_its_name_result_and_exception(timed):
    @timed
    def work(a, *, b):
        """Words."""
        if b:
            raise KeyError(a)
        return a

    assert work(3, b=0) == 3
    with pytest.raises(KeyError):
        work(4, b=1)
    assert work.__doc__ == "Words." and work.__name__ == "work"
    name, one = only(timed)
    assert name.endswith("work") and one.calls == 2


def test_sleep_is_wall_time_and_work_is_cpu_time(timed):
    with timed("sleep"):
        time.sleep(0.05)
    with timed("work"):
        end = time.thread_time() + 0.05
        while time.thread_time() < end:
            pass
    results = timed.results()
    assert results["sleep"].wall_s >= 0.05
    assert results["sleep"].cpu_s < 0.02
    assert results["work"].cpu_s >= 0.045


def test_recursion_is_counted_once(timed):
    @timed
    def down(n):
        time.sleep(0.01)
        if n:
            down(n - 1)

    begin = time.perf_counter()
    down(4)
    took = time.perf_counter() - begin
    _, one = only(timed)
    assert one.calls == 1
    assert 0.05 <= one.wall_s <= took


def test_threads_do_not_lose_calls(timed):
    @timed
    def work():
        pass

    def many():
        for _ in range(5000):
            work()

    threads = [threading.Thread(target=many) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert only(timed)[1].calls == 20000


def test_coroutines_count_their_waiting_and_only_their_own_cpu(timed):
    @timed
    async def wait():
        await asyncio.sleep(0.1)
        return 5

    async def burn():
        end = time.thread_time() + 0.08
        while time.thread_time() < end:
            pass

    async def main():
        return await asyncio.gather(wait(), wait(), burn())

    assert asyncio.run(main())[:2] == [5, 5]
    _, one = only(timed)
    assert one.calls == 2
    assert one.wall_s >= 0.2
    assert one.cpu_s < 0.05


def test_a_cancelled_coroutine_is_cancelled_and_counted(timed):
    tidied = []

    @timed
    async def wait():
        try:
            await asyncio.sleep(60)
        finally:
            tidied.append(1)

    async def main():
        task = asyncio.ensure_future(wait())
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert tidied == [1] and only(timed)[1].calls == 1


def test_a_with_in_a_coroutine_claims_no_cpu_time(timed):
    async def main():
        with timed("x"):
            await asyncio.sleep(0.01)

    asyncio.run(main())
    assert only(timed)[1].cpu_s is None


def test_a_generator_is_timed_inside_and_stays_a_generator(timed):
    seen = []

    @timed
    def numbers():
        time.sleep(0.02)
        try:
            seen.append((yield 1))
            yield 2
        except ValueError:
            seen.append("caught")
            yield 3
        return 4

    one = numbers()
    assert next(one) == 1
    time.sleep(0.1)
    assert one.send("sent") == 2
    assert one.throw(ValueError()) == 3
    with pytest.raises(StopIteration) as end:
        next(one)
    assert end.value.value == 4
    assert seen == ["sent", "caught"]
    assert 0.02 <= only(timed)[1].wall_s < 0.1


def test_a_generator_that_is_closed_is_closed_inside(timed):
    closed = []

    @timed
    def endless():
        try:
            while True:
                yield
        finally:
            closed.append(1)

    one = endless()
    next(one)
    one.close()
    assert closed == [1] and only(timed)[1].calls == 1


def test_async_generators(timed):
    @timed
    async def numbers():
        for i in range(3):
            await asyncio.sleep(0.01)
            yield i

    async def main():
        return [i async for i in numbers()]

    assert asyncio.run(main()) == [0, 1, 2]
    assert only(timed)[1].wall_s >= 0.03


def test_methods_of_each_kind(timed):
    class Thing:
        @timed
        def plain(self):
            return self

        @timed
        @staticmethod
        def static(x):
            return x

        @timed
        @classmethod
        def of_class(cls):
            return cls

    thing = Thing()
    assert thing.plain() is thing
    assert Thing.static(1) == 1
    assert Thing.of_class() is Thing
    assert sum(one.calls for one in timed.results().values()) == 3


def run(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(PACKAGE), **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


PROGRAM = (
    "import os, tare\n"
    "@tare.timed\n"
    "def work(): pass\n"
    "for _ in range(7): work()\n"
    "if os.environ.get('FORK') and not os.fork():\n"
    "    work()\n"
    "    raise SystemExit\n"
    "print('out')\n"
)


def test_the_environment_turns_it_on_and_the_end_shows_it():
    done = run(PROGRAM, TARE_TIMED="1")
    assert done.stdout == "out\n"
    row = [x for x in done.stderr.splitlines() if "__main__.work" in x]
    assert len(row) == 1 and row[0].split()[0] == "7"


@pytest.mark.parametrize("value", ["", "0"])
def test_without_it_nothing_is_said(value):
    done = run(PROGRAM, TARE_TIMED=value)
    assert (done.stdout, done.stderr) == ("out\n", "")


def test_a_forked_child_counts_its_own():
    done = run(PROGRAM, TARE_TIMED="1", FORK="1")
    rows = [x for x in done.stderr.splitlines() if "__main__.work" in x]
    assert sorted(row.split()[0] for row in rows) == ["1", "7"]
