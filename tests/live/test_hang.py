# SPDX-License-Identifier: BSD-3-Clause
"""Processes that hang instead of dying: connections stay open, answers do not come."""

import selectors
import threading
import time

import resp
from harness import make_house, wait_until

GROUP = "mymaster"


class Flood:
    """Clients none of which ever waits for an answer before it asks again."""

    def __init__(self, sentinel, clients):
        self.answered = 0  # bytes
        self.over = False
        self.selector = selectors.DefaultSelector()
        self.connections = [sentinel.connect() for _ in range(clients)]
        for one in self.connections:
            one.sock.setblocking(False)
            self.selector.register(one.sock, selectors.EVENT_READ | selectors.EVENT_WRITE)
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over = True
        self.thread.join()
        for one in self.connections:
            one.close()
        self.selector.close()

    def _run(self):
        many = resp.encode("PING") * 1000
        owed = {one.sock: b"" for one in self.connections}
        while not self.over:
            for key, events in self.selector.select(1):
                if events & selectors.EVENT_READ:
                    self.answered += len(key.fileobj.recv(65536))
                if events & selectors.EVENT_WRITE:
                    rest = owed[key.fileobj] or many
                    owed[key.fileobj] = rest[key.fileobj.send(rest) :]


def test_a_hung_primary_is_replaced_and_turned_when_it_wakes(lab, program):
    house = make_house(lab, [program] * 3)
    old = house.primary
    watchers = [one.watch("+switch-master") for one in house.sentinels]
    old.pause()
    new = house.wait_switch(20)
    house.servers.remove(old)
    house.wait_following()
    house.servers.append(old)
    assert new.ask("SET", "after", "1") == "OK"

    old.resume()
    wait_until(lambda: old.follows(new), 40, "the woken primary follows")
    assert old.ask("GET", "after") == "1"
    for watcher in watchers:
        watcher.wait("+switch-master", 10)
        assert len(watcher.all()) == 1


def test_a_pause_shorter_than_down_after_is_no_failover(lab, program):
    down_after = 3000
    house = make_house(lab, [program] * 3, down_after=down_after)
    watchers = [one.watch() for one in house.sentinels]
    house.primary.pause()
    # Until a sentinel owes its patience to down-after alone: an unanswered PING a second old.
    for one in house.sentinels:
        wait_until(
            lambda one=one: int(one.master(GROUP)["last-ping-sent"]) > 1000,
            down_after / 1000,
            "a PING stays unanswered",
        )
    house.primary.resume()
    house.wait_ready(10)
    for one, watcher in zip(house.sentinels, watchers):
        assert one.primary_of(GROUP) == house.primary.address
        assert not watcher.find("+sdown", f"master {GROUP}")
        assert not watcher.find("+try-failover")


def test_a_hung_replica_is_not_chosen(lab, program):
    house = make_house(lab, [program] * 3)
    hung, good = house.replicas
    hung.pause()
    for one in house.sentinels:
        wait_until(
            lambda one=one: any(
                "s_down" in r["flags"] for r in one.replicas(GROUP) if int(r["port"]) == hung.port
            ),
            15,
            "the hung replica is s_down",
        )
    house.primary.kill()

    def all_name_the_good_one():
        return set(house.views().values()) == {good.address}

    wait_until(all_name_the_good_one, 20, "failover to the other replica")
    assert good.is_primary()


def test_a_sentinel_that_was_stopped_does_not_take_its_own_absence_for_the_primarys(lab, program):
    house = make_house(lab, [program] * 3, quorum=1)
    stopped = house.sentinels[0]
    watcher = stopped.watch()
    others = [one.watch("+switch-master") for one in house.sentinels[1:]]
    down_after = int(stopped.master(GROUP)["down-after-milliseconds"])
    stopped.pause()
    # Away for longer than down-after, and than the stall that voids evidence.
    time.sleep(down_after / 1000 + 3)
    stopped.resume()
    # It answers again and has heard from the primary since.
    wait_until(lambda: stopped.is_mine(), 10)
    wait_until(lambda: int(stopped.master(GROUP)["last-ok-ping-reply"]) < 1000, 10)
    assert not watcher.find("+sdown", f"master {GROUP}")
    assert not watcher.find("+try-failover")
    for other in others:
        assert not other.all()
    assert stopped.primary_of(GROUP) == house.primary.address


def test_clients_that_never_stop_asking_hide_no_death(lab, program):
    """More of them than one look of the loop brings at first: there is always somebody who has not been read."""
    house = make_house(lab, [program], replicas=1, quorum=1)
    watcher = house.sentinels[0].watch("+sdown")
    with Flood(house.sentinels[0], 150) as flood:
        wait_until(lambda: flood.answered > 1000000, 20, "all are being answered")
        house.primary.pause()
        watcher.wait("+sdown", 10, f"master {GROUP}")
