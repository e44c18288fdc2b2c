# SPDX-License-Identifier: BSD-3-Clause
"""The dashboard in a real browser: shows what is, stays live through a failover, trusts nobody.

VEDETTE_PICTURES=directory keeps screenshots of what was looked at.
"""

import contextlib
import os
import socketserver
import threading
import urllib.request

import pytest

from alerting import MEMORY, House, Receiver, channel
from harness import LOOPBACK, VEDETTE, group_lines, make_house, wait_until

CONTRAST_LEAST = 4.5  # WCAG AA for text


def open_house(lab, **more):
    ports = [lab.free_port() for _ in range(3)]
    house = make_house(
        lab, [VEDETTE] * 3, name="sessions", down_after=1000,
        each=lambda place: (f"http-port {ports[place]}",), **more,
    )
    return house, [f"http://{LOOPBACK}:{port}/" for port in ports]


def keep(browser, name):
    directory = os.environ.get("VEDETTE_PICTURES")
    if directory:
        browser.picture(os.path.join(directory, f"{name}.webp"))


def name(server):
    return f"{server.host}:{server.port}"


def test_through_a_failover(lab, browser):
    house, pages = open_house(lab)
    primary = house.primary
    browser.asked()
    browser.begin()
    browser.open(pages[0])
    wait_until(lambda: browser.text("#live") == "live", 10, "the page is live")
    wait_until(lambda: browser.count(".node .spark") == 2, 30, "sparklines of two replicas")
    assert browser.count(".group") == 1 and browser.count(".node") == 3
    assert name(primary) in browser.text(".primaries .node")
    assert "can fail over" in browser.text(".group .head")
    assert "all is well" in browser.text("#alerts")
    wait_until(lambda: browser.count("#events tbody tr") >= 5, 10, "events of before")

    primary.kill()
    wait_until(lambda: "down" in browser.text("#alerts"), 10, "the alert")
    house.wait_switch()
    wait_until(lambda: name(house.primary) in browser.text(".primaries .node"), 10, "the new primary")
    wait_until(lambda: "+switch-master" in browser.text("#events"), 10, "the event, by the stream")
    browser.run("const f = document.getElementById('filter'); f.value = 'switch';"
                "f.dispatchEvent(new Event('input'))")
    shown = browser.run("return [...document.querySelectorAll('#events tbody tr')].filter(r => !r.hidden).map(r => r.cells[1].textContent)")
    assert shown and set(shown) == {"+switch-master"}

    def leader():
        for page in pages:
            browser.open(page)
            wait_until(lambda: browser.text("#live") == "live", 10, "live")
            if browser.count(".failover .bar rect") >= 3:
                return True
        return False

    wait_until(leader, 20, "phases of the failover at who led it")
    keep(browser, "phases")
    assert "to promotion" in browser.text("#failovers")
    hosts = {url.split("/")[2].split(":")[0] for url in browser.asked() if url.startswith("http")}
    assert hosts == {LOOPBACK}, "the page asks nobody else"
    assert browser.complaints() == []


def test_alerts_and_cost(lab, browser):
    receiver = Receiver()
    house = House(
        lab, 3,
        "alerts = { standard = true; to = (" + channel("chat", "slack", receiver.url("/"))
        + f"); rules = ( {MEMORY} ); }}; "
        "cost = { memory-gb-month = 10; vcpu-month = 20; egress-gb = 0.05; budget = 60; };",
        replicas=2, name="sessions",
    )
    page = f"http://{LOOPBACK}:{house.ports[0]}/"
    for number in range(400):
        house.primary.ask("SET", f"key:{number}", "x" * 100)
        house.primary.ask("GET", f"key:{number * 9 // 8}")
    browser.begin()
    browser.open(page, height=1750)
    wait_until(lambda: "told by this vedette" in (browser.text("#own") or ""), 20, "who tells alerts")
    wait_until(lambda: browser.text("#services").count("$") >= 12, 30, "what six services cost")
    wait_until(lambda: browser.count(".node .spark") == 2, 30, "sparklines of two replicas")
    wait_until(lambda: "CPU" in browser.text(".primaries .node"), 30, "rates")
    assert "of the budget of $60.00" in browser.text("#cost-sum")
    assert browser.count("#services tbody tr") == 6
    keep(browser, "healthy")
    browser.open(page, height=1750, dark=True)
    wait_until(lambda: browser.text("#live") == "live", 10, "live")
    wait_until(lambda: browser.count("#services tbody tr") == 6, 10, "cost, in the dark")
    keep(browser, "dark")
    house.fill_memory(True)
    wait_until(lambda: "told to chat" in browser.text("#alerts"), 20, "the alert, and who knows")
    assert "share of memory in use" in browser.text("#alerts")
    wait_until(lambda: "+alert" in browser.text("#events"), 10, "in the stream as well")
    browser.open(page, width=390, height=1100)
    wait_until(lambda: "told to chat" in (browser.text("#alerts") or ""), 10, "on a phone")
    wait_until(lambda: browser.count("#services tbody tr") == 6, 10, "cost, on a phone")
    assert browser.run("return document.documentElement.scrollWidth - window.innerWidth") <= 0
    keep(browser, "narrow")
    browser.open(page, height=1150)
    wait_until(lambda: "told to chat" in (browser.text("#alerts") or ""), 10, "again")
    keep(browser, "alert")
    house.primary.kill()
    wait_until(lambda: "is down" in browser.text("#alerts"), 10, "the primary is down")
    keep(browser, "failing-over")
    wait_until(lambda: "there is a new primary" in browser.text("#alerts"), 20, "the failover is told")
    assert browser.complaints() == []
    receiver.close()


def luminance(color):
    parts = [int(part) / 255 for part in color]
    parts = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


# Of every piece of text that is seen: its colour, and the first opaque background behind it.
COLORS = """
const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
const found = [];
for (const element of document.querySelectorAll('body *')) {
  const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
  if (!own || !element.offsetParent) continue;
  let behind = element, back = [0, 0, 0, 0];
  while (behind && (back = rgb(getComputedStyle(behind).backgroundColor)).length === 4 && back[3] === 0) behind = behind.parentElement;
  found.push([element.tagName + '.' + element.className, rgb(getComputedStyle(element).color).slice(0, 3), back.slice(0, 3)]);
}
return found;
"""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_readable_on_a_phone(lab, browser, dark):
    house, pages = open_house(lab)
    house.replicas[0].kill()
    browser.open(pages[0], width=390, height=840, dark=dark)
    wait_until(lambda: "down" in (browser.text("#alerts") or ""), 10, "the alert")
    too_wide = browser.run("return document.documentElement.scrollWidth - window.innerWidth")
    assert too_wide <= 0, "nothing is wider than the screen"
    colors = browser.run(COLORS)
    assert len(colors) > 30
    for what, front, back in colors:
        lighter, darker = sorted((luminance(front), luminance(back)), reverse=True)
        assert (lighter + 0.05) / (darker + 0.05) >= CONTRAST_LEAST, (what, front, back)
    keep(browser, "replica-down-dark" if dark else "replica-down")


def test_by_keyboard_and_for_screen_readers(lab, browser):
    _, pages = open_house(lab)
    browser.open(pages[0])
    wait_until(lambda: browser.count(".node") == 3, 10, "the group")
    assert browser.run("return document.documentElement.lang") == "en"
    unnamed = browser.run(
        "return [...document.querySelectorAll('svg[role=img], article, [role=region], .meter')]"
        ".filter(e => !e.getAttribute('aria-label') && !e.getAttribute('aria-labelledby')).length"
    )
    assert unnamed == 0
    assert browser.run("return document.querySelector('#filter').labels.length") == 1
    assert browser.run("return document.querySelector('#alerts').getAttribute('aria-live')") == "polite"


class Impostor(socketserver.ThreadingTCPServer):
    """Plays a Redis primary that calls itself, and its replicas, what it likes."""

    allow_reuse_address = True
    daemon_threads = True
    markup = "<img/src=x/onerror=window.broken=1>"
    info = (
        "# Server\r\nredis_version:<script>window.broken=1</script>\r\n"
        f"run_id:{'a' * 40}\r\n# Memory\r\nused_memory:-1\r\nmaxmemory:9999999999999999999\r\n"
        f"# Replication\r\nrole:master\r\nconnected_slaves:1\r\n"
        f"slave0:ip={markup},port=6379,state=online,offset=1,lag=0\r\nmaster_repl_offset:1\r\n"
    )

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            while True:
                head = self.rfile.readline()
                if not head.startswith(b"*"):
                    return
                words = []
                for _ in range(int(head[1:])):
                    size = int(self.rfile.readline()[1:])
                    words.append(self.rfile.read(size + 2)[:-2].decode("latin-1"))
                command = words[0].upper()
                info = Impostor.info.encode()
                self.wfile.write(
                    b"+PONG\r\n" if command == "PING"
                    else b"$%d\r\n%s\r\n" % (len(info), info) if command == "INFO"
                    else b"*3\r\n$9\r\nsubscribe\r\n$%d\r\n%s\r\n:1\r\n" % (len(words[1]), words[1].encode())
                    if command == "SUBSCRIBE"
                    else b":0\r\n" if command == "PUBLISH" else b"+OK\r\n"
                )


def test_a_hostile_server_is_only_text(lab, browser):
    server = Impostor((LOOPBACK, 0), Impostor.Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port = lab.free_port()
    primary = type("Primary", (), {"host": LOOPBACK, "port": server.server_address[1]})
    # A name that markup would be made of, as far as names may be.
    group = "<script>window.broken=1</script>"
    lab.sentinel(VEDETTE, [*group_lines(f'"{group}"', primary, quorum=1), f"http-port {port}"])
    browser.begin()
    browser.open(f"http://{LOOPBACK}:{port}/")
    wait_until(lambda: browser.count(".node") >= 1, 10, "the group")
    wait_until(lambda: browser.count("#events tbody tr") >= 1, 10, "events")
    assert browser.text(".group h3") == group
    assert browser.run("return window.broken ?? null") is None
    assert browser.complaints() == []
    server.shutdown()
    server.server_close()


def test_events_come_as_soon_as_there_is_room(lab, browser):
    """A stream that was refused is not tried again by browsers themselves."""
    house, pages = open_house(lab)
    with contextlib.ExitStack() as others:
        for _ in range(16):
            stream = others.enter_context(urllib.request.urlopen(pages[0] + "events", timeout=10))
            assert stream.status == 200
        browser.open(pages[0])
        wait_until(lambda: any("503" in entry["message"] for entry in browser.complaints()), 10, "it is one too many")
    house.sentinels[0].ask("SENTINEL", "SET", "sessions", "quorum", "1")
    wait_until(lambda: "quorum 1" in browser.text("#events"), 20, "the event, by the stream")
    browser.begin()


def test_an_end_is_told(lab, browser):
    house, pages = open_house(lab)
    browser.open(pages[2])
    wait_until(lambda: browser.text("#live") == "live", 10, "live")
    house.sentinels[2].stop()
    wait_until(lambda: browser.text("#live") == "no answer", 10, "the end is told")
    house.sentinels[2].start()
    wait_until(lambda: browser.text("#live") == "live", 20, "and the return")
    # Events of the new process count from 1 again, and are news all the same.
    house.replicas[0].kill()
    down = f"slave {name(house.replicas[0])}"
    wait_until(
        lambda: any(down in row and "+sdown" in row for row in browser.run(
            "return [...document.querySelectorAll('#events tbody tr')].map(row => row.textContent)")),
        20, "its events",
    )
    browser.begin()
