# SPDX-License-Identifier: BSD-3-Clause
"""Does a vedette grow? Its memory through hundreds of failovers and thousands of clients that come and go.

    VEDETTE=path /usr/bin/python3 tests/bench/memory.py --failovers 200 --clients 1000

Three vedettes fail one group over by order, again and again; between two failovers clients connect, ask,
subscribe and go. Told is the unshared memory of the largest of the three, every twenty failovers; what
counts is the difference between the first and the last quarter.
"""

import argparse
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "live"))

import harness  # noqa: E402
import resp  # noqa: E402


def private_kb(pid):
    """What is this process's alone: shared libraries say nothing of growth."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as text:
        return sum(int(line.split()[1]) for line in text if line.startswith("Private_"))


def fail_over(house):
    old = house.primary

    def ordered():
        return house.sentinels[0].sentinel("FAILOVER", house.name, "COORDINATED") == "OK"

    # Right after a replica's first synchronisation it has no stream to wait for.
    harness.wait_until(ordered, 30, "the order is taken", every=0.05)
    harness.wait_until(lambda: house.sentinels[0].primary_of(house.name) != old.address, 30, "switched")
    house.wait_switch(30)
    house.wait_following(30)


def come_and_go(sentinels, count):
    for number in range(count):
        one = sentinels[number % len(sentinels)]
        connection = resp.Connection(one.address)
        connection.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "mymaster")
        if number % 3 == 0:
            connection.ask("SUBSCRIBE", "+switch-master", f"channel-{number}")
        connection.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--failovers", type=int, default=200)
    parser.add_argument("--clients", type=int, default=1000, help="altogether")
    parser.add_argument("--json", help="write the samples there")
    args = parser.parse_args()
    lab = harness.Lab()
    samples = []
    try:
        house = harness.make_house(lab, [harness.VEDETTE] * 3, down_after=5000, failover_timeout=5000)
        for number in range(1, args.failovers + 1):
            fail_over(house)
            come_and_go(house.sentinels, args.clients // args.failovers)
            samples.append(max(private_kb(one.pid) for one in house.sentinels))
            if number % 20 == 0 or number == args.failovers:
                print(f"{number:5} failovers: {samples[-1]} kB", flush=True)
    finally:
        if sys.exc_info()[0]:
            print(lab.report(20), file=sys.stderr)
        lab.close()
        lab.remove()
    quarter = max(1, len(samples) // 4)
    first, last = (sorted(part)[len(part) // 2] for part in (samples[:quarter], samples[-quarter:]))
    print(f"median of the first quarter {first} kB, of the last {last} kB: {last - first:+} kB")
    if args.json:
        with open(args.json, "w", encoding="utf-8") as out:
            json.dump({"private_kb": samples, "growth_kb": last - first}, out)


if __name__ == "__main__":
    main()
