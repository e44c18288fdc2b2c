# SPDX-License-Identifier: BSD-3-Clause
"""HTTP of a running vedette: what balancers, scrapers and browsers get, and what strangers do not."""

import base64
import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request

import pytest

from harness import LOOPBACK, REDIS_SENTINEL, VEDETTE, StartError, make_house, wait_until

TOKEN = "a token of the test"

pytestmark = pytest.mark.vedette


class Door:
    """The HTTP port of a vedette."""

    def __init__(self, port, token=None):
        self.port = port
        self.token = token

    def ask(self, path, method="GET", headers=None, data=None):
        """(status, headers, body)"""
        request = urllib.request.Request(f"http://{LOOPBACK}:{self.port}{path}", method=method, data=data)
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        if self.token:
            request.add_header("Authorization", f"Bearer {self.token}")
        try:
            with urllib.request.urlopen(request, timeout=5) as reply:
                return reply.status, reply.headers, reply.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()

    def status(self, path, **more):
        return self.ask(path, **more)[0]

    def json(self, path):
        status, _, body = self.ask(path)
        assert status == 200, body
        return json.loads(body)

    def raw(self, data, seconds=5):
        """What comes back for these bytes, up to the end of the headers or of the connection."""
        with socket.create_connection((LOOPBACK, self.port), timeout=seconds) as link:
            link.sendall(data)
            got = b""
            while b"\r\n\r\n" not in got:
                more = link.recv(65536)
                if not more:
                    break
                got += more
            return got


def listen(port, token=""):
    """The stream of events, begun; to be closed by who asked for it."""
    with socket.create_connection((LOOPBACK, port), timeout=10) as link:
        link.sendall(f"GET /events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
        stream = link.makefile("rb")
    wait_until(lambda: b"retry" in stream.readline(), 10, "the stream begins")
    return stream


def open_house(lab, options=()):
    """A house whose vedettes have an HTTP port each; the doors beside them."""
    ports = [lab.free_port() for _ in range(3)]
    house = make_house(
        lab, [VEDETTE] * 3, name="m", each=lambda place: (f"http-port {ports[place]}", *options)
    )
    return house, [Door(port) for port in ports]


def metrics_of(door):
    """Samples by name with labels."""
    status, _, body = door.ask("/metrics")
    assert status == 200
    lines = [line for line in body.decode().splitlines() if line and not line.startswith("#")]
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


def name(server):
    return f"{server.host}:{server.port}"


def test_health_through_a_failover(lab):
    house, doors = open_house(lab)
    door = doors[0]
    primary, replica = house.servers[0], house.servers[1]

    assert door.status("/healthz") == 200
    wait_until(lambda: door.status("/readyz") == 200, 20, "ready")
    assert door.status(f"/primary?node={name(primary)}") == 200
    assert door.status(f"/primary?node={name(replica)}") == 503
    wait_until(lambda: door.status(f"/replica?node={name(replica)}&max_lag_ms=500") == 200, 10, "lag")
    primary.kill()
    wait_until(lambda: door.status(f"/primary?node={name(primary)}") == 503, 10, "down")
    wait_until(lambda: door.status("/primary") == 200, 10, "a new primary")
    events = door.json("/api/v1/events?limit=1000")["events"]
    assert "+switch-master" in [event["event"] for event in events]
    check_history(house, doors, primary)


def check_history(house, doors, primary):
    """One failover, of which the leader tells the others; all know its phases, and still after a restart."""

    def all_know():
        pages = [door.json("/api/v1/failovers")["failovers"] for door in doors]
        assert [len(page) for page in pages] == [1, 1, 1]
        assert sorted(page[0]["source"] for page in pages) == ["led", "told", "told"]
        assert all(page[0]["id"] for page in pages), "kept"
        return [page[0] for page in pages]

    known = wait_until(all_know, 10, "history")
    led = next(one for one in known if one["source"] == "led")
    assert led["from"] == name(primary) and led["result"] == "done" and led["id"] == 1
    assert led["leader"] in [sentinel.id() for sentinel in house.sentinels]
    for one in known:
        for field in ("group", "epoch", "reason", "result", "from", "to", "leader", "total_ms", "phases_ms", "loss_bytes"):
            assert one[field] == led[field], field
        assert abs(one["at_ms"] - led["at_ms"]) < 1000
    assert led["phases_ms"]["promotion"] is not None and led["total_ms"] is not None
    place = next(place for place, one in enumerate(known) if one["source"] == "told")
    house.sentinels[place].stop()
    house.sentinels[place].start()
    [again] = wait_until(lambda: doors[place].json("/api/v1/failovers")["failovers"], 10, "it is there again")
    assert again == known[place]


def test_a_failover_of_which_nobody_tells(lab):
    """Its leader is no vedette: there is what was seen from here."""
    port = lab.free_port()
    house = make_house(
        lab, [REDIS_SENTINEL, REDIS_SENTINEL, VEDETTE], name="m", down_after=2000,
        each=lambda place: (f"http-port {port}",) if place == 2 else (),
    )
    house.sentinels[2].sentinel("SET", "m", "quorum", 4)
    old = house.primary
    old.kill()
    new = house.wait_switch(30)
    [seen] = wait_until(lambda: Door(port).json("/api/v1/failovers")["failovers"], 20, "history")
    assert (seen["source"], seen["result"], seen["group"]) == ("seen", "switched", "m")
    assert (seen["from"], seen["to"]) == (name(old), name(new))
    assert 0 <= seen["total_ms"] < 30000 and seen["phases_ms"]["promotion"] is None
    told = subprocess.run(
        [house.sentinels[2].argv[0], "--history", *house.sentinels[2].argv[1:]], capture_output=True, text=True, check=True
    ).stdout
    assert "seen from here" in told


def test_no_majority_is_503(lab):
    house, doors = open_house(lab)
    wait_until(lambda: doors[0].status("/readyz") == 200, 20, "ready")
    for sentinel in house.sentinels[1:]:
        sentinel.kill()
    wait_until(lambda: doors[0].status("/primary") == 503, 10, "no majority")
    assert doors[0].status("/readyz") == 503
    assert doors[0].status("/healthz") == 200


def test_lag_of_a_stopped_replica_grows(lab):
    house, doors = open_house(lab, options=("sentinel down-after-milliseconds m 60000",))
    replica = house.servers[1]
    label = f'vedette_node_replication_lag_seconds{{group="m",node="{name(replica)}"}}'

    wait_until(lambda: metrics_of(doors[0]).get(label, 9) < 0.5, 15, "a small lag")
    # The primary holds the stream back from this replica alone: its output is blocked.
    replica.pause()
    wait_until(lambda: metrics_of(doors[0])[label] > 2, 15, "a lag of over two seconds")
    replica.resume()
    wait_until(lambda: metrics_of(doors[0])[label] < 0.5, 15, "it has caught up")


def test_figures_of_servers(lab):
    house, doors = open_house(lab)
    primary = house.servers[0]
    label = f'{{group="m",node="{name(primary)}"}}'

    wait_until(lambda: f"vedette_node_memory_used_bytes{label}" in metrics_of(doors[0]), 10, "INFO")
    metrics = metrics_of(doors[0])
    assert metrics[f"vedette_node_primary{label}"] == 1
    assert metrics[f"vedette_node_memory_used_bytes{label}"] > 500000
    assert metrics[f"vedette_node_cpu_seconds_total{label}"] >= 0
    assert metrics["process_open_fds"] > 5
    assert metrics['vedette_group_quorum{group="m"}'] == 2
    wait_until(
        lambda: len([k for k in metrics_of(doors[0]) if k.startswith("vedette_peer_round_trip")]) == 2,
        10, "round trips",
    )


def test_events_as_they_happen(lab):
    house, doors = open_house(lab)
    with listen(doors[0].port) as stream:
        house.sentinels[0].ask("SENTINEL", "SET", "m", "quorum", "1")
        while True:
            line = stream.readline()
            assert line, "the stream has ended"
            if line.startswith(b"data: "):
                event = json.loads(line[len(b"data: "):])
                if event["event"] == "+set":
                    break
    assert event["group"] == "m" and "quorum 1" in event["text"]


def test_streams_are_bounded_and_end_with_the_process(lab):
    house, doors = open_house(lab)
    links = []
    for _ in range(17):
        link = socket.create_connection((LOOPBACK, doors[0].port), timeout=5)
        link.sendall(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
        links.append(link)
    answers = [link.recv(15) for link in links]
    assert sorted(set(answers)) == [b"HTTP/1.1 200 OK", b"HTTP/1.1 503 Se"]
    assert answers.count(b"HTTP/1.1 503 Se") == 1
    house.sentinels[0].stop()
    for link in links:
        link.close()


@pytest.mark.parametrize("scheme", ["Bearer", "Basic"])
def test_token(lab, scheme):
    _, doors = open_house(lab, options=(f'http-token "{TOKEN}"',))
    door = doors[0]
    good = TOKEN if scheme == "Bearer" else base64.b64encode(f"me:{TOKEN}".encode()).decode()
    bad = TOKEN[:-1] if scheme == "Bearer" else base64.b64encode(TOKEN.encode()).decode()

    assert door.status("/healthz") == 200, "platforms cannot say the token"
    wait_until(lambda: door.status("/primary") == 200, 10, "a primary")
    assert set(json.loads(door.ask("/primary")[2])) == {"group", "node"}, "little for everybody"
    for path in ("/", "/metrics", "/events", "/api/v1/groups", "/nothing"):
        assert door.status(path) == 401, path
        assert door.status(path, headers={"Authorization": f"{scheme} {bad}"}) == 401, path
    assert door.status("/metrics", headers={"Authorization": f"{scheme} {good}"}) == 200
    assert door.status("/nothing", headers={"Authorization": f"{scheme} {good}"}) == 404


def test_token_is_read_anew(lab):
    house, doors = open_house(lab, options=('http-token "first"',))
    sentinel = house.sentinels[0]
    door = Door(doors[0].port, "second")
    assert door.status("/metrics") == 401
    listener = listen(doors[0].port, "first")
    with open(sentinel.config, encoding="utf-8") as file:
        text = file.read().replace('http-token "first"', 'http-token "second"')
    with open(sentinel.config, "w", encoding="utf-8") as file:
        file.write(text)
    sentinel.signal(1)
    wait_until(lambda: door.status("/metrics") == 200, 5, "the second token")
    with listener:
        wait_until(lambda: listener.readline() == b"0\r\n", 5, "a listener by the first hears the last chunk")
    with listen(doors[0].port, "second") as listener:
        sentinel.signal(1)
        wait_until(lambda: sentinel.log().count("SIGHUP: the configuration was read anew") == 2, 5, "and again")
        sentinel.ask("SENTINEL", "SET", "m", "quorum", "1")
        wait_until(lambda: b"quorum 1" in listener.readline(), 10, "with the same token it goes on")


def test_bad_requests(lab):
    house, doors = open_house(lab)
    door = doors[0]
    assert door.status("/nothing") == 404
    assert json.loads(door.ask("/nothing")[2])["error"]
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
        status, headers, body = door.ask("/metrics", method=method)
        assert status == 405 and "GET" in headers["Allow"] and json.loads(body)["error"], method
    assert door.status("/metrics", method="HEAD") == 200
    assert door.status("/events", method="HEAD") == 200
    assert door.raw(b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello").startswith(
        b"HTTP/1.1 413"
    )
    assert door.raw(b"GET /" + b"x" * 15000 + b" HTTP/1.1\r\nHost: x\r\n\r\n").startswith(b"HTTP/1.1 4")
    big = b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: %s\r\n" % (i, b"y" * 1000) for i in range(64)) + b"\r\n"
    assert door.raw(big).startswith(b"HTTP/1.1 431")
    for garbage in (b"\x00\xff\xfe", b"*1\r\n$4\r\nPING\r\n", b"GET\r\n\r\n", b"\r\n" * 50):
        with socket.create_connection((LOOPBACK, door.port), timeout=5) as link:
            link.sendall(garbage)
    assert door.status("/healthz") == 200
    assert house.sentinels[0].ask("PING") == "PONG"


def test_a_slow_asker_slows_nobody(lab):
    house, doors = open_house(lab)
    slow = []
    for _ in range(20):
        link = socket.create_connection((LOOPBACK, doors[0].port), timeout=30)
        link.sendall(b"GET /metr")
        slow.append(link)
    begun = time.monotonic()
    assert doors[0].status("/healthz") == 200
    assert house.sentinels[0].ask("PING") == "PONG"
    assert time.monotonic() - begun < 2
    told = slow[0].recv(100)
    assert told == b"" or told.startswith(b"HTTP/1.1 408"), "its time is over"
    for link in slow:
        link.close()


def test_too_many_requests(lab):
    _, doors = open_house(lab)
    seen = set()
    with socket.create_connection((LOOPBACK, doors[0].port), timeout=10) as link:
        link.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 1000)
        got = b""
        while got.count(b"HTTP/1.1 ") < 1000:
            more = link.recv(65536)
            assert more
            got += more
    seen = {code for code in (b"200", b"429") if b"HTTP/1.1 " + code in got}
    assert seen == {b"200", b"429"}


def test_security_headers(lab):
    _, doors = open_house(lab)
    for path in ("/", "/page.js", "/page.css", "/api/v1/self"):
        _, headers, _ = doors[0].ask(path)
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_a_port_in_use_is_told(lab):
    house, doors = open_house(lab)
    other = lab.sentinel(VEDETTE, [f"http-port {doors[0].port}"], start=False)
    with pytest.raises(StartError):
        other.start()
    assert other.wait_end(5) == 1
    assert "http-port" in other.log() and str(doors[0].port) in other.log()
    # Also who waits for a daemon, or looks into a log later, hears of it.
    log = os.path.join(lab.dir, "the.log")
    other = lab.sentinel(
        VEDETTE, [f"http-port {doors[0].port}", "daemonize yes", f"logfile {log}"], start=False
    )
    done = subprocess.run(other.argv, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 1 and str(doors[0].port) in done.stderr
    with open(log, encoding="utf-8") as text:
        assert str(doors[0].port) in text.read()
