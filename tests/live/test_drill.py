# SPDX-License-Identifier: BSD-3-Clause
"""The drill: its scenarios in short, on sets of its own and on a running one, and that it can say no."""

import json
import os
import re
import subprocess
import sys
import threading

import pytest

from harness import make_house, wait_until

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DRILL = os.path.join(TOP, "packaging", "drill")
sys.path.insert(0, DRILL)

import load  # noqa: E402
import sets  # noqa: E402

GROUP = "mymaster"
SHORT = ["--rate", "150", "--sessions", "300", "--before", "0.8", "--after", "0.6", "--away", "1.6", "--down-after", "800"]
MET, MISSED, UNDONE = 0, 1, 2

pytestmark = pytest.mark.vedette


def run(lab, *words, report=None):
    path = report or os.path.join(lab.dir, "report.html")
    done = subprocess.run(
        [sys.executable, os.path.join(DRILL, "drill.py"), *words, "--report", path],
        capture_output=True, text=True, timeout=200, check=False, cwd=lab.dir, env=lab.environment,
    )
    return done, path


def drill(lab, scenario, *words, tries=1):
    """The result, which is good, and the page. What a machine that stood still lets it miss is tried again."""
    for _ in range(tries):
        done, path = run(lab, scenario, *SHORT, "--json", *words)
        if done.returncode != MISSED:
            break
    assert done.returncode == MET, done.stdout + done.stderr
    with open(path, encoding="utf-8") as page:
        return json.loads(done.stdout), page.read()


def running(house):
    """One is named, and knows the others."""
    one = house.sentinels[1]
    return ["--yes", "--group", GROUP, "--sentinel", f"{one.host}:{one.port}"]


def expect_good(result, page):
    figures = result["figures"]
    assert result["met"] and all(one["met"] for one in result["targets"])
    assert figures["answered"] == figures["offered"] > 150
    assert figures["sessions_confirmed_lost"] == 0 and figures["losses_known"]
    # All in one file, every plot in it, and nothing asked of anybody.
    assert page.count("<svg") == 5 and page.count("<polyline") >= 8
    assert not re.search(r"<script|<link|<img|https?:", page)
    assert "targets met" in page and "NaN" not in page


@pytest.mark.parametrize("scenario", ["kill", "empty-restart", "rolling-restart"])
def test_local(lab, scenario):
    result, page = drill(lab, scenario, tries=3)
    expect_good(result, page)
    figures = result["figures"]
    events = [one["event"] for one in result["phases"]]
    assert "+switch-master" in events, events
    if scenario == "kill":
        # The fault is seen, and not longer than it takes.
        assert 600 < figures["write_outage_ms"] < 5000
        assert figures["switched_ms"] > 700 and figures["tries_failed"] > 0
        assert events.index("+odown") < events.index("+switch-master")
    if scenario == "rolling-restart":
        assert sum("is restarted" in one["what"] for one in result["steps"]) == 6
    if scenario == "empty-restart":
        assert figures["hit_rate_after"] > 0.85


def test_running(lab, program):
    """A set that runs: by orders, and what was laid there is gone in the end."""
    house = make_house(lab, [program] * 3, name=GROUP, down_after=800)
    for scenario, how in (("coordinated", "COORDINATED"), ("hang", "DEBUG SLEEP"), ("partition", "CONFIG SET bind")):
        result, page = drill(lab, scenario, *running(house))
        expect_good(result, page)
        assert how in " ".join(one["how"] for one in result["steps"])
        house.primary = house.server_at(house.sentinels[0].primary_of(GROUP))
        assert house.primary.ask("DBSIZE") == 0
        house.wait_following()


def test_missed(lab, program):
    """No failover in time: the verdict says so, in the exit status and the report, too."""
    house = make_house(lab, [program] * 3, name=GROUP, down_after=30000)
    house.primary.meant_to_end = True
    done, path = run(
        lab, "kill", *SHORT, "--json", "--patience", "2", "--deadline", "1", "--queue", "40", *running(house)
    )
    assert done.returncode == MISSED, done.stdout + done.stderr
    result = json.loads(done.stdout)
    assert "another primary" in result["trouble"] and not result["met"]
    met = {one["target"].split()[0]: one["met"] for one in result["targets"]}
    assert not met["at"] and not met["150"]
    # Writes wait until their deadline or find the queue full; reads go on.
    figures = result["figures"]
    assert figures["failed"] > 0 and figures["refused"] >= 0
    assert figures["read_outage_ms"] < 1000 < figures["write_outage_ms"]
    with open(path, encoding="utf-8") as page:
        assert "targets missed" in page.read()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nonsense"], "invalid choice"),
        (["kill", "--sentinel", "here"], "no HOST:PORT"),
        (["kill", "--rate", "0"], "no number from 1"),
        (["kill", "--sentinel", "127.0.0.1:1"], "the vedette 127.0.0.1:1 does not answer"),
        (["kill", "--running"], "names no vedette"),
        (["kill", "--sentinel", "127.0.0.1:1", "--password-env", "NOBODY_SET"], "no NOBODY_SET"),
    ],
)
def test_refused(lab, words, said):
    done, path = run(lab, *words)
    assert done.returncode == UNDONE and said in done.stderr, done.stderr
    assert not os.path.exists(path)


def test_running_set_is_asked_for(lab, program):
    house = make_house(lab, [program] * 3, name=GROUP)
    words = [word for word in running(house) if word != "--yes"]
    done, _ = run(lab, "kill", *words)
    assert done.returncode == UNDONE and "Say --yes" in done.stderr
    done, _ = run(lab, "kill", *running(house), "--group", "other")
    assert done.returncode == UNDONE and "see --group" in done.stderr
    # As vedettectl calls it: --running, and the rest by the environment.
    lab.environment["VEDETTE_SENTINELS"] = ",".join(f"{one.host}:{one.port}" for one in house.sentinels)
    lab.environment["VEDETTE_GROUP"] = GROUP
    done, _ = run(lab, "kill", "--running")
    assert done.returncode == UNDONE and "Say --yes" in done.stderr
    # One that is not as it should be is not made worse.
    house.replicas[0].kill()
    one = house.sentinels[0]
    wait_until(lambda: "s_down" in str([r["flags"] for r in one.replicas(GROUP)]), 20, "the replica is down")
    done, _ = run(lab, "kill", *SHORT, *running(house))
    assert done.returncode == UNDONE and "not whole" in done.stderr
    assert house.primary.is_running()


def test_by_vedettectl(lab, program):
    """It tells the drill where the vedettes are; the drill's exit status is its own."""
    folder = os.path.dirname(os.environ["VEDETTE"])
    ctl = os.path.join(folder, "vedettectl")
    if not os.access(ctl, os.X_OK) or not os.access(os.path.join(folder, "vedette-drill"), os.X_OK):
        pytest.skip("vedettectl and vedette-drill are not built beside vedette")
    house = make_house(lab, [program] * 3, name=GROUP)
    one = house.sentinels[0]
    # The modules of this tree: those of the build are not installed.
    lab.environment["PYTHONPATH"] = DRILL
    done = subprocess.run(
        [ctl, "-s", f"{one.host}:{one.port}", "-g", GROUP, "drill", "kill", "--running"],
        capture_output=True, text=True, timeout=60, check=False, cwd=lab.dir, env=lab.environment,
    )
    assert done.returncode == UNDONE and "Say --yes" in done.stderr, done.stderr
    assert house.primary.is_running()


def test_losses_are_seen(lab, program):
    """What Redis has acknowledged and has not any more: at the end, at the next write, and at a refill."""
    house = make_house(lab, [program] * 3, name=GROUP)
    target = sets.RunningSet([one.address for one in house.sentinels], GROUP, sets.Access())
    some = load.Load(target, sessions=100)
    assert some.warm_up()
    some.look_at_all()
    assert some.losses == [] and some.looked
    house.primary.ask("DEL", some.key(1), some.key(2), some.key(3))
    house.primary.ask("SET", some.key(4), some.value(0))
    some._store(load.Request(load.FILL, 2, 0))
    some.sessions.version[3] += 1
    some._store(load.Request(load.WRITE, 3, 0))
    assert sorted(one.session for one in some.losses) == [2, 3]
    some.look_at_all()
    assert sorted(one.session for one in some.losses) == [1, 2, 3, 4]
    assert all(one.confirmed for one in some.losses)
    some.look_at_all()
    assert len(some.losses) == 4
    # What no replica has confirmed is told apart.
    some.sessions.acked[5] = 7
    some.look_at_all()
    assert [one.confirmed for one in some.losses] == [True] * 4 + [False]
    some.clear()
    assert house.primary.ask("DBSIZE") == 0


def test_rolling_restart_of_a_running_set(lab, program):
    """By SHUTDOWN; who supervises the processes starts them again, as a platform does."""
    house = make_house(lab, [program] * 3, name=GROUP)
    before = {one.pid for one in lab.processes}
    ended = []
    # The supervisor is this thread: processes end with the thread that has started them.
    worker = threading.Thread(target=lambda: ended.append(run(lab, "rolling-restart", *SHORT, "--json", *running(house))))
    worker.start()
    while worker.is_alive():
        worker.join(0.05)
        for process in lab.processes:
            if not process.is_running():
                process.spawn()
    done, path = ended[0]
    assert done.returncode == MET, done.stdout + done.stderr
    with open(path, encoding="utf-8") as page:
        expect_good(json.loads(done.stdout), page.read())
    assert before.isdisjoint({one.pid for one in lab.processes})


def test_hang_without_debug(lab):
    """Where DEBUG is not allowed its clients are held back, and that is told."""
    server = lab.redis(options=["enable-debug-command no"])
    target = sets.RunningSet([], GROUP, sets.Access())
    assert "CLIENT PAUSE 60000 ALL" in target.hang(server.address, 60)
    with pytest.raises(TimeoutError):
        server.connect(0.3).ask("GET", "x")
