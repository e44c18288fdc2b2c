# SPDX-License-Identifier: BSD-3-Clause
"""Alerts from the daemon itself: in three formats, tried again, told once for all vedettes, and never
at the expense of the loop; and what the whole costs."""

import socket
import socketserver
import ssl
import threading
import time

import certs
import pytest

from alerting import MEMORY, House, Receiver, channel
from harness import LOOPBACK, wait_until

pytestmark = pytest.mark.vedette

SECRET = "s3cret-of-the-test"


@pytest.fixture
def receivers():
    made = []

    def make(*arguments):
        made.append(Receiver(*arguments))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_three_formats_and_second_tries(lab, receivers):
    # The first request on each path fails in a way of its own.
    receiver = receivers(lambda path, number: {"/json": 500, "/pd": 429}.get(path, 200) if number == 1 else 200)
    house = House(
        lab, 1,
        "one alerts = { to = ("
        + channel("hook", "json", receiver.url("/json"), f'token = "{SECRET}";')
        + "," + channel("pager", "pagerduty", receiver.url("/pd"), f'key = "{SECRET}";')
        + "," + channel("chat", "slack", receiver.url(f"/slack/{SECRET}"))
        + f"); rules = ( {MEMORY} ); }}; "
        'cost = { memory-gb-month = 10.0; vcpu-month = 20.0; egress-gb = 0.05; budget = 60; };',
    )
    target = f"{LOOPBACK}:{house.primary.port}"
    house.fill_memory(True)
    wait_until(lambda: len(receiver.on("/json")) == 2 and len(receiver.on("/pd")) == 2, 30, "second tries")
    wait_until(lambda: ("memory", "firing") in house.alerts(0), 5, "it fires")

    first, second = receiver.on("/json")
    assert second[3] - first[3] >= 0.9, "not at once"
    body = second[2]
    assert body["key"] == first[2]["key"] == f"memory m {target}"
    assert (body["state"], body["severity"], body["group"], body["target"]) == ("firing", "critical", "m", target)
    assert body["value"] > 0.85 == body["limit"] and "memory" in body["text"]
    assert second[1]["Authorization"] == f"Bearer {SECRET}"
    pager = receiver.on("/pd")[1][2]
    assert pager["routing_key"] == SECRET and pager["event_action"] == "trigger"
    assert pager["payload"]["severity"] == "critical" and pager["payload"]["source"] == target
    assert pager["payload"]["timestamp"].endswith("Z") and pager["payload"]["summary"]
    [chat] = receiver.on(f"/slack/{SECRET}")
    assert "Firing" in chat[2]["text"] and target in chat[2]["text"]

    label = f'{{rule="memory",severity="critical",group="m",target="{target}"}}'
    metrics = house.ask(0, "/metrics")
    assert f"vedette_alert_firing{label} 1" in metrics
    assert 'vedette_alert_deliveries_total{channel="hook",result="delivered"} 1' in metrics
    assert 'vedette_alert_deliveries_total{channel="hook",result="failed"} 1' in metrics
    events = house.json(0, "/api/v1/events?limit=1000")["events"]
    assert [one["event"] for one in events if one["event"].endswith("alert")] == ["+alert"]
    assert {one["group"] for one in events if one["event"] == "+alert"} == {"m"}

    house.fill_memory(False)
    wait_until(lambda: len(receiver.on("/pd")) == 3 and len(receiver.on("/json")) == 3, 20, "the end is told")
    end = receiver.on("/pd")[2][2]
    assert end["event_action"] == "resolve" and end["dedup_key"] == pager["dedup_key"]
    assert receiver.on("/json")[2][2]["state"] == "resolved"
    wait_until(lambda: len(receiver.on(f"/slack/{SECRET}")) == 2, 10, "everywhere")
    wait_until(lambda: ("memory", "resolved") in house.alerts(0), 5, "and shown")
    seen = house.vedettes[0].log() + house.ask(0, "/api/v1/alerts") + house.ask(0, "/metrics")
    assert SECRET not in seen, "secrets stay with us"
    check_cost(house, target)


def check_cost(house, target):
    def known():
        bill = house.json(0, "/api/v1/cost")
        services = {one["service"]: one for one in bill["services"]}
        return services[target]["observed_s"] > 0 and services["this vedette"]["observed_s"] > 0 and bill

    bill = wait_until(known, 30, "use is known")
    services = {one["service"]: one for one in bill["services"]}
    redis = services[target]
    assert redis["memory_per_month"] == pytest.approx(redis["memory_bytes"] / 1e9 * 10)
    assert redis["cpu_per_month"] == pytest.approx(redis["vcpu"] * 20)
    assert redis["egress_per_month"] == pytest.approx(redis["egress_bytes_per_day"] * 30 / 1e9 * 0.05)
    assert bill["per_month"] == pytest.approx(sum(one["per_month"] for one in bill["services"]))
    assert bill["per_day"] == pytest.approx(bill["per_month"] / 30)
    assert bill["budget_share"] == pytest.approx(bill["per_month"] / 60)
    rss = int(house.primary.info("memory")["used_memory_rss"])
    assert 0.3 * rss < redis["memory_bytes"] < 3 * rss
    assert 'vedette_cost_per_month{currency="$"}' in house.ask(0, "/metrics")


def late_of(text):
    """Turns of the loop that began more than 1.6 s late: no machine is so busy, but a wait is as long."""
    counts = {
        line.rpartition(" ")[0]: float(line.rpartition(" ")[2])
        for line in text.splitlines() if line.startswith("vedette_loop_lateness_seconds")
    }
    return counts["vedette_loop_lateness_seconds_count"] - counts['vedette_loop_lateness_seconds_bucket{le="1.6384"}']


def test_a_receiver_that_never_answers_delays_nothing(lab, receivers):
    silent = receivers(lambda path, number: None)
    house = House(
        lab, 1,
        "one alerts = { to = ("
        + channel("silent", "json", silent.url("/"), 'timeout = "4s";')
        + "," + channel("nowhere", "json", "http://no-such-host.invalid/")
        + "," + channel("closed", "json", f"http://{LOOPBACK}:1/")
        + f"); rules = ( {MEMORY} ); }};",
    )
    house.fill_memory(True)
    wait_until(lambda: len(silent.on("/")) >= 1, 30, "the first try")
    before = late_of(house.ask(0, "/metrics"))
    begun = time.monotonic()
    longest = 0
    while len(silent.on("/")) < 2:
        asked = time.monotonic()
        assert house.vedettes[0].ask("PING") == "PONG"
        longest = max(longest, time.monotonic() - asked)
        assert time.monotonic() - begun < 30, "a second try"
    assert time.monotonic() - begun > 3.5, "the first had its time"
    assert late_of(house.ask(0, "/metrics")) == before
    assert longest < 3, "clients were not kept waiting"
    counts = {one["name"]: one for one in house.json(0, "/api/v1/alerts")["channels"]}
    assert counts["silent"]["failed"] >= 1 and counts["closed"]["failed"] >= 1
    assert house.vedettes[0].stop() == 0, "and it leaves at once"


class Hostile(socketserver.ThreadingTCPServer):
    """Answers as nobody should, by the path that is asked for."""

    allow_reuse_address = True
    daemon_threads = True
    address_family = socket.AF_INET6
    heads = {
        "/endless-body": b"HTTP/1.1 200 OK\r\n\r\n",
        "/endless-head": b"HTTP/1.1 200 OK\r\n",
        "/stalls": b"HTTP/1.1 200 OK\r\n",
        "/elsewhere": b"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n",
        "/no-http": b"SSH-2.0-nonsense\r\n",
    }
    fillers = {"/endless-body": b"x" * 65536, "/endless-head": b"X-Filler: " + b"x" * 1000 + b"\r\n"}

    def __init__(self):
        self.asked = []
        self.longest = 0
        self.over = threading.Event()
        super().__init__(("::1", 0), self.Handler)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            path, size = self.rfile.readline().split()[1].decode(), 0
            for line in iter(self.rfile.readline, b"\r\n"):
                if line.lower().startswith(b"content-length:"):
                    size = int(line.split(b":")[1])
            self.rfile.read(size)
            self.server.asked.append(path)
            self.wfile.write(self.server.heads[path])
            sent = 0
            try:
                while path in self.server.fillers and not self.server.over.is_set():
                    sent += self.request.send(self.server.fillers[path])
            except OSError:
                self.server.longest = max(self.server.longest, sent)
            if path == "/stalls":
                self.server.over.wait(60)

    def url(self, path):
        return f"http://[::1]:{self.server_address[1]}{path}"

    def close(self):
        self.over.set()
        self.shutdown()
        self.server_close()


def test_a_hostile_receiver_harms_nobody(lab, receivers):
    hostile = Hostile()
    good = receivers()
    names = [path[1:] for path in Hostile.heads]
    channels = [channel(name, "json", hostile.url(f"/{name}"), 'timeout = "2s";') for name in names]
    house = House(
        lab, 1, "one alerts = { to = (" + ",".join([*channels, channel("good", "json", good.url("/"))])
        + f"); rules = ( {MEMORY} ); }};",
    )

    def counts():
        return {one["name"]: (one["delivered"], one["failed"]) for one in house.json(0, "/api/v1/alerts")["channels"]}

    def told(times):
        now = counts()
        return all(now[name] == (times, 0) for name in ("endless-body", "endless-head", "stalls", "good"))

    def refused():
        now = counts()
        return now["elsewhere"] == (0, 1) and now["no-http"][0] == 0 and now["no-http"][1] >= 1

    house.fill_memory(True)
    wait_until(lambda: told(1), 20, "a status is an answer, whatever follows", every=0.1)
    wait_until(refused, 20, "no answer, no delivery", every=0.1)
    # A channel that refuses does not keep the others from hearing of the end.
    house.fill_memory(False)
    wait_until(lambda: [one[1] for one in good.states("/")] == ["firing", "resolved"], 20, "the end is told")
    wait_until(lambda: told(2), 20, "to all that were told", every=0.1)
    assert hostile.asked.count("/elsewhere") == 1, "a redirect is not followed, and not tried again"
    # What the sockets hold on both sides, and not all that can be sent in two seconds.
    wait_until(lambda: hostile.longest > 0, 10, "they were cut off")
    assert hostile.longest < 16_000_000
    assert house.vedettes[0].stop() == 0
    hostile.close()


def test_once_for_all_and_by_another_when_one_dies(lab, receivers):
    receiver = receivers()
    alerts = (
        "alerts = { standard = true; to = (" + channel("hook", "json", receiver.url("/"))
        + f"); rules = ( {MEMORY}, "
        '{ name = "quorum-lost"; metric = "vedette_group_can_act"; below = 1; for = "1s"; } ); };'
    )
    house = House(lab, 3, alerts)
    ids = [one.id() for one in house.vedettes]
    target = f"{LOOPBACK}:{house.primary.port}"

    def senders():
        return [one[2]["sender"] for one in receiver.on("/")]

    def fires_everywhere(places):
        return all(("memory", "firing") in house.alerts(place) for place in places)

    # The one that comes first is dead when there is something to be told.
    house.vedettes[0].kill()
    house.fill_memory(True)
    wait_until(lambda: receiver.states("/"), 30, "it is told")
    wait_until(lambda: fires_everywhere((1, 2)), 10, "both see it")
    assert receiver.states("/") == [("memory", "firing", target)] and senders() == [ids[1]]
    # What was told is known to who comes back, and to who is left.
    house.vedettes[0].start()
    wait_until(lambda: house.json(0, "/api/v1/alerts")["sender"], 20, "the first one is in its place again")
    wait_until(lambda: fires_everywhere((0,)), 10, "and sees it")
    house.vedettes[1].kill()
    house.fill_memory(False)
    wait_until(lambda: len(receiver.on("/")) >= 2, 30, "the end is told")
    assert receiver.states("/") == [("memory", "firing", target), ("memory", "resolved", target)]
    assert senders() == [ids[1], ids[0]]
    # Who is left alone has no majority, and tells that, but nothing else.
    house.vedettes[0].kill()
    house.fill_memory(True)
    wait_until(lambda: ("quorum-lost", "firing", "m") in receiver.states("/"), 40, "the last one speaks")
    assert ("memory", "firing") in house.alerts(2)
    assert [one[0] for one in receiver.states("/")] == ["memory", "memory", "quorum-lost"]
    assert senders()[2] == ids[2]


def test_what_was_told_is_known_after_all_have_died(lab, receivers):
    """Killed together and started anew they neither tell it again nor tell an end that is none."""
    receiver = receivers()
    house = House(
        lab, 3, "alerts = { to = (" + channel("hook", "json", receiver.url("/")) + f"); rules = ( {MEMORY} ); }};"
    )
    target = f"{LOOPBACK}:{house.primary.port}"

    def known(place):
        return [(one["state"], one["told"], one["value"] is not None) for one in house.json(place, "/api/v1/alerts")["alerts"]]

    def kept():
        return all(known(place) == [("firing", ["hook"], True)] for place in range(3))

    house.fill_memory(True)
    wait_until(lambda: receiver.states("/"), 30, "it is told")
    wait_until(kept, 10, "all know it")
    for one in house.vedettes:
        one.stop()
    for one in house.vedettes:
        one.start()
    wait_until(lambda: any(house.json(place, "/api/v1/alerts")["sender"] for place in range(3)), 30, "one of them would tell")
    wait_until(kept, 10, "all know it still")
    house.fill_memory(False)
    wait_until(lambda: len(receiver.on("/")) >= 2, 30, "the end is told")
    assert receiver.states("/") == [("memory", "firing", target), ("memory", "resolved", target)]


def test_rules_are_read_anew_and_told_by_tls_alone(lab, receivers):
    authority = certs.Authority(f"{lab.dir}/tls")
    good = authority.issue()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(good.cert, good.key)
    receiver = receivers(lambda path, number: 200, tls)
    url = receiver.url("/").replace(LOOPBACK, "localhost")
    house = House(lab, 1, "one alerts = { standard = true; };")
    one = house.vedettes[0]
    alerts = (
        "one alerts = { to = (" + channel("hook", "json", url, f'ca-file = "{authority.cert}";')
        + "," + channel("strict", "json", url) + "); rules = ("
        '{ name = "few"; metric = "vedette_group_replicas_serving"; below = 1; severity = "info"; } ); };'
    )
    house.write(one, 0, house.ports[0], alerts)
    one.signal(1)
    wait_until(lambda: receiver.states("/") == [("few", "firing", "m")], 20, "the new rule")
    counts = {one["name"]: one for one in house.json(0, "/api/v1/alerts")["channels"]}
    assert counts["strict"]["delivered"] == 0, "nobody vouches for the receiver"
    house.write(one, 0, house.ports[0], alerts.replace('"few"', '"fewer"'))
    one.signal(1)
    wait_until(
        lambda: sorted(receiver.states("/")[1:]) == [("few", "resolved", "m"), ("fewer", "firing", "m")],
        20, "the old one has ended, the new one fires",
    )
