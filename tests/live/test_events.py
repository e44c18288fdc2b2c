# SPDX-License-Identifier: BSD-3-Clause
"""What is published during a failover: the names, their order, their exact words."""

import re

import resp
from harness import VEDETTE, make_house, wait_until

GROUP = "mymaster"
LEADER = [
    "+sdown",
    "+odown",
    "+new-epoch",
    "+try-failover",
    "+vote-for-leader",
    "+elected-leader",
    "+failover-state-select-slave",
    "+selected-slave",
    "+failover-state-send-slaveof-noone",
    "+failover-state-wait-promotion",
    "+promoted-slave",
    "+failover-state-reconf-slaves",
]
# And these, after the promotion, in an order of their own.
LEADER_END = ["+slave-reconf-sent", "+slave-reconf-inprog", "+slave-reconf-done", "+failover-end"]
FOLLOWER = ["+vote-for-leader", "+config-update-from", "+switch-master"]


def assert_in_order(names, wanted):
    """Does the list hold the wanted names, in that order?"""
    at = -1
    for name in wanted:
        assert name in names[at + 1 :], f"{name} not behind {names[: at + 1]} in {names}"
        at = names.index(name, at + 1)


def fail_over(lab, program):
    house = make_house(lab, [program] * 3)
    watchers = {one.name: one.watch() for one in house.sentinels}
    old = house.primary
    old.kill()
    new = house.wait_switch(20)
    for watcher in watchers.values():
        watcher.wait("+switch-master", 20)
        watcher.wait("+slave", 20, f"127.0.0.1:{old.port} ")
    leaders = [s for s in house.sentinels if watchers[s.name].find("+elected-leader")]
    assert len(leaders) == 1
    watchers[leaders[0].name].wait("+failover-end", 20)
    return house, old, new, leaders[0], watchers


def test_order_and_words(lab, program):
    house, old, new, leader, watchers = fail_over(lab, program)
    other = next(s for s in house.servers if s not in (old, new))
    names = watchers[leader.name].names()
    about = f"@ {GROUP} {old.host} {old.port}"
    primary_names = [
        name
        for _, name, text in watchers[leader.name].all()
        if not (name == "+sdown" and not text.startswith("master "))
    ]
    assert_in_order(primary_names, LEADER)
    assert_in_order(names, ["+promoted-slave", *LEADER_END])
    assert_in_order(names, ["+promoted-slave", "+switch-master", "+slave"])
    if program == VEDETTE:  # told at the promotion, not when all replicas have been turned
        assert_in_order(names, ["+promoted-slave", "+switch-master", "+slave-reconf-done"])

    primary = f"master {GROUP} {old.host} {old.port}"
    chosen = f"slave {new.host}:{new.port} {new.host} {new.port} {about}"
    words = {
        "+sdown": re.escape(primary),
        "+odown": re.escape(primary) + r" #quorum [23]/2",
        "+new-epoch": r"\d+",
        "+try-failover": re.escape(primary),
        "+vote-for-leader": leader.id() + r" \d+",
        "+elected-leader": re.escape(primary),
        "+failover-state-select-slave": re.escape(primary),
        "+selected-slave": re.escape(chosen),
        "+failover-state-send-slaveof-noone": re.escape(chosen),
        "+failover-state-wait-promotion": re.escape(chosen),
        "+promoted-slave": re.escape(chosen),
        "+failover-state-reconf-slaves": re.escape(primary),
        "+switch-master": re.escape(f"{GROUP} {old.host} {old.port} {new.host} {new.port}"),
    }
    for name, pattern in words.items():
        texts = [text for _, _, text in watchers[leader.name].all(name)]
        assert any(re.fullmatch(pattern, text) for text in texts), f"{name}: {texts}"
    now = f"@ {GROUP} {new.host} {new.port}"
    for server in (old, other):
        line = f"slave {server.host}:{server.port} {server.host} {server.port} {now}"
        assert watchers[leader.name].find("+slave", line)

    for one in house.sentinels:
        if one is leader:
            continue
        heard = watchers[one.name]
        assert_in_order(heard.names(), FOLLOWER)
        # From whoever was heard first: the leader, or one that the leader had told.
        _, _, text = heard.all("+config-update-from")[0]
        others = [s for s in house.sentinels if s is not one]
        assert text in [f"sentinel {s.id()} {s.host} {s.port} {about}" for s in others]
        assert len(heard.all("+switch-master")) == 1


def test_an_instance_that_goes_and_comes(lab, program):
    house = make_house(lab, [program], replicas=1, quorum=2)
    one = house.sentinels[0]
    watcher = one.watch()
    replica = house.replicas[0]
    name = f"slave {replica.host}:{replica.port} {replica.host} {replica.port} "
    replica.pause()
    watcher.wait("+sdown", 10, name)
    replica.resume()
    watcher.wait("-sdown", 10, name)
    house.primary.pause()
    _, _, down = watcher.wait("+sdown", 10, f"master {GROUP}")
    house.primary.resume()
    _, _, up = watcher.wait("-sdown", 10, f"master {GROUP}")
    assert down == up == f"master {GROUP} {house.primary.host} {house.primary.port}"
    assert not watcher.find("+odown")


def test_a_restart_is_told(lab, program):
    house = make_house(lab, [program], replicas=1, down_after=5000)
    one = house.sentinels[0]
    watcher = one.watch("+reboot")
    replica = house.replicas[0]
    replica.kill()
    replica.start()
    watcher.wait("+reboot", 20, f"slave {replica.host}:{replica.port} ")


def test_patterns_and_protocol_3(lab, program):
    house = make_house(lab, [program], replicas=0, quorum=1)
    one = house.sentinels[0]
    listeners = []
    for version, word, channel in (
        (2, "SUBSCRIBE", "+set"), (3, "SUBSCRIBE", "+set"),
        (2, "PSUBSCRIBE", "[-+]set"), (3, "PSUBSCRIBE", "[-+]set"),
    ):
        client = one.connect()
        client.ask("HELLO", version)
        client.ask(word, channel)
        listeners.append((client, version, word))
    one.sentinel("SET", GROUP, "parallel-syncs", 2)
    text = f"master {GROUP} {house.primary.host} {house.primary.port} parallel-syncs 2"
    for client, version, word in listeners:
        message = client.read()
        if word == "SUBSCRIBE":
            assert message == ["message", "+set", text]
        else:
            assert message == ["pmessage", "[-+]set", "+set", text]
        assert isinstance(message, resp.Push) == (version == 3)
        client.close()


def test_roles_are_told(lab, program):
    house = make_house(lab, [program], replicas=1, quorum=1, down_after=5000)
    one = house.sentinels[0]
    watcher = one.watch("?role-change", "+convert-to-slave")
    replica = house.replicas[0]
    replica.ask("REPLICAOF", "NO", "ONE")
    name = f"slave {replica.host}:{replica.port} {replica.host} {replica.port} "
    _, _, text = watcher.wait("-role-change", 20, name)
    assert text.endswith(" new reported role is master")
    # A replica that was made a primary by nobody's order is turned back.
    watcher.wait("+convert-to-slave", 40, name)
    wait_until(lambda: replica.follows(house.primary), 20, "it follows again")
