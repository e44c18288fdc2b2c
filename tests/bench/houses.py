# SPDX-License-Identifier: BSD-3-Clause
"""What the benches of failovers build: one group for each program, on loopback or on a network of hosts,
with sentinels near each other or far apart."""

import os
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "live"))

import harness  # noqa: E402
import netns  # noqa: E402

GROUP = "bench"
PROGRAMS = (harness.VEDETTE, harness.REDIS_SENTINEL, harness.VALKEY_SENTINEL)
NETWORK, OURS = "10.99.0.", "10.99.0.254"


def installed():
    """The programs to compare: vedette, and of the others those that are here."""
    found = [harness.VEDETTE]
    for program in PROGRAMS[1:]:
        try:
            harness.find_program(program)
            found.append(program)
        except FileNotFoundError:
            pass
    return found


class Loopback:
    """All servers are 127.0.0.1."""

    host = harness.LOOPBACK

    def server(self, lab, follow=None):
        return lab.redis(follow)

    def close(self):
        pass


class Hosts:
    """Each server has a host of its own on a bridge; the sentinels, and the client, are beside it.

    The caller is in a network of its own (netns.enter).
    """

    host = OURS

    def __init__(self):
        netns.make_bridge("bench", OURS + "/24")
        self.links = {}  # by server's address

    def server(self, lab, follow=None):
        number = len(self.links) + 1
        name, link, address = f"host{number}", f"cable{number}", f"{NETWORK}{number}"
        netns.add_host(name, address + "/24", "bench", link, number)
        one = lab.redis(follow, host=address, start=False)
        one.argv = [*netns.within(name), *one.argv]
        self.links[one.address] = link
        return one.start()

    def cut(self, server):
        netns.plug(self.links[server.address], False)

    def heal(self, server):
        netns.plug(self.links[server.address], True)
        server.hang_up()

    def close(self):
        for number, link in enumerate(self.links.values(), 1):
            netns.remove_host(f"host{number}", link)
        netns.run("ip", "link", "del", "bench")


def put_apart(lab, ports, latency):
    """Where each port is to be reached from afar: a process that takes its time stands in front of it."""
    far = [lab.free_port() for _ in ports]
    pairs = [f"{listen}:{target}" for listen, target in zip(far, ports)]
    proxy = lab.process([sys.executable, os.path.join(HERE, "delay.py"), str(latency), *pairs], f"delay-{far[0]}")
    proxy.spawn()
    for port in far:
        harness.wait_until(lambda port=port: not harness.is_port_free(port), 10, "the delay listens")
    return far


def make(lab, program, place, down_after, failover_timeout=2000, latency=0):
    """Primary, two replicas, three sentinels whose messages to each other take `latency` ms each way."""
    primary = place.server(lab)
    servers = [primary, place.server(lab, primary), place.server(lab, primary)]
    for server in servers[1:]:
        harness.wait_until(lambda s=server: s.follows(primary), 20, f"{server.name} follows")
    ports = [lab.free_port() for _ in range(3)]
    lines = harness.group_lines(GROUP, primary, 2, down_after, failover_timeout)
    far = put_apart(lab, ports, latency) if latency else [0] * 3
    sentinels = []
    for port, front in zip(ports, far):
        announced = [f"sentinel announce-ip {place.host}", f"sentinel announce-port {front}"] if front else []
        one = lab.sentinel(program, [*announced, *lines], host=place.host, port=port)
        harness.quicken(one)
        sentinels.append(one)
    return harness.House(lab, GROUP, servers, sentinels).wait_ready(60)


def version(program):
    """What --version says, in short."""
    path = harness.find_program(program) if program in PROGRAMS else shutil.which(program)
    words = netns.run(path, "--version").split()
    number = next((word[2:] for word in words if word.startswith("v=")), None)
    return f"{program} {number or words[-1]}"
