# SPDX-License-Identifier: BSD-3-Clause
"""Discovery: every sentinel is told the primary and finds the rest by itself."""

from harness import House, group_lines, make_house, quicken, wait_until

GROUP = "mymaster"


def test_told_only_the_primary(lab, program):
    house = make_house(lab, [program] * 3)
    ids = {one.id(): one for one in house.sentinels}
    assert len(ids) == 3
    for one in house.sentinels:
        assert {(r["ip"], int(r["port"])) for r in one.replicas(GROUP)} == {
            server.address for server in house.replicas
        }
        peers = one.peers(GROUP)
        assert {p["name"] for p in peers} == set(ids) - {one.id()}
        for peer in peers:
            assert peer["runid"] == peer["name"]
            assert (peer["ip"], int(peer["port"])) == ids[peer["name"]].address
        assert one.sentinel("CKQUORUM", GROUP).startswith("OK 3 usable Sentinels.")


def test_a_replica_that_comes_later_is_found(lab, program):
    house = make_house(lab, [program], replicas=0, quorum=1)
    watcher = house.sentinels[0].watch("+slave")
    late = lab.redis(house.primary)
    house.servers.append(late)
    _, _, payload = watcher.wait("+slave", 20)
    assert payload == (
        f"slave {late.host}:{late.port} {late.host} {late.port} "
        f"@ {GROUP} {house.primary.host} {house.primary.port}"
    )
    house.wait_ready(20)


def test_a_sentinel_that_comes_later_is_found(lab, program):
    house = make_house(lab, [program] * 2)
    watchers = [one.watch("+sentinel") for one in house.sentinels]
    lines = group_lines(GROUP, house.primary)
    late = lab.sentinel(program, lines)
    quicken(late)
    for watcher in watchers:
        _, _, payload = watcher.wait("+sentinel", 20, late.id())
        assert payload == (
            f"sentinel {late.id()} {late.host} {late.port} "
            f"@ {GROUP} {house.primary.host} {house.primary.port}"
        )
    house.sentinels.append(late)
    house.wait_ready(20)


def test_news_reaches_peers_without_any_data_server(lab, program):
    house = make_house(lab, [program] * 3)
    primary = house.primary
    for server in house.servers:
        server.kill()
    watchers = [one.watch("+new-epoch") for one in house.sentinels[1:]]
    # An epoch that only the first has heard of; a higher one is never taken back.
    house.sentinels[0].sentinel("IS-MASTER-DOWN-BY-ADDR", primary.host, primary.port, 7000, "c" * 40)
    for watcher in watchers:
        event = wait_until(
            lambda watcher=watcher: [e for e in watcher.all() if int(e[2]) >= 7000], 20, "epoch 7000"
        )
        assert event


def test_a_peer_that_moved_is_one_peer(lab, program):
    house = make_house(lab, [program] * 3)
    moved = house.sentinels[0]
    own_id, old_port = moved.id(), moved.port
    moved.stop()
    moved.port = lab.free_port()
    with open(moved.config, encoding="utf-8") as conf:
        text = conf.read()
    with open(moved.config, "w", encoding="utf-8") as conf:
        conf.write(text.replace(f"port {old_port}\n", f"port {moved.port}\n"))
    moved.start()
    assert moved.id() == own_id
    for one in house.sentinels[1:]:
        wait_until(
            lambda one=one: [int(p["port"]) for p in one.peers(GROUP) if p["name"] == own_id]
            == [moved.port],
            20,
            f"{one.name} knows the new port",
        )
        assert len(one.peers(GROUP)) == 2
    house.wait_ready(20)


def test_two_groups_share_peers_and_fail_over_apart(lab, program):
    first = make_house(lab, [], name="first")
    second = make_house(lab, [], name="second")
    lines = []
    for house in (first, second):
        lines += group_lines(house.name, house.primary, down_after=2000)
    sentinels = [lab.sentinel(program, lines) for _ in range(3)]
    for one in sentinels:
        quicken(one)
    first = House(lab, "first", first.servers, sentinels).wait_ready()
    second = House(lab, "second", second.servers, sentinels).wait_ready()
    untouched = [one.watch("+switch-master") for one in sentinels]
    first.primary.kill()
    first.wait_switch(20)
    first.wait_following()
    second.agree_on(second.primary)
    for watcher in untouched:
        watcher.wait("+switch-master", 15)
        assert all(payload.startswith("first ") for _, _, payload in watcher.all())
    for one in sentinels:
        assert {p["link-refcount"] for p in one.peers("first")} == {"2"}
