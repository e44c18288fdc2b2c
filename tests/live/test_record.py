# SPDX-License-Identifier: BSD-3-Clause
"""Recordings of real daemons: a failover that is repeated exactly, whatever end it took."""

import os
import stat
import subprocess

import pytest

import harness
import resp
from harness import VEDETTE, make_house, wait_until

pytestmark = pytest.mark.vedette
GROUP = "mymaster"
PASSWORD = "correct-horse-battery"


def replay(*arguments):
    """(exit status, standard output, standard error) of vedette-replay."""
    program = os.path.join(os.path.dirname(harness.find_program(VEDETTE)), "vedette-replay")
    run = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60)
    return run.returncode, run.stdout, run.stderr


def record(sentinel, path):
    """Start it anew, recording."""
    sentinel.stop()
    sentinel.argv += ["--record", path]
    sentinel.start()
    harness.quicken(sentinel)


@pytest.fixture
def recorded(lab):
    """A house of three that record, after a failover: (house, files)."""
    house = make_house(lab, [VEDETTE] * 3)
    files = []
    for sentinel in house.sentinels:
        files.append(os.path.join(lab.dir, f"{sentinel.name}.recording"))
        record(sentinel, files[-1])
    house.wait_ready()
    house.sentinels[0].sentinel("SET", GROUP, "auth-pass", PASSWORD)
    house.sentinels[0].sentinel("SET", GROUP, "auth-pass", "")
    house.wait_ready()
    old = house.primary
    old.kill()
    house.wait_switch(20)
    house.wait_following()
    return house, files


def test_a_failover_is_repeated(recorded):
    house, files = recorded
    for sentinel in house.sentinels:
        assert sentinel.stop() == 0
    printed = []
    for path in files:
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
        status, out, err = replay(path)
        assert (status, err) == (0, ""), out
        assert "identical" in out and "killed" not in out
        status, out, err = replay("--print", path)
        assert status == 0
        printed.append(out)
    # Everybody has heard of it, and one has done it.
    assert all("NOTICE warning +switch-master" in out for out in printed)
    assert sum("PROMOTE" in out for out in printed) == 1
    assert all("START" in out and "INFO link" in out and "QUESTION" in out for out in printed)
    assert "auth-pass ******" in printed[0]
    for path, out in zip(files, printed):
        with open(path, "rb") as recording:
            assert PASSWORD.encode() not in recording.read()
        assert PASSWORD not in out


def test_one_byte_changed(recorded):
    house, files = recorded
    house.sentinels[0].stop()
    with open(files[0], "rb") as recording:
        whole = recording.read()
    assert len(whole) > 10000
    for place in range(0, len(whole), len(whole) // 40):
        other = bytearray(whole)
        other[place] ^= 1
        with open(files[0], "wb") as recording:
            recording.write(other)
        status, out, err = replay(files[0])
        assert status in (1, 2), f"byte {place}: {out}"
        assert (out if status == 1 else err).startswith(
            f"{files[0]}: different: " if status == 1 else "vedette-replay: "
        )


def test_of_a_vedette_that_was_killed(recorded):
    house, files = recorded
    house.sentinels[0].kill()
    status, out, err = replay(files[0])
    assert (status, err) == (0, "")
    assert "identical" in out and "killed" in out
    # It starts again, into another file.
    house.sentinels[0].start()
    house.wait_ready()
    assert house.sentinels[0].stop() == 0
    assert replay(files[0])[1] == out
    status, out, _ = replay(files[0] + ".1")
    assert status == 0 and "killed" not in out


def test_while_it_still_runs(recorded):
    house, files = recorded

    def whole_minute():
        status, out, err = replay(files[1])
        assert (status, err) == (0, "")
        return "identical" in out

    wait_until(whole_minute, 10, "a recording that is being written is repeated")
    assert house.sentinels[1].ask("PING") == "PONG"


def test_of_a_simulated_failure(lab):
    """Its process ends amid a turn: what that was given is in the file."""
    house = make_house(lab, [VEDETTE])
    one = house.sentinels[0]
    path = os.path.join(lab.dir, "recording")
    record(one, path)
    house.wait_ready()
    one.sentinel("SIMULATE-FAILURE", "crash-after-election")
    try:
        one.sentinel("FAILOVER", GROUP)
    except (OSError, resp.Closed, AssertionError):  # it may be gone before it has answered
        pass
    assert one.wait_end(10) == 99
    status, out, err = replay("--print", path)
    assert (status, err) == (0, "")
    assert "< CRASH" in out and "in the last turn" in out


def test_its_limit(lab):
    house = make_house(lab, [VEDETTE])
    one = house.sentinels[0]
    path = os.path.join(lab.dir, "recording")
    one.stop()
    one.argv += ["--record", path, "--record-limit", "20kb"]
    one.start()
    house.wait_ready()

    def is_over():
        with open(one.log_path, encoding="utf-8") as log:
            return "reached its limit of 20480 bytes" in log.read()

    wait_until(is_over, 60, "the recording has reached its limit")
    size = os.path.getsize(path)
    # The turn that reached the limit is whole, and may hold the INFO of each server.
    assert 20480 <= size < 20480 + 40000
    status, out, err = replay(path)
    assert (status, err) == (0, "") and "identical" in out and "killed" not in out
    assert one.ask("PING") == "PONG"
    assert one.stop() == 0
    assert os.path.getsize(path) == size and not os.path.exists(path + ".1")


def test_of_which_the_end_is_cut_off(recorded):
    """A full disk, a copy that was not finished: what is there is repeated."""
    house, files = recorded
    house.sentinels[0].stop()
    with open(files[0], "rb") as recording:
        whole = recording.read()
    for left in (len(whole) - 1, len(whole) * 2 // 3, len(whole) // 3):
        with open(files[0], "wb") as recording:
            recording.write(whole[:left])
        status, out, err = replay(files[0])
        assert (status, err) == (0, ""), left
        assert "identical" in out and "killed" in out
    with open(files[0], "wb") as recording:
        recording.write(whole[:10])
    status, _, err = replay(files[0])
    assert status == 2 and files[0] in err


def test_refusals(lab):
    nothing = os.path.join(lab.dir, "nothing")
    assert replay(nothing) == (2, "", f"vedette-replay: {nothing}: No such file or directory\n")
    with open(nothing, "wb"):
        pass
    status, _, err = replay(nothing)
    assert status == 2 and "no recording" in err
    assert replay()[0] == 2
    assert replay("--what", nothing)[0] == 2
    assert replay("--help")[0] == 0
    program = harness.find_program(VEDETTE)
    run = subprocess.run([program, "--record"], capture_output=True, text=True, timeout=10)
    assert run.returncode == 1 and "--record lacks the RECORDING" in run.stderr
    for size, complaint in (("many", "needs a size"), ("10kb", "of no use without --record")):
        run = subprocess.run(
            [program, "--record-limit", size], capture_output=True, text=True, timeout=10
        )
        assert run.returncode == 1 and complaint in run.stderr
    run = subprocess.run(
        [program, "--port", "0", "--record", lab.dir + "/no/such"],
        capture_output=True,
        text=True,
        timeout=10,
    )
    assert run.returncode == 1 and "No such file or directory" in run.stderr
