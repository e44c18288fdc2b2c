# SPDX-License-Identifier: BSD-3-Clause
"""For how long can a client not write when the primary changes? vedette and redis-sentinel by turns.

    VEDETTE=path /usr/bin/python3 tests/bench/failover.py --trials 20 --down-after 1000 --way kill

Each program watches a primary and two replicas of its own with three processes, at its own
defaults but down-after and failover-timeout (vedette slows down a group that fails over again and
again within that time). A trial strikes one program's primary under a client that writes every
millisecond: kill -9 (kill), SIGSTOP (hang), SENTINEL FAILOVER (order; with COORDINATED, coordinated,
which redis-sentinel has not), or a restart that leaves it empty (restart). Counted are the time until
the next acknowledged write, beyond down-after where that must pass, and the acknowledged writes that
the new primary does not have. Then all recovers, and it is the other's turn. The last lines are the
median, p99 and maximum, and their ratio.
"""

import argparse
import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "live"))

import harness  # noqa: E402
from marathon import percentile  # noqa: E402
from writer import Writer  # noqa: E402

GROUP = "bench"
WAYS = {
    "kill": "primary killed (SIGKILL)",
    "hang": "primary hung (SIGSTOP)",
    "order": "SENTINEL FAILOVER",
    "coordinated": "SENTINEL FAILOVER COORDINATED",
    "restart": "primary restarted, empty",
}
USUAL = {"info-period": 10000, "publish-period": 2000}
QUICK = {"info-period": 500, "publish-period": 200}


def set_periods(house, periods):
    """Recovery between trials is not measured, and the original is slow at it; trials are at defaults."""
    for one in house.sentinels:
        if one.program == harness.REDIS_SENTINEL:
            for name, value in periods.items():
                one.sentinel("DEBUG", name, value)


def settle(house, old):
    """Everything up, agreed and following. The original may fail over more than once on the way."""
    set_periods(house, QUICK)
    if not old.is_running():
        old.start()
    old.resume()

    def well():
        views = set(house.views().values())
        assert len(views) == 1, f"views differ: {views}"
        house.primary = house.server_at(views.pop())
        assert house.primary.is_primary()
        assert all(server.follows(house.primary) for server in house.replicas)
        return all(house.sees_all(one) for one in house.sentinels)

    harness.wait_until(well, 120, "all well again", every=0.05)
    set_periods(house, USUAL)


def strike(house, way):
    """What happens to the primary; and does it have to end at another server?"""
    old = house.primary

    def restart():
        old.kill()
        old.clear_data()
        old.spawn()

    def order(*words):
        house.sentinels[0].sentinel("FAILOVER", GROUP, *words)

    return {
        "kill": old.kill,
        "hang": old.pause,
        "order": order,
        "coordinated": lambda: order("COORDINATED"),
        "restart": restart,
    }[way]


def run_trial(house, way):
    """(write outage in ms, writes lost, number of switches announced by one sentinel within 3 s)."""
    old = house.primary
    writer = Writer(house.sentinels, GROUP)
    watcher = house.sentinels[0].watch("+switch-master")
    try:
        # Whoever restarts empty may stay the primary: then the data is lost, and nothing is elsewhere.
        outage = writer.outage(strike(house, way), elsewhere=way != "restart")
        writer.run(3)
        switches = len(watcher.all())
        settle(house, old)
        lost = writer.lost(house.primary)
    finally:
        writer.close()
        watcher.close()
        house.lab.watchers.remove(watcher)
    return outage, lost, switches


def describe(name, values, unit="ms"):
    return (
        f"{name:16} median {percentile(values, 50):7.1f}  p99 {percentile(values, 99):7.1f}  "
        f"max {max(values):7.1f}  min {min(values):7.1f} {unit}"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--down-after", type=int, default=1000, help="ms")
    parser.add_argument("--way", choices=WAYS, default="kill")
    parser.add_argument("--json", help="write the results there")
    parser.add_argument("--only", choices=[harness.VEDETTE, harness.REDIS_SENTINEL])
    args = parser.parse_args()
    programs = [args.only] if args.only else [harness.VEDETTE, harness.REDIS_SENTINEL]
    if args.way == "coordinated":
        programs = [harness.VEDETTE]
    wait = args.down_after if args.way in ("kill", "hang") else 0
    lab = harness.Lab()
    try:
        houses = {
            program: harness.make_house(
                lab, [program] * 3, name=GROUP, down_after=args.down_after, failover_timeout=2000
            )
            for program in programs
        }
        beyond = {program: [] for program in programs}
        twice = {program: 0 for program in programs}
        lost = {program: [] for program in programs}
        for house in houses.values():
            set_periods(house, USUAL)
        for trial in range(1, args.trials + 1):
            for program, house in houses.items():
                outage, missing, switches = run_trial(house, args.way)
                beyond[program].append(outage - wait)
                lost[program].append(missing)
                twice[program] += switches > 1
                print(
                    f"{trial:3} {program:16} {outage - wait:8.1f} ms, {missing} writes lost"
                    + (f"  ({switches} switches)" if switches != 1 else ""),
                    flush=True,
                )
        print(f"\n{WAYS[args.way]}, down-after {args.down_after} ms, {args.trials} trials by turns")
        print("write outage beyond down-after:" if wait else "until a write is acknowledged by the new primary:")
        for program in programs:
            print(f"{describe(program, beyond[program])}; writes lost {sum(lost[program])}")
            if twice[program]:
                print(f"{'':16} a healthy new primary failed over again in {twice[program]} trials")
        if len(programs) == 2:
            ours, theirs = (percentile(beyond[p], 50) for p in programs)
            print(f"ratio of medians {theirs / max(ours, 0.1):.1f}")
        if args.json:
            with open(args.json, "w", encoding="utf-8") as out:
                json.dump(
                    {
                        "way": args.way,
                        "down_after_ms": args.down_after,
                        "outage_ms": {p: [round(one, 1) for one in beyond[p]] for p in programs},
                        "beyond_ms": wait,
                        "lost": lost,
                    },
                    out,
                )
    finally:
        problems = lab.close()
        if sys.exc_info()[0]:
            print(lab.report(), file=sys.stderr)
        lab.remove()
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    begin = time.monotonic()
    status = main()
    print(f"{time.monotonic() - begin:.0f} s")
    sys.exit(status)
