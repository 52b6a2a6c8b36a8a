# SPDX-License-Identifier: MIT
"""What the captured processes of asyncio ran (3.12 and newer)."""

import asyncio
import gc


async def leaf():
    await asyncio.get_running_loop().create_future()


async def numbers():
    yield 1
    await leaf()


async def nested(depth):
    if depth:
        await nested(depth - 1)
    else:
        async for _ in numbers():
            pass


async def group():
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(leaf(), name="größer")
        tasks.create_task(leaf(), name="other")


async def main():
    for generation in 0, 0, 0, 1, 1, 2:
        gc.collect(generation)
    gc.disable()
    await asyncio.gather(
        asyncio.create_task(nested(3), name="nested"),
        asyncio.create_task(group(), name="group"),
    )


asyncio.run(main())
