# SPDX-License-Identifier: BSD-3-Clause
"""The story that quickstart.sh tells: a Redis primary dies under load, three vedettes see to it.

Called by quickstart.sh, which builds the program and names it in VEDETTE. With --keep the servers
go on running at the end.
"""

import os
import re
import sys
import threading
import time

import redis
import redis.sentinel

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "tests", "live"))

import ctl  # noqa: E402
import harness  # noqa: E402

GROUP = "mymaster"
DOWN_AFTER = 1000  # ms
THREADS = 4
RATE = 1000  # writes a second, all threads together


class Load:
    """About RATE writes a second through redis-py's Sentinel client, each under a key of its own."""

    def __init__(self, sentinels):
        self.client = redis.sentinel.Sentinel(
            [one.address for one in sentinels], socket_timeout=0.5
        )
        self.stopping = threading.Event()
        self.acks = [[] for _ in range(THREADS)]  # (time, key) each
        self.errors = [[] for _ in range(THREADS)]  # times
        self.threads = [
            threading.Thread(target=self._write, args=(number,), daemon=True)
            for number in range(THREADS)
        ]

    def start(self):
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def _write(self, number):
        primary = self.client.master_for(GROUP, socket_timeout=0.5)
        due = time.monotonic()
        count = 0
        while not self.stopping.is_set():
            key = f"load:{number}:{count}"
            try:
                primary.set(key, count)
                self.acks[number].append((time.monotonic(), key))
                count += 1
            except redis.exceptions.RedisError:
                self.errors[number].append(time.monotonic())
                time.sleep(0.002)  # ask the sentinels again, but not as fast as the loop turns
            due = max(due + THREADS / RATE, time.monotonic() - 0.1)
            self.stopping.wait(max(0, due - time.monotonic()))

    def all_acks(self):
        return sorted(ack for acks in self.acks for ack in acks)

    def count(self):
        return sum(len(acks) for acks in self.acks)

    def outage_ms(self, hit_at):
        """The longest time without an acknowledged write, from just before the kill on."""
        times = [at for at, _ in self.all_acks() if at > hit_at - 0.1]
        return 1000 * max(later - sooner for sooner, later in zip(times, times[1:]))


def title(text):
    print(f"\n{text}\n{'-' * len(text)}", flush=True)


def name_of(house, address):
    return house.server_at(address).name


def show_topology(house):
    for one in house.live_sentinels():
        address = one.primary_of(GROUP)
        master = one.master(GROUP)
        replicas = ", ".join(
            sorted(name_of(house, (r["ip"], int(r["port"]))) for r in one.replicas(GROUP))
        )
        print(
            f"  {one.name} (port {one.port}) sees primary {name_of(house, address)} on port "
            f"{address[1]}, replicas {replicas},"
        )
        print(
            f"    {master['num-other-sentinels']} other vedettes, quorum {master['quorum']}, "
            f"configuration epoch {master['config-epoch']}"
        )


def place_of(sentinel):
    return f"{sentinel.host}:{sentinel.port}"


def find_record(house):
    """The line that the leading vedette logged about the failover, and who it was."""
    for one in house.sentinels:
        found = re.findall(rf"failover {GROUP} epoch \d+: .*", one.log())
        if found:
            return one, found[-1]
    return None


PHASES = {
    "silence": "no answer, until one vedette calls it down (+sdown)",
    "agreement": "until as many as the quorum say so (+odown)",
    "election": "until a majority has voted for a leader (+elected-leader)",
    "selection": "until the best replica is known (+selected-slave)",
    "promotion": "until that says that it is the primary (+switch-master)",
    "total": "from the first silence to the promotion",
    "replicas": "more, until the other replicas follow (+failover-end)",
}


def show_record(leader, line):
    """The phases in the record, one to a line."""
    print(f"  {leader.name} led it, and wrote in its log:")
    for name, text in PHASES.items():
        found = re.search(rf"\b{name} (\d+) ms", line)
        if found:
            print(f"    {name:10} {found.group(1):>5} ms   {text}")
    found = re.search(r"loss bound (-?\d+) bytes", line)
    if found:
        print(f"    bound of the loss: {found.group(1)} bytes of the replication stream")


def count_lost(load, primary):
    """How many acknowledged writes the primary does not have."""
    client = redis.Redis(*primary.address)
    keys = [key for _, key in load.all_acks()]
    present = 0
    for at in range(0, len(keys), 1000):
        present += client.exists(*keys[at : at + 1000])
    return len(keys) - present


def tell(lab):
    title("1. One Redis primary, two replicas, three vedettes, all on 127.0.0.1")
    begin = time.monotonic()
    house = harness.make_house(
        lab, [harness.VEDETTE] * 3, name=GROUP, down_after=DOWN_AFTER, failover_timeout=60000
    )
    for process in [*house.servers, *house.sentinels]:
        print(f"  {process.name:10} port {process.port}  pid {process.pid}")
    print(f"  Each vedette was told the primary only. {time.monotonic() - begin:.1f} s later:")
    show_topology(house)

    title(f"2. About {RATE} writes a second through a Sentinel-aware client (redis-py)")
    load = Load(house.sentinels)
    load.start()
    time.sleep(2)
    print(f"  {load.count()} writes acknowledged in 2 s")

    old = house.primary
    title(f"3. kill -9 of the primary, {old.name} (down-after {DOWN_AFTER} ms)")
    killed_at = time.monotonic()
    old.kill()
    new = house.wait_switch(30)
    agreed_ms = 1000 * (time.monotonic() - killed_at)
    house.wait_following(30)
    harness.wait_until(
        lambda: any(at > killed_at for at, _ in load.all_acks()), 30, "writes go on", every=0.02
    )
    time.sleep(2)
    load.stop()
    print(f"  all three vedettes name {new.name} (port {new.port}) after {agreed_ms:.0f} ms")
    leader, line = harness.wait_until(lambda: find_record(house), 30, "the leader's record")
    show_record(leader, line)

    title("4. What the client saw")
    outage = load.outage_ms(killed_at)
    lost = count_lost(load, new)
    refused = sum(len(errors) for errors in load.errors)
    print(f"  write outage        {outage:6.0f} ms, of it {DOWN_AFTER} ms to be sure (down-after)")
    print(f"  writes acknowledged {load.count():6}")
    print(f"  writes lost         {lost:6}    acknowledged by the dead primary, not replicated yet")
    print(f"  attempts failed     {refused:6}    while there was no primary")

    title(f"5. The old primary, {old.name}, comes back")
    old.start()
    back_at = time.monotonic()
    harness.wait_until(lambda: old.follows(new), 60, "the old primary follows the new one")
    print(f"  it follows {new.name} after {1000 * (time.monotonic() - back_at):.0f} ms")
    house.wait_ready(30)
    show_topology(house)

    title("6. What vedettectl tells of it")
    for command in ("status", "history"):
        print(f"  vedettectl {command}")
        for row in ctl.run("-s", place_of(house.sentinels[0]), command).stdout.splitlines():
            print(f"    {row}".rstrip())
    return house


def show_what_is_kept(lab, house):
    one = house.sentinels[0]
    title("Still running (--keep)")
    print(f"  redis-cli -p {one.port} sentinel master {GROUP}")
    print(f"  redis-cli -p {one.port} psubscribe '*'")
    print(f"  {ctl.path()} -s {place_of(one)} watch")
    print(f"  kill -9 {house.primary.pid}      # the primary; watch what happens")
    pids = " ".join(str(p.pid) for p in lab.processes if p.is_running())
    print(f"  logs and state: {lab.dir}")
    print(f"  end it all: kill {pids} && rm -r {lab.dir}")


def main():
    keep = "--keep" in sys.argv[1:]
    lab = harness.Lab(keep=keep)
    try:
        house = tell(lab)
    except (AssertionError, harness.StartError) as error:
        print(f"\nquickstart: {error}\n{lab.report(30)}", file=sys.stderr)
        lab.keep = False
        lab.close()
        return 1
    except KeyboardInterrupt:
        lab.keep = False
        lab.close()
        lab.remove()
        return 130
    if keep:
        show_what_is_kept(lab, house)
        return 0
    problems = lab.close()
    lab.remove()
    for problem in problems:
        print(f"quickstart: {problem}", file=sys.stderr)
    if not problems:
        print("\nAll processes ended; nothing is left running.")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
