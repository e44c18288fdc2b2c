# SPDX-License-Identifier: BSD-3-Clause
"""The entry points as plain processes on loopback: what needs two of one name, or none to talk to."""

import os
import time

import pytest

import cluster
from harness import wait_until


@pytest.fixture
def plain(own_directory):
    with cluster.Cluster(own_directory, "loopback", ABSTAIN="1s") as services:
        yield services


def start_second(services, one, **extra):
    """Another container of the same name and port: what a deployment starts beside the old one."""
    name = one.name + "-new"
    second = cluster.Service(services, one.name, {"environment": {}, "tmpfs": [], "mem_limit": "1m", "cpus": 1}, 99)
    second.name = name
    second.log_path = os.path.join(services.dir, name + ".log")
    second.host, second.port = one.host, one.port
    second.health_port = services.free_port()
    home = os.path.join(services.dir, name)
    second.environment = {**one.environment, "REDIS_RUN_DIR": home, "PORT": str(second.health_port), **extra}
    services.services[name] = second
    second.start()
    return second


def test_a_deployment_of_the_primary_waits_for_its_predecessor(plain):
    for one in plain.services.values():
        one.start()
    old = plain.wait_whole()
    old.ask("SET", "session:1", "1", user="app")
    wait_until(lambda: all(one.keys() == 1 for one in plain.redis), 5, "it is everywhere")
    new = start_second(plain, old)
    # As good as healthy: the platform may end the old one now.
    wait_until(lambda: new.health()[0] == 200, 10, "the new one is ready")
    assert new.health()[1] == "waiting: another server goes by our name still"
    assert plain.agreed() is old
    assert old.stop() == 0
    primary = wait_until(lambda: new.info()["role"] == "slave" and plain.by_address(
        new.info()["master_host"], int(new.info()["master_port"])), 20, "it joins who was promoted")
    assert primary in plain.redis and primary is not old
    wait_until(lambda: new.follows(primary) and new.keys() == 1, 10, "it has the data")
    assert not new.said_since(1, "starting as")


def test_one_that_cannot_be_reached_is_waited_for_but_not_for_ever(plain):
    # A name without an address: its container may be behind a cut.
    for one in plain.services.values():
        one.environment["REDIS_NODES"] += " nobody.invalid:6379"
        one.environment["REDIS_BOOT_ALONE_AFTER"] = "3"
    began = time.monotonic()
    for one in plain.services.values():
        one.start()
    first = plain.redis[0]
    wait_until(lambda: "no answer from nobody.invalid_6379" in first.health()[1], 10, "it waits")
    assert first.health()[0] == 503
    wait_until(lambda: first.health()[0] == 200, 15, "it starts")
    assert time.monotonic() - began >= 2  # of its clock it looks at whole seconds
    assert first.said_since(1, "starting as an empty primary: for 3 s")


def test_one_that_refuses_the_password_may_hold_data(plain):
    first, holder = plain.redis[:2]
    holder.environment.update(SENTINELS="none", REDIS_SENTINEL_PASSWORD="another")
    holder.start()
    wait_until(lambda: holder.health() == (200, "primary"), 10, "it serves")
    holder.ask("SET", "session:1", "1", user="app")
    for one in plain.sentinels:
        one.start()
    first.environment["REDIS_BOOT_ALONE_AFTER"] = "1"
    first.start()
    wait_until(lambda: "refuse user sentinel" in first.health()[1], 10, "it waits")
    end = time.monotonic() + 3  # longer than it would wait for one that gives no answer
    while time.monotonic() < end:
        assert first.health()[0] == 503
        time.sleep(0.1)
    holder.kill()
    wait_until(lambda: first.health()[0] == 200, 10, "nobody is there who could hold any")


def test_addresses_in_the_place_of_names(plain):
    plain.go_by("::1")
    for one in plain.services.values():
        one.start()
    first = plain.wait_whole()
    first.ask("SET", "session:1", "1", user="app")
    wait_until(lambda: all(one.keys() == 1 for one in plain.redis), 5, "it is everywhere")
    first.kill()
    wait_until(lambda: plain.agreed() is not first, 20, "another is the primary")
    first.start()
    assert plain.wait_whole() is not first
    assert first.keys() == 1


def test_a_single_server(plain):
    """The way back: no vedettes, no replicas, one variable."""
    one = plain.redis[0]
    one.environment["SENTINELS"] = "none"
    one.start()
    wait_until(lambda: one.health() == (200, "primary"), 10, "it serves")
    assert one.ask("SET", "session:1", "1", user="app") == "OK"
    assert one.stop() == 0


def test_a_minority_decides_nothing(plain):
    plain.sentinels[0].start()
    one = plain.redis[1]
    one.start()
    wait_until(lambda: "1 of 3 vedettes answer" in one.health()[1], 10, "it waits")
    # With the second there is a majority, and it names another: that one need not be there yet.
    plain.sentinels[1].start()
    wait_until(lambda: one.info()["role"] == "slave", 10, "it joins")
