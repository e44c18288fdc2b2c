# SPDX-License-Identifier: BSD-3-Clause
"""Maintenance and members: SENTINEL PAUSE, RESUME, FORGET and CANDIDATES, with real servers."""

import pytest

import resp
from harness import make_house, wait_until

GROUP = "mymaster"

pytestmark = pytest.mark.vedette


def paused(house):
    return ["paused" in one.master(GROUP)["flags"].split(",") for one in house.live_sentinels()]


def test_maintenance(lab, program):
    """Told to one, kept by all: the primary may go, and nobody replaces it until RESUME."""
    house = make_house(lab, [program] * 3)
    old = house.primary
    watcher = house.sentinels[2].watch()
    assert house.sentinels[0].sentinel("PAUSE", GROUP, 60000) == "OK"
    wait_until(lambda: all(paused(house)), 5, "all are told")
    old.kill()
    watcher.wait("+odown", 20)
    with pytest.raises(AssertionError):
        watcher.wait("+try-failover", 2)
    assert house.sentinels[1].sentinel("RESUME", GROUP) == "OK"
    house.wait_switch(20)
    assert not any(paused(house))


def test_members_that_are_gone(lab, program):
    house = make_house(lab, [program] * 3)
    one, _, last = house.sentinels
    replica = house.replicas[0]
    with pytest.raises(resp.ReplyError, match="alive"):
        one.sentinel("FORGET", GROUP, replica.host, replica.port)
    with pytest.raises(resp.ReplyError, match="alive"):
        one.sentinel("FORGET", GROUP, last.id())
    last_id = last.id()
    last.stop()
    replica.kill()
    house.sentinels.remove(last)
    for sentinel in house.live_sentinels():
        wait_until(lambda s=sentinel: s.sentinel("FORGET", GROUP, last_id) == "OK", 10, "the sentinel is gone")
        wait_until(
            lambda s=sentinel: s.sentinel("FORGET", GROUP, replica.host, replica.port) == "OK", 10, "so is the replica"
        )
        assert len(sentinel.peers(GROUP)) == 1
        assert len(sentinel.replicas(GROUP)) == 1
    # Two of two are a majority, as two of three were.
    house.primary.kill()
    house.wait_switch(20)


def test_candidates(lab, program):
    house = make_house(lab, [program] * 3)
    one = house.sentinels[0]
    never, good = house.replicas
    never.ask("CONFIG", "SET", "replica-priority", "0")
    one.debug(info_period=100)

    def verdicts():
        return {int(c["port"]): (c["verdict"], c["chosen"]) for c in map(resp.pairs, one.sentinel("CANDIDATES", GROUP))}

    wanted = {
        house.primary.port: ("is the primary", "no"),
        never.port: ("has priority 0", "no"),
        good.port: ("fit", "yes"),
    }
    wait_until(lambda: verdicts() == wanted, 10, "the verdicts")


def test_a_primary_cut_off_with_us_takes_no_writes(lab, program):
    """The others of its side are one vedette; all else stands still, as behind a cut.

    With an HTTP port, since it then measures lag, and a beat would be held back as the writes are, and with it the
    link: neither renewals nor PINGs would come through.
    """
    house = make_house(
        lab,
        [program] * 3,
        extra=(f"sentinel fence-isolated-primary {GROUP} yes",),
        each=lambda place: (f"http-port {lab.free_port()}",),
    )
    one = house.sentinels[0]
    primary = house.primary
    watcher = one.watch("*")
    others = [*house.sentinels[1:], *house.replicas]
    for other in others:
        other.pause()
    watcher.wait("+fenced", 20)
    with primary.connect(timeout=4) as connection, pytest.raises(TimeoutError):
        connection.ask("SET", "k", "v")
    assert primary.ask("GET", "k") is None
    assert not watcher.find("+sdown", f"master {GROUP} ")
    for other in others:
        other.resume()
    watcher.wait("-fenced", 20)
    wait_until(lambda: primary.ask("SET", "k", "v") == "OK", 10, "writes go on")
