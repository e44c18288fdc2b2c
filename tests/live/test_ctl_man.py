# SPDX-License-Identifier: BSD-3-Clause
"""The examples of vedettectl(1) are what the program prints.

Each example of the page begins with a line `$ vedettectl ...`; all are run, in their order, in one
house. Names of hosts are those of a documentation network; times, sizes and bars may differ.
`python3 tests/live/test_ctl_man.py --rewrite` (with VEDETTE) writes the page anew,
in some minutes: take a plain build, as sanitizers take memory, and it is told what a vedette costs.
"""

import os
import re
import shlex
import sys

import pytest

import ctl
import harness
from alerting import House
from harness import wait_until

PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../man/vedettectl.1")
EXAMPLE = re.compile(r"(?<=^\.Bd -literal\n)\$ vedettectl.*?(?=^\.Ed$)", re.MULTILINE | re.DOTALL)
COST = "cost = { memory-gb-month = 10.0; vcpu-month = 20.0; egress-gb = 0.05; budget = 1000; };\n"

pytestmark = pytest.mark.vedette


class Stage:
    """A house, and its names on paper, which are as long. What it costs is told when it has been seen for so long."""

    def __init__(self, lab, info_period="200ms", observed_s=0.001):
        self.observed_s = observed_s
        self.house = House(lab, 3, COST, replicas=2, name="cache", info_period=info_period)
        self.servers = [self.house.primary, *self.house.replicas]
        for replica in self.house.replicas:
            wait_until(lambda r=replica: r.follows(self.house.primary), 20, "replicas follow")
        self.ctl = ctl.Ctl(self.house.vedettes[0])
        self.settle()

    def settle(self):
        def steady():
            status = self.ctl.json("status")
            nodes = status["groups"][0]["nodes"]
            assert len(nodes) == 3 and len(status["vedettes"]) == 3 and status["well"]
            return all(node["lag_ms"] is not None and node["lag_bytes"] == 0 for node in nodes[1:])

        wait_until(steady, 60, "all is well")

    def lose_a_replica(self):
        """One that all know, and that is gone."""
        house = self.house
        address = house.vedettes[0].primary_of(house.name)
        lost = house.primary.lab.redis(next(s for s in self.servers if s.address == address))
        self.servers.append(lost)
        for vedette in house.vedettes:
            wait_until(lambda v=vedette: len(v.replicas(house.name)) == 3, 20, "it is known")
        lost.kill()

    def run(self, line):
        words = shlex.split(line)[2:]
        if words[0] == "forget":
            self.lose_a_replica()
            words[1] = f"127.0.0.1:{self.servers[-1].port}"
        if words[0] == "cost":
            wait_until(lambda: all(s["observed_s"] >= self.observed_s for s in self.ctl.json("cost")["services"]),
                       30 + self.observed_s, "use is known", every=min(1, self.observed_s))
        done = ctl.run(*self.ctl.options, *words)
        assert done.returncode == 0, f"{line}: {done.returncode}\n{done.stdout}{done.stderr}"
        if words[0] in ("failover", "resume") and "--dry-run" not in words:
            self.settle()
        return self.on_paper(done.stdout)

    def on_paper(self, text):
        names = {s.port: (f"192.0.2.1{i + 1}", 6379) for i, s in enumerate(self.servers)}
        names.update({v.port: (f"192.0.2.{i + 1}", 26379) for i, v in enumerate(self.house.vedettes)})
        for port, (host, shown) in names.items():
            text = text.replace(f"127.0.0.1:{port}", f"{host}:{shown}").replace(f"127.0.0.1 {port}", f"{host} {shown}")
        return text


def roff(text):
    """As lines of a literal display."""
    return "".join(
        ("\\&" if line[:1] in (".", "'") else "") + line.replace("\\", "\\e") + "\n" for line in text.splitlines()
    )


def steady(text):
    """Without what differs from run to run: figures, bars (of 0 ms there is none), who of two equals was taken."""
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}", "WHEN", text)
    text = re.sub(r"\d+(\.\d+)? (ms|s|min|[kMG]?B)\b", "N", text)
    text = re.sub(r"192\.0\.2\.1\d[: ]6379", "SERVER", text)
    text = re.sub(r"(offset|epoch|lag) \d+", r"\1 N", text)
    text = re.sub(r"\$?\b\d+\.\d+\b|\b\d+%", "N", text)
    text = re.sub(r"=+", "", text)
    text = re.sub(r"[ \t]+", " ", text)
    lines = [line.strip() for line in text.splitlines()]
    # Replicas may come in any order, and turn in any.
    return sorted(set(line for line in lines if not re.match(r"N [+-]", line)))


def play(stage, page):
    def replace(found):
        line = found.group(0).splitlines()[0]
        return line + "\n" + roff(stage.run(line))

    return EXAMPLE.sub(replace, page)


def read_page():
    with open(PAGE, encoding="utf-8") as page:
        return page.read()


def test_examples(lab):
    page = read_page()
    shown = EXAMPLE.findall(page)
    commands = set(re.findall(r"^  ([a-z]+)", ctl.run("--help").stdout, re.MULTILINE))
    assert {re.split(r"\s+", one)[2] for one in shown} == commands - {"drill"}, "an example of every command; drill is another program"
    fresh = EXAMPLE.findall(play(Stage(lab), page))
    for old, new in zip(shown, fresh):
        assert steady(old) == steady(new), f"rewrite the page: {new}"


def test_page_tells_every_option():
    page = read_page().replace("\\-", "-")
    everything = ctl.run("--help").stdout + "".join(
        ctl.run(command, "--help").stdout for command in ("failover", "pause", "resume", "watch")
    )
    for option in set(re.findall(r"(?<= --)[a-z-]+(?= )", everything)):
        assert f"Fl Fl {option}" in page, f"--{option} is not in vedettectl(1)"


def main():
    lab = harness.Lab()
    try:
        page = play(Stage(lab, "10s", observed_s=180), read_page())
    finally:
        print(lab.close() or "all ended well")
        lab.remove()
    with open(PAGE, "w", encoding="utf-8") as out:
        out.write(page)


if __name__ == "__main__":
    if sys.argv[1:] != ["--rewrite"]:
        sys.exit("usage: test_ctl_man.py --rewrite")
    main()
