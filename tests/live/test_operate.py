# SPDX-License-Identifier: BSD-3-Clause
"""What operators of the process itself rely on: logs, signals, history, failing disks, crashes."""

import json
import os
import re
import resource
import signal
import subprocess

import pytest

import resp
from harness import House, VEDETTE, find_program, group_lines, make_house, quicken, wait_until

GROUP = "mymaster"


def read(path):
    with open(path, encoding="utf-8") as text:
        return text.read()


def vote(sentinel, primary, epoch):
    """Does it vote for "aaa..." when asked?"""
    _, leader, _ = sentinel.sentinel(
        "IS-MASTER-DOWN-BY-ADDR", primary.host, primary.port, epoch, "a" * 40
    )
    return leader == "a" * 40


def test_shutdown(lab, program):
    one = lab.sentinel(program, ["# nothing to watch"])
    with one.connect() as client:
        assert client.raw("SHUTDOWN", "FOO").startswith("ERR syntax error")
        client.send("SHUTDOWN")
        assert client.read_to_end() == b""
    assert one.wait_end(10) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_that_end_it(lab, program, number):
    one = lab.sentinel(program, ["# nothing to watch"])
    one.signal(number)
    assert one.wait_end(10) == 0


@pytest.mark.parametrize("flag", ["crash-after-election", "crash-after-promotion"])
def test_simulated_crashes(lab, program, flag):
    """The leader dies in mid-failover; another one finishes."""
    plain = make_house(lab, [])
    sentinels = []
    for down_after in (1000, 3000, 3000):  # the first to find it down leads, by a quorum of one
        lines = group_lines(GROUP, plain.primary, 1, down_after, failover_timeout=3000)
        sentinels.append(lab.sentinel(program, lines))
        quicken(sentinels[-1])
    house = House(lab, GROUP, plain.servers, sentinels).wait_ready()
    victim = sentinels[0]
    assert victim.sentinel("SIMULATE-FAILURE", flag) == "OK"
    house.primary.kill()
    assert victim.wait_end(20) == 99
    last = {"crash-after-election": "+elected-leader", "crash-after-promotion": "+promoted-slave"}
    assert last[flag] in victim.log()
    house.wait_switch(60)
    house.wait_following(60)
    assert sum(server.is_primary() for server in house.replicas + [house.primary]
               if server.is_running()) == 1
    victim.start()
    wait_until(lambda: victim.primary_of(GROUP) == house.primary.address, 20, "the victim learns it")


def test_unix_socket(lab, program):
    path = os.path.join(lab.dir, "socket")
    one = lab.sentinel(program, [f"unixsocket {path}", "unixsocketperm 700"])
    with resp.Connection(path) as client:
        assert client.ask("PING") == "PONG"
        assert client.ask("SENTINEL", "MYID") == one.id()
    assert os.stat(path).st_mode & 0o777 == 0o700


def test_log_file_and_levels(lab, program):
    path = os.path.join(lab.dir, "the.log")
    one = lab.sentinel(program, [f"logfile {path}", *group_lines(GROUP, lab.redis(), quorum=1)])
    wait_until(lambda: "+monitor" in read(path), 5, "the log is written")
    # Rotated by its name: it goes on under the old one.
    os.rename(path, path + ".1")
    one.sentinel("SET", GROUP, "parallel-syncs", "2")
    wait_until(lambda: "parallel-syncs 2" in read(path), 5, "the new file is written")
    line = next(line for line in read(path).splitlines() if "parallel-syncs 2" in line)
    assert re.fullmatch(
        rf"{one.pid}:X \d\d \w\w\w \d{{4}} \d\d:\d\d:\d\d\.\d{{3}} # \+set master {GROUP} .* 2", line
    )
    assert "parallel-syncs" not in read(path + ".1")
    if program == VEDETTE:  # the original has it since 7.2
        one.sentinel("CONFIG", "SET", "loglevel", "nothing")
        one.sentinel("SET", GROUP, "parallel-syncs", "3")
        assert "parallel-syncs 3" not in read(path)


@pytest.mark.vedette
def test_json_log(lab):
    path = os.path.join(lab.dir, "the.log")
    one = lab.sentinel(
        VEDETTE,
        [f"logfile {path}", "log-format json", *group_lines(GROUP, lab.redis(), quorum=1)],
    )
    one.sentinel("SET", GROUP, "auth-user", 'quote " backslash \\ and \u00fc')
    lines = [json.loads(line) for line in read(path).splitlines()]
    assert lines and all({"ts", "level", "text"} <= set(line) for line in lines)
    assert any(line.get("event") == "+monitor" for line in lines)


@pytest.mark.vedette
def test_history(lab):
    house = make_house(lab, [VEDETTE] * 3)
    old = house.primary
    old.kill()
    new = house.wait_switch(20)
    house.wait_following()

    def records():
        out = []
        for one in house.sentinels:
            done = subprocess.run(
                [find_program(VEDETTE), "--history", "--state-dir", one.state_dir],
                capture_output=True, text=True, timeout=20, check=False, stdin=subprocess.DEVNULL,
            )
            assert done.returncode == 0, done.stderr
            out += [line for line in done.stdout.splitlines() if GROUP in line]
        return out

    # One led it, and keeps the record, while its daemon runs.
    wait_until(lambda: len(records()) == 1, 20, "one record")
    line = records()[0]
    assert str(old.port) in line and str(new.port) in line and "done" in line
    logged = [line for one in house.sentinels for line in one.log().splitlines()
              if f"failover {GROUP} epoch" in line]
    assert len(logged) == 1


@pytest.mark.vedette
def test_a_disk_that_takes_nothing(lab):
    """No vote leaves that could not be saved; look-ups are answered; it says so, and recovers."""
    house = make_house(lab, [VEDETTE], replicas=1, quorum=5)
    one = house.sentinels[0]
    house.primary.kill()
    wait_until(lambda: "s_down" in one.master(GROUP)["flags"], 10)
    assert vote(one, house.primary, 10)
    soft_hard = resource.prlimit(one.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(one.pid, resource.RLIMIT_FSIZE, (0, soft_hard[1]))
    with one.connect() as client:
        client.send(
            "SENTINEL", "IS-MASTER-DOWN-BY-ADDR", house.primary.host, house.primary.port, 11, "a" * 40
        )
        wait_until(lambda: one.info("vedette")["votes"] == "mute", 10, "it says that it is mute")
        assert one.info("vedette")["save_error"]
        assert one.primary_of(GROUP) == house.primary.address
        assert one.ask("PING") == "PONG"
        # The promise was never made: no answer, or one without a vote.
        client.sock.settimeout(1)
        try:
            assert client.read()[1] != "a" * 40
        except (TimeoutError, resp.Closed, ConnectionResetError):
            pass
    resource.prlimit(one.pid, resource.RLIMIT_FSIZE, soft_hard)
    wait_until(lambda: one.info("vedette")["votes"] == "yes", 20, "saving works again")
    assert vote(one, house.primary, 12)
    one.kill()
    one.start()
    assert int(one.info("vedette")["current_epoch"]) >= 12


@pytest.mark.vedette
def test_sighup_reads_the_configuration_again(lab):
    primary, second = lab.redis(), lab.redis()
    one = lab.sentinel(VEDETTE, group_lines(GROUP, primary, quorum=1, down_after=5000))
    own_id = one.id()
    with open(one.config, "r+", encoding="utf-8") as conf:
        text = conf.read().replace(f"milliseconds {GROUP} 5000", f"milliseconds {GROUP} 6000")
        conf.seek(0)
        conf.write(text + "\n" + "\n".join(group_lines("second", second, quorum=1)) + "\n")
    one.signal(signal.SIGHUP)
    wait_until(lambda: one.primary_of("second") == second.address, 10, "the new group is watched")
    wait_until(lambda: one.master(GROUP)["down-after-milliseconds"] == "6000", 10, "the new value")
    assert one.id() == own_id
    # A file that is wrong changes nothing, and is told.
    with open(one.config, "a", encoding="utf-8") as conf:
        conf.write("sentinel monitor third nonsense\n")
    one.signal(signal.SIGHUP)
    wait_until(lambda: "nonsense" in one.log(), 10, "the fault is logged")
    assert one.primary_of(GROUP) == primary.address
    assert one.is_mine()
