# SPDX-License-Identifier: BSD-3-Clause
"""What operators change at runtime: it works at once, is announced, and outlives a kill -9."""

import pytest

import resp
from harness import VEDETTE, group_lines, make_house, quicken, wait_until

GROUP = "mymaster"

SETTINGS = [
    ("down-after-milliseconds", "4321"),
    ("failover-timeout", "54321"),
    ("parallel-syncs", "3"),
    ("quorum", "1"),
]


def error_of(sentinel, *words):
    with pytest.raises(resp.ReplyError) as refused:
        sentinel.sentinel(*words)
    return str(refused.value)


def restart(sentinel):
    sentinel.kill()
    sentinel.start()


def read_file(path):
    with open(path, "rb") as file:
        return file.read()


def test_set_is_announced_and_kept(lab, program):
    house = make_house(lab, [program], replicas=1)
    one = house.sentinels[0]
    watcher = one.watch("+set")
    for option, value in SETTINGS:
        assert one.sentinel("SET", GROUP, option, value) == "OK"
        assert one.master(GROUP)[option] == value
        watcher.wait(
            "+set", 5, f"master {GROUP} {house.primary.host} {house.primary.port} {option} {value}"
        )
    restart(one)
    master = one.master(GROUP)
    assert {option: master[option] for option, _ in SETTINGS} == dict(SETTINGS)
    assert one.replicas(GROUP)[0]["down-after-milliseconds"] == "4321"


def test_set_applies_until_the_first_bad_option(lab, program):
    house = make_house(lab, [program], replicas=0)
    one = house.sentinels[0]
    error = error_of(one, "SET", GROUP, "quorum", "2", "down-after-milliseconds", "soon", "parallel-syncs", "9")
    assert error == "ERR Invalid argument 'soon' for SENTINEL SET 'down-after-milliseconds'"
    assert one.master(GROUP)["quorum"] == "2"
    assert one.master(GROUP)["parallel-syncs"] == "1"
    assert error_of(one, "SET", GROUP, "color", "red") == (
        "ERR Unknown option or number of arguments for SENTINEL SET 'color'"
    )
    assert error_of(one, "SET", "nobody", "quorum", "2") == "ERR No such master with that name"


def test_a_shorter_down_after_counts_at_once(lab, program):
    house = make_house(lab, [program], quorum=1, down_after=600000)
    one = house.sentinels[0]
    watcher = one.watch("+sdown")
    house.primary.pause()
    wait_until(lambda: int(one.master(GROUP)["last-ping-sent"]) > 0, 10, "a PING is unanswered")
    one.sentinel("SET", GROUP, "down-after-milliseconds", "1000")
    watcher.wait("+sdown", 5, f"master {GROUP}")


def test_monitor_and_remove_are_kept(lab, program):
    first = make_house(lab, [program] * 2, replicas=0)
    one, other = first.sentinels
    second = lab.redis()
    watcher = one.watch("?monitor")
    assert one.sentinel("MONITOR", "second", second.host, second.port, 1) == "OK"
    watcher.wait("+monitor", 5, f"master second {second.host} {second.port} quorum 1")
    wait_until(lambda: one.master("second")["flags"] == "master", 10, "the new group is up")
    assert one.sentinel("SET", "second", "down-after-milliseconds", "7777") == "OK"
    assert one.sentinel("REMOVE", GROUP) == "OK"
    watcher.wait("-monitor", 5, f"master {GROUP} ")
    assert one.primary_of(GROUP) is None
    restart(one)
    # Removed stays removed, although the file it was configured by still names it in vedette's case.
    assert [resp.pairs(m)["name"] for m in one.sentinel("MASTERS")] == ["second"]
    assert one.primary_of("second") == second.address
    assert one.master("second")["down-after-milliseconds"] == "7777"
    assert other.primary_of(GROUP) == first.primary.address
    # And can be had back.
    assert one.sentinel("MONITOR", GROUP, first.primary.host, first.primary.port, 2) == "OK"
    wait_until(lambda: int(one.master(GROUP)["num-other-sentinels"]) == 1, 20, "its peer is back")


def test_refused_groups(lab, program):
    house = make_house(lab, [program], replicas=0)
    one = house.sentinels[0]
    address = (house.primary.host, house.primary.port)
    for words, error in (
        ((GROUP, *address, 1), "ERR Duplicate master name."),
        (("other", *address, 0), "ERR Quorum must be 1 or greater."),
        (("other", *address, "two"), "ERR Invalid quorum"),
        (("other", house.primary.host, "port", 1), "ERR Invalid port"),
        (("other", house.primary.host, 70000, 1), "ERR Invalid port number."),
        (("other", "no-such-host.invalid", 6379, 1),
         "ERR Invalid IP address or hostname specified"),
    ):
        assert error_of(one, "MONITOR", *words) == error
    assert error_of(one, "REMOVE", "other") == "ERR No such master with that name"
    assert len(one.sentinel("MASTERS")) == 1


def test_reset_forgets_and_finds_again(lab, program):
    house = make_house(lab, [program] * 3)
    one = house.sentinels[0]
    watcher = one.watch("+reset-master", "+slave", "+sentinel")
    assert one.sentinel("RESET", "no*") == 0
    with one.connect() as connection:
        # In one packet: nothing can be found again in between.
        connection.send_bytes(
            resp.encode("SENTINEL", "RESET", "my*")
            + resp.encode("SENTINEL", "REPLICAS", GROUP)
            + resp.encode("SENTINEL", "SENTINELS", GROUP)
        )
        assert [connection.read(), connection.read(), connection.read()] == [1, [], []]
    watcher.wait("+reset-master", 5, f"master {GROUP}")
    house.wait_ready(30)
    assert len(watcher.all("+slave")) == 2
    assert len(watcher.all("+sentinel")) == 2


def test_config_set_is_kept(lab, program):
    house = make_house(lab, [program], replicas=0)
    one = house.sentinels[0]
    for name, value in (
        ("announce-ip", "127.0.0.9"),
        ("announce-port", "12345"),
        ("resolve-hostnames", "yes"),
    ):
        assert one.sentinel("CONFIG", "SET", name, value) == "OK"
    restart(one)
    reply = resp.pairs(one.sentinel("CONFIG", "GET", "*"))
    assert (reply["announce-ip"], reply["announce-port"]) == ("127.0.0.9", "12345")
    assert reply["resolve-hostnames"] == "yes"


@pytest.mark.vedette
def test_config_set_is_all_or_nothing(lab, program):
    """Several pairs, as later versions of the original take them."""
    house = make_house(lab, [program], replicas=0)
    one = house.sentinels[0]
    error = error_of(one, "CONFIG", "SET", "announce-port", "1", "resolve-hostnames", "maybe")
    assert error == "ERR Invalid value 'maybe' to SENTINEL CONFIG SET 'resolve-hostnames'"
    error = error_of(one, "CONFIG", "SET", "announce-port", "1", "Announce-Port", "2")
    assert error == "ERR Duplicate argument 'Announce-Port' to SENTINEL CONFIG SET"
    error = error_of(one, "CONFIG", "SET", "announce-port", "1", "color", "red")
    assert error == "ERR Invalid argument 'color' to SENTINEL CONFIG SET"
    error = error_of(one, "CONFIG", "SET", "announce-port", "1", "announce-ip")
    assert error == "ERR Missing argument 'announce-ip' value"
    before = resp.pairs(one.sentinel("CONFIG", "GET", "announce-port", "announce-ip"))
    assert before == {"announce-port": "0", "announce-ip": ""}
    assert one.sentinel("CONFIG", "SET", "ANNOUNCE-PORT", "7", "announce-ip", "127.0.0.8") == "OK"
    after = resp.pairs(one.sentinel("CONFIG", "GET", "announce-*"))
    assert after == {"announce-hostnames": "no", "announce-ip": "127.0.0.8", "announce-port": "7"}


def test_announced_address_is_what_peers_hear(lab, program):
    house = make_house(lab, [program] * 2)
    one, other = house.sentinels
    # A port that forwards nowhere: the peer is found under it, and is down there.
    nowhere = lab.free_port()
    one.sentinel("CONFIG", "SET", "announce-port", nowhere)
    wait_until(
        lambda: [int(p["port"]) for p in other.peers(GROUP)] == [nowhere], 20, "the new port is heard"
    )
    one.sentinel("CONFIG", "SET", "announce-port", "0")
    house.wait_ready(30)


def test_flushconfig(lab, program):
    house = make_house(lab, [program], replicas=1)
    one = house.sentinels[0]
    assert one.sentinel("FLUSHCONFIG") == "OK"
    found = [(r["ip"], r["port"]) for r in one.replicas(GROUP)]
    house.primary.kill()
    restart(one)
    assert [(r["ip"], r["port"]) for r in one.replicas(GROUP)] == found


@pytest.mark.vedette
def test_the_configuration_file_is_never_written(lab, program):
    house = make_house(lab, [program] * 3)
    before = [read_file(one.config) for one in house.sentinels]
    for one in house.sentinels:
        one.sentinel("SET", GROUP, "parallel-syncs", "5")
        one.sentinel("CONFIG", "SET", "announce-port", "0")
        one.sentinel("FLUSHCONFIG")
    house.primary.kill()
    house.wait_switch(20)
    for one in house.sentinels:
        restart(one)
    assert [read_file(one.config) for one in house.sentinels] == before


@pytest.mark.vedette
def test_set_wins_until_the_operator_edits_that_line(lab, program):
    assert program == VEDETTE
    primary = lab.redis()
    one = lab.sentinel(program, group_lines(GROUP, primary, quorum=1, down_after=5000))
    one.sentinel("SET", GROUP, "down-after-milliseconds", "6000", "failover-timeout", "70000")
    restart(one)
    assert one.master(GROUP)["down-after-milliseconds"] == "6000"
    one.stop()
    text = read_file(one.config).decode()
    with open(one.config, "w", encoding="utf-8") as out:
        out.write(text.replace(f"down-after-milliseconds {GROUP} 5000", f"down-after-milliseconds {GROUP} 8000"))
    one.start()
    master = one.master(GROUP)
    assert (master["down-after-milliseconds"], master["failover-timeout"]) == ("8000", "70000")


@pytest.mark.vedette
def test_the_state_wins_over_the_configured_address_until_that_changes(lab, program):
    """The file names the first primary for ever; after a failover, that is history."""
    house = make_house(lab, [program] * 3)
    old = house.primary
    old.kill()
    new = house.wait_switch(20)
    one = house.sentinels[0]
    restart(one)
    assert one.primary_of(GROUP) == new.address
    # The operator moves the group elsewhere.
    elsewhere = lab.redis()
    one.stop()
    text = read_file(one.config).decode()
    line = f"sentinel monitor {GROUP} {old.host} {old.port} 2"
    assert line in text
    with open(one.config, "w", encoding="utf-8") as out:
        out.write(text.replace(line, f"sentinel monitor {GROUP} {elsewhere.host} {elsewhere.port} 2"))
    for other in house.sentinels[1:]:
        other.stop()
    one.start()
    assert one.primary_of(GROUP) == elsewhere.address
    quicken(one)
