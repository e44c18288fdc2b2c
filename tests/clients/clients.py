# SPDX-License-Identifier: BSD-3-Clause
"""Drives the clients' programs through failovers and tells what became of their writes.

    clients.py [--program redis-sentinel] [all | NAME...]

Each client has a house of its own, a primary, two replicas and three vedettes, once without
passwords and once with one for the servers and another for the sentinels. It writes all the time;
what counts as written is what the primary still has when the failover is over.
"""

import argparse
import concurrent.futures
import os
import shutil
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "live"))

import harness  # noqa: E402 (the path above leads there)

GROUP = "mymaster"
SECRET = "s3cret-of-the-servers"
SENTINEL_SECRET = "s3cret-of-the-sentinels"
STEADY = 20  # writes in a row that a client must have done before all is well
PATIENCE = 30  # seconds for any step
AT_ONCE = 4  # houses at a time
# The original fails a healthy new primary over again when this is below its ping period.
DOWN_AFTER = {harness.VEDETTE: 600, harness.REDIS_SENTINEL: 2000}

NODE, PYTHON = ["node"], ["/usr/bin/python3"]
WITHOUT_SENTINEL_PASSWORD = {"predis"}  # those that know of none
# name: command, is it in CI
CLIENTS = {
    "ioredis 5": ([*NODE, "ioredis.js", "ioredis-5"], True),
    "ioredis 6": ([*NODE, "ioredis.js", "ioredis-6"], False),
    "iovalkey": ([*NODE, "ioredis.js", "iovalkey"], False),
    "node-redis 5": ([*NODE, "node_redis.js", "redis-5"], True),
    "node-redis 6": ([*NODE, "node_redis.js", "redis-6"], False),
    "redis-py": ([*PYTHON, "redis_py.py"], True),
    "redis-py asyncio": ([*PYTHON, "redis_py_asyncio.py"], True),
    "phpredis": (["php", "phpredis.php"], False),
    "predis": (["php", "predis.php"], False),
    "redis-rb": (["/usr/bin/ruby", "redis_rb.rb"], False),
    "Perl Redis": (["/usr/bin/perl", "perl_redis.pl"], False),
    "redis-cli": (["sh", "redis_cli.sh"], False),
    "hiredis": ([os.environ.get("HIREDIS", "hiredis")], False),
}


class Client(harness.Process):
    """A client's program: what it says is read as it comes, and stamped."""

    def __init__(self, lab, house, command):
        super().__init__(lab, "client", command)
        self.said = threading.Condition()
        self.version = "?"
        self.acks = []  # (time, number)
        self.errors = []  # (time, text)
        self.streak = 0  # acknowledgements since the last error
        self.environment = {
            **lab.environment,
            "SENTINELS": ",".join(f"{one.host}:{one.port}" for one in house.sentinels),
            "GROUP": GROUP,
            "SENTINEL_PASSWORD": house.sentinels[0].password or "",
            "PASSWORD": house.primary.password or "",
        }

    def start(self):
        with open(self.log_path, "ab") as log:
            self.child = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *self.argv], stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=log, cwd=os.path.join(HERE, "programs"),
                env=self.environment, start_new_session=True,
            )
        threading.Thread(target=self._read, daemon=True).start()
        return self

    def _read(self):
        for line in self.child.stdout:
            now = time.monotonic()
            word, _, rest = line.decode(errors="replace").rstrip("\n").partition(" ")
            with self.said:
                if word == "ok":
                    self.acks.append((now, int(rest)))
                    self.streak += 1
                elif word == "version":
                    self.version = rest
                else:
                    self.errors.append((now, f"{word} {rest}"))
                    self.streak = 0

    def is_steady(self, server):
        """Are its latest writes where they belong, and no failures among them?"""
        self.expect_running()
        with self.said:
            if self.streak < STEADY:
                return False
            latest = [number for _, number in self.acks[-STEADY:]]
        return None not in server.ask("MGET", *[f"client:{number}" for number in latest])

    def wait_steady(self, server):
        """From now on: what it wrote before does not count."""
        with self.said:
            self.streak = 0
        harness.wait_until(lambda: self.is_steady(server), PATIENCE, f"writes arrive at {server.name}",
                           every=0.05)

    def judge(self, server, hit):
        """(longest time in ms without a write that lasted, writes acknowledged and lost) since the hit."""
        with self.said:
            acks = [ack for ack in self.acks if ack[0] >= hit - 0.5]
        there = server.ask("MGET", *[f"client:{number}" for _, number in acks])
        lasting = [at for (at, _), value in zip(acks, there) if value is not None]
        gaps = [after - before for before, after in zip(lasting, lasting[1:])]
        return 1000 * max(gaps), there.count(None)


def make_house(lab, program, secrets):
    """`secrets`: "no", "servers", "all"."""
    conf = {}
    if secrets != "no":
        conf["server_options"] = [f"requirepass {SECRET}", f"masterauth {SECRET}"]
        conf["extra"] = [f"sentinel auth-pass {GROUP} {SECRET}"]
    if secrets == "all":
        conf["lines"] = [f"requirepass {SENTINEL_SECRET}"]
    return harness.make_house(lab, [program] * 3, down_after=DOWN_AFTER[program], **conf)


def order_failover(house):
    house.live_sentinels()[-1].sentinel("FAILOVER", GROUP)


def pass_through(house, client, act):
    """Let act() strike; (outage in ms, writes lost) when the client is well again at the new primary."""
    hit = time.monotonic()
    act()
    new = house.wait_switch(PATIENCE)
    client.wait_steady(new)
    house.wait_following(PATIENCE)
    return client.judge(new, hit)


def run_story(house, client, row):
    client.wait_steady(house.primary)
    old = house.primary
    row["kill"] = pass_through(house, client, old.kill)

    old.start()
    harness.wait_until(lambda: old.follows(house.primary), PATIENCE, "the old primary follows")
    house.wait_ready(PATIENCE)
    client.wait_steady(house.primary)

    row["manual"] = pass_through(house, client, lambda: order_failover(house))
    house.wait_ready(PATIENCE)

    # The first of the list is the one that most clients stay with.
    house.sentinels[0].kill()
    client.wait_steady(house.primary)
    row["one lost"] = pass_through(house, client, lambda: order_failover(house))


def run_client(name, secrets, program):
    row = {"name": name, "secrets": secrets, "version": "-", "result": "passed"}
    command = CLIENTS[name][0]
    if shutil.which(command[0]) is None:
        return {**row, "result": f"skipped: no {command[0]}"}
    lab = harness.Lab()
    client = None
    try:
        house = make_house(lab, program, secrets)
        client = lab.add(Client(lab, house, command)).start()
        run_story(house, client, row)
    except Exception as error:  # any failure is this client's result, and the others go on
        row["result"] = f"FAILED: {error}"
        row["detail"] = lab.report(20) + "\nerrors: " + repr(client.errors[-10:] if client else None)
    if client:
        row["version"] = client.version
        client.kill()
    problems = lab.close()
    if problems:
        row["result"] = "FAILED: " + "; ".join(problems)
    lab.remove()
    return row


def print_table(rows):
    head = ("client", "version", "passwords", "kill ms", "manual ms", "one lost ms", "writes lost", "result")
    lines = [head]
    for row in rows:
        figures = [row.get(step) for step in ("kill", "manual", "one lost")]
        lost = "/".join(str(figure[1]) for figure in figures) if None not in figures else "-"
        times = [f"{figure[0]:.0f}" if figure else "-" for figure in figures]
        lines.append((row["name"], row["version"], row["secrets"], *times, lost, row["result"].splitlines()[0]))
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())


def main():
    parser = argparse.ArgumentParser(description="Standard clients through failovers.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"all, or of: {', '.join(CLIENTS)}")
    parser.add_argument("--program", choices=list(DOWN_AFTER), default=harness.VEDETTE,
                        help="the sentinel: to compare with")
    options = parser.parse_args()
    names = options.names
    if names == ["all"]:
        names = list(CLIENTS)
    elif not names:
        names = [name for name, (_, is_in_ci) in CLIENTS.items() if is_in_ci]
    for name in names:
        if name not in CLIENTS:
            parser.error(f"unknown client {name}: {', '.join(CLIENTS)}")

    try:
        harness.find_program(options.program)
    except FileNotFoundError as error:
        sys.exit(f"clients: {error}")

    began = time.monotonic()
    jobs = []
    for name in names:
        jobs.append((name, "no", options.program))
        jobs.append((name, "servers" if name in WITHOUT_SENTINEL_PASSWORD else "all", options.program))
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        rows = list(pool.map(lambda job: run_client(*job), jobs))
    for row in rows:
        if "detail" in row:
            print(f"===== {row['name']}, passwords: {row['secrets']}\n{row['result']}\n{row['detail']}\n")
    print_table(rows)
    passed = sum(row["result"] == "passed" for row in rows)
    skipped = sum(row["result"].startswith("skipped") for row in rows)
    print(f"{time.monotonic() - began:.0f} s; outages are of writes, and that of the kill includes "
          f"down-after, {DOWN_AFTER[options.program]} ms")
    print(f"{passed} passed, {len(rows) - passed - skipped} failed, {skipped} skipped")
    sys.exit(0 if passed and passed + skipped == len(rows) else 1)


if __name__ == "__main__":
    main()
