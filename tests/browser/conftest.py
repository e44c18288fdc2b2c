# SPDX-License-Identifier: BSD-3-Clause
"""A headless Chromium for tests of what people look at, and a lab as in tests/live.

The browser may ask nobody but loopback; what it asked and what its console said can be looked at.
"""

import base64
import json
import os
import shutil
import sys
import tempfile

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "live"))

import harness  # noqa: E402


class Browser:
    """Selenium's driver, with what a test of a page wants to know."""

    def __init__(self, driver):
        self.driver = driver

    def open(self, url, width=1280, height=1000, dark=False):
        self.driver.set_window_size(width, height)
        self.driver.execute_cdp_cmd(
            "Emulation.setEmulatedMedia",
            {"features": [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]},
        )
        self.driver.get(url)

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def text(self, selector):
        return self.run("return document.querySelector(arguments[0])?.innerText ?? null", selector)

    def count(self, selector):
        return self.run("return document.querySelectorAll(arguments[0]).length", selector)

    def complaints(self):
        """What the console said that is no mere information; each is told once."""
        return [entry for entry in self.driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]

    def begin(self):
        """No page of a test before is open any more, whose vedette is gone, and nothing is complained of."""
        self.driver.get("about:blank")
        self.complaints()

    def asked(self):
        """Addresses that pages have asked for since this was last called."""
        found = []
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                found.append(message["params"]["request"]["url"])
        return found

    def picture(self, path):
        """What the window shows, as a small webp."""
        width, height = self.run("return [window.innerWidth, window.innerHeight]")
        shot = self.driver.execute_cdp_cmd(
            "Page.captureScreenshot",
            {"format": "webp", "quality": 60,
             "clip": {"x": 0, "y": 0, "width": width, "height": height, "scale": 0.75}},
        )
        with open(path, "wb") as out:
            out.write(base64.b64decode(shot["data"]))


@pytest.fixture(scope="session")
def browser():
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    profile = tempfile.mkdtemp(prefix="vedette-browser-")
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for word in (
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        "--disable-dev-shm-usage", "--hide-scrollbars", f"--user-data-dir={profile}",
    ):
        options.add_argument(word)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(service=Service(shutil.which("chromedriver")), options=options)
    driver.set_page_load_timeout(30)
    yield Browser(driver)
    driver.quit()
    shutil.rmtree(profile, ignore_errors=True)


@pytest.fixture
def lab():
    place = harness.Lab()
    yield place
    problems = place.close()
    if problems:
        pytest.fail("\n".join(problems) + "\n" + place.report(), pytrace=False)
    place.remove()
