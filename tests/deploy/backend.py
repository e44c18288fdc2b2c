# SPDX-License-Identifier: BSD-3-Clause
"""A web backend as far as the set is concerned: a standard Sentinel client that writes sessions.

Each write is followed by WAIT, so that it is known which sessions a replica has acknowledged: these
may not be lost, whatever happens.
"""

import threading
import time

import redis
import redis.sentinel

import cluster

PACE = 0.002  # seconds between two writes, and two tries


class Backend:
    def __init__(self, services):
        self.client = redis.sentinel.Sentinel(
            [(one.host, one.port) for one in services.sentinels],
            sentinel_kwargs={"password": services.secrets["SENTINEL_PASSWORD"], "socket_timeout": 0.5},
        ).master_for(
            cluster.GROUP, username="app", password=services.secrets["REDIS_APP_PASSWORD"],
            socket_timeout=0.5, socket_connect_timeout=0.5,
        )
        self.kept = {}  # session: when a replica had acknowledged it
        self.errors = {}
        self.count = 0
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self._write, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        self.thread.join(10)
        self.client.close()

    def _write(self):
        while not self.is_over.wait(PACE):
            self.count += 1
            name = f"session:{self.count}"
            try:
                with self.client.pipeline(transaction=False) as pipeline:
                    pipeline.set(name, self.count)
                    pipeline.wait(1, 300)
                    _, replicas = pipeline.execute()
            except redis.RedisError as error:
                kind = f"{type(error).__name__}: {error}"[:80]
                self.errors[kind] = self.errors.get(kind, 0) + 1
                continue
            if replicas >= 1:
                self.kept[name] = time.monotonic()

    def has_kept(self, since, count=20):
        """Sessions kept since that instant, many enough to call it service."""
        return sum(1 for at in list(self.kept.values()) if at > since) >= count

    def outage(self, since):
        """The longest time without a kept session that ended after `since`, in seconds."""
        times = list(self.kept.values())
        return max((b - a for a, b in zip(times, times[1:]) if b > since), default=float("inf"))

    def lost(self, primary):
        """Sessions that a replica had acknowledged and that the primary does not have."""
        names = list(self.kept)
        with primary.connect("app", timeout=10) as connection:
            found = connection.ask("MGET", *names) if names else []
        return [name for name, value in zip(names, found) if value is None]
