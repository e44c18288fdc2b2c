# SPDX-License-Identifier: BSD-3-Clause
"""A primary without persistence is killed and is back, empty, before anybody missed it.

Its replicas would resynchronise with it and lose everything. A changed run id starts a failover.
"""

import time

import pytest

from harness import make_house, wait_until

GROUP = "mymaster"
KEYS = 10000

pytestmark = pytest.mark.vedette


def run_trial(house, down_ms):
    old = house.primary
    old.ask("FLUSHALL")
    old.ask("EVAL", "for i = 1, ARGV[1] do redis.call('SET', 'key:' .. i, i) end", 0, KEYS)
    for server in house.replicas:
        wait_until(lambda s=server: s.follows(old) and s.ask("DBSIZE") == KEYS, 20, "keys arrive")
    house.wait_ready(20)

    old.kill()
    time.sleep(down_ms / 1000)
    # It may have been a replica once, and keep a file that says so; this is a machine set up anew.
    old.clear_data()
    old.write_config([line for line in old.first_lines if not line.startswith("replicaof")])
    old.start()
    new = house.wait_switch(20)
    assert new.ask("DBSIZE") == KEYS, "the new primary has lost keys"
    house.wait_following(30)
    for server in house.servers:
        wait_until(lambda s=server: s.ask("DBSIZE") == KEYS, 20, f"{server.name} has all keys")


def test_empty_restart_never_wipes_the_replicas(lab, program, trials):
    house = make_house(lab, [program] * 3, down_after=5000)
    count = trials(3)
    for trial in range(count):
        run_trial(house, down_ms=270 * trial / max(1, count - 1))
