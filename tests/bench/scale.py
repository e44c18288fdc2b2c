# SPDX-License-Identifier: BSD-3-Clause
"""What do many groups cost, and what if a fifth of their primaries dies at once?

    VEDETTE=path /usr/bin/python3 tests/bench/scale.py --groups 100 1000 --json scale.json

Three processes of each program watch that many groups of three servers, which tests/bench/fleet plays
(FLEET: its path; else beside vedette). For each number of groups and each program, one after another:
the time until all know all, and the longest wait for an answer meanwhile; then, while nothing happens,
CPU, memory, descriptors, requests, and how late the last of a hundred PINGs and hellos is; then
primaries die, and what is counted is the time until all three processes announced a successor for each.
"""

import argparse
import json
import os
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "live"))

import harness  # noqa: E402
import netns  # noqa: E402
import resp  # noqa: E402
from idle import cpu_ms, memory_kb  # noqa: E402
from marathon import percentile  # noqa: E402

# 9 connections and 3 listening sockets each, 18 of who opens two a server: below 20,000 descriptors.
GROUPS_PER_FLEET = 500
PACE = 0.1  # seconds between two looks


def address(group, node=0):
    number = 4 * group + node
    return f"127.{64 + (number >> 16)}.{number >> 8 & 255}.{number & 255}"


class Fleet:
    """The servers of all groups, in as many processes as descriptors ask for."""

    def __init__(self, lab, count):
        self.port = lab.free_port()
        path = os.path.join(lab.dir, "info")
        sample = lab.redis()
        with open(path, "w", encoding="ascii", newline="") as out:
            out.write(sample.ask("INFO"))
        sample.kill()
        self.parts = []
        for first in range(0, count, GROUPS_PER_FLEET):
            part = lab.process(
                [program(), str(self.port), str(first), str(min(GROUPS_PER_FLEET, count - first)), path],
                f"fleet-{count}-{first}-{self.port}",
            )
            part.spawn_talking()
            self.parts.append(part)
        for part in self.parts:
            assert part.line() == "ready"

    def order(self, text):
        for part in self.parts:
            part.say(text)
        return [part.line() for part in self.parts]

    def stats(self):
        return [json.loads(line) for line in self.order("stats")]

    def end(self):
        for part in self.parts:
            part.kill()


class Prober(threading.Thread):
    """Asks for one address every few milliseconds: how long does a client wait?"""

    def __init__(self, sentinel, group, every=0.005):
        super().__init__(daemon=True)
        self.sentinel, self.group, self.every = sentinel, group, every
        self.waits = []
        self.ends = threading.Event()
        self.start()

    def run(self):
        connection = self.sentinel.connect(timeout=120)
        while not self.ends.is_set():
            begin = time.monotonic()
            connection.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self.group)
            self.waits.append(1000 * (time.monotonic() - begin))
            self.ends.wait(self.every)
        connection.close()

    def stop(self):
        self.ends.set()
        self.join()
        return {
            "p50": round(percentile(self.waits, 50), 2),
            "p99": round(percentile(self.waits, 99), 2),
            "max": round(max(self.waits), 2),
        }


def program():
    path = os.environ.get("FLEET") or os.path.join(
        os.path.dirname(harness.find_program(harness.VEDETTE)), "tests", "bench", "fleet"
    )
    if not os.access(path, os.X_OK):
        sys.exit(f"{path}: not there: make tests/bench/fleet, or set FLEET")
    return path


def summary(sentinel):
    """Of each group: (status, address, replicas, sentinels)."""
    info = sentinel.info("sentinel")
    rows = {}
    for key, value in info.items():
        if key.startswith("master") and key[6:].isdigit():
            fields = dict(part.split("=", 1) for part in value.split(","))
            rows[fields["name"]] = fields
    return rows


def wait_discovered(sentinels, count, begin, limit):
    """Seconds since their start until all know all; None: not within the limit."""
    left = list(sentinels)
    while left and time.monotonic() - begin < limit:
        one = left[0]
        try:
            rows = summary(one)
            if len(rows) == count and all(
                row["status"] == "ok" and row["slaves"] == "2" and row["sentinels"] == "3"
                for row in rows.values()
            ):
                left.pop(0)
                continue
        except (OSError, resp.Closed, AssertionError):
            pass
        time.sleep(PACE)
    return None if left else time.monotonic() - begin


def wait_level(sentinels, limit):
    """Until their CPU time of one second is that of the second before, within a tenth; at most `limit` seconds."""
    end = time.monotonic() + limit
    last = None
    while time.monotonic() < end:
        before = sum(cpu_ms(one.pid) for one in sentinels)
        time.sleep(1)
        used = sum(cpu_ms(one.pid) for one in sentinels) - before
        if last is not None and abs(used - last) <= max(10 * len(sentinels), last / 10):
            return
        last = used


def watch_idle(fleet, sentinels, count, seconds):
    fleet.order("reset")
    before = [cpu_ms(one.pid) for one in sentinels]
    begin = time.monotonic()
    time.sleep(seconds)
    took = time.monotonic() - begin
    cpu = [(cpu_ms(one.pid) - was) / took for one, was in zip(sentinels, before)]
    stats = fleet.stats()
    sizes = [memory_kb(one.pid) for one in sentinels]
    messages = sum(s["pings"] + s["infos"] + s["publishes"] + s["others"] + s["delivered"] for s in stats)
    return {
        "cpu_ms_per_s": round(sum(cpu) / len(cpu), 2),
        "cpu_us_per_s_and_group": round(1000 * sum(cpu) / len(cpu) / count, 1),
        "rss_kb": max(size[0] for size in sizes),
        "pss_kb": max(size[1] for size in sizes),
        "descriptors": max(one.open_descriptors() for one in sentinels),
        "messages_per_s_and_group": round(messages / took / count / len(sentinels), 2),
        "ping_late_p99_ms": max(s["ping_late_ms"]["p99"] for s in stats),
        "ping_late_max_ms": max(s["ping_late_ms"]["max"] for s in stats),
        "hello_late_p99_ms": max(s["hello_late_ms"]["p99"] for s in stats),
    }


def kill_many(fleet, sentinels, count, down_after, limit):
    """`count` primaries at once; seconds are from their death."""
    watchers = [one.watch("+switch-master") for one in sentinels]
    prober = Prober(sentinels[0], "g0")
    cpu = [cpu_ms(one.pid) for one in sentinels]
    fleet.order(f"kill 0 {count}")
    begin = time.monotonic()
    end = begin + down_after / 1000 + limit

    def announced(watcher):
        return {event[2].split()[0]: event[0] - begin for event in watcher.all("+switch-master")}

    while time.monotonic() < end:
        seen = [announced(watcher) for watcher in watchers]
        if all(len(one) >= count for one in seen):
            break
        time.sleep(PACE)
    took = time.monotonic() - begin
    cpu = [cpu_ms(one.pid) - was for one, was in zip(sentinels, cpu)]
    seen = [announced(watcher) for watcher in watchers]
    waits = prober.stop()
    for one, watcher in zip(sentinels, watchers):
        watcher.close()
        one.lab.watchers.remove(watcher)
    names = [f"g{n}" for n in range(count)]
    views = [summary(one) for one in sentinels]
    agreed = [
        name
        for name in names
        if len({view[name]["address"] for view in views}) == 1 and all(name in one for one in seen)
    ]
    times = sorted(max(one[name] for one in seen) for name in agreed)
    return {
        "killed": count,
        "agreed": len(agreed),
        "first_s": round(times[0], 2) if times else None,
        "median_s": round(percentile(times, 50), 2) if times else None,
        "last_s": round(times[-1], 2) if len(agreed) == count else None,
        "waited_s": round(took, 1),
        "cpu_ms": round(max(cpu)),
        "query_ms": waits,
    }


def wait_answers(sentinels, name, limit):
    """None, or for how many seconds one of them has not answered a PING. A vedette that does not is a failure."""
    begin = time.monotonic()
    for one in sentinels:
        try:
            one.wait_answer(limit)
        except AssertionError:
            if name == harness.VEDETTE:
                raise
            return round(time.monotonic() - begin)
    return None


def measure(name, count, args):
    lab = harness.Lab()
    try:
        fleet = Fleet(lab, count)
        lines = []
        for group in range(count):
            lines.append(f"sentinel monitor g{group} {address(group)} {fleet.port} 2")
            lines.append(f"sentinel down-after-milliseconds g{group} {args.down_after}")
            lines.append(f"sentinel failover-timeout g{group} 60000")
        sentinels = [lab.sentinel(name, lines, start=False) for _ in range(3)]
        begin = time.monotonic()
        for one in sentinels:
            one.spawn()
        silent_s = wait_answers(sentinels, name, args.limit)
        if silent_s is not None:
            return {"program": name, "groups": count, "silent_s": silent_s}
        prober = Prober(sentinels[0], "g0")
        discovered = wait_discovered(sentinels, count, begin, args.limit)
        row = {
            "program": name,
            "groups": count,
            "discovered_s": None if discovered is None else round(discovered, 2),
            "query_while_discovering_ms": prober.stop(),
        }
        wait_level(sentinels, args.settle)
        row |= watch_idle(fleet, sentinels, count, args.seconds)
        if args.dead_share > 0:
            row["mass"] = kill_many(
                fleet, sentinels, max(1, int(count * args.dead_share)), args.down_after, args.limit
            )
        fleet.end()
        return row
    finally:
        if sys.exc_info()[0]:
            print(lab.report(8), file=sys.stderr)
        lab.close()
        lab.remove()


def tell(row):
    if "silent_s" in row:
        print(f"{row['program']:16} {row['groups']:6} groups: no answer to PING in the first {row['silent_s']} s", flush=True)
        return
    mass = row.get("mass")
    print(
        f"{row['program']:16} {row['groups']:6} groups: all known after {row['discovered_s']} s "
        f"(longest wait {row['query_while_discovering_ms']['max']} ms); idle: "
        f"{row['cpu_us_per_s_and_group']} us/s and group, PSS {row['pss_kb']} kB, "
        f"{row['descriptors']} descriptors, {row['messages_per_s_and_group']} messages/s and group, "
        f"PING late p99 {row['ping_late_p99_ms']} ms, max {row['ping_late_max_ms']} ms, "
        f"hello late p99 {row['hello_late_p99_ms']} ms",
        flush=True,
    )
    if mass:
        print(
            f"{'':16} {mass['killed']:6} killed: {mass['agreed']} agreed; first {mass['first_s']} s, "
            f"median {mass['median_s']} s, last {mass['last_s']} s; CPU {mass['cpu_ms']} ms; "
            f"queries p99 {mass['query_ms']['p99']} ms, max {mass['query_ms']['max']} ms",
            flush=True,
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--groups", type=int, nargs="+", default=[100])
    parser.add_argument("--programs", nargs="+", default=[harness.VEDETTE, harness.REDIS_SENTINEL])
    parser.add_argument("--down-after", type=int, default=5000, help="ms")
    parser.add_argument("--seconds", type=float, default=20, help="how long the idle time is measured")
    parser.add_argument("--settle", type=float, default=5, help="seconds at most between discovery and that, until CPU time is level")
    parser.add_argument("--dead-share", type=float, default=0.2, help="of the primaries, killed at once")
    parser.add_argument("--limit", type=float, default=120, help="seconds to wait for what should happen")
    parser.add_argument("--json", help="write the rows there")
    args = parser.parse_args()
    # What this machine's firewall takes of each packet is nobody's here.
    netns.enter(needed=False)
    rows = []
    for count in args.groups:
        for name in args.programs:
            rows.append(measure(name, count, args))
            tell(rows[-1])
            # Each as it comes: what fails takes no other's row along.
            if args.json:
                with open(args.json, "w", encoding="utf-8") as out:
                    json.dump(rows, out, indent=1)


if __name__ == "__main__":
    main()
