# SPDX-License-Identifier: BSD-3-Clause
"""A planned switchover under writers: nothing that was acknowledged is lost, and writes hardly stall.

Every writer writes keys of its own, one after the other, and remembers what was acknowledged; at the
end all of that must be on the new primary.
"""

import re
import threading
import time

import pytest

import resp
from harness import make_house, wait_until
from writer import Writer

GROUP = "mymaster"
WRITERS = 4
STALL_MS = 250  # the aim is 20 on an idle machine; this one may be busy

pytestmark = pytest.mark.vedette


class Crowd:
    """Writers in threads, until stopped."""

    def __init__(self, house):
        self.writers = [Writer(house.sentinels, GROUP) for _ in range(WRITERS)]
        self.stop = threading.Event()
        self.threads = []
        for writer in self.writers:
            thread = threading.Thread(target=self._run, args=(writer,), daemon=True)
            self.threads.append(thread)
            thread.start()

    def _run(self, writer):
        while not self.stop.is_set():
            writer.write()
            time.sleep(0.0005)

    def acked(self):
        return sum(writer.count for writer in self.writers)

    def end(self):
        self.stop.set()
        for thread in self.threads:
            thread.join(10)
            assert not thread.is_alive()
        for writer in self.writers:
            writer.close()

    def stall_ms(self, after):
        """The longest time that any writer was without an acknowledgement."""
        worst = 0
        for writer in self.writers:
            times = [at for at, _ in writer.acks if at > after - 0.1]
            worst = max(worst, *(b - a for a, b in zip(times, times[1:])))
        return 1000 * worst

    def lost(self, server):
        """Acknowledged keys that this server does not hold."""
        missing = []
        with server.connect() as connection:
            for writer in self.writers:
                keys = [f"{writer.prefix}:{number}" for number in range(writer.count)]
                for begin in range(0, len(keys), 1000):
                    part = keys[begin : begin + 1000]
                    values = connection.ask("MGET", *part)
                    missing += [key for key, value in zip(part, values) if value is None]
        return missing


def receives(primary, replica):
    """Has the replica acknowledged any of the stream? Until it does, a fresh one is sent none."""
    for name, value in primary.info("replication").items():
        if re.fullmatch(r"slave\d+", name):
            parts = dict(part.split("=", 1) for part in value.split(","))
            if int(parts["port"]) == replica.port:
                return int(parts["offset"]) > 0
    return False


def wait_steady(house):
    for replica in house.replicas:
        wait_until(lambda r=replica: receives(house.primary, r), 10, f"{replica.name} receives")


def make_steady_house(*arguments, **options):
    house = make_house(*arguments, **options)
    wait_steady(house)
    return house


def switch(house, *words):
    """Order it under writers; (stall in ms, acknowledged writes that were lost)."""
    wait_steady(house)
    crowd = Crowd(house)
    try:
        begin_count = crowd.acked()
        wait_until(lambda: crowd.acked() > begin_count + 200, 10, "writes go on")
        begin = time.monotonic()
        assert house.sentinels[0].sentinel("FAILOVER", GROUP, *words) == "OK"
        new = house.wait_switch(20)
        count = crowd.acked()
        wait_until(lambda: crowd.acked() > count + 200, 10, "writes go on")
    finally:
        crowd.end()
    return crowd.stall_ms(begin), crowd.lost(new)


@pytest.mark.parametrize("words", [(), ("COORDINATED",)], ids=["plain", "coordinated"])
def test_nothing_is_lost(lab, program, trials, words):
    house = make_steady_house(lab, [program] * 3)
    stalls = []
    for _ in range(trials(3)):
        old = house.primary
        stall, lost = switch(house, *words)
        assert not lost
        stalls.append(round(stall, 1))
        wait_until(lambda: old.follows(house.primary), 20, "the old primary follows")
        house.wait_following(20)
        house.wait_ready(30)
    print("stalls in ms:", stalls)
    assert min(stalls) < STALL_MS


def test_by_the_servers_own_failover(lab, program):
    """handover server: slower, as Valkey's sentinel does it."""
    house = make_steady_house(lab, [program] * 3, extra=(f"sentinel handover {GROUP} server",))
    watcher = house.sentinels[0].watch()
    old = house.primary
    _, lost = switch(house, "COORDINATED")
    assert not lost
    wait_until(lambda: old.follows(house.primary), 20, "the old primary follows")
    watcher.wait("+failover-end", 20)
    assert not watcher.find("+slave-reconf-sent", f":{old.port} ")
    # Nobody is held back any more.
    assert "blocked_clients:0" in old.ask("INFO", "clients")


def test_to_a_replica_by_name(lab, program):
    house = make_steady_house(lab, [program] * 3)
    wanted = house.replicas[-1]
    assert house.sentinels[1].sentinel("FAILOVER", GROUP, "COORDINATED", "TO", wanted.host, wanted.port) == "OK"
    assert house.wait_switch(20) is wanted


def test_orders_that_are_refused(lab, program):
    house = make_steady_house(lab, [program] * 3)
    one = house.sentinels[0]
    replica = house.replicas[0]
    for words, error in (
        (("nonsense",), "ERR Unknown failover option specified"),
        (("COORDINATED", "x"), "ERR Unknown failover option specified"),
        (("TO", "127.0.0.1"), "ERR TO needs the ip and the port of a replica"),
        (("TO", "127.0.0.1", "1"), "NOGOODSLAVE No replica with that address is known"),
        (("TO", replica.host, house.primary.port), "NOGOODSLAVE The replica is the primary"),
    ):
        with pytest.raises(resp.ReplyError) as refused:
            one.sentinel("FAILOVER", GROUP, *words)
        assert str(refused.value) == error
    replica.ask("CONFIG", "SET", "replica-priority", "0")
    one.debug(info_period=100)
    wait_until(lambda: {r["port"]: r["slave-priority"] for r in one.replicas(GROUP)}[str(replica.port)] == "0", 10)
    with pytest.raises(resp.ReplyError) as refused:
        one.sentinel("FAILOVER", GROUP, "TO", replica.host, replica.port)
    assert str(refused.value) == "NOGOODSLAVE The replica has priority 0"


def test_no_good_end_changes_nothing(lab, program):
    """A replica that hangs cannot catch up: the primary stays one and takes writes again."""
    house = make_steady_house(lab, [program] * 3, replicas=1, down_after=5000, failover_timeout=3000)
    one = house.sentinels[0]
    replica = house.replicas[0]
    old = house.primary
    watcher = one.watch()
    replica.pause()
    assert one.sentinel("FAILOVER", GROUP, "COORDINATED") == "OK"
    watcher.wait("-failover-abort-master-timeout", 20)
    assert old.ask("SET", "still", "writes") == "OK"
    assert old.is_primary()
    replica.resume()
    assert "coordinated_failover" not in one.master(GROUP)["flags"]
    assert house.primary is old and house.agree_on(old)


def test_without_the_right_to_pause(lab, program):
    """Least rights that Sentinel's documentation asks for: a plain order goes as it always went."""
    house = make_steady_house(lab, [program] * 3)
    old = house.primary
    for server in house.servers:
        server.ask("ACL", "SETUSER", "default", "-client|pause")
    assert house.sentinels[0].sentinel("FAILOVER", GROUP) == "OK"
    new = house.wait_switch(20)
    wait_until(lambda: old.follows(new), 20, "the old primary follows")


def test_coordinated_without_the_right_to_pause(lab, program):
    """FAILOVER holds clients back by itself."""
    house = make_steady_house(lab, [program] * 3)
    for server in house.servers:
        server.ask("ACL", "SETUSER", "default", "-client|pause")
    _, lost = switch(house, "COORDINATED")
    assert not lost
