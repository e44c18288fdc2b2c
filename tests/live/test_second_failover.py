# SPDX-License-Identifier: BSD-3-Clause
"""down-after 900: the healthy new primary is left alone.

Three of the original fail it over again in most trials, because its link is held back while its
down clock runs, and because opinions about the former primary are counted against it.
"""

import time

import pytest

from harness import make_house, wait_until

GROUP = "mymaster"


@pytest.mark.vedette
def test_one_kill_is_one_failover(lab, program, trials):
    house = make_house(lab, [program] * 3, down_after=900, failover_timeout=2000)
    watchers = [one.watch("+switch-master") for one in house.sentinels]
    for trial in range(trials(3)):
        old = house.primary
        old.kill()
        new = house.wait_switch(20)
        # Two more of its down-after, in which a second failover would begin.
        end = time.monotonic() + 2.5
        wait_until(lambda end=end: time.monotonic() > end, 4)
        for watcher in watchers:
            assert len(watcher.all()) == trial + 1, f"trial {trial}: {watcher.all()}"
        house.agree_on(new)
        old.start()
        wait_until(lambda old=old, new=new: old.follows(new), 20, "the old primary follows")
        house.wait_ready(20)
