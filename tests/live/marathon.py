# SPDX-License-Identifier: BSD-3-Clause
"""Failovers in a row: kill (or hang) the primary, let it recover, and again.

    VEDETTE=path /usr/bin/python3 tests/live/marathon.py 100

Each must end with one primary that all three sentinels name and all servers follow, in a newer
configuration epoch, with all that was written and replicated still there. One line each, and the
distribution of the write outage at the end. Exit status 1 when one was stuck, lost or unagreed.
"""

import argparse
import sys
import time

import harness
from writer import Writer

GROUP = "marathon"


def epoch_of(house):
    """The configuration epoch, the same at all sentinels."""
    epochs = {int(one.master(GROUP)["config-epoch"]) for one in house.sentinels}
    assert len(epochs) == 1, f"configuration epochs differ: {epochs}"
    return epochs.pop()


def run_one(house, number, hang):
    """One failover and recovery; returns (write outage, time until all is well again) in ms."""
    old = house.primary
    epoch = epoch_of(house)
    old.ask("SET", "witness", number)
    assert old.ask("WAIT", len(house.servers) - 1, 5000) == len(house.servers) - 1
    watchers = [one.watch("+switch-master") for one in house.sentinels]
    writer = Writer(house.sentinels, GROUP)
    begin = time.monotonic()
    try:
        outage = writer.outage(old.pause if hang else old.kill)
    finally:
        writer.close()
    new = house.wait_switch(30)
    if hang:
        old.resume()
    else:
        old.start()
    house.wait_following(60)
    house.wait_ready(60)
    whole = 1000 * (time.monotonic() - begin)
    assert new.ask("GET", "witness") == str(number), "a replicated write is lost"
    assert house.primary is new and epoch_of(house) > epoch
    for one, watcher in zip(house.sentinels, watchers):
        told = watcher.all()
        assert len(told) == 1, f"{one.name} told {len(told)} switches: {told}"
        watcher.close()
        house.lab.watchers.remove(watcher)
    return outage, whole


def percentile(values, share):
    """Nearest rank."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * share // 100) - 1)]


def run(lab, programs, count, down_after, hang_every=0, tell=lambda line: None):
    # Failovers that follow each other within failover-timeout are delayed on purpose.
    house = harness.make_house(
        lab, programs, name=GROUP, down_after=down_after, failover_timeout=2000
    )
    outages = []
    for number in range(1, count + 1):
        hang = bool(hang_every) and number % hang_every == 0
        outage, whole = run_one(house, number, hang)
        outages.append(outage)
        tell(
            f"{number:4} {'hang' if hang else 'kill'}  outage {outage:7.0f} ms  "
            f"all well after {whole:7.0f} ms  {house.primary.name}"
        )
    return outages


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("count", type=int, nargs="?", default=100)
    parser.add_argument("--program", default=harness.VEDETTE)
    parser.add_argument("--down-after", type=int, default=1000, help="ms")
    parser.add_argument("--hang-every", type=int, default=0, help="every Nth hangs instead of dying")
    args = parser.parse_args()
    lab = harness.Lab()
    failed = None
    try:
        outages = run(
            lab,
            [args.program] * 3,
            args.count,
            args.down_after,
            args.hang_every,
            lambda line: print(line, flush=True),
        )
    except (AssertionError, harness.StartError) as error:
        failed = f"{error}\n{lab.report()}"
    problems = lab.close()
    lab.remove()
    if failed or problems:
        print("\n".join([*problems, failed or ""]), file=sys.stderr)
        return 1
    print(
        f"{len(outages)} failovers, none stuck, lost or unagreed; write outage median "
        f"{percentile(outages, 50):.0f}, p99 {percentile(outages, 99):.0f}, max {max(outages):.0f} ms "
        f"at down-after {args.down_after} ms"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
