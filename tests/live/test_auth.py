# SPDX-License-Identifier: BSD-3-Clause
"""Passwords: of the data servers, of the sentinels, wrong ones, and the least rights that do."""

import time

import pytest

import resp
from harness import group_lines, House, make_house, quicken, wait_until

GROUP = "mymaster"
SECRET = "s3cret-of-the-servers"
PEER_SECRET = "s3cret-of-the-sentinels"
SERVER_OPTIONS = [f"requirepass {SECRET}", f"masterauth {SECRET}"]
# What Sentinel's documentation tells users to grant, and not a right more.
RIGHTS = (
    "-@all +multi +slaveof +ping +exec +subscribe +publish +config|rewrite +role +info "
    "+client|setname +client|kill +script|kill"
)


def test_failover_with_passwords(lab, program):
    house = make_house(
        lab,
        [program] * 3,
        server_options=SERVER_OPTIONS,
        extra=[f"sentinel auth-pass {GROUP} {SECRET}"],
    )
    house.fail_over()
    for one in house.sentinels:
        assert SECRET not in one.log()


def test_failover_with_the_least_rights(lab, program):
    user = f"user watcher on >{SECRET} resetchannels &__sentinel__:hello {RIGHTS}"
    house = make_house(
        lab,
        [program] * 3,
        server_options=[user, *SERVER_OPTIONS],
        extra=[f"sentinel auth-user {GROUP} watcher", f"sentinel auth-pass {GROUP} {SECRET}"],
    )
    house.fail_over()


def test_sentinels_with_a_password(lab, program):
    """Clients have to give it, and peers do."""
    house = make_house(lab, [program] * 3, lines=[f"requirepass {PEER_SECRET}"])
    one = house.sentinels[0]
    with resp.Connection(one.address) as stranger:
        assert stranger.raw("SENTINEL", "MASTERS") == "NOAUTH Authentication required."
        assert stranger.raw("AUTH", "wrong") == (
            "WRONGPASS invalid username-password pair or user is disabled."
        )
        assert stranger.raw("SENTINEL", "MYID") == "NOAUTH Authentication required."
        assert stranger.raw("AUTH", "default", PEER_SECRET) == "OK"
        assert stranger.raw("SENTINEL", "MYID") == one.id()
    with resp.Connection(one.address) as modern:
        hello = modern.ask("HELLO", "3", "AUTH", "default", PEER_SECRET)
        assert hello["proto"] == 3 and hello["mode"] == "sentinel"
    house.primary.kill()
    house.wait_switch(20)
    for each in house.sentinels:
        assert PEER_SECRET not in each.log()


def test_sentinel_pass_is_what_peers_are_told(lab, program):
    """With another password of one's own, sentinel-pass opens the others' doors."""
    plain = make_house(lab, [])
    lines = group_lines(GROUP, plain.primary, down_after=2000)
    lines += [f"requirepass {PEER_SECRET}", f"sentinel sentinel-pass {PEER_SECRET}"]
    sentinels = [lab.sentinel(program, lines) for _ in range(3)]
    for one in sentinels:
        quicken(one)
    house = House(lab, GROUP, plain.servers, sentinels).wait_ready()
    one = sentinels[0]
    one.sentinel("CONFIG", "SET", "sentinel-pass", "wrong")
    wait_until(
        lambda: all("disconnected" in p["flags"] or "s_down" in p["flags"] for p in one.peers(GROUP)),
        20,
        "its peers refuse it",
    )
    one.sentinel("CONFIG", "SET", "sentinel-pass", PEER_SECRET)
    house.wait_ready(30)


def test_auth_without_a_password_set(lab, program):
    primary = lab.redis()
    one = lab.sentinel(program, group_lines(GROUP, primary, quorum=1))
    with one.connect() as client:
        assert client.raw("AUTH", "something").startswith(
            "ERR AUTH <password> called without any password configured for the default user."
        )
        assert client.raw("AUTH", "default", "anything") == "OK"
        assert client.raw("HELLO", "2", "AUTH", "default", "x")[0:2] == ["server", "redis"]


@pytest.mark.vedette
def test_a_wrong_password_is_never_a_failover(lab, program):
    """The server is there and says so; the mistake is the operator's, and is put right by him."""
    down_after = 600
    house = make_house(
        lab,
        [program] * 3,
        down_after=down_after,
        server_options=SERVER_OPTIONS,
        extra=[f"sentinel auth-pass {GROUP} {SECRET}"],
    )
    watchers = [one.watch() for one in house.sentinels]
    for one in house.sentinels:
        one.sentinel("SET", GROUP, "auth-pass", "wrong")
    for one in house.sentinels:
        wait_until(
            lambda one=one: "NOAUTH" in one.log() or "WRONGPASS" in one.log(), 10, "it is reported"
        )
    end = time.monotonic() + 5 * down_after / 1000
    wait_until(lambda: time.monotonic() > end, 30)
    for one, watcher in zip(house.sentinels, watchers):
        assert not watcher.find("+sdown", f"master {GROUP}")
        assert not watcher.find("+try-failover")
        assert "down" not in one.master(GROUP)["flags"]
        # Loud, but not a flood.
        lines = [line for line in one.log().splitlines() if "NOAUTH" in line or "WRONGPASS" in line]
        assert len(lines) < 60
    for one in house.sentinels:
        one.sentinel("SET", GROUP, "auth-pass", SECRET)
    house.wait_ready(20)
    house.primary.kill()
    house.wait_switch(20)


def test_a_password_given_at_runtime_repairs_the_links(lab, program):
    primary = lab.redis(options=SERVER_OPTIONS)
    one = lab.sentinel(program, group_lines(GROUP, primary, quorum=1))
    quicken(one)
    wait_until(
        lambda: "disconnected" in one.master(GROUP)["flags"]
        or "s_down" in one.master(GROUP)["flags"]
        or one.master(GROUP)["runid"] == "",
        10,
        "without a password nothing is known of it",
    )
    one.sentinel("SET", GROUP, "auth-pass", SECRET)
    wait_until(lambda: one.master(GROUP)["flags"] == "master", 20, "all is well")
    wait_until(lambda: one.master(GROUP)["runid"] == primary.run_id(), 20, "its run id is known")
