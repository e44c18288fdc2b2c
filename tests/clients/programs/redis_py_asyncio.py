# SPDX-License-Identifier: BSD-3-Clause
"""Writes by redis-py's asyncio side."""

import asyncio
import itertools
import os

import redis
from redis.asyncio.sentinel import Sentinel


async def main():
    sentinels = [one.rsplit(":", 1) for one in os.environ["SENTINELS"].split(",")]
    client = Sentinel(
        sentinels,
        sentinel_kwargs={"password": os.environ["SENTINEL_PASSWORD"] or None, "socket_timeout": 1},
        socket_timeout=1,
    ).master_for(os.environ["GROUP"], password=os.environ["PASSWORD"] or None)

    print("version", redis.__version__, flush=True)
    for n in itertools.count():
        try:
            await client.set(f"client:{n}", n)
            print("ok", n, flush=True)
        except redis.RedisError as error:
            print("err", error, flush=True)
        await asyncio.sleep(0.005)


asyncio.run(main())
