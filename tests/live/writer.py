# SPDX-License-Identifier: BSD-3-Clause
"""A client that writes as an application does, and measures for how long it could not.

It asks the sentinels where the primary is, writes there, and asks again whenever that fails or
stays without answer. One thread, so that nothing but the servers is measured.
"""

import itertools
import select
import time

import resp

PACE = 0.001  # seconds between writes, and between questions while there is no primary
SILENCE = 0.02  # an answer that takes longer makes it ask the sentinels
NUMBERS = itertools.count(1)  # no two writers share a key: what one lost another may have written before


class Writer:
    def __init__(self, sentinels, group):
        self.group = group
        self.sentinels = [resp.Connection(one.address, timeout=2) for one in sentinels]
        self.turn = 0
        self.address = None
        self.told = None  # by the sentinel that made it leave the one before
        self.connection = None
        self.count = 0
        self.prefix = f"writer{next(NUMBERS)}"
        self.acks = []  # (time, address)

    def close(self):
        for connection in [*self.sentinels, self.connection]:
            if connection:
                connection.close()

    def ask_address(self):
        """Where a sentinel says the primary is; each is asked in its turn."""
        self.turn += 1
        one = self.sentinels[self.turn % len(self.sentinels)]
        reply = one.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self.group)
        return None if reply is None else (reply[0], int(reply[1]))

    def _drop(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def _connect(self):
        self.address, self.told = self.told or self.ask_address(), None
        if self.address is None:
            return False
        try:
            self.connection = resp.Connection(self.address, timeout=0.5)
        except OSError:
            return False
        return True

    def _wait_reply(self):
        """False when the sentinels name another server while this one is silent."""
        begin = time.monotonic()
        while not select.select([self.connection.sock], [], [], PACE)[0]:
            if time.monotonic() - begin > SILENCE:
                self.told = self.ask_address()
                if self.told != self.address:
                    return False
        self.told = None
        return True

    def write(self):
        """Try one write; True when it was acknowledged."""
        try:
            if self.connection is None and not self._connect():
                return False
            self.connection.send("SET", f"{self.prefix}:{self.count}", self.count)
            if not self._wait_reply():
                self._drop()
                return False
            reply = self.connection.read()
        except (OSError, resp.Closed, AssertionError):
            self._drop()
            return False
        if reply != "OK":  # READONLY, LOADING...
            self._drop()
            return False
        self.acks.append((time.monotonic(), self.address))
        self.count += 1
        return True

    def run(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.write()
            time.sleep(PACE)

    def lost(self, server, count=None):
        """How many of the acknowledged writes, or of the first `count` of them, a server does not have."""
        missing = 0
        end = self.count if count is None else count
        for first in range(0, end, 1000):
            keys = [f"{self.prefix}:{n}" for n in range(first, min(first + 1000, end))]
            missing += len(keys) - server.ask("EXISTS", *keys)
        return missing

    def outage(self, hit, seconds=60, elsewhere=True, lead=0.2):
        """Let hit() strike the primary, after `lead` seconds of writes; the time in ms until one is acknowledged, elsewhere."""
        self.run(lead)
        assert self.acks, "no write succeeded before"
        before = self.acks[-1][1]
        begin = time.monotonic()
        hit()
        while time.monotonic() - begin < seconds:
            if self.write() and (self.address != before or not elsewhere):
                return 1000 * (self.acks[-1][0] - begin)
            time.sleep(PACE)
        raise AssertionError(f"no write succeeded within {seconds} s")
