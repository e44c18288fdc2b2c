# SPDX-License-Identifier: BSD-3-Clause
"""What do scrapes and pages cost the loop when there are many groups?

    VEDETTE=path /usr/bin/python3 tests/bench/pages.py --groups 1000

One vedette with metrics, alerts and cost watches groups of three servers, which tests/bench/fleet
plays. Each page is asked for some times; beside it a client asks for an address every 2 ms. Told are
the time and the size of the page, and how long that client waited; and first what it waits when no
page is asked for, and what alerts and metrics cost in CPU when nobody asks.
"""

import argparse
import json
import os
import time
import urllib.request

import scale
from scale import Fleet, Prober, address, harness, percentile

PACE = 0.2  # seconds between two requests
PAGES = (
    "/metrics",
    "/api/v1/groups?limit=50",
    "/api/v1/groups?limit=100",
    "/api/v1/nodes?limit=100",
    "/api/v1/cost?limit=100",
    "/api/v1/alerts",
    "/healthz",
)
ALERTS = "alerts = { standard = true; };\ncost = { memory-gb-month = 10; vcpu-month = 20; egress-gb = 0.05; };\n"


def start(lab, fleet, count, http):
    one = lab.sentinel(harness.VEDETTE, [], start=False)
    one.config = os.path.join(one.home, "vedette.cfg")
    groups = ",\n".join(
        f'{{ name = "g{number}"; primary = "{address(number)}:{fleet.port}"; quorum = 1; }}' for number in range(count)
    )
    with open(one.config, "w", encoding="ascii") as out:
        out.write(
            f'port = {one.port}; bind = "{harness.LOOPBACK}"; state-dir = "{one.state_dir}"; abstain = 0;\n'
            f"groups = (\n{groups}\n);\n" + (f"http-port = {http};\n{ALERTS}" if http else "")
        )
    one.argv = [one.argv[0], one.config]
    one.start()

    def knows():
        rows = scale.summary(one)
        return len(rows) == count and all(row["slaves"] == "2" for row in rows.values())

    harness.wait_until(knows, 120, "all is known", every=0.2)
    return one


def rates_are_known(port):
    with urllib.request.urlopen(f"http://{harness.LOOPBACK}:{port}/api/v1/nodes?limit=100", timeout=60) as reply:
        return all(node["rates"] for node in json.load(reply)["nodes"])


def cpu(one, seconds):
    before = scale.cpu_ms(one.pid)
    begun = time.monotonic()
    time.sleep(seconds)
    return (scale.cpu_ms(one.pid) - before) / (time.monotonic() - begun)


def measure(one, url, times):
    prober = Prober(one, "g0", every=0.002)
    took, size = [], 0
    for _ in range(times):
        begun = time.monotonic()
        if url:
            with urllib.request.urlopen(url, timeout=60) as reply:
                size = len(reply.read())
            took.append(1000 * (time.monotonic() - begun))
        time.sleep(PACE)
    waits = prober.stop()
    if not took:
        return f"{'nothing':28} {'':>10} {'':>10} {'':>10} {waits['p50']:10.2f} {waits['p99']:10.2f} {waits['max']:10.2f}"
    path = url[url.index("/", 8):]
    return (
        f"{path:28} {size / 1000:10.1f} {percentile(took, 50):10.1f} {max(took):10.1f} "
        f"{waits['p50']:10.2f} {waits['p99']:10.2f} {waits['max']:10.2f}"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--groups", type=int, default=1000)
    parser.add_argument("--times", type=int, default=10, help="that each page is asked for")
    parser.add_argument("--seconds", type=float, default=10, help="that CPU is measured for")
    asked = parser.parse_args()
    lab = harness.Lab()
    fleet = Fleet(lab, asked.groups)
    plain = start(lab, fleet, asked.groups, 0)
    port = lab.free_port()
    one = start(lab, fleet, asked.groups, port)
    harness.wait_until(lambda: rates_are_known(port), 60, "rates, from two INFOs of every server", every=1)
    print(f"{asked.groups} groups; CPU in ms a second without HTTP {cpu(plain, asked.seconds):.1f}, "
          f"with HTTP, alerts and cost {cpu(one, asked.seconds):.1f}")
    print(f"{'page':28} {'kB':>10} {'ms':>10} {'longest':>10} {'wait p50':>10} {'p99':>10} {'longest':>10}")
    plain.stop()
    print(measure(one, None, asked.times))
    for path in PAGES:
        print(measure(one, f"http://{harness.LOOPBACK}:{port}{path}", asked.times))
    one.stop()
    fleet.end()
    lab.close()
    lab.remove()


if __name__ == "__main__":
    main()
