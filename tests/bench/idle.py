# SPDX-License-Identifier: BSD-3-Clause
"""The footprint of a sentinel while nothing happens: memory, and CPU per second, beside its peers.

    VEDETTE=path /usr/bin/python3 tests/bench/idle.py --seconds 20

One group (primary, two replicas) watched by three processes of each kind, at their defaults.
"""

import argparse
import json
import os
import time

import houses
from houses import harness


def memory_kb(pid):
    """Resident and proportional set size."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as text:
        fields = dict(line.split()[:2] for line in text if line.split()[0] in ("Rss:", "Pss:"))
    return int(fields["Rss:"]), int(fields["Pss:"])


def cpu_ms(pid):
    """Of all its threads that live; the clock ticks of /proc/PID/stat are too coarse for a short measurement."""
    used = 0
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/schedstat", encoding="ascii") as text:
                used += int(text.read().split()[0])
        return used / 1e6
    except OSError:  # a kernel without it
        with open(f"/proc/{pid}/stat", encoding="ascii") as text:
            fields = text.read().rpartition(")")[2].split()
        return 1000 * (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--json", help="write the results there")
    args = parser.parse_args()
    lab = harness.Lab()
    results = {}
    try:
        for program in houses.installed():
            house = harness.make_house(lab, [program] * 3, down_after=30000)
            before = [cpu_ms(one.pid) for one in house.sentinels]
            time.sleep(args.seconds)
            used = [cpu_ms(one.pid) - was for one, was in zip(house.sentinels, before)]
            sizes = [memory_kb(one.pid) for one in house.sentinels]
            row = results[program] = {
                "rss_kb": max(s[0] for s in sizes),
                "pss_kb": max(s[1] for s in sizes),
                "cpu_ms_per_s": round(sum(used) / len(used) / args.seconds, 2),
            }
            print(
                f"{program:16} RSS {row['rss_kb']:6} kB  PSS {row['pss_kb']:6} kB  "
                f"CPU {row['cpu_ms_per_s']:.2f} ms/s",
                flush=True,
            )
            for process in [*house.sentinels, *house.servers]:
                process.kill()
    finally:
        lab.close()
        lab.remove()
    if args.json:
        with open(args.json, "w", encoding="utf-8") as out:
            json.dump(results, out, indent=1)


if __name__ == "__main__":
    main()
