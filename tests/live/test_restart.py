# SPDX-License-Identifier: BSD-3-Clause
"""kill -9 of a sentinel, at any moment: it comes back with its id, its votes and its view."""

import threading

import pytest

import resp
from harness import VEDETTE, make_house, wait_until

GROUP = "mymaster"
ALICE = "a" * 40
BOB = "b" * 40


def remembered(sentinel):
    """What must survive a crash, as a client can see it."""
    master = sentinel.master(GROUP)
    return {
        "id": sentinel.id(),
        "primary": sentinel.primary_of(GROUP),
        "config-epoch": master["config-epoch"],
        "quorum": master["quorum"],
        "replicas": sorted((r["ip"], r["port"]) for r in sentinel.replicas(GROUP)),
        "peers": sorted((p["runid"], p["ip"], p["port"]) for p in sentinel.peers(GROUP)),
    }


def vote(sentinel, primary, epoch, candidate):
    """(candidate, epoch) of the vote in force after asking for one."""
    down, leader, leader_epoch = sentinel.sentinel(
        "IS-MASTER-DOWN-BY-ADDR", primary.host, primary.port, epoch, candidate
    )
    return leader, leader_epoch


def test_view_is_restored_with_nobody_left_to_ask(lab, program):
    house = make_house(lab, [program] * 3)
    house.primary.kill()
    house.wait_switch(20)
    house.wait_following()
    one = house.sentinels[0]
    house.wait_ready(20)
    before = remembered(one)
    for process in [*house.servers, *house.sentinels]:
        process.kill()
    one.start()
    assert remembered(one) == before


def make_voter(lab, program):
    """A sentinel whose primary is dead, and that cannot do anything about it: it only votes.

    A vedette that reaches the primary would refuse a candidate that finds it down.
    """
    house = make_house(lab, [program], replicas=0, quorum=5)
    one = house.sentinels[0]
    house.primary.kill()
    wait_until(lambda: "s_down" in one.master(GROUP)["flags"], 10, "the primary is down")
    return one, house.primary


def test_a_vote_is_kept(lab, program):
    one, primary = make_voter(lab, program)
    assert vote(one, primary, 50, ALICE) == (ALICE, 50)
    assert vote(one, primary, 50, BOB) == (ALICE, 50)
    one.kill()
    one.start()
    leader, epoch = vote(one, primary, 50, BOB)
    assert leader != BOB
    if program == VEDETTE:
        assert (leader, epoch) == (ALICE, 50)
    assert vote(one, primary, 51, BOB) == (BOB, 51)


def test_no_vote_is_given_twice_wherever_the_kill_falls(lab, program, trials):
    """Votes are asked for as fast as they come; the kill falls between any two, or into one."""
    one, primary = make_voter(lab, program)
    epoch = 100
    for trial in range(trials(6)):
        heard = []

        def ask_on(first=epoch, heard=heard):
            connection = one.connect()
            try:
                for number in range(first, first + 100000):
                    connection.send(
                        "SENTINEL", "IS-MASTER-DOWN-BY-ADDR",
                        primary.host, primary.port, number, ALICE,
                    )
                    heard.append((number, connection.read()))
            except (OSError, resp.Closed):
                pass

        asker = threading.Thread(target=ask_on)
        asker.start()
        wait_until(lambda heard=heard, trial=trial: len(heard) > 7 * trial + 3, 10, "some votes")
        one.kill()
        asker.join()
        one.start()
        for number, reply in heard:
            assert reply[1:] == [ALICE, number]
        last = heard[-1][0]
        # The last vote that anybody heard of stands. One more may have been given unheard.
        leader, in_force = vote(one, primary, last, BOB)
        assert leader != BOB and in_force >= last, f"trial {trial}: {leader} {in_force} after {last}"
        epoch = last + 10


@pytest.mark.parametrize("moment", ["before", "suspicion", "election", "promotion", "after"])
def test_kill_of_a_sentinel_during_a_failover(lab, program, moment):
    """Whichever of the three is killed, and whenever: one new primary, all agree, same ids."""
    house = make_house(lab, [program] * 3, failover_timeout=4000)
    ids = {one.name: one.id() for one in house.sentinels}
    watchers = {one.name: one.watch() for one in house.sentinels}
    old = house.primary
    victim = house.sentinels[1]
    event = {
        "suspicion": "+sdown",
        "election": "+vote-for-leader",
        "promotion": "+failover-state-wait-promotion",
        "after": "+switch-master",
    }.get(moment)
    if moment == "promotion":
        # Only the leader goes through the states: the first to tell is the victim.
        old.kill()
        victim = wait_until(
            lambda: next((s for s in house.sentinels if watchers[s.name].find(event)), None),
            20,
            "a leader promotes",
        )
    elif event:
        old.kill()
        watchers[victim.name].wait(event, 20)
    victim.kill()
    if not event:
        old.kill()
    victim.start()
    new = house.wait_switch(40)
    house.wait_following(40)
    assert {one.name: one.id() for one in house.sentinels} == ids
    old.start()
    wait_until(lambda: old.follows(new), 40, "the old primary follows")
    house.wait_ready(30)
    assert len({one.master(GROUP)["config-epoch"] for one in house.sentinels}) == 1


@pytest.mark.vedette
def test_all_sentinels_and_the_primary_die_together(lab, program):
    """Nobody saw the primary alive since its start; what is remembered has to be enough.

    The original does nothing for 45 s here.
    """
    house = make_house(lab, [program] * 3)
    for process in [house.primary, *house.sentinels]:
        process.kill()
    for one in house.sentinels:
        one.start()
    house.wait_switch(20)
    house.wait_following(20)
