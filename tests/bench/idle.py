# SPDX-License-Identifier: BSD-3-Clause
"""What a sentinel costs while nothing happens: memory, and CPU per second, beside redis-sentinel.

    VEDETTE=path /usr/bin/python3 tests/bench/idle.py --seconds 20

One group (primary, two replicas) watched by three processes of each kind, at their defaults.
"""

import argparse
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "live"))

import harness  # noqa: E402


def memory_kb(pid):
    """Resident and proportional set size."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as text:
        fields = dict(line.split()[:2] for line in text if line.split()[0] in ("Rss:", "Pss:"))
    return int(fields["Rss:"]), int(fields["Pss:"])


def cpu_ms(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as text:
        fields = text.read().rpartition(")")[2].split()
    return 1000 * (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20)
    args = parser.parse_args()
    lab = harness.Lab()
    try:
        for program in (harness.VEDETTE, harness.REDIS_SENTINEL):
            house = harness.make_house(lab, [program] * 3, down_after=30000)
            before = [cpu_ms(one.pid) for one in house.sentinels]
            time.sleep(args.seconds)
            used = [cpu_ms(one.pid) - was for one, was in zip(house.sentinels, before)]
            sizes = [memory_kb(one.pid) for one in house.sentinels]
            print(
                f"{program:16} RSS {max(s[0] for s in sizes):6} kB  PSS {max(s[1] for s in sizes):6} kB  "
                f"CPU {sum(used) / len(used) / args.seconds:.2f} ms/s",
                flush=True,
            )
            for process in [*house.sentinels, *house.servers]:
                process.kill()
    finally:
        lab.close()
        lab.remove()


if __name__ == "__main__":
    main()
