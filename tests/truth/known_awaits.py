# SPDX-License-Identifier: MIT
"""Tasks that know where they wait: known_awaits.py MODE SECONDS OUT.

Each function below awaits on one line, and writes down how long that took on
the clock, which is the time in which its task waited or was ready to run. The
life of a task begins where it is created.

many     tasks that wait for timers, locks, queues, sockets, groups and gathers
turns    tasks that let each other run, so that all but one are ready
"""

import asyncio
import json
import socket
import sys
import time

now = time.perf_counter
awaited, lives = {}, []


def add(name, since):
    awaited[name] = awaited.get(name, 0) + now() - since


def create(function, *args, by=asyncio):
    """A task that begins with `function` itself, and keeps its own life."""
    return by.create_task(function(*args, now()))


def spin(seconds):
    end = now() + seconds
    while now() < end:
        pass


# ---- many -----------------------------------------------------------------


async def sleeper(pause, until, born):
    begun = born  # what passes until it begins is time in the queue
    while now() < until:
        await asyncio.sleep(pause)
        add("sleeper", begun)
        spin(0.0005)
        begun = now()
    lives.append(now() - born)


async def locked(lock, until, born):
    begun = born
    while now() < until:
        await lock.acquire()
        add("locked", begun)
        await holding()
        lock.release()
        begun = now()
    lives.append(now() - born)


async def holding():
    begun = now()
    await asyncio.sleep(0.01)
    add("holding", begun)


async def consumer(queue, until, born):
    begun = born
    while now() < until:
        await queue.get()
        add("consumer", begun)
        begun = now()
    lives.append(now() - born)


async def producer(queue, number, until, born):
    begun = born
    while now() < until:
        await asyncio.sleep(0.03)
        add("producer", begun)
        for _ in range(number):
            queue.put_nowait(1)
        begun = now()
    for _ in range(number):
        queue.put_nowait(1)
    lives.append(now() - born)


async def reading(reader, until, born):
    begun = born
    while now() < until:
        await reader.readexactly(1)
        add("reading", begun)
        begun = now()
    lives.append(now() - born)


async def writing(writer, until, born):
    begun = born
    while now() < until:
        await asyncio.sleep(0.05)
        add("writing", begun)
        writer.write(b"x")
        begun = now()
    writer.write(b"x")
    lives.append(now() - born)


async def part(pause, born):
    await asyncio.sleep(pause)
    add("part", born)
    lives.append(now() - born)


async def gathering(until, born):
    begun = born
    while now() < until:
        await asyncio.gather(create(part, 0.05), create(part, 0.02))
        add("gathering", begun)
        begun = now()
    lives.append(now() - born)


async def member(pause, born):
    await asyncio.sleep(pause)
    add("member", born)
    lives.append(now() - born)


async def elsewhere():
    begun = now()
    await asyncio.sleep(0.02)
    add("elsewhere", begun)


async def grouping(until, born):
    # Its own wait for the members is in TaskGroup.__aexit__, on the line of
    # the `async with`.
    begun = born
    while now() < until:
        add("grouping", begun)
        async with asyncio.TaskGroup() as group:
            create(member, 0.06, by=group)
            await elsewhere()
            begun = now()
    add("grouping", begun)
    lives.append(now() - born)


async def many(until, born):
    lock, queue = asyncio.Lock(), asyncio.Queue()
    ours, theirs = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=ours)
    _, other = await asyncio.open_connection(sock=theirs)
    tasks = [create(sleeper, 0.1, until) for _ in range(6)]
    tasks += [create(locked, lock, until) for _ in range(4)]
    tasks += [create(consumer, queue, until) for _ in range(3)]
    tasks += [create(producer, queue, 3, until)]
    tasks += [create(reading, reader, until), create(writing, other, until)]
    tasks += [create(gathering, until) for _ in range(3)]
    if sys.version_info >= (3, 11):
        tasks += [create(grouping, until) for _ in range(3)]
    begun = now()
    await asyncio.gather(*tasks)
    add("many", begun)
    lives.append(now() - born)
    writer.close()
    other.close()


# ---- turns ----------------------------------------------------------------


async def turn(until, born):
    begun = born
    while now() < until:
        await asyncio.sleep(0)
        add("turn", begun)
        spin(0.003)
        begun = now()
    lives.append(now() - born)


async def turns(until, born):
    tasks = [create(turn, until) for _ in range(5)]
    begun = now()
    await asyncio.gather(*tasks)
    add("turns", begun)
    lives.append(now() - born)


def main(mode, seconds, out):
    asyncio.run({"many": many, "turns": turns}[mode](now() + seconds, now()))
    with open(out, "w", encoding="utf-8") as file:
        json.dump({"awaited": awaited, "life": sum(lives),
                   "tasks": len(lives)}, file)
    print("ok")


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), sys.argv[3])
