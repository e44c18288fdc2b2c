# SPDX-License-Identifier: BSD-3-Clause
"""Does a tenth of a CPU and 128 MB do? An hour of three vedettes so limited, and then the primary dies.

    VEDETTE=path /usr/bin/python3 tests/bench/lowcpu.py --minutes 60

The deployment that packaging/railway sets up: a primary and two replicas, down-after 3000 ms,
failover-timeout 10 s, quorum 2, each sentinel in a control group of its own (needs root); the primary gets
a thousand writes a second. Whatever a sentinel takes for down in that time is a false alarm. Then the
primary is killed: the time until a write is acknowledged elsewhere is from the kill, down-after included.
All programs do it at the same time, each with servers of its own. Kills are failover-timeout apart: in a
group that loses its third primary within that time vedette waits a second on purpose, and more later.
Exit status 1 when vedette gave a false alarm, or took five seconds.
"""

import argparse
import json
import os
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "live"))

import harness  # noqa: E402
import resp  # noqa: E402
from idle import cpu_ms, memory_kb  # noqa: E402
from limits import Limits  # noqa: E402
from writer import Writer  # noqa: E402

GROUP = "mymaster"
DOWN_AFTER, TIMEOUT = 3000, 10000  # ms
BOUND_S = 5.0
ALARMS = ("+sdown", "+odown", "+tilt", "+try-failover", "+switch-master")


class Load(threading.Thread):
    """Writes to one server, so many a second, ten at a time."""

    def __init__(self, server, rate):
        super().__init__(daemon=True)
        self.server, self.rate, self.count = server, rate, 0
        self.slowest_ms = 0.0
        self.ends = threading.Event()
        self.start()

    def run(self):
        connection = self.server.connect(timeout=30)
        begin = time.monotonic()
        while not self.ends.wait(max(0.0, begin + self.count / self.rate - time.monotonic())):
            try:
                self.write(connection)
            except (OSError, resp.Closed):  # demoted: a false alarm went all the way
                connection.close()
                connection = self.server.connect(timeout=30)
            self.count += 10
        connection.close()

    def write(self, connection):
        asked = time.monotonic()
        connection.send_bytes(
            b"".join(resp.encode("SET", f"load:{(self.count + n) % 1000}", self.count) for n in range(10))
        )
        for _ in range(10):
            connection.read()
        self.slowest_ms = max(self.slowest_ms, 1000 * (time.monotonic() - asked))

    def stop(self):
        self.ends.set()
        self.join()


class Tenant:
    """One program: three sentinels in their limits, and what they watch."""

    def __init__(self, lab, program, cpus, memory):
        self.program = program
        primary = lab.redis()
        servers = [primary, lab.redis(primary), lab.redis(primary)]
        for server in servers[1:]:
            harness.wait_until(lambda s=server: s.follows(primary), 20, f"{server.name} follows")
        lines = harness.group_lines(GROUP, primary, 2, DOWN_AFTER, TIMEOUT)
        sentinels, self.limits = [], []
        for _ in range(3):
            one = lab.sentinel(program, lines, start=False)
            limit = Limits(f"{os.path.basename(lab.dir)}-{one.name}", memory << 20, cpus)
            if limit.missing:
                sys.exit(f"lowcpu.py: no control group: {limit.missing}; it needs root and the controllers cpu and memory")
            self.limits.append(limit)
            one.enter = limit.join
            sentinels.append(one.start())
        self.house = harness.House(lab, GROUP, servers, sentinels)
        self.rested_at = 0.0  # when the last failover is failover-timeout ago

    def begin(self, rate):
        self.house.wait_ready(120)
        self.watchers = [one.watch(*ALARMS) for one in self.house.sentinels]
        self.load = Load(self.house.primary, rate)
        self.cpu = [cpu_ms(one.pid) for one in self.house.sentinels]
        self.throttled = [limit.throttled() for limit in self.limits]
        self.began = time.monotonic()

    def alarms(self):
        return [f"{watcher.name} {name} {text}" for watcher in self.watchers for _, name, text in watcher.all()]

    def end(self):
        """The quiet time is over: what came of it."""
        took = time.monotonic() - self.began
        self.load.stop()
        alarms = self.alarms()
        used = [cpu_ms(one.pid) - was for one, was in zip(self.house.sentinels, self.cpu)]
        now = [limit.throttled() for limit in self.limits]
        return {
            "minutes": round(took / 60, 1),
            "requests_per_s": round(self.load.count / took),
            "slowest_request_ms": round(self.load.slowest_ms, 1),
            "false_sdown": sum(" +sdown " in alarm for alarm in alarms),
            "alarms": alarms,
            "cpu_ms_per_s": round(max(used) / took, 2),
            "throttled_times": max(after[0] - before[0] for after, before in zip(now, self.throttled)),
            "throttled_s": round(max(after[1] - before[1] for after, before in zip(now, self.throttled)), 3),
            "rss_kb": max(memory_kb(one.pid)[0] for one in self.house.sentinels),
        }

    def fail_over(self):
        """Kill the primary: (ms until a write is acknowledged elsewhere, acknowledged writes lost)."""
        house, old = self.house, self.house.primary
        harness.wait_until(lambda: time.monotonic() >= self.rested_at, TIMEOUT / 1000 + 1)
        harness.wait_until(lambda: all(one.is_running() for one in house.sentinels), 1)
        writer = Writer(house.sentinels, GROUP)
        try:
            outage = writer.outage(old.kill, seconds=120)
            house.wait_switch(120)
            self.rested_at = time.monotonic() + TIMEOUT / 1000
            old.start()
            house.wait_following(120)
            lost = writer.lost(house.primary)
        finally:
            writer.close()
        house.wait_ready(120)
        return outage, lost

    def peak_kb(self):
        return max(limit.peak() or 0 for limit in self.limits) // 1024

    def tell(self, row):
        print(
            f"{self.program:16} {row['minutes']} minutes: false S_DOWN {row['false_sdown']}, CPU "
            f"{row['cpu_ms_per_s']} ms/s, throttled {row['throttled_times']} times, {row['throttled_s']} s; "
            f"failovers {' '.join(f'{one:.0f}' for one in row['failover_ms'])} ms, writes lost {row['lost']}, "
            f"memory peak {row['peak_kb']} kB",
            flush=True,
        )
        for alarm in row["alarms"][:20]:
            print(f"{'':16} {alarm}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--cpus", type=float, default=0.1)
    parser.add_argument("--memory", type=int, default=128, help="MB")
    parser.add_argument("--rate", type=int, default=1000, help="writes a second")
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--only", choices=[harness.VEDETTE, harness.REDIS_SENTINEL])
    parser.add_argument("--json", help="write the results there")
    args = parser.parse_args()
    lab = harness.Lab()
    tenants, results = [], {}
    try:
        for program in [args.only] if args.only else [harness.VEDETTE, harness.REDIS_SENTINEL]:
            tenants.append(Tenant(lab, program, args.cpus, args.memory))
        for tenant in tenants:
            tenant.begin(args.rate)
        time.sleep(60 * args.minutes)
        for tenant in tenants:
            results[tenant.program] = tenant.end()
        for tenant in tenants:
            row = results[tenant.program]
            kills = [tenant.fail_over() for _ in range(args.kills)]
            row["failover_ms"] = [round(outage) for outage, _ in kills]
            row["lost"] = sum(lost for _, lost in kills)
            row["peak_kb"] = tenant.peak_kb()
            tenant.tell(row)
    finally:
        if sys.exc_info()[0]:
            print(lab.report(20), file=sys.stderr)
        problems = lab.close()
        for tenant in tenants:
            for limit in tenant.limits:
                limit.close()
        lab.remove()
    if args.json:
        with open(args.json, "w", encoding="utf-8") as out:
            json.dump(results, out, indent=1)
    for problem in problems:
        print(problem, file=sys.stderr)
    ours = results.get(harness.VEDETTE)
    good = ours is None or (ours["false_sdown"] == 0 and max(ours["failover_ms"], default=0) < 1000 * BOUND_S)
    return 1 if problems or not good else 0


if __name__ == "__main__":
    sys.exit(main())
