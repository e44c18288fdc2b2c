# SPDX-License-Identifier: BSD-3-Clause
"""Hosts by name, and IPv6."""

import time

import pytest

from harness import LOOPBACK, group_lines, has_ipv6, make_house, quicken, wait_until

GROUP = "mymaster"
NAMES = ["sentinel resolve-hostnames yes", "sentinel announce-hostnames yes"]


def test_everything_by_name(lab, program):
    house = make_house(
        lab,
        [program] * 3,
        host="localhost",
        lines=[*NAMES, "sentinel announce-ip localhost"],
        server_options=["replica-announce-ip localhost"],
    )
    old = house.primary
    one = house.sentinels[0]
    assert one.master(GROUP)["ip"] == "localhost"
    assert {r["name"] for r in one.replicas(GROUP)} == {
        f"localhost:{server.port}" for server in house.replicas
    }
    assert {p["ip"] for p in one.peers(GROUP)} == {"localhost"}
    watcher = one.watch("+switch-master")
    old.kill()
    new = house.wait_switch(20)
    _, _, payload = watcher.wait("+switch-master", 15)
    assert payload == f"{GROUP} localhost {old.port} localhost {new.port}"
    house.wait_following()
    old.start()
    # By name: REPLICAOF carried what was announced.
    wait_until(lambda: old.follows(new), 40, "the old primary follows, by name")


def test_addresses_are_shown_unless_names_are_announced(lab, program):
    house = make_house(
        lab,
        [program],
        quorum=1,
        replicas=1,
        host="localhost",
        lines=[*NAMES, "sentinel announce-ip localhost"],
        server_options=["replica-announce-ip localhost"],
    )
    one = house.sentinels[0]
    assert one.sentinel("CONFIG", "SET", "announce-hostnames", "no") == "OK"
    addresses = (LOOPBACK, "::1")  # what localhost is depends on the machine
    assert one.primary_of(GROUP)[0] in addresses
    assert one.replicas(GROUP)[0]["ip"] in addresses
    assert one.sentinel("CONFIG", "SET", "announce-hostnames", "yes") == "OK"
    assert one.primary_of(GROUP) == ("localhost", house.primary.port)


def test_a_name_without_address_disturbs_nobody_else(lab, program):
    primary = lab.redis()
    lines = [
        "sentinel resolve-hostnames yes",
        "sentinel monitor lost no-such-host.invalid 6379 1",
        *group_lines(GROUP, primary, quorum=1),
    ]
    one = lab.sentinel(program, lines)
    quicken(one)
    wait_until(lambda: one.master(GROUP)["flags"] == "master", 15, "the other group is watched")
    assert "disconnected" in one.master("lost")["flags"]
    # Answers come at once while the name is looked for in vain.
    slowest = 0.0
    for _ in range(200):
        begin = time.monotonic()
        assert one.primary_of(GROUP) == primary.address
        slowest = max(slowest, time.monotonic() - begin)
    assert slowest < 1.0
    assert one.master(GROUP)["flags"] == "master"


def test_names_are_refused_unless_allowed(lab, program):
    primary = lab.redis()
    one = lab.sentinel(program, group_lines(GROUP, primary, quorum=1))
    with one.connect() as client:
        reply = client.raw("SENTINEL", "MONITOR", "named", "localhost", primary.port, 1)
    assert reply == "ERR Invalid IP address or hostname specified"


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 loopback")
def test_ipv6(lab, program):
    house = make_house(lab, [program] * 3, host="::1")
    old = house.primary
    one = house.sentinels[0]
    assert {r["name"] for r in one.replicas(GROUP)} == {f"[::1]:{s.port}" for s in house.replicas}
    watcher = one.watch()
    old.kill()
    new = house.wait_switch(20)
    _, _, payload = watcher.wait("+switch-master", 15)
    assert payload == f"{GROUP} ::1 {old.port} ::1 {new.port}"
    watcher.wait("+slave", 15, f"slave [::1]:{old.port} ::1 {old.port} @ {GROUP} ::1 {new.port}")
    house.wait_following()
    old.start()
    wait_until(lambda: old.follows(new), 40, "the old primary follows")
