# SPDX-License-Identifier: BSD-3-Clause
"""The benches: what they make of events, and one trial of a failover from the strike to the report."""

import json
import os
import subprocess
import sys

import pytest

BENCH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "bench")
sys.path.insert(0, BENCH)

import phases  # noqa: E402
import pictures  # noqa: E402

GROUP = "bench"


def events(*lines):
    """(seconds, sentinel, event, text) of 'ms sentinel event text'."""
    rows = [line.split(" ", 3) for line in lines]
    return [(float(row[0]) / 1000, row[1], row[2], row[3] if len(row) > 3 else "") for row in rows]


def test_phases_add_up_to_the_outage():
    told = events(
        "900 a +sdown slave 127.0.0.1:1 127.0.0.1 1 @ bench 127.0.0.1 2",
        "1003 a +sdown master bench 127.0.0.1 2",
        "1004 b +sdown master bench 127.0.0.1 2",
        "1005 b +odown master bench 127.0.0.1 2 #quorum 2/2",
        "1006 b +try-failover master bench 127.0.0.1 2",
        "1007 a +try-failover master bench 127.0.0.1 2",
        "1009 a +elected-leader master bench 127.0.0.1 2",
        "1015 a +promoted-slave slave 127.0.0.1:1 127.0.0.1 1 @ bench 127.0.0.1 2",
        "1030 a +switch-master bench 127.0.0.1 2 127.0.0.1 1",
    )
    parts = {name: round(ms, 3) for name, ms in phases.of_events(told, GROUP, 0.0, 1.020).items()}
    assert parts == {"detection": 1003, "agreement": 2, "candidacy": 2, "election": 2, "promotion": 6, "client": 5}
    assert sum(parts.values()) == 1020
    assert phases.sdown_spread(told, GROUP) is None
    assert round(phases.sdown_spread([*told, *events("1006 c +sdown master bench 127.0.0.1 2")], GROUP), 3) == 3


def test_elections_are_told_apart():
    split = events(
        "1 a +try-failover", "1 a +vote-for-leader A 4", "1 b +try-failover", "1 b +vote-for-leader B 4",
        "2 a -failover-abort-not-elected", "2 b -failover-abort-not-elected",
    )
    second = events("3 a +try-failover", "3 a +vote-for-leader A 5", "3 b +vote-for-leader A 5", "4 a +elected-leader")
    assert phases.elections([*split, *second]) == (1, 1, 3)
    assert phases.elections(second) == (0, 0, 1)
    late = events(
        "1 a +try-failover", "1 a +vote-for-leader A 4", "2 c +vote-for-leader A 4", "2 b +try-failover",
        "2 b +vote-for-leader B 4", "3 a +elected-leader", "4 b -failover-abort-not-elected",
    )
    assert phases.elections(late) == (0, 1, 2), "an epoch that somebody won has not failed"


def run_of(*trials):
    return {"way": "kill", "beyond_ms": 1000, "trials": {"vedette": [{"phases_ms": dict(one)} for one in trials]}}


TOLD = {"detection": 1003.0, "agreement": 2.0, "candidacy": 2.0, "election": 1.0, "selection": 4.0, "promotion": 6.0,
        "announcement": 1.0, "client": 5.0}
UNTOLD = {name: ms for name, ms in TOLD.items() if name not in ("election", "selection")}


def test_what_was_not_told_took_not_nothing():
    once = pictures.layers(run_of(TOLD, TOLD, UNTOLD), "vedette")
    assert once == TOLD | {"detection": 3.0}
    mostly = pictures.layers(run_of(TOLD, UNTOLD, UNTOLD), "vedette")
    assert [name for name, ms in mostly.items() if ms is None] == ["election", "selection"]
    assert mostly["promotion"] == 6.0
    assert pictures.layers(run_of({**TOLD, "selection": 0.0}), "vedette")["selection"] == 0.0  # told, and took no time


def test_a_picture_names_what_was_not_told(tmp_path):
    pytest.importorskip("matplotlib")
    pyplot = pictures.start()
    for trial, words in ((TOLD, 0), (UNTOLD, 1)):
        file, _ = pictures.draw_phases(pyplot, {"failover-kill-1000": run_of(trial)}, tmp_path)
        assert (tmp_path / file).read_text().count("untold: election, selection") == words
        assert "promotion" in (tmp_path / file).read_text()


def test_own_account():
    log = "1:X # failover other epoch 1: silence 9 ms; x\n1:X # failover bench epoch 2: silence 1001 ms, total 1010 ms; loss bound 0 bytes; a\n"
    assert phases.own(log, GROUP) == {"silence": 1001, "total": 1010}
    assert not phases.own("", GROUP)


def test_one_trial(tmp_path):
    result = tmp_path / "failover-kill-1000.json"
    run = [sys.executable, os.path.join(BENCH, "failover.py"), "--programs", "vedette", "--trials", "1", "--json", result]
    done = subprocess.run(run, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    trial = json.loads(result.read_text())["trials"]["vedette"][0]
    assert trial["outage_ms"] >= 1000 and trial["lost"] == 0 and trial["failovers"] >= 1
    assert abs(sum(trial["phases_ms"].values()) - trial["outage_ms"]) < 1
    assert trial["own_ms"]["total"] >= 1000
    done = subprocess.run([sys.executable, os.path.join(BENCH, "report.py"), str(tmp_path)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "| primary killed | 1000 | 1 | " in (tmp_path / "RESULTS.md").read_text()
