# SPDX-License-Identifier: BSD-3-Clause
"""Runs packaging/runbooks: every block of every file, in order, on real servers on loopback.

A ```sh block is run; a ```output block after it is what it must print, where "..." stands for anything
within a line, a line of it alone for any number of lines, and $R1 and the like for what they are. What the
test does to the set in between, to make a symptom true, stands in a comment, <!-- test ... -->. Each file
has a set of its own, which deploy.md has built.
"""

import concurrent.futures
import os
import re
import signal
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(TOP, "tests", "live"))

import harness  # noqa: E402

BOOKS = os.path.join(TOP, "packaging", "runbooks")
NAMES = sorted(name for name in os.listdir(BOOKS) if name.endswith(".md") and name != "README.md")
PATIENCE = 180
AT_ONCE = 3
DEPLOYED = 4  # blocks of deploy.md: servers, a look at them, vedettes, a look at all
MARK = "@@block"
PORTS = set()  # those given to a set
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$|^<!-- test\n(.*?)^-->$", re.MULTILINE | re.DOTALL)


def read(name):
    with open(os.path.join(BOOKS, name), encoding="utf-8") as file:
        return file.read()


def blocks(name):
    """(line, commands, expected output or None) of each."""
    found = []
    text = read(name)
    for match in BLOCK.finditer(text):
        kind, body, hidden = match.groups()
        line = text.count("\n", 0, match.start()) + 1
        if hidden is not None:
            found.append([f"{name}:{line}", hidden, None])
        elif kind == "sh":
            found.append([f"{name}:{line}", body, None])
        elif kind == "output":
            assert found and found[-1][2] is None, f"{name}:{line}: output of what?"
            found[-1][2] = body
        else:
            assert kind in ("text", "ts"), f"{name}:{line}: a block of kind '{kind}': sh, output or text"
    return found


def pattern(expected, names):
    """A regular expression for the whole of the output."""
    parts = []
    for line in expected.splitlines():
        if line.strip() == "...":
            parts.append(r"(?:.*\n)*?")
            continue
        line = re.sub(r"\$([A-Z]\w*)", lambda match: names[match.group(1)], line)
        parts.append(re.escape(line).replace(re.escape("..."), ".*") + r"\n")
    return "".join(parts) + r"\s*"


class House:
    """The names, directories and processes of one runbook's set."""

    def __init__(self, directory):
        addresses = [f"127.0.0.1:{harness.free_port(PORTS)}" for _ in range(12)]
        self.data = os.path.join(directory, "data")
        os.makedirs(self.data)
        self.names = {
            **{f"{kind}{n + 1}": addresses[4 * place + n] for place, kind in enumerate("RSH") for n in range(4)},
            "GROUP": "mymaster",
            "ABSTAIN": "100ms",
            "TRY": directory,
        }
        self.environment = {**os.environ, **self.names}

    def run(self, steps):
        script = ["set -eu", ". packaging/runbooks/try.sh"]
        for number, (_, commands, _) in enumerate(steps):
            script += [f"printf '%s\\n' '{MARK} {number}'", commands]
        script.append(f"printf '%s\\n' '{MARK} end'")
        try:
            done = subprocess.run(["sh", "-c", "\n".join(script)], cwd=TOP, env=self.environment, check=False,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  timeout=PATIENCE)
            output, status = done.stdout, done.returncode
        except subprocess.TimeoutExpired as slow:
            output, status = slow.stdout or b"", "too slow"
        return status, output.decode(errors="replace")

    def close(self):
        for name in os.listdir(self.data):
            if name.endswith(".pid"):
                with open(os.path.join(self.data, name), encoding="ascii") as file:
                    pid = int(file.read())
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass

    def logs(self):
        tails = []
        for name in sorted(os.listdir(self.data)):
            if name.endswith(".log"):
                with open(os.path.join(self.data, name), encoding="utf-8", errors="replace") as log:
                    tails.append(f"== {name}\n" + "".join(log.readlines()[-12:]))
        return "\n".join(tails)


def steps_of(name):
    steps = blocks("deploy.md")
    return steps if name == "deploy.md" else steps[:DEPLOYED] + blocks(name)  # without its failover


@pytest.fixture(name="runs", scope="session")
def make_runs(tmp_path_factory, request):
    """Of each runbook that is wanted: its set, exit status and output. They mostly wait: several at a time."""
    wanted = [item.callspec.params["name"] for item in request.session.items if hasattr(item, "callspec")]
    houses = {name: House(str(tmp_path_factory.mktemp(name[:-3]))) for name in wanted}
    try:
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            results = list(pool.map(lambda name: houses[name].run(steps_of(name)), wanted))
        yield {name: (houses[name], *result) for name, result in zip(wanted, results)}
    finally:
        for house in houses.values():
            house.close()


@pytest.mark.parametrize("name", NAMES)
def test_every_block_does_what_it_says(name, runs):
    steps = steps_of(name)
    house, status, output = runs[name]
    said = dict(re.findall(rf"^{MARK} (\w+)\n(.*?)(?=^{MARK} |\Z)", output, re.MULTILINE | re.DOTALL))
    reached = len(said) - 1
    where = steps[min(reached, len(steps) - 1)][0]
    assert status == 0 and "end" in said, f"{where}: exit status {status}\n{output[-3000:]}\n{house.logs()}"
    for number, (place, _, expected) in enumerate(steps):
        if expected is not None:
            got = re.sub(r"^\n", "", said[str(number)], flags=re.MULTILINE)  # redis-cli sets errors apart
            assert re.fullmatch(pattern(expected, house.names), got), \
                f"{place} prints\n{got}and not\n{expected}\n{house.logs()}"


def anchors(name):
    heads = re.findall(r"^#+ (.*)$", read(name), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def test_every_alert_points_to_a_section():
    with open(os.path.join(TOP, "conf", "prometheus", "alerts.yml"), encoding="utf-8") as file:
        rules = re.split(r"^ *- alert: ", file.read(), flags=re.MULTILINE)[1:]
    assert rules
    for rule in rules:
        alert = rule.splitlines()[0]
        found = re.search(r"^ *runbook: packaging/runbooks/(\S+\.md)#(\S+)$", rule, re.MULTILINE)
        assert found, f"{alert} names no runbook"
        assert found.group(2) in anchors(found.group(1)), f"{alert}: {found.group(1)} has no section {found.group(2)}"


def test_over_ssh_names_machine_and_unit(tmp_path):
    (tmp_path / "ssh").write_text('#!/bin/sh\necho "$@"\n', encoding="ascii")
    (tmp_path / "ssh").chmod(0o755)
    script = f". {BOOKS}/env.sh; for name in redis-2 vedette-1 sentinel-3; do SVC=over_ssh svc restart $name; done"
    done = subprocess.run(["sh", "-euc", script], env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
                          check=True, capture_output=True, text=True)
    assert done.stdout.splitlines() == [
        "redis-2 systemctl restart redis-server", "vedette-1 systemctl restart vedette",
        "sentinel-3 systemctl restart redis-sentinel",
    ]


def test_a_set_that_was_tried_leaves_nothing(tmp_path):
    """As one tries it: a server, and then all of it gone."""
    house = House(str(tmp_path))
    script = """. packaging/runbooks/try.sh
mkdir "$ETC"
echo "port ${R1##*:}" >"$ETC/redis-1.conf"
svc start redis-1
alive() { rd "$R1" PING; }
wait_for 10 alive
try_end
! alive
"""
    done = subprocess.run(["sh", "-euc", script], cwd=TOP, env=house.environment, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Could not connect" in done.stderr and not tmp_path.exists()


def test_every_link_leads_somewhere():
    for name in [*NAMES, "README.md"]:
        for path, anchor in re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", read(name)):
            target = os.path.join(BOOKS, path or name)
            assert os.path.exists(target), f"{name} links to {path}"
            if anchor:
                assert anchor in anchors(path or name), f"{name}: {path} has no section {anchor}"
    for name in NAMES:
        assert f"]({name})" in read("README.md"), f"README.md does not name {name}"
