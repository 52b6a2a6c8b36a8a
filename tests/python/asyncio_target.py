# SPDX-License-Identifier: MIT
"""Tasks of every kind, and what Python itself says of them: asyncio_target.py

Prints one line of JSON when all of them wait, and stays there. A task is
told by its id(), which is its address. The frames come newest first, each as
[function, line].
"""

import asyncio
import gc
import json
import sys
import threading
import types


async def forever():
    await asyncio.sleep(3600)


async def nested(depth):
    if depth:
        await nested(depth - 1)
    else:
        await asyncio.get_running_loop().create_future()


async def numbers():
    yield 1
    await forever()
    yield 2


async def async_for():
    async for _ in numbers():
        pass


class Manager:
    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await forever()


async def async_with():
    async with Manager():
        pass


async def group():
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(forever(), name="in group 1")
        tasks.create_task(nested(3), name="in group 2")


async def gathered():
    one = asyncio.create_task(forever(), name="gathered 1")
    await asyncio.gather(one, async_for())


async def waited():
    await asyncio.wait([asyncio.create_task(forever(), name="waited 1")])


async def shielded():
    await asyncio.shield(asyncio.create_task(forever(), name="shielded 1"))


async def direct():
    await asyncio.create_task(forever(), name="direct 1")


async def executor():
    await asyncio.to_thread(hold.wait)


async def with_timeout():
    async with asyncio.timeout(3600):
        await forever()


class Awaitable:
    def __await__(self):
        return forever().__await__()


async def awaitable():
    await Awaitable()


@types.coroutine
def generator():
    yield from forever().__await__()


async def by_generator():
    await generator()


@types.coroutine
def by_hand(future):
    # What a plain yield leaves on the stack is nothing that is awaited.
    for _ in [1]:
        future._asyncio_future_blocking = True
        yield future


async def bare_yield():
    await by_hand(asyncio.get_running_loop().create_future())


async def many_locals():
    # Out of the reach of the first look at a coroutine.
    a0, a1, a2, a3, a4, a5, a6, a7, a8, a9 = range(10)
    b0, b1, b2, b3, b4, b5, b6, b7, b8, b9 = range(10)
    c0, c1, c2, c3, c4, c5, c6, c7, c8, c9 = range(10)
    await forever()
    return locals()


async def ended():
    return 1


def inner_of(awaitable):
    """What an object awaits, and the frame of that object."""
    for kind in "cr", "gi", "ag":
        frame = getattr(awaitable, kind + "_frame", None)
        if frame is not None:
            name = {"gi": "gi_yieldfrom"}.get(kind, kind + "_await")
            return frame, getattr(awaitable, name)
    for one in gc.get_referents(awaitable):
        if isinstance(
            one,
            (types.CoroutineType, types.AsyncGeneratorType),
        ):
            return None, one
    return None, None


def frames_of(task):
    frames, awaited = [], task.get_coro()
    while awaited is not None and not asyncio.isfuture(awaited):
        frame, awaited = inner_of(awaited)
        if frame is not None:
            frames.append([frame.f_code.co_qualname, frame.f_lineno])
    return frames[::-1]


def truth(loops):
    # all_tasks() leaves out the one of the class written in Python on 3.14.
    tasks = {task for loop in loops for task in asyncio.all_tasks(loop)}
    tasks |= in_python
    return {
        "tasks": [
            {
                "id": id(task),
                "name": task.get_name(),
                "frames": frames_of(task),
                "loop": id(task.get_loop()),
            }
            for task in tasks
        ],
        "ended": [id(task) for task in kept],
        "loops": [id(loop) for loop in loops],
    }


def report(loops):
    print(json.dumps(truth(loops)), flush=True)


async def main(second, many):
    loop = asyncio.get_running_loop()
    every = (
        [async_for, async_with, group, gathered, waited, shielded, direct]
        + [executor, with_timeout, awaitable, by_generator, bare_yield]
        + [many_locals]
    )
    alive = [loop.create_task(one(), name=one.__name__) for one in every]
    alive.append(loop.create_task(nested(50), name="größer 中 🐍"))
    alive.append(loop.create_task(nested(0), name="long " * 60))
    alive.append(loop.create_task(forever()))
    in_python.add(asyncio.tasks._PyTask(forever(), name="in Python"))
    alive += in_python
    alive += [loop.create_task(forever()) for _ in range(many)]
    kept.append(loop.create_task(ended(), name="ended"))
    loop.set_task_factory(asyncio.eager_task_factory)
    alive.append(loop.create_task(nested(2), name="eager"))
    loop.set_task_factory(None)
    started.wait()
    loop.call_later(0.5, report, [loop, second])
    await asyncio.gather(*alive)


def other_thread(loop):
    async def elsewhere():
        started.set()
        await nested(1)

    asyncio.set_event_loop(loop)
    loop.run_until_complete(
        loop.create_task(elsewhere(), name="in another thread")
    )


hold, started = threading.Event(), threading.Event()
kept, in_python = [], set()
other = asyncio.new_event_loop()
threading.Thread(target=other_thread, args=(other,), daemon=True).start()
asyncio.run(main(other, int(sys.argv[1]) if len(sys.argv) > 1 else 0))
