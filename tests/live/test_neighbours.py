# SPDX-License-Identifier: BSD-3-Clause
"""What stands beside a sentinel: the exporter that scrapes it, the balancer that asks it.

Both are Debian's packages, unmodified; where they are not installed the tests are skipped
(packaging/install-deps.sh --neighbours).
"""

import re
import shutil
import urllib.request

import pytest

import resp
from harness import LOOPBACK, REDIS_SENTINEL, make_house, quicken, group_lines, wait_until

GROUP = "mymaster"
SECRET = "s3cret-of-the-sentinels"


def needs(program):
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"no {program} installed")


# The exporter ----------------------------------------------------------------------------------


class Exporter:
    def __init__(self, lab, sentinel):
        self.port = lab.free_port()
        argv = ["prometheus-redis-exporter", f"--redis.addr=redis://{sentinel.host}:{sentinel.port}",
                f"--web.listen-address={LOOPBACK}:{self.port}"]
        if sentinel.password:
            argv.append(f"--redis.password={sentinel.password}")
        lab.process(argv, f"exporter-of-{sentinel.name}").spawn()
        wait_until(self.scrape, 10, "the exporter answers")

    def scrape(self):
        """{(name, labels): value} of all that it measured."""
        with urllib.request.urlopen(f"http://{LOOPBACK}:{self.port}/metrics", timeout=5) as page:
            lines = page.read().decode().splitlines()
        found = (re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line) for line in lines)
        return {(one[1], one[2] or ""): float(one[3]) for one in found if one}


def of_the_sentinel(metrics):
    """The names of what was measured there, not of the exporter's own process."""
    return {name for name, _ in metrics if name.startswith("redis_") and "exporter" not in name}


def value_of(metrics, name, *labels):
    values = [value for (one, text), value in metrics.items()
              if one == name and all(label in text for label in labels)]
    assert len(values) == 1, f"{name} {labels}: {values}"
    return values[0]


@needs("prometheus-redis-exporter")
@pytest.mark.parametrize("secret", [None, SECRET], ids=["open", "password"])
def test_exporter(lab, program, secret):
    house = make_house(lab, [program] * 3, lines=[f"requirepass {secret}"] if secret else [])
    exporter = Exporter(lab, house.sentinels[0])

    def expect_group(server, status):
        metrics = exporter.scrape()
        address = f'master_address="{server.host}:{server.port}"'
        name = f'master_name="{GROUP}"'
        assert value_of(metrics, "redis_up") == 1
        assert value_of(metrics, "redis_exporter_last_scrape_error") == 0
        assert value_of(metrics, "redis_sentinel_masters") == 1
        assert value_of(metrics, "redis_sentinel_master_status", name, address, f'"{status}"') == 1
        assert value_of(metrics, "redis_sentinel_master_slaves", name, address) == 2
        assert value_of(metrics, "redis_sentinel_master_ok_slaves", name) == 2
        assert value_of(metrics, "redis_sentinel_master_sentinels", name) == 3
        assert value_of(metrics, "redis_sentinel_master_ok_sentinels", name) == 3
        assert value_of(metrics, "redis_sentinel_tilt") == 0
        return True

    wait_until(lambda: expect_group(house.primary, "ok"), 10, "the group as it is")
    old = house.primary
    old.kill()
    new = house.wait_switch(20)
    old.start()
    wait_until(lambda: old.follows(new), 20, "the old primary follows")
    wait_until(lambda: expect_group(new, "ok"), 20, "the group after the failover")


@needs("prometheus-redis-exporter")
@pytest.mark.vedette
def test_exporter_misses_nothing(lab, program):
    """Every measure that it has of a redis-sentinel it has of a vedette beside it."""
    primary = lab.redis()
    lines = group_lines(GROUP, primary)
    sentinels = [lab.sentinel(kind, lines) for kind in (REDIS_SENTINEL, program)]
    for one in sentinels:
        quicken(one)
    for one in sentinels:
        wait_until(lambda one=one: one.master(GROUP)["num-other-sentinels"] == "1", 20, "both know each other")
    original, ours = [of_the_sentinel(Exporter(lab, one).scrape()) for one in sentinels]
    assert "redis_sentinel_masters" in original
    assert original <= ours, original - ours


# The balancer ----------------------------------------------------------------------------------

# Two ways that are in use: each server is asked whether it is a primary; or the sentinels are asked
# which one it is, with one backend a server, since a check cannot name the server it is for.
HAPROXY = """
global
    maxconn 100
defaults
    mode tcp
    timeout connect 1s
    timeout client 10s
    timeout server 10s
    timeout check 1s

listen by_role
    bind {host}:{by_role}
    option tcp-check
    tcp-check connect
    tcp-check send PING\\r\\n
    tcp-check expect string +PONG
    tcp-check send info\\ replication\\r\\n
    tcp-check expect string role:master
    tcp-check send QUIT\\r\\n
    tcp-check expect string +OK
    default-server inter 100ms fall 1 rise 1 on-marked-down shutdown-sessions
{servers}

frontend by_sentinel
    bind {host}:{by_sentinel}
{choices}
{backends}
"""
BACKEND = """
backend {name}
    option tcp-check
    tcp-check connect port {sentinel_port}
    tcp-check send AUTH\\ {secret}\\r\\n
    tcp-check expect string +OK
    tcp-check send PING\\r\\n
    tcp-check expect string +PONG
    tcp-check send SENTINEL\\ get-master-addr-by-name\\ {group}\\r\\n
    tcp-check expect string {port}
    tcp-check send QUIT\\r\\n
    tcp-check expect string +OK
    server {name} {host}:{port} check inter 100ms fall 1 rise 1 on-marked-down shutdown-sessions
"""


def start_haproxy(lab, house, sentinel):
    ports = {"by_role": lab.free_port(), "by_sentinel": lab.free_port()}
    text = HAPROXY.format(
        host=LOOPBACK,
        servers="\n".join(f"    server {one.name} {one.host}:{one.port} check" for one in house.servers),
        choices="\n".join(f"    use_backend {one.name} if {{ nbsrv({one.name}) gt 0 }}" for one in house.servers),
        backends="".join(
            BACKEND.format(name=one.name, host=one.host, port=one.port, group=GROUP, secret=SECRET,
                           sentinel_port=sentinel.port)
            for one in house.servers
        ),
        **ports,
    )
    path = f"{lab.dir}/haproxy.cfg"
    with open(path, "w", encoding="utf-8") as out:
        out.write(text)
    lab.process([shutil.which("haproxy") or "/usr/sbin/haproxy", "-db", "-f", path], "haproxy").spawn()
    return ports.values()


def leads_to(port, server):
    """Does a fresh connection through the balancer end at this server, and can it write there?"""
    with resp.Connection((LOOPBACK, port), timeout=2) as through:
        assert through.ask("SET", "balanced", port) == "OK"
        text = through.ask("INFO", "server")
    return f"\ntcp_port:{server.port}\r" in text


@pytest.mark.skipif(shutil.which("haproxy", path="/usr/sbin:/usr/bin") is None, reason="no haproxy installed")
def test_haproxy(lab, program):
    house = make_house(lab, [program] * 3, lines=[f"requirepass {SECRET}"])
    # A server that is killed leaves; the sentinel asked stays.
    ports = list(start_haproxy(lab, house, house.sentinels[2]))
    for port in ports:
        wait_until(lambda p=port: leads_to(p, house.primary), 10, "the balancer leads to the primary")
    for act in (house.primary.kill, lambda: house.sentinels[0].sentinel("FAILOVER", GROUP)):
        old = house.primary
        act()
        new = house.wait_switch(20)
        for port in ports:
            wait_until(lambda p=port, s=new: leads_to(p, s), 10, "the balancer leads to the new primary")
        if not old.is_running():
            old.start()
        wait_until(lambda old=old, new=new: old.follows(new), 20, "the old primary follows")
        house.wait_ready(20)
        # The old one called itself a primary for a moment: it is found out by the next check.
        for port in ports:
            wait_until(lambda p=port, s=new: leads_to(p, s), 10, "the balancer leads to the new primary")
