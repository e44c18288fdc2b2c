# SPDX-License-Identifier: BSD-3-Clause
"""For how long can a client not write when the primary changes? vedette and its peers by turns.

    VEDETTE=path /usr/bin/python3 tests/bench/failover.py --trials 20 --down-after 1000 --way kill

Each program watches a primary and two replicas of its own with three processes, at its own defaults but
down-after and failover-timeout (vedette slows down a group that fails over again and again within that
time). A trial strikes one program's primary, at a moment of chance, under a client that writes every
millisecond: kill -9 (kill), SIGSTOP (hang), the cable of its host pulled (cut, in network namespaces),
SENTINEL FAILOVER (order; with COORDINATED, coordinated, which only vedette has), a restart that leaves it
empty (restart), or kill -9 while the sentinels are stopped when they would notice, to be woken together, so
that all three do in the same millisecond (together). Counted are the time until the next acknowledged write, what of it each phase took,
by the events of the sentinels, the acknowledged writes that the new primary does not have, elections that
failed or were split. Then all recovers, and it is the next program's turn. --latency puts so many
milliseconds between the sentinels, each way. valkey-sentinel takes part where $VALKEY_SENTINEL or PATH
has it. Exit status 1 when an election of vedette failed, or a process ended that should not.
"""

import argparse
import json
import random
import re
import sys
import threading
import time

import houses
import netns
import phases
from houses import GROUP, harness
from marathon import percentile
from writer import Writer

WAYS = {
    "kill": "primary killed (SIGKILL)",
    "hang": "primary hung (SIGSTOP)",
    "cut": "network of the primary's host cut",
    "together": "primary killed, seen by all in the same millisecond",
    "order": "SENTINEL FAILOVER",
    "coordinated": "SENTINEL FAILOVER COORDINATED",
    "restart": "primary restarted, empty",
}
BY_SILENCE = ("kill", "hang", "cut", "together")  # down-after must pass first
ASLEEP_MS = (-40, 20)  # around down-after: what the sentinels do not see, when they are to see it together
USUAL = {"info-period": 10000, "publish-period": 2000}
QUICK = {"info-period": 500, "publish-period": 200}


def set_periods(house, periods):
    """Recovery between trials is not measured, and the originals are slow at it; trials are at defaults."""
    for one in house.sentinels:
        if one.program != harness.VEDETTE:
            for name, value in periods.items():
                one.sentinel("DEBUG", name, value)


def at(seconds, sentinels, what):
    def each():
        for one in sentinels:
            what(one)

    timer = threading.Timer(seconds, each)
    timer.daemon = True
    timer.start()


def strike(house, place, way, down_after):
    """What happens to the primary."""
    old = house.primary

    def kill_unseen():
        old.kill()
        at((down_after + ASLEEP_MS[0]) / 1000, house.sentinels, lambda one: one.pause())
        at((down_after + ASLEEP_MS[1]) / 1000, house.sentinels, lambda one: one.resume())

    def restart():
        old.kill()
        old.clear_data()
        old.spawn()

    def order(*words):
        house.sentinels[0].sentinel("FAILOVER", GROUP, *words)

    return {
        "kill": old.kill,
        "hang": old.pause,
        "cut": lambda: place.cut(old),
        "together": kill_unseen,
        "order": order,
        "coordinated": lambda: order("COORDINATED"),
        "restart": restart,
    }[way]


def undo(old, place, way):
    if way == "cut":
        place.heal(old)
    if not old.is_running():
        old.start()
    old.resume()


def settle(house, writer):
    """Everything up, agreed and following, the client writing all the while: an original may fail over again."""

    def well():
        writer.run(0.05)
        views = set(house.views().values())
        assert len(views) == 1, f"views differ: {views}"
        house.primary = house.server_at(views.pop())
        assert house.primary.is_primary()
        assert all(server.follows(house.primary) for server in house.replicas)
        # A replica that was just loaded gets the stream with its first ACK only, which takes up to a second.
        streams = re.findall(",offset=[1-9]", house.primary.ask("INFO", "replication"))
        assert len(streams) == len(house.replicas), f"{len(streams)} replicas have the stream"
        return all(house.sees_all(one) for one in house.sentinels)

    harness.wait_until(well, 120, "all well again", every=0)


def wait_moment(house, writer, watchers):
    """Write until a moment of chance; the failovers that nobody had asked for until then.

    A stall of the machine is a silent primary at a down-after of 200 ms, for whoever watches.
    """
    for alarms in range(10):
        writer.run(random.uniform(0.2, 1.2))
        if house.primary.is_primary() and set(house.views().values()) == {house.primary.address}:
            return alarms
        settle(house, writer)
    raise AssertionError("ten failovers in a row without a fault")


def run_trial(house, place, way, down_after):
    """One strike, and what came of it."""
    writer = Writer(house.sentinels, GROUP)
    watchers = [one.watch() for one in house.sentinels]
    logs = {one.name: len(one.log()) for one in house.sentinels}
    try:
        settle(house, writer)
        false_alarms = wait_moment(house, writer, watchers)
        old = house.primary
        # Whoever restarts empty may stay the primary: then the data is lost, and nothing is elsewhere.
        outage = writer.outage(strike(house, place, way, down_after), elsewhere=way != "restart", lead=0)
        written, count = writer.acks[-1][0], writer.count
        set_periods(house, QUICK)
        undo(old, place, way)
        settle(house, writer)
        set_periods(house, USUAL)
        # Not what an original loses at these periods, by failing over again what has just been promoted.
        lost = writer.lost(house.primary, count)
        struck = written - outage / 1000
        events = phases.events_since(watchers, struck)
    finally:
        writer.close()
        for watcher in watchers:
            watcher.close()
            house.lab.watchers.remove(watcher)
    leader = next((who for _, who, name, _ in events if name == "+elected-leader"), None)
    log = next((one.log()[logs[one.name]:] for one in house.sentinels if one.name == leader), "")
    failed, split, begun = phases.elections(events)
    spread = phases.sdown_spread(events, GROUP)
    told = [f"{1000 * (at - struck):.1f} {who} {name} {text}" for at, who, name, text in events] if failed or split else []
    return {
        "outage_ms": round(outage, 1),
        "lost": lost,
        "failed_elections": failed,
        "split_votes": split,
        "failovers": begun,
        "false_alarms": false_alarms,
        "sdown_spread_ms": None if spread is None else round(spread, 2),
        "phases_ms": {name: round(ms, 2) for name, ms in phases.of_events(events, GROUP, struck, written).items()},
        "own_ms": phases.own(log, GROUP),
        "events": told,  # of the elections to look at
    }


def describe(program, trials, wait):
    beyond = [one["outage_ms"] - wait for one in trials]
    spreads = [one["sdown_spread_ms"] for one in trials if one["sdown_spread_ms"] is not None]
    parts = {
        name: percentile([one["phases_ms"][name] for one in trials if name in one["phases_ms"]], 50)
        for name in phases.NAMES if any(name in one["phases_ms"] for one in trials)
    }
    lines = [
        f"{program:16} median {percentile(beyond, 50):7.1f}  p99 {percentile(beyond, 99):7.1f}  max {max(beyond):7.1f}  "
        f"min {min(beyond):7.1f} ms; writes lost {sum(one['lost'] for one in trials)}, elections failed "
        f"{sum(one['failed_elections'] for one in trials)}, votes split {sum(one['split_votes'] for one in trials)}",
        f"{'':16} {', '.join(f'{name} {ms:.1f}' for name, ms in parts.items())} ms",
    ]
    if spreads:
        lines.append(f"{'':16} S_DOWN at all three within 1 ms in {sum(one < 1 for one in spreads)} of {len(spreads)}")
    again = sum(one["failovers"] > 1 for one in trials)
    if again:
        lines.append(f"{'':16} more than one failover was begun in {again} trials")
    return lines


def tell(number, program, trial, wait):
    print(
        f"{number:3} {program:16} {trial['outage_ms'] - wait:8.1f} ms, {trial['lost']} writes lost"
        + (f"  ({trial['failovers']} failovers begun)" if trial["failovers"] > 1 else "")
        + (f"  ({trial['failed_elections']} elections failed)" if trial["failed_elections"] else ""),
        flush=True,
    )


def run_all(args, lab, place):
    """By turns, so that what else the machine does is everybody's."""
    built = {
        program: houses.make(lab, program, place, args.down_after, latency=args.latency) for program in args.programs
    }
    for house in built.values():
        set_periods(house, USUAL)
    trials = {program: [] for program in args.programs}
    wait = args.down_after if args.way in BY_SILENCE else 0
    for number in range(1, args.trials + 1):
        for program, house in built.items():
            trials[program].append(run_trial(house, place, args.way, args.down_after))
            tell(number, program, trials[program][-1], wait)
    return trials, wait


def summarize(args, trials, wait):
    print(f"\n{WAYS[args.way]}, down-after {args.down_after} ms, {args.trials} trials by turns"
          + (f", {args.latency} ms each way between sentinels" if args.latency else ""))
    print("write outage beyond down-after:" if wait else "until a write is acknowledged by the new primary:")
    for program in args.programs:
        print("\n".join(describe(program, trials[program], wait)))
    ours, *others = args.programs
    for other in others:
        medians = [percentile([one["outage_ms"] - wait for one in trials[p]], 50) for p in (ours, other)]
        print(f"ratio of medians, {other} to {ours}: {medians[1] / max(medians[0], 0.1):.1f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--down-after", type=int, default=1000, help="ms")
    parser.add_argument("--way", choices=WAYS, default="kill")
    parser.add_argument("--latency", type=int, default=0, help="ms between sentinels, each way")
    parser.add_argument("--programs", nargs="+", choices=houses.PROGRAMS, help="default: all that are installed")
    parser.add_argument("--json", help="write the results there")
    args = parser.parse_args()
    if args.way == "cut":
        netns.enter()
    args.programs = args.programs or houses.installed()
    if args.way == "coordinated":
        args.programs = [harness.VEDETTE]
    lab = harness.Lab()
    place = houses.Hosts() if args.way == "cut" else houses.Loopback()
    try:
        trials, wait = run_all(args, lab, place)
    finally:
        if sys.exc_info()[0]:
            print(lab.report(), file=sys.stderr)
        problems = lab.close()
        place.close()
        lab.remove()
    summarize(args, trials, wait)
    if args.json:
        with open(args.json, "w", encoding="utf-8") as out:
            json.dump({
                "way": args.way, "down_after_ms": args.down_after, "latency_ms": args.latency, "beyond_ms": wait,
                "trials": trials,
            }, out, indent=1)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems or any(one["failed_elections"] for one in trials.get(harness.VEDETTE, ())) else 0


if __name__ == "__main__":
    begin = time.monotonic()
    status = main()
    print(f"{time.monotonic() - begin:.0f} s")
    sys.exit(status)
