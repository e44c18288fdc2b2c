# SPDX-License-Identifier: BSD-3-Clause
"""No descriptor is left behind by connections that came and went."""

from harness import VEDETTE, make_house, wait_until

GROUP = "mymaster"


def settle(house, one):
    """The number of open descriptors once all links are up and nothing is under way."""
    wait_until(lambda: house.sees_all(one), 20, "all links are up")
    counts = []

    def steady():
        counts.append(one.open_descriptors())
        return len(counts) >= 50 and len(set(counts[-50:])) == 1

    wait_until(steady, 20, "the number of descriptors stands still")
    return counts[-1]


def test_fifty_reconnects_of_every_link(lab, program):
    house = make_house(lab, [program] * 2)
    one, peer = house.sentinels
    one.debug(ping_period=200)
    before = settle(house, one)
    for _ in range(50 if program == VEDETTE else 5):
        runs = {}
        for server in house.servers:
            server.ask("CLIENT", "KILL", "TYPE", "normal")
            server.ask("CLIENT", "KILL", "TYPE", "pubsub")
            runs[server.name] = server
        peer.ask("CLIENT", "KILL", "TYPE", "normal")

        def has_its_links():
            # Two names of this sentinel's connections, or more, at every server again.
            mine = f"name=sentinel-{one.id()[:8]}"
            return all(mine in server.ask("CLIENT", "LIST") for server in runs.values())

        wait_until(has_its_links, 20, "its links are back")
    assert settle(house, one) <= before


def test_two_hundred_clients_that_came_and_went(lab, program):
    house = make_house(lab, [program], replicas=0, quorum=1)
    one = house.sentinels[0]
    one.ask("PING")
    before = settle(house, one)
    for number in range(200):
        client = one.connect()
        if number % 3 == 0:
            client.ask("SUBSCRIBE", "+sdown")
        elif number % 3 == 1:
            client.ask("PING")
        client.close()
    wait_until(lambda: int(one.info("clients")["connected_clients"]) == 1, 10, "all are gone")
    assert settle(house, one) == before


def test_a_primary_that_is_not_there(lab, program):
    house = make_house(lab, [program], replicas=0, quorum=5)
    one = house.sentinels[0]
    one.debug(ping_period=100)
    before = settle(house, one)
    house.primary.kill()
    watcher = one.watch("-sdown")
    # 30 attempts to connect, all refused.
    port = house.primary.port
    wait_until(lambda: "s_down" in one.master(GROUP)["flags"], 10)
    wait_until(lambda: int(one.master(GROUP)["s-down-time"]) > 3000, 20)
    assert one.open_descriptors() <= before + 2, f"port {port}"
    house.primary.start()
    watcher.wait("-sdown", 20)
    watcher.close()
    lab.watchers.remove(watcher)
    assert settle(house, one) == before
