# SPDX-License-Identifier: BSD-3-Clause
"""Vedettes and the original in one quorum: found by gossip, agreeing, either kind leading."""

import pytest

from harness import REDIS_SENTINEL, VEDETTE, House, group_lines, make_house, quicken, wait_until

GROUP = "mymaster"
MIXES = {
    "two-vedettes": [VEDETTE, VEDETTE, REDIS_SENTINEL],
    "one-vedette": [VEDETTE, REDIS_SENTINEL, REDIS_SENTINEL],
}

pytestmark = pytest.mark.vedette


@pytest.fixture(params=MIXES.values(), ids=MIXES.keys())
def mix(request):
    return request.param


def make_house_led_by(lab, mix, leader):
    """A house in which only sentinels of one kind can find the primary down by themselves.

    A quorum of one lets them start; votes of the others are needed all the same, for a majority.
    """
    plain = make_house(lab, [])
    sentinels = []
    for kind in mix:
        down_after = 2000 if kind == leader else 600000
        lines = group_lines(GROUP, plain.primary, quorum=1, down_after=down_after)
        sentinels.append(lab.sentinel(kind, lines))
        quicken(sentinels[-1])
    return House(lab, GROUP, plain.servers, sentinels).wait_ready()


def check_failed_over(house, old, watchers):
    new = house.wait_switch(30)
    house.wait_following(30)
    for watcher in watchers.values():
        _, _, payload = watcher.wait("+switch-master", 20)
        assert payload == f"{GROUP} {old.host} {old.port} {new.host} {new.port}"
    assert len({one.master(GROUP)["config-epoch"] for one in house.sentinels}) == 1
    old.start()
    wait_until(lambda: old.follows(new), 60, "the old primary follows")
    house.wait_ready(60)


@pytest.mark.parametrize("leader", [VEDETTE, REDIS_SENTINEL])
def test_either_kind_leads(lab, mix, leader):
    house = make_house_led_by(lab, mix, leader)
    watchers = {one.name: one.watch() for one in house.sentinels}
    old = house.primary
    old.kill()
    check_failed_over(house, old, watchers)
    led = {s.program for s in house.sentinels if watchers[s.name].find("+promoted-slave")}
    assert led == {leader}


def test_one_of_each_is_a_quorum(lab, mix):
    """The majority that is left holds both kinds, so their opinions and votes must count."""
    house = make_house(lab, mix)
    keep = {one.program: one for one in house.sentinels}
    for one in house.sentinels:
        if one not in keep.values():
            one.kill()
    house.primary.kill()
    house.wait_switch(60)
    house.wait_following(30)

    # Asked one by one, both kinds tell the same story, once the original has ended its failover:
    # until then its MASTER shows the former address beside the new epoch.
    def same_story():
        fields = ["ip", "port", "config-epoch", "quorum", "flags"]
        stories = {tuple(s.master(GROUP)[f] for f in fields) for s in house.live_sentinels()}
        assert len(stories) == 1, stories
        return stories.pop()[:2] == (house.primary.host, str(house.primary.port))

    wait_until(same_story, 20, "the same story of both kinds")


@pytest.mark.parametrize("ordered", [VEDETTE, REDIS_SENTINEL])
def test_an_order_to_either_kind_is_followed_by_all(lab, mix, ordered):
    house = make_house(lab, mix)
    old = house.primary
    one = next(s for s in house.sentinels if s.program == ordered)
    assert one.sentinel("FAILOVER", GROUP) == "OK"
    new = house.wait_switch(30)
    wait_until(lambda: old.follows(new), 60, "the old primary follows")
    house.wait_following(30)


def test_each_finds_the_others_by_gossip_alone(lab, mix):
    house = make_house(lab, mix)
    ids = {one.id() for one in house.sentinels}
    for one in house.sentinels:
        assert {p["name"] for p in one.peers(GROUP)} == ids - {one.id()}
        assert one.sentinel("CKQUORUM", GROUP).startswith("OK 3 usable Sentinels.")
