# SPDX-License-Identifier: BSD-3-Clause
"""Hundreds of groups, whose servers tests/bench/fleet plays: what one turn must not do to the others."""

import os
import sys
import time

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "bench"))

import scale  # noqa: E402
from harness import VEDETTE, wait_until  # noqa: E402

GROUPS = 300
DOWN_AFTER = 1000


@pytest.fixture(name="crowd")
def make_crowd(lab):
    """(fleet, a vedette that knows all of it and decides alone)"""
    fleet = scale.Fleet(lab, GROUPS)
    lines = []
    for group in range(GROUPS):
        lines.append(f"sentinel monitor g{group} {scale.address(group)} {fleet.port} 1")
        lines.append(f"sentinel down-after-milliseconds g{group} {DOWN_AFTER}")
    one = lab.sentinel(VEDETTE, lines)
    wait_until(lambda: knows_all(one), 60, "all groups are known")
    yield fleet, one
    fleet.end()


def knows_all(one):
    rows = scale.summary(one)
    return len(rows) == GROUPS and all(
        row["status"] == "ok" and row["slaves"] == "2" for row in rows.values()
    )


def hears_all_since(one, instant):
    """Each primary has answered a PING after that instant."""
    since_ms = 1000 * (time.monotonic() - instant)
    rows = [dict(zip(row[::2], row[1::2])) for row in one.ask("SENTINEL", "MASTERS")]
    return len(rows) == GROUPS and all(int(row["last-ok-ping-reply"]) <= since_ms for row in rows)


def test_answers_that_lie_unread_accuse_nobody(crowd):
    """Shorter than the stall that voids all evidence, longer than down-after: hundreds of answers are in its
    sockets when it comes back, more than one look at them brings."""
    _, one = crowd
    watcher = one.watch("+sdown", "+odown", "+switch-master")
    for _ in range(4):
        one.pause()
        time.sleep(1.5 * DOWN_AFTER / 1000)
        one.resume()
        back = time.monotonic()
        assert one.ask("PING") == "PONG"
        wait_until(lambda: hears_all_since(one, back), 20, "all primaries have answered anew", every=0.05)
        wait_until(lambda: knows_all(one), 20, "all is well again")
    assert [event[2] for event in watcher.all()] == []


def test_a_fifth_of_the_primaries_at_once(crowd):
    fleet, one = crowd
    count = GROUPS // 5
    watcher = one.watch("+switch-master", "+sdown")
    fleet.order(f"kill 0 {count}")
    wait_until(
        lambda: len(watcher.all("+switch-master")) == count,
        30,
        f"{count} successors",
    )
    dead = {f"g{number}" for number in range(count)}
    assert {event[2].split()[0] for event in watcher.all("+switch-master")} == dead
    # Nobody else was held for down meanwhile.
    for event in watcher.all("+sdown"):
        group = event[2].split(" @ ")[1].split()[0] if " @ " in event[2] else event[2].split()[1]
        assert group in dead, event[2]
