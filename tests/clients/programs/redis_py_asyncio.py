# SPDX-License-Identifier: BSD-3-Clause
"""Writes by redis-py's asyncio side."""

import asyncio
import itertools

import redis
from redis.asyncio.sentinel import Sentinel

from redis_py_settings import MASTER, OPTIONS, SENTINELS


async def main():
    client = Sentinel(SENTINELS, **OPTIONS).master_for(**MASTER)

    print("version", redis.__version__, flush=True)
    for n in itertools.count():
        try:
            await client.set(f"client:{n}", n)
            print("ok", n, flush=True)
        except redis.RedisError as error:
            print("err", error, flush=True)
        await asyncio.sleep(0.005)


asyncio.run(main())
