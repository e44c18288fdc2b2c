# SPDX-License-Identifier: BSD-3-Clause
"""Pictures in a real browser: what `sim --draw` and `vedette-replay --draw` write is opened in
Chromium, and used as a person would use it."""

import json
import os
import re
import subprocess

import pytest

import harness
from harness import VEDETTE, make_house, wait_until

GROUP = "mymaster"
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def build_dir():
    return os.path.dirname(harness.find_program(VEDETTE))


def run(*argv):
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def draw_scenario(lab, name):
    """The path of a scenario's picture."""
    sim = os.path.join(build_dir(), "tests/sim/sim")
    if not os.access(sim, os.X_OK):
        pytest.fail("the simulator is not built: make check TESTS=")
    page = os.path.join(lab.dir, name + ".html")
    run(sim, "--scenario", "--print", "--draw", page, os.path.join(TOP, "tests/scenario", name + ".vt"))
    return page


@pytest.fixture
def chromium(browser):
    return browser.driver


class Page:
    """A picture that is open."""

    def __init__(self, driver, path):
        self.driver = driver
        self.driver.get_log("browser")
        self.driver.get("file://" + path)
        self.wait_items()

    def js(self, script, *arguments):
        return self.driver.execute_script("return " + script, *arguments)

    def wait_items(self):
        wait_until(lambda: self.js("document.querySelectorAll('.item').length") > 0, 20, "something is drawn")

    def count(self, selector):
        return self.js("document.querySelectorAll(arguments[0]).length", selector)

    def text(self, selector):
        return self.js("document.querySelector(arguments[0]).textContent", selector)

    def click(self, selector):
        self.driver.find_element("css selector", selector).click()

    def lanes(self):
        return self.js("[...document.querySelectorAll('.head')].map(h => h.textContent)")

    def labels(self, kind=""):
        """What the drawn messages and events say, in order of time."""
        return self.js(
            "[...document.querySelectorAll('.item' + arguments[0])].map(i => i.getAttribute('aria-label'))",
            kind,
        )

    def is_quiet(self):
        """Nothing was asked of any network, and the browser has nothing to complain about."""
        assert self.js("performance.getEntriesByType('resource').length") == 0
        assert self.driver.get_log("browser") == []
        return True


@pytest.fixture
def killed(lab, chromium):
    return Page(chromium, draw_scenario(lab, "kill"))


def test_a_failover_as_a_picture(killed):
    assert killed.text("#title") == "A primary dies"
    assert killed.lanes() == ["r1", "r2", "r3", "s1", "s2", "s3"]
    orders = killed.labels(".order")
    assert any("REPLICAOF NO ONE\ns3 → r2" in label for label in orders)
    assert any("REPLICAOF r2\ns3 → r3" in label for label in orders)
    votes = killed.labels(".question")
    assert any("vote for s3 in epoch 1?\ns3 → s1" in label for label in votes)
    assert any("my vote in epoch 1 is for s3\ns1 → s3" in label for label in votes)
    for band in "sdown", "odown", "candidate", "leader", "promoted", "primary", "replica", "dead":
        assert killed.count(f"rect.band.{band}") >= 1, band
    assert killed.count("rect.phase") >= 4
    card = killed.text(".card")
    assert "m1 epoch 1: r1 → r2, led by s3" in card and "silence 1 000 ms" in card.replace("1.00 s", "1 000 ms")
    assert killed.is_quiet()


def test_every_arrow_lies_between_its_lanes(killed):
    """From the lane that sent to the lane that heard, and never upwards."""
    wrong = killed.js(
        """(() => {
            const x = new Map([...document.querySelectorAll('.head')].map(h => [h.textContent, parseFloat(h.style.left)]));
            return [...document.querySelectorAll('.item.message:not(.lost)')].filter(item => {
                const [, from, to] = item.getAttribute('aria-label').match(/\\n(\\S+) → (\\S+),/);
                const [, a, y1, b, y2] = item.querySelector('.wire').getAttribute('d').match(/M([\\d.]+),([\\d.]+)L([\\d.]+),([\\d.]+)/).map(Number);
                return Math.abs(a - x.get(from)) > 6 || Math.abs(b - x.get(to)) > 6 || y2 < y1;
            }).map(item => item.getAttribute('aria-label'));
        })()"""
    )
    assert wrong == []
    assert killed.count(".item.message") > 20


def test_kinds_are_chosen(killed):
    before = killed.count(".item")
    assert killed.count(".item.ping") == 0
    killed.click("button[data-kind=ping]")  # off -> amid failovers
    killed.click("button[data-kind=ping]")  # -> all
    assert killed.count(".item.ping") > 10
    killed.click("button[data-kind=ping]")
    assert killed.count(".item") == before
    killed.click("button[data-kind=question]")  # all -> off
    assert killed.count(".item.question") == 0 and killed.count(".item.order") > 0
    assert killed.is_quiet()


def test_groups_are_chosen(lab, chromium):
    page = Page(chromium, draw_scenario(lab, "two-groups"))
    assert {"r1", "r4"} <= set(page.lanes())
    page.js("(() => { const g = document.getElementById('group'); g.value = '1'; g.dispatchEvent(new Event('change')); })()")
    assert "r4" in page.lanes() and "r1" not in page.lanes()
    assert page.count(".item") > 10
    assert not [label for label in page.labels() if re.search(r"\bm1\b", label)]
    assert page.is_quiet()


def test_hover_and_keys(killed):
    from selenium.webdriver import ActionChains, Keys

    order = killed.driver.find_element("css selector", ".item.order:not(.hidden-label) text")
    killed.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", order)
    ActionChains(killed.driver).move_to_element(order).perform()
    wait_until(lambda: not killed.js("document.getElementById('hint').hidden"), 5, "a hint is shown")
    assert "REPLICAOF" in killed.text("#hint") and "sent at" in killed.text("#hint")
    first = killed.js("document.querySelector('.item[tabindex=\"0\"]')")
    killed.driver.execute_script("arguments[0].focus()", first)
    seen = []
    for _ in range(5):
        ActionChains(killed.driver).send_keys(Keys.ARROW_DOWN).perform()
        seen.append(killed.js("document.activeElement.dataset.i"))
    assert seen == ["1", "2", "3", "4", "5"]
    assert killed.text("#hint") == killed.js("document.activeElement.getAttribute('aria-label')")


def test_zoom_and_time(killed):
    height = killed.js("document.querySelector('#stage svg').clientHeight")
    killed.click("#in")
    assert killed.js("document.querySelector('#stage svg').clientHeight") > height
    killed.click("#out")
    some = killed.count(".item")
    killed.click("#all")
    assert killed.count(".item") > some
    killed.click("#linear")
    killed.wait_items()
    # True to scale: twice the time, twice the way.
    ratio = killed.js(
        """(() => {
            const y = [...document.querySelectorAll('text.time')].map(t => Number(t.getAttribute('y')));
            const gaps = y.slice(1).map((v, i) => v - y[i]);
            return Math.max(...gaps) / Math.min(...gaps);
        })()"""
    )
    assert ratio < 1.1
    killed.click(".card")
    assert killed.count(".item") < some * 3
    assert killed.is_quiet()


def test_words_and_find(killed):
    killed.click("#words summary")
    wait_until(lambda: killed.count("#rows tr") == killed.count(".item"), 5, "a row for each")
    killed.driver.find_element("id", "find").send_keys("switch-master")
    assert killed.count(".item.found") == 3
    assert killed.count(".item.dim") == killed.count(".item") - 3


def test_light_and_dark(killed):
    def background():
        return killed.js("getComputedStyle(document.body).backgroundColor")

    before = background()
    killed.click("#theme")
    assert background() != before
    killed.click("#theme")
    assert background() == before


def test_hostile_texts_are_only_texts(lab, chromium):
    page = draw_scenario(lab, "kill")
    with open(page, encoding="utf-8") as file:
        text = file.read()
    evil = "<img src=x onerror=\"document.title='stolen'\"></script><script>document.title='stolen'</script>"
    escaped = json.dumps(evil)[1:-1].replace("<", "\\u003c").replace(">", "\\u003e")
    other = text.replace("REPLICAOF NO ONE", escaped).replace('"s1"', f'"{escaped}"')
    assert other != text
    with open(page, "w", encoding="utf-8") as file:
        file.write(other)
    shown = Page(chromium, page)
    assert evil in shown.lanes()
    assert shown.js("document.title") == "A primary dies"
    assert shown.count("img") == 0 and shown.count("script") == 2
    assert shown.is_quiet()


def test_three_recordings_in_one_picture(lab, chromium):
    house = make_house(lab, [VEDETTE] * 3)
    files = []
    for sentinel in house.sentinels:
        files.append(os.path.join(lab.dir, f"{sentinel.name}.recording"))
        sentinel.stop()
        sentinel.argv += ["--record", files[-1]]
        sentinel.start()
        harness.quicken(sentinel)
    house.wait_ready()
    old = house.primary
    old.kill()
    new = house.wait_switch(20)
    house.wait_following()

    def is_over():
        for sentinel in house.sentinels:
            with open(sentinel.log_path, encoding="utf-8") as log:
                if "+failover-end " in log.read():
                    return True
        return False

    wait_until(is_over, 20, "the leader is done")
    for sentinel in house.sentinels:
        assert sentinel.stop() == 0
    page = os.path.join(lab.dir, "picture.html")
    replay = os.path.join(build_dir(), "vedette-replay")
    out = run(replay, "--draw", page, *files)
    assert out.count("identical") == 3
    shown = Page(chromium, page)
    lanes = shown.lanes()
    servers = [f"127.0.0.1:{server.port}" for server in house.servers]
    vedettes = [f"127.0.0.1:{sentinel.port}" for sentinel in house.sentinels]
    assert sorted(lanes) == sorted(servers + vedettes)
    # On a busy machine an election may be lost first: that is a card, too.
    cards = shown.js("[...document.querySelectorAll('.card')].map(c => c.textContent)")
    assert any(f"127.0.0.1:{old.port} → 127.0.0.1:{new.port}" in card for card in cards)
    promotions = [label for label in shown.labels(".order") if "REPLICAOF NO ONE" in label]
    assert len(promotions) == 1
    # What was said between vedettes has been matched: nothing of it is an estimate.
    votes = [label for label in shown.labels(".question") if label.startswith("vote for")]
    assert len(votes) >= 2 and not [label for label in votes if "about" in label or "never" in label]
    assert shown.count("rect.band.leader") >= 1 and shown.count("rect.band.sdown") >= 2
    notices = [label for label in shown.labels(".mark") if "+switch-master" in label]
    assert len(notices) == 3
    assert shown.is_quiet()
    # A part of the time only.
    out = run(replay, "--draw", page, "--from", "1000", *files)
    with open(page, encoding="utf-8") as file:
        assert '"messages":[]' in file.read()
