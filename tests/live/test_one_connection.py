# SPDX-License-Identifier: BSD-3-Clause
"""One connection to a server that speaks RESP3, two to one that does not, whatever happens to them."""

import os

import pytest

from certs import Authority
from harness import make_house, quicken, wait_until

pytestmark = pytest.mark.vedette
GROUP = "mymaster"


def clients(server):
    """What CLIENT LIST tells of each client that bears a sentinel's name; "place" is its alone in the lab."""
    rows = []
    for line in server.ask("CLIENT", "LIST").splitlines():
        row = dict(field.split("=", 1) for field in line.split())
        if row["name"].startswith("sentinel-"):
            rows.append(row | {"place": (server.name, row["id"])})
    return rows


def of(server, sentinel):
    return [row for row in clients(server) if row["name"].startswith(f"sentinel-{sentinel.id()[:8]}-")]


def is_shared(rows):
    """Exactly one connection, in RESP3, by which requests go and messages come."""
    return (
        len(rows) == 1
        and rows[0]["name"].endswith("-cmd")
        and rows[0]["resp"] == "3"
        and int(rows[0]["sub"]) >= 1
    )


def is_apart(rows):
    by_name = {row["name"].rsplit("-", 1)[1]: row for row in rows}
    return (
        len(rows) == 2
        and set(by_name) == {"cmd", "pubsub"}
        and by_name["cmd"]["sub"] == "0"
        and int(by_name["pubsub"]["sub"]) >= 1
        and {row["resp"] for row in rows} == {"2"}
    )


def wait_each(house, judge, what, seconds=20):
    """Every sentinel that lives, at every server that lives."""

    def holds():
        for server in house.servers:
            if server.is_running():
                for one in house.live_sentinels():
                    if not judge(of(server, one)):
                        return False
        return True

    wait_until(holds, seconds, what)


@pytest.mark.parametrize("with_tls", [False, True], ids=["plain", "tls"])
def test_one_connection_each_and_a_failover(lab, program, with_tls):
    tls = Authority(os.path.join(lab.dir, "ca")).issue() if with_tls else None
    house = make_house(lab, [program] * 3, tls=tls)
    wait_each(house, is_shared, "one connection each")
    house.fail_over()
    wait_each(house, is_shared, "one connection each behind the failover")


def test_two_where_hello_has_no_name(lab, program):
    house = make_house(lab, [program] * 3, server_options=['rename-command HELLO ""'])
    wait_each(house, is_apart, "two connections each")
    house.fail_over()
    wait_each(house, is_apart, "two connections each behind the failover")


def test_one_where_hello_has_another_name(lab, program):
    house = make_house(
        lab,
        [program],
        quorum=1,
        server_options=["rename-command HELLO salut"],
        extra=[f"sentinel rename-command {GROUP} HELLO salut"],
    )
    wait_each(house, is_shared, "one connection each")


def test_the_least_rights_are_enough(lab, program):
    """Servers since 6.2 let everybody say HELLO, as they do with AUTH."""
    rights = "-@all +ping +info +role +publish +subscribe +client|setname"
    house = make_house(
        lab,
        [program],
        quorum=1,
        server_options=[f"user watcher on >w4tch resetchannels &__sentinel__:hello {rights}"],
        extra=[f"sentinel auth-user {GROUP} watcher", f"sentinel auth-pass {GROUP} w4tch"],
    )
    wait_each(house, is_shared, "one connection each")
    assert {row["user"] for server in house.servers for row in clients(server)} == {"watcher"}


def test_its_own_promotion_does_not_end_it(lab, program):
    """The transaction ends all clients of the types normal and pubsub, but not who sends it."""
    house = make_house(lab, [program], quorum=1)
    wait_each(house, is_shared, "one connection each")
    before = {server.name: of(server, house.sentinels[0])[0]["id"] for server in house.replicas}
    house.primary.kill()
    new = house.wait_switch(20)
    house.wait_following()
    assert of(new, house.sentinels[0])[0]["id"] == before[new.name]
    wait_each(house, is_shared, "one connection each behind the failover")


def test_killed_connections_come_back_as_one(lab, program):
    house = make_house(lab, [program] * 2)
    wait_each(house, is_shared, "one connection each")
    killed = {row["place"] for server in house.servers for row in clients(server)}
    for server in house.servers:
        assert server.ask("CLIENT", "KILL", "TYPE", "pubsub") == len(house.sentinels)
    wait_each(house, lambda rows: is_shared(rows) and rows[0]["place"] not in killed, "new ones")
    for one in house.sentinels:
        wait_until(lambda one=one: house.sees_all(one), 20, "nobody finds anything wrong")


def test_a_server_that_hung_has_one_connection_again(lab, program):
    """Its command link is given up and opened anew meanwhile; the subscription follows it."""
    house = make_house(lab, [program] * 2)
    wait_each(house, is_shared, "one connection each")
    hung = house.replicas[0]
    before = {row["id"] for row in clients(hung)}
    hung.pause()
    for one in house.sentinels:
        wait_until(
            lambda one=one: any(
                (row["ip"], int(row["port"])) == hung.address and "s_down" in row["flags"]
                for row in one.replicas(GROUP)
            ),
            20,
            "it is down",
        )
        wait_until(
            lambda one=one: any(
                (row["ip"], int(row["port"])) == hung.address and int(row["link-refcount"]) == 1
                and int(row["last-ping-sent"]) >= 1500
                for row in one.replicas(GROUP)
            ),
            20,
            "its link has hung for long enough",
        )
    hung.resume()
    wait_each(house, is_shared, "one connection each")
    assert not before & {row["id"] for row in clients(hung)}
    for one in house.sentinels:
        wait_until(lambda one=one: house.sees_all(one), 20, "nobody finds anything wrong")


def test_subscriptions_hear_on_what_they_share(lab, program):
    """Two that know nothing of each other meet by what their one connection brings."""
    house = make_house(lab, [program] * 2)
    wait_each(house, is_shared, "one connection each")
    first, second = house.sentinels
    first.sentinel("RESET", GROUP)
    quicken(first)
    wait_until(lambda: house.sees_all(first), 20, "it has learnt all again")
    wait_each(house, is_shared, "one connection each")
    assert first.peers(GROUP)[0]["runid"] == second.id()
