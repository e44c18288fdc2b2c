# SPDX-License-Identifier: BSD-3-Clause
"""What does a question cost? vedette and redis-sentinel, by turns.

    VEDETTE=path /usr/bin/python3 tests/bench/queries.py

A sentinel of each program, alone with as many groups, is asked by redis-benchmark: 1 and 50 clients,
one question at a time and 16 in a pipeline. Told are questions a second and, as the client takes
most of the machine, the sentinel's own CPU for each. Then thousands of clients connect and say
nothing, and a switch is told to a thousand subscribers.

The groups of a sentinel are all one server, where each of its subscriptions would hear the hellos of all
of them: thousands a second, whose CPU would be in that of the questions. So hellos are as good as off, in
all programs alike.
"""

import argparse
import json
import resource
import socket
import struct
import subprocess
import sys
import time

import houses
from houses import harness
from idle import cpu_ms, memory_kb
import resp
from marathon import percentile

QUESTIONS = {
    "GET-MASTER-ADDR": ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", "g0"],
    "PING": ["PING"],
    "MASTERS of 100": ["SENTINEL", "MASTERS"],
}
SO_TIMESTAMPNS = 35  # asm-generic/socket.h; Python has no name for it
TIMESPEC = struct.Struct("@qq")
WAYS = [(1, 1), (1, 16), (50, 1), (50, 16)]  # clients, pipelined


def start(lab, name, groups):
    server = lab.redis()  # its own: they would find each other
    lines = []
    for number in range(groups):
        lines.append(f"sentinel monitor g{number} {server.host} {server.port} 1")
        lines.append(f"sentinel down-after-milliseconds g{number} 60000")
    one = lab.sentinel(name, lines)
    harness.wait_until(lambda: one.info("sentinel")["sentinel_masters"] == str(groups), 10)
    one.sentinel("DEBUG", "publish-period", 3600000)
    return one


def ask(one, words, clients, pipelined, count):
    """(questions per second, microseconds of the sentinel's CPU for each); at least `count` of them."""
    # redis-benchmark asks whole pipelines, and takes more answers than it wanted for clients that were lost.
    whole = clients * pipelined
    count = -(-count // whole) * whole
    before = cpu_ms(one.pid)
    done = subprocess.run(
        ["redis-benchmark", "-h", one.host, "-p", str(one.port), "-c", str(clients), "-P",
         str(pipelined), "-n", str(count), "--csv", *words],
        check=False, capture_output=True, text=True, timeout=300,
    )
    assert done.returncode == 0, f"redis-benchmark: {done.stderr}"
    rate = float(done.stdout.splitlines()[-1].split(",")[-7].strip('"'))
    return rate, 1000 * (cpu_ms(one.pid) - before) / count


def bench_questions(sentinels, rounds, seconds):
    rows = []
    for question, words in QUESTIONS.items():
        for clients, pipelined in WAYS:
            results = {name: [] for name in sentinels}
            for _ in range(rounds):
                for name, one in sentinels.items():
                    rate, _ = ask(one, words, clients, pipelined, 20 * max(10, clients))
                    count = max(20 * clients, int(min(400000, rate * seconds)))
                    results[name].append(ask(one, words, clients, pipelined, count))
            row = {"question": question, "clients": clients, "pipelined": pipelined}
            for name, pairs in results.items():
                row[name] = {
                    "per_second": round(percentile([rate for rate, _ in pairs], 50)),
                    "cpu_us": round(percentile([cost for _, cost in pairs], 50), 2),
                }
            rows.append(row)
            tell_row(row)
    return rows


def tell_row(row):
    ours = row[harness.VEDETTE]["cpu_us"]
    cells = [
        f"{name} {row[name]['per_second']} /s {row[name]['cpu_us']:.2f} us CPU (x {row[name]['cpu_us'] / max(ours, 0.01):.2f})"
        for name in houses.PROGRAMS if name in row
    ]
    print(f"{row['question']:16} {row['clients']:3} clients x {row['pipelined']:2}: {'   '.join(cells)}", flush=True)


def bench_idle_clients(sentinels, count):
    """What clients cost that are there and say nothing: kB each, and CPU a second for all of them."""
    rows = {}
    for name, one in sentinels.items():
        before = memory_kb(one.pid)[1]
        sockets = [socket.create_connection(one.address, 10) for _ in range(count)]
        harness.wait_until(lambda one=one: int(one.info("clients")["connected_clients"]) >= count, 30)
        cpu, begin = cpu_ms(one.pid), time.monotonic()
        time.sleep(5)
        cpu = (cpu_ms(one.pid) - cpu) / (time.monotonic() - begin)
        rows[name] = {
            "clients": count,
            "kb_each": round((memory_kb(one.pid)[1] - before) / count, 2),
            "cpu_ms_per_s": round(cpu, 2),
        }
        for each in sockets:
            each.close()
        print(f"{name:16} {count} idle clients: {rows[name]['kb_each']} kB each, "
              f"CPU {rows[name]['cpu_ms_per_s']} ms/s", flush=True)
    return rows


def subscribe(address):
    """A subscriber whose kernel notes when bytes come: how soon the reader gets to them does not matter."""
    sock = socket.create_connection(address, 10)
    sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    sock.sendall(resp.encode("SUBSCRIBE", "+switch-master"))
    sock.recv(4096)
    sock.settimeout(30)
    return sock


def heard_at(sock):
    """When +switch-master arrived, by the wall clock. A connection that is lost, or says nothing, raises."""
    text = b""
    while b"+switch-master" not in text:
        bytes_, marks, _, _ = sock.recvmsg(4096, socket.CMSG_SPACE(TIMESPEC.size))
        assert bytes_, "a subscriber was disconnected"
        text += bytes_
    (mark,) = [data for level, kind, data in marks if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS)]
    seconds, nanoseconds = TIMESPEC.unpack(mark)
    return seconds + nanoseconds / 1e9


def bench_subscribers(lab, name, count, trials):
    """When the first and the last of the subscribers hear of a switch, in ms from the order, and CPU of it."""
    house = harness.make_house(lab, [name], quorum=1, down_after=1000, failover_timeout=2000)
    one = house.sentinels[0]
    firsts, lasts, costs = [], [], []
    for _ in range(trials):
        sockets = [subscribe(one.address) for _ in range(count)]
        cpu = cpu_ms(one.pid)
        begin = time.time()
        one.sentinel("FAILOVER", house.name)
        heard = [heard_at(sock) for sock in sockets]
        firsts.append(1000 * (min(heard) - begin))
        lasts.append(1000 * (max(heard) - begin))
        costs.append(cpu_ms(one.pid) - cpu)
        for sock in sockets:
            sock.close()
        house.wait_switch()
        house.wait_following(60)
        harness.wait_until(lambda: one.sentinel("CKQUORUM", house.name), 30)
        harness.wait_until(lambda: house.sees_all(one), 60)
    row = {
        "subscribers": count,
        "first_ms": round(percentile(firsts, 50), 2),
        "last_ms": round(percentile(lasts, 50), 2),
        "spread_ms": round(percentile([last - first for first, last in zip(firsts, lasts)], 50), 2),
        "cpu_ms": round(percentile(costs, 50), 1),
    }
    print(f"{name:16} +switch-master to {count}: first after {row['first_ms']} ms, last {row['last_ms']} ms, "
          f"{row['spread_ms']} ms between", flush=True)
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--groups", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each measurement, about")
    parser.add_argument("--idle-clients", type=int, default=10000)
    parser.add_argument("--subscribers", type=int, default=1000)
    parser.add_argument("--trials", type=int, default=5, help="switches")
    parser.add_argument("--json", help="write the results there")
    args = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    programs = houses.installed()
    lab = harness.Lab()
    try:
        sentinels = {name: start(lab, name, args.groups) for name in programs}
        result = {
            "questions": bench_questions(sentinels, args.rounds, args.seconds),
            # Others than were asked: what those have kept of the questions would hide what clients take.
            "idle clients": bench_idle_clients(
                {name: start(lab, name, args.groups) for name in programs}, args.idle_clients
            ),
            "subscribers": {
                name: bench_subscribers(lab, name, args.subscribers, args.trials) for name in programs
            },
        }
    finally:
        if sys.exc_info()[0]:
            print(lab.report(20), file=sys.stderr)
        lab.close()
        lab.remove()
    if args.json:
        with open(args.json, "w", encoding="utf-8") as out:
            json.dump(result, out, indent=1)


if __name__ == "__main__":
    main()
