# SPDX-License-Identifier: BSD-3-Clause
"""Six containers, without an engine or (images.sh) with one: IPv6 only, names that come and go, limits, read-only roots.

The stories go on one after the other with the same set, as life does; each begins and ends with a set
that is whole.
"""

import random
import time

import pytest

import engine
from backend import Backend
from harness import wait_until

OUTAGE = 5.0  # seconds: what is promised for a failover


def other_than(services, primary):
    return [one for one in services.redis if one is not primary]


def test_cold_boot_in_any_order(six):
    order = list(six.services.values())
    seed = random.randrange(1 << 30)
    random.Random(seed).shuffle(order)
    print("seed", seed, [one.name for one in order])
    for one in order:
        one.start()
        time.sleep(random.Random(seed + one.index).random() * 0.5)  # a platform is not that quick
    primary = six.wait_whole()
    assert primary.name == "redis-master"
    for one in order:
        assert one.health()[0] == 200, (one.name, one.health())


def test_what_an_engine_would_hold_is_held(six):
    """User, rights, first process, root file system, limits: as the images and compose.yaml say."""
    for one in six.services.values():
        pid = one.first()
        with open(f"/proc/{pid}/status", encoding="ascii") as source:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in source if ":\t" in line)
        with open(f"/proc/{pid}/comm", encoding="ascii") as source:
            assert source.read().strip() == "tini"
        assert status["NSpid"].split()[-1] == "1"
        with open(f"/proc/{pid}/mounts", encoding="ascii") as source:
            root = [line.split() for line in source if line.split()[1] == "/"][-1]
        assert "ro" in root[3].split(",")
        if one.image.user and status["Uid"].split()[0] != "0":
            assert status["Uid"].split() == [str(one.image.user)] * 4
            assert status["CapEff"].strip("0\n") == "" and status["NoNewPrivs"] == "1"
        if six.has_engine:
            limit, peak = engine.memory(pid)
            assert limit == one.memory, (one.name, limit)
        else:
            peak = one.limits.peak()
        assert peak is None or peak < one.memory * 0.9, (one.name, peak)
        # IPv4 is not there at all.
        with open(f"/proc/{pid}/net/route", encoding="ascii") as source:
            assert len(source.readlines()) == 1


def test_rights_are_the_least(six):
    primary = six.wait_whole()
    refused = (
        ("app", ["CONFIG", "GET", "*"]), ("app", ["FLUSHALL"]), ("app", ["REPLICAOF", "NO", "ONE"]),
        ("app", ["KEYS", "*"]), ("sentinel", ["GET", "session:1"]), ("sentinel", ["CONFIG", "GET", "*"]),
        ("sentinel", ["SHUTDOWN"]), ("replication", ["GET", "session:1"]), ("replication", ["INFO"]),
    )
    for user, order in refused:
        with pytest.raises(Exception, match="NOPERM"):
            primary.ask(*order, user=user)
    with pytest.raises(Exception, match="NOAUTH|WRONGPASS"):
        primary.ask("AUTH", "default", "")
    # ... and enough: nobody of the set was refused anything so far.
    for one in six.redis:
        denied = {name: int(count) for name, count in one.info("stats").items() if name.startswith("acl_access_denied")}
        if denied:  # Redis 7.2 and later count
            commands = denied.pop("acl_access_denied_cmd")
            assert commands == (len(refused) if one is primary else 0), one.name
            assert denied.pop("acl_access_denied_auth") == (1 if one is primary else 0), one.name
            assert not any(denied.values()), (one.name, denied)
    for one in six.sentinels:
        assert "NOPERM" not in one.log() and "refuse" not in one.log(), one.log()


def fail_over(six, story, **restart):
    """A primary that is killed and started again as a platform would; what clients see of it."""
    old = six.wait_whole()
    life = old.life + 1
    with Backend(six) as backend:
        wait_until(lambda: backend.has_kept(0, 100), 10, "the backend writes")
        killed_at = time.monotonic()
        old.restart(**restart)
        new = wait_until(lambda: six.agreed() is not old and six.agreed(), 20, "another primary", every=0.05)
        wait_until(lambda: backend.has_kept(time.monotonic() - 0.5), 20, "the backend writes again")
        six.wait_whole()
        outage = backend.outage(killed_at)
    assert old.follows(new)
    assert not old.said_since(life, "starting as"), "an empty server came up as a primary"
    assert backend.lost(new) == []
    print(f"{story}: outage {outage:.2f} s, {len(backend.kept)} sessions kept, errors {backend.errors}")
    assert outage < OUTAGE, (outage, backend.errors)
    return old


def test_primary_restarted_after_300_ms(six):
    old = fail_over(six, "restart after 300 ms", after=0.3)
    # An engine may take its time to start it: then they have failed over already.
    assert six.has_engine or old.said_since(old.life, "waiting: the vedettes still name this server")


def test_primary_restarted_after_2_s_with_another_address(six):
    before = six.agreed().address
    old = fail_over(six, "restart after 2 s, new address", after=2, new_address=True)
    assert old.address != before


def test_primary_restarted_after_15_s(six):
    old = fail_over(six, "restart after 15 s", after=15)
    assert old.said_since(old.life, "joining ")


def test_vedettes_restarted_without_their_state(six):
    """The configuration names redis-master; what is true is found out. A Redis service waits so long."""
    primary = six.wait_whole()
    if primary is six["redis-master"]:
        primary.ask("PING")
        six.sentinels[0].ask("SENTINEL", "FAILOVER", "mymaster", "COORDINATED")
        primary = wait_until(lambda: six.agreed() is not primary and six.agreed(), 20, "switched over")
    keys = primary.keys()
    for one in six.sentinels:
        one.kill()
    replica = next(one for one in six.redis if one not in (primary, six["redis-master"]))
    replica.restart()
    wait_until(lambda: "no vedette answers" in replica.health()[1], 10, "it waits for the vedettes")
    assert replica.health()[0] == 503
    for one in six.sentinels:
        one.start()
    wait_until(lambda: six.agreed() is primary, 10, "the vedettes have found out who is the primary")
    assert six.wait_whole() is primary
    assert all(one.keys() >= keys for one in six.redis)


def test_vedettes_and_primary_restarted_together(six):
    """Nobody remembers who the primary was, and it comes back empty: the replicas' data wins."""
    primary = six.wait_whole()
    if primary is not six["redis-master"]:
        six.sentinels[0].ask("SENTINEL", "FAILOVER", "mymaster", "COORDINATED")
        wait_until(lambda: six.agreed() is not primary, 20, "switched over")
        primary = six.wait_whole()
    with primary.connect("app") as connection:
        connection.ask("SET", "session:kept", "1")
        assert connection.ask("WAIT", "2", "2000") == 2
    for one in (*six.sentinels, primary):
        one.kill()
    for one in (*six.sentinels, primary):
        one.start()
    six.wait_whole(60)
    assert all(one.ask("GET", "session:kept", user="app") == "1" for one in six.redis)


def test_all_six_restarted(six):
    """The cache is empty then, and serves again by itself."""
    six.wait_whole()
    for one in six.services.values():
        one.kill()
    order = list(six.services.values())
    random.shuffle(order)
    print([one.name for one in order])
    for one in order:
        one.start()
    began = time.monotonic()
    with Backend(six) as backend:
        wait_until(lambda: backend.has_kept(began), 30, "the backend writes")
        print(f"serves {time.monotonic() - began:.2f} s after the last start")
    primary = six.wait_whole()
    assert backend.lost(primary) == []


def test_ended_as_a_platform_ends_it(six):
    """SIGTERM: a server that waits, one that serves, a vedette; each at once and with a good status."""
    primary = six.wait_whole()
    replica = other_than(six, primary)[0]
    began = time.monotonic()
    assert replica.stop() == 0
    for one in six.sentinels:
        assert one.stop() == 0
    replica.start()
    wait_until(lambda: replica.health()[0] == 503, 10, "it waits")
    assert replica.stop() == 143
    assert time.monotonic() - began < 10
