# SPDX-License-Identifier: BSD-3-Clause
"""SENTINEL FAILOVER: an operator moves the primary."""

import pytest

import resp
from harness import VEDETTE, make_house, wait_until

GROUP = "mymaster"


def test_failover_by_order(lab, program):
    house = make_house(lab, [program] * 3)
    old = house.primary
    old.ask("SET", "kept", "yes")
    assert old.ask("WAIT", 2, 5000) == 2
    leader = house.sentinels[1]
    watchers = [one.watch() for one in house.sentinels]
    assert leader.sentinel("FAILOVER", GROUP) == "OK"
    new = house.wait_switch(20)
    assert new.ask("GET", "kept") == "yes"
    watchers[1].wait("+elected-leader", 10)
    watchers[1].wait("+failover-end", 20)
    # The old primary was never down; it is turned as well.
    wait_until(lambda: old.follows(new), 40, "the old primary follows")
    house.wait_following(20)
    house.wait_ready(30)
    for watcher in watchers:
        _, _, payload = watcher.wait("+switch-master", 10)
        assert payload == f"{GROUP} {old.host} {old.port} {new.host} {new.port}"
        assert len(watcher.all("+switch-master")) == 1
    # Nobody needed to be asked, and nobody thought it down.
    assert not watchers[1].find("+odown")


def test_a_second_order_at_once_is_refused(lab, program):
    house = make_house(lab, [program] * 3)
    one = house.sentinels[0]
    with one.connect() as connection:
        # In one packet, so that the second comes before the first can be done.
        connection.send_bytes(resp.encode("SENTINEL", "FAILOVER", GROUP) * 2)
        assert connection.read() == "OK"
        second = connection.read()
    assert isinstance(second, resp.Error)
    assert second == "INPROG Failover already in progress"
    house.wait_switch(20)


def test_orders_that_cannot_be_carried_out(lab, program):
    house = make_house(lab, [program], replicas=0, quorum=1)
    one = house.sentinels[0]
    for words, error in (
        (("FAILOVER", GROUP), "NOGOODSLAVE No suitable replica to promote"),
        (("FAILOVER", "nobody"), "ERR No such master with that name"),
        (("FAILOVER",), "ERR wrong number of arguments for 'sentinel|failover' command"),
    ):
        with pytest.raises(resp.ReplyError) as refused:
            one.sentinel(*words)
        assert str(refused.value) == error


def test_failover_there_and_back_again(lab, program):
    house = make_house(lab, [program] * 3)
    seen = [house.primary]
    for turn in range(3):
        one = house.sentinels[turn]
        wait_until(lambda one=one: one.sentinel("FAILOVER", GROUP) == "OK", 30, "the order is taken")
        house.wait_switch(20)
        house.wait_following(40)
        house.wait_ready(40)
        seen.append(house.primary)
    assert all(before is not after for before, after in zip(seen, seen[1:]))
    epochs = {one.master(GROUP)["config-epoch"] for one in house.sentinels}
    assert len(epochs) == 1


@pytest.mark.vedette
def test_the_old_primary_is_demoted_at_once(lab, program):
    """In the original its clients go on writing to it for some 10 s, all of it lost."""
    assert program == VEDETTE
    house = make_house(lab, [program] * 3)
    old = house.primary
    watcher = house.sentinels[0].watch("+switch-master")
    house.sentinels[0].sentinel("FAILOVER", GROUP)
    watcher.wait("+switch-master", 10)
    wait_until(lambda: not old.is_primary(), 2, "the old primary is demoted")
