# SPDX-License-Identifier: BSD-3-Clause
"""Processes that hang instead of dying: connections stay open, answers do not come."""

import selectors
import socket
import threading
import time

from harness import VEDETTE, group_lines, make_house, wait_until

GROUP = "mymaster"
CLIENTS = 100


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


class Flood:
    """Clients that always have more to say, and take what they are told."""

    def __init__(self, sentinel, count):
        self.served = set()
        self.ends = threading.Event()
        self.selector = selectors.DefaultSelector()
        self.places = {}
        for _ in range(count):
            sock = socket.create_connection(sentinel.address, 5)
            sock.setblocking(False)
            self.places[sock] = 0
            self.selector.register(sock, selectors.EVENT_READ | selectors.EVENT_WRITE)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        pings = memoryview((b"PING" + b" " * 58 + b"\r\n") * 4096)
        while not self.ends.is_set():
            for key, events in self.selector.select(0.1):
                sock = key.fileobj
                try:
                    if events & selectors.EVENT_READ and sock.recv(1 << 18):
                        self.served.add(sock)
                    if events & selectors.EVENT_WRITE:
                        self.places[sock] += sock.send(pings[self.places[sock] :])
                        self.places[sock] %= len(pings)
                except BlockingIOError:
                    pass

    def end(self):
        self.ends.set()
        self.thread.join()
        for sock in self.places:
            sock.close()


def test_clients_that_never_pause_hide_nobody(lab):
    """More than one look at the sockets is sure to bring: who is silent meanwhile is found all the same."""
    primary = lab.redis()
    one = lab.sentinel(VEDETTE, group_lines(GROUP, primary, quorum=1, down_after=1000))
    wait_until(lambda: one.master(GROUP)["flags"] == "master", 10, "the primary is known")
    watcher = one.watch("+sdown")
    flood = Flood(one, CLIENTS)
    wait_until(lambda: len(flood.served) == CLIENTS, 30, "all of them are served")
    primary.pause()
    watcher.wait("+sdown", 20, f"master {GROUP}")
    assert flood.thread.is_alive()
    flood.end()
