# SPDX-License-Identifier: BSD-3-Clause
"""What the vedettes tell while it happens: their events, with the time at which we heard them."""

import threading
import time

import redis

# The milestones of a failover, in their order, and what each ends.
MILESTONES = [
    ("+sdown", "silence, until one vedette calls the primary down"),
    ("+odown", "until as many as the quorum say so"),
    ("+try-failover", "until one asks for votes"),
    ("+elected-leader", "until a majority has voted for it"),
    ("+selected-slave", "until the best replica is known"),
    ("+promoted-slave", "until that says that it is the primary"),
    ("+switch-master", "until the new address is told"),
    ("+failover-end", "until the other replicas follow"),
]
# Of a server that is no primary, nothing of these is a milestone.
ABOUT_PRIMARY = {"+sdown", "+odown"}


class Watch:
    """One listener to each vedette; one that is restarted is listened to again."""

    def __init__(self, target):
        self.target = target
        self.stopping = threading.Event()
        self.events = []  # (time, vedette's address, event, text)
        self.listening = [threading.Event() for _ in target.addresses]
        self.threads = [
            threading.Thread(target=self._listen, args=(address, flag), daemon=True)
            for address, flag in zip(target.addresses, self.listening)
        ]
        for thread in self.threads:
            thread.start()

    def wait_listening(self, seconds):
        return all(flag.wait(seconds) for flag in self.listening)

    def _listen(self, address, flag):
        while not self.stopping.is_set():
            try:
                pubsub = self.target.watchman(address).pubsub()
                pubsub.psubscribe("*")
                while not self.stopping.is_set():
                    message = pubsub.get_message(timeout=0.2)
                    if message is None:
                        continue
                    if message["type"] == "psubscribe":
                        flag.set()
                    elif message["type"] == "pmessage":
                        self._take(address, message["channel"], message["data"])
            except (redis.RedisError, OSError):
                self.stopping.wait(0.1)

    def _take(self, address, event, text):
        if self.target.group in text.split():
            self.events.append((time.monotonic(), address, event, text))

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def milestones(self, since):
        """(event, meaning, ms after `since`) of the first failover since then, by whoever told it first."""
        found = []
        for event, meaning in MILESTONES:
            times = [
                at
                for at, _, name, text in sorted(self.events)
                if name == event and at >= since and (event not in ABOUT_PRIMARY or text.startswith("master "))
            ]
            if times:
                found.append((event, meaning, 1000 * (times[0] - since)))
        return found
