# SPDX-License-Identifier: BSD-3-Clause
"""Writes by redis-py."""

import itertools
import time

import redis
from redis.sentinel import Sentinel

from redis_py_settings import MASTER, OPTIONS, SENTINELS

client = Sentinel(SENTINELS, **OPTIONS).master_for(**MASTER)

print("version", redis.__version__, flush=True)
for n in itertools.count():
    try:
        client.set(f"client:{n}", n)
        print("ok", n, flush=True)
    except redis.RedisError as error:
        print("err", error, flush=True)
    time.sleep(0.005)
