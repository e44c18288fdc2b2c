# SPDX-License-Identifier: BSD-3-Clause
"""Load, as a web backend makes it: sessions beside a database, read from replicas, written to the primary.

Open loop: requests come at their times whether or not those before are answered, so that a stall shows as
latency of all that it held up. What waits is bounded; what finds no place is refused and counted.

The database is this program's own memory: it knows which version of a session is the newest, and of each
what Redis has acknowledged and a replica has confirmed (WAIT). A write asks for the value that it replaces
(SET ... GET), a refill sets only what is not there (NX): so each loss is seen, also one that is overwritten
in the next moment.
"""

import bisect
import itertools
import queue
import random
import sys
import threading
import time
from dataclasses import dataclass

import redis

SOCKET_TIMEOUT_S = 0.5
CONFIRM_MS = 100
READERS = 8
WRITERS = 8
READ, WRITE, FILL = "read", "write", "fill"
ANSWERED, FAILED, REFUSED = "answered", "failed", "refused"


@dataclass
class Request:
    """One request of the backend's clients: what was asked when, and what came of it."""

    kind: str
    session: int
    due: float
    done: float = 0.0
    outcome: str = ""
    hit: bool = False


@dataclass
class Loss:
    session: int
    version: int
    confirmed: bool
    seen_at: float
    acked_at: float


class Sessions:
    """What the database knows of each session, and what Redis has said about it."""

    def __init__(self, count, skew=0.8):
        self.version = [0] * count
        self.acked = [0] * count
        self.acked_at = [0.0] * count
        self.confirmed = [0] * count
        self.locks = [threading.Lock() for _ in range(count)]
        # Some sessions are asked for far more often than others.
        self.weights = list(itertools.accumulate((n + 1) ** -skew for n in range(count)))

    def __len__(self):
        return len(self.version)

    def pick(self, dice):
        return bisect.bisect(self.weights, dice.random() * self.weights[-1])


class Load:
    def __init__(self, target, rate=1000, sessions=5000, writes=0.2, bound=None, patience=5.0, prefix="drill:session:"):
        self.target = target
        self.rate = rate
        self.writes = writes
        self.bound = bound if bound is not None else int(rate * patience)
        self.patience = patience
        self.prefix = prefix
        self.dice = random.Random(1)
        self.sessions = Sessions(sessions)
        self.payload = "x" * 400
        self.ttl = 3600
        self.requests = []
        self.troubles = []  # (time, kind, error's name)
        self.losses = []
        self.looked = False  # at what is there in the end
        self.depths = []  # (time, waiting)
        self.queues = {READ: queue.SimpleQueue(), WRITE: queue.SimpleQueue()}
        self.stopping = threading.Event()
        self.began = 0.0
        self.ended = 0.0
        self.threads = []
        client = target.sentinel_client(SOCKET_TIMEOUT_S)
        self.primary = client.master_for(target.group, socket_timeout=SOCKET_TIMEOUT_S)
        self.replica = client.slave_for(target.group, socket_timeout=SOCKET_TIMEOUT_S)

    # Life -----------------------------------------------------------------------

    def warm_up(self):
        """Nine of ten sessions are there when the drill begins; the others come by misses."""
        pipe = self.primary.pipeline(transaction=False)
        for session in range(len(self.sessions)):
            self.sessions.version[session] = 1
            if session % 10 != 9:
                self.sessions.acked[session] = 1
                pipe.set(self.key(session), self.value(1), ex=self.ttl)
            if session % 500 == 499:
                pipe.execute()
        pipe.execute()
        # In steps shorter than the socket's patience: a replica may just be on its way into the stream.
        end = time.monotonic() + 10
        while self.primary.execute_command("WAIT", len(self.target.replicas()), 200) == 0:
            if time.monotonic() > end:
                return False
        self.sessions.confirmed = list(self.sessions.acked)
        return True

    def start(self):
        sys.setswitchinterval(0.0005)
        self.began = time.monotonic()
        works = [self._pace] + [self._serve_reads] * READERS + [self._serve_writes] * WRITERS
        self.threads = [threading.Thread(target=work, daemon=True) for work in works]
        for thread in self.threads:
            thread.start()

    def stop(self):
        """No more requests; those that wait are answered, or fail by their own deadline."""
        self.stopping.set()
        self.threads[0].join()
        self.ended = time.monotonic()
        for kind, count in ((READ, READERS), (WRITE, WRITERS)):
            for _ in range(count):
                self.queues[kind].put(None)
        for thread in self.threads[1:]:
            thread.join()

    def _pace(self):
        number = 0
        while not self.stopping.is_set():
            due = self.began + number / self.rate
            wait = due - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            kind = WRITE if self.dice.random() < self.writes else READ
            request = Request(kind, self.sessions.pick(self.dice), due)
            self.requests.append(request)
            waiting = self.queues[kind].qsize()
            if waiting >= self.bound:
                request.outcome, request.done = REFUSED, due
            else:
                self.queues[kind].put(request)
            if number % 50 == 0:
                self.depths.append((due, self.queues[READ].qsize() + self.queues[WRITE].qsize()))
            number += 1

    # Requests -------------------------------------------------------------------

    def key(self, session):
        return f"{self.prefix}{session}"

    def value(self, version):
        return f"{version} {self.payload}"

    def _trouble(self, kind, error):
        self.troubles.append((time.monotonic(), kind, type(error).__name__))
        time.sleep(0.005)

    def _finish(self, request, outcome):
        request.done = time.monotonic()
        request.outcome = outcome

    def _serve_reads(self):
        while (request := self.queues[READ].get()) is not None:
            turn = 0
            while True:
                # From a replica; from the primary where none answers.
                client = self.primary if turn % 3 == 2 else self.replica
                try:
                    found = client.get(self.key(request.session))
                except (redis.RedisError, OSError) as error:
                    self._trouble(READ, error)
                    if time.monotonic() > request.due + self.patience:
                        self._finish(request, FAILED)
                        break
                    turn += 1
                    continue
                request.hit = found is not None
                self._finish(request, ANSWERED)
                if not request.hit:
                    self._ask_refill(request.session)
                break

    def _ask_refill(self, session):
        if self.queues[WRITE].qsize() < self.bound:
            self.queues[WRITE].put(Request(FILL, session, time.monotonic()))

    def _serve_writes(self):
        while (request := self.queues[WRITE].get()) is not None:
            with self.sessions.locks[request.session]:
                if request.kind == WRITE:
                    self.sessions.version[request.session] += 1
                self._store(request)

    def _store(self, request):
        while True:
            try:
                self._store_once(request)
                self._finish(request, ANSWERED)
                return
            except (redis.RedisError, OSError) as error:
                self._trouble(request.kind, error)
            if time.monotonic() > request.due + self.patience:
                self._finish(request, FAILED)
                return

    def _store_once(self, request):
        session = request.session
        version = self.sessions.version[session]
        pipe = self.primary.pipeline(transaction=False)
        if request.kind == FILL:
            pipe.set(self.key(session), self.value(version), ex=self.ttl, nx=True)
        else:
            pipe.set(self.key(session), self.value(version), ex=self.ttl, get=True)
        pipe.execute_command("WAIT", 1, CONFIRM_MS)
        before, confirmed = pipe.execute(raise_on_error=False)
        if isinstance(before, Exception):
            raise before
        # A refill that found the session there has set nothing, and learnt nothing.
        if request.kind == FILL and before is None:
            return
        self._look(session, None if request.kind == FILL else before)
        self.sessions.acked[session] = version
        self.sessions.acked_at[session] = time.monotonic()
        if not isinstance(confirmed, Exception) and confirmed > 0:
            self.sessions.confirmed[session] = version

    # Losses ---------------------------------------------------------------------

    def _look(self, session, value):
        """What is there is not older than what was acknowledged."""
        there = version_of(value)
        acked = self.sessions.acked[session]
        if there >= acked:
            return
        self.losses.append(
            Loss(
                session,
                acked,
                self.sessions.confirmed[session] > there,
                time.monotonic(),
                self.sessions.acked_at[session],
            )
        )
        # Counted once.
        self.sessions.acked[session] = there
        self.sessions.confirmed[session] = min(there, self.sessions.confirmed[session])

    def look_at_all(self):
        """At the end: every session, at the primary."""
        for begin in range(0, len(self.sessions), 500):
            some = range(begin, min(begin + 500, len(self.sessions)))
            for session, value in zip(some, self.primary.mget([self.key(one) for one in some])):
                self._look(session, value)
        self.looked = True

    def clear(self):
        """Nothing of the drill stays on a running set."""
        for begin in range(0, len(self.sessions), 500):
            some = range(begin, min(begin + 500, len(self.sessions)))
            self.primary.unlink(*[self.key(one) for one in some])


def version_of(value):
    if value is None:
        return 0
    text = value.decode() if isinstance(value, bytes) else value
    return int(text.split(" ", 1)[0])
