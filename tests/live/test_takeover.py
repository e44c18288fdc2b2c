# SPDX-License-Identifier: BSD-3-Clause
"""In another's place: called redis-sentinel or valkey-sentinel, the classic file is the state.

The way there and the way back are walked with the original's own program.
"""

import os
import subprocess

import pytest

import resp
from harness import REDIS_SENTINEL, Sentinel, find_program, group_lines, make_house, quicken, wait_until
from takeover import ALICE, BOB, GROUP, append, become, find_original, in_place, lines_of, link_to_vedette, read, remembered, run

pytestmark = pytest.mark.vedette


# There and back ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["redis-sentinel", "valkey-sentinel"])
def test_there_and_back(lab, name):
    """Identity, epochs, members, options, comments: nothing is lost either way."""
    original = find_original(name)
    house = make_house(lab, [REDIS_SENTINEL] * 3, ready=False)
    for one in house.sentinels:
        one.argv[0] = original
        assert one.stop() == 0
        append(one.config, "# written by hand\n")
        one.start()
        quicken(one)
    house.wait_ready(40)
    before = {one.name: remembered(one) for one in house.sentinels}
    for one in house.sentinels:
        become(one, link_to_vedette(lab, name))
        assert remembered(one) == before[one.name]
    house.wait_ready(40)

    one = house.sentinels[0]
    one.sentinel("SET", GROUP, "parallel-syncs", 3)
    one.sentinel("CONFIG", "SET", "sentinel-user", "somebody")
    one.sentinel("FAILOVER", GROUP)
    house.wait_switch(20)
    house.wait_following(30)
    house.wait_ready(30)
    before = {one.name: remembered(one) for one in house.sentinels}
    assert int(before[one.name]["config-epoch"]) > 0
    for one in house.sentinels:
        become(one, original)
        quicken(one)
        assert remembered(one) == before[one.name]
        assert "# written by hand" in read(one.config)
    one = house.sentinels[0]
    assert one.master(GROUP)["parallel-syncs"] == "3"
    assert one.sentinel("CONFIG", "GET", "sentinel-user") == ["sentinel-user", "somebody"]
    house.wait_ready(40)


def test_the_original_never_votes_in_an_epoch_that_is_spent(lab):
    """One vote for an epoch, whoever runs on the file."""
    house = make_house(lab, [], replicas=0)
    lines = group_lines(GROUP, house.primary, quorum=5)
    one = in_place(lab, lines)
    house.primary.kill()
    wait_until(lambda: "s_down" in one.master(GROUP)["flags"], 10, "the primary is down")

    def vote(epoch, candidate):
        return tuple(one.sentinel("IS-MASTER-DOWN-BY-ADDR", house.primary.host,
                                  house.primary.port, epoch, candidate))[1:]

    assert vote(50, ALICE) == (ALICE, 50)
    one.kill()
    one.start()
    assert vote(50, BOB) == (ALICE, 50), "whom the vote went to stands in the file"
    one.kill()
    become(one, find_program(REDIS_SENTINEL))
    assert vote(50, BOB)[0] != BOB
    assert vote(60, BOB) == (BOB, 60)
    one.kill()
    become(one, link_to_vedette(lab, REDIS_SENTINEL))
    # The original does not say whom it voted for: then nobody gets it in that epoch.
    assert vote(60, ALICE)[0] != ALICE
    assert vote(61, ALICE) == (ALICE, 61)


# The file --------------------------------------------------------------------------------------


def test_what_is_set_at_runtime_is_in_the_file(lab):
    house = make_house(lab, [])
    one = in_place(lab, ["# before", *group_lines(GROUP, house.primary), "# behind"])
    first = read(one.config)
    other = lab.redis()
    secret = 'my"pass\\word with spaces'
    one.sentinel("SET", GROUP, "auth-pass", secret)
    one.sentinel("SET", GROUP, "down-after-refused", 300)
    one.sentinel("MONITOR", "annex", other.host, other.port, 1)
    one.sentinel("CONFIG", "SET", "announce-port", 4711, "resolve-hostnames", "yes")
    assert lines_of(one, "sentinel auth-pass") == [
        f'sentinel auth-pass {GROUP} "my\\"pass\\\\word with spaces"'
    ]
    assert lines_of(one, "# vedette: down-after-refused") == [
        f"# vedette: down-after-refused {GROUP} 300"
    ]
    assert lines_of(one, "sentinel monitor annex")
    assert lines_of(one, "sentinel announce-port") == ["sentinel announce-port 4711"]
    # What was there stays where it was.
    assert read(one.config).startswith(first)
    one.kill()
    one.start()
    assert one.master("annex")["port"] == str(other.port)
    assert one.sentinel("CONFIG", "GET", "announce-port") == ["announce-port", "4711"]
    one.ask("ACL", "SETUSER", "alice", "on", ">wonder", "+ping")
    one.ask("ACL", "SETUSER", "bob", "on")
    one.ask("ACL", "DELUSER", "bob")
    one.sentinel("FLUSHCONFIG")
    assert len(lines_of(one, "user alice")) == 1 and not lines_of(one, "user bob")
    one.sentinel("REMOVE", "annex")
    assert not [line for line in read(one.config).splitlines() if "annex" in line]
    become(one, one.argv[0])
    assert one.ask("AUTH", "alice", "wonder") == "OK"
    one.hang_up()
    # The original takes all of it.
    become(one, find_program(REDIS_SENTINEL))
    assert one.ask("AUTH", "alice", "wonder") == "OK"
    one.hang_up()
    assert one.sentinel("CONFIG", "GET", "announce-port") == ["announce-port", "4711"]


def test_options_of_the_command_line_are_in_the_file(lab):
    house = make_house(lab, [], replicas=0)
    port = lab.free_port()
    one = in_place(lab, [], options=["--port", str(port), "--sentinel", "monitor", GROUP,
                                     house.primary.host, str(house.primary.port), "1",
                                     "--sentinel"], start=False)
    one.port = port
    one.start()
    assert lines_of(one, "port") == [f"port {port}"]
    assert lines_of(one, "sentinel monitor") == [
        f"sentinel monitor {GROUP} {house.primary.host} {house.primary.port} 1"
    ]
    # The second time the file alone will do, for the original as well.
    one.argv = one.argv[:2]
    become(one, one.argv[0])
    become(one, find_program(REDIS_SENTINEL))
    assert one.primary_of(GROUP) == house.primary.address


def test_a_file_that_cannot_be_written(lab):
    """The old file stays, the reply says so, the change is in force; then all is well again."""
    house = make_house(lab, [], replicas=0)
    one = in_place(lab, group_lines(GROUP, house.primary, quorum=1))
    away = one.config + ".away"
    os.rename(one.config, away)
    os.mkdir(one.config)
    before = read(away)
    for words in (["FLUSHCONFIG"], ["SET", GROUP, "quorum", 3]):
        with pytest.raises(resp.ReplyError, match="ERR Failed to save config file. Check server"):
            one.sentinel(*words)
    assert one.master(GROUP)["quorum"] == "3"
    assert one.primary_of(GROUP) == house.primary.address
    assert "Is a directory" in one.log()
    assert read(away) == before
    os.rmdir(one.config)
    os.rename(away, one.config)
    # A save that has failed is not tried again within 100 ms.
    wait_until(lambda: one.sentinel("FLUSHCONFIG") == "OK", 5, "the file can be written again")
    assert lines_of(one, "sentinel monitor")[0].endswith(" 3")


def test_a_second_start_leaves_the_file_alone(lab):
    """As with the original, whose second start fails at the port: told in the log, not on stderr."""
    house = make_house(lab, [], replicas=0)
    log = os.path.join(lab.dir, "the.log")
    one = in_place(lab, [*group_lines(GROUP, house.primary), f"logfile {log}"])
    one.pause()  # what changes the file now is not the first
    before = read(one.config)
    done = subprocess.run(one.argv, capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")
    assert read(one.config) == before
    one.resume()
    assert "another vedette runs on" in read(log)
    # Another file, the same port.
    other = Sentinel(lab, "other", REDIS_SENTINEL, one.host, one.port, group_lines(GROUP, house.primary))
    before = read(other.config)
    done = subprocess.run([one.argv[0], other.config], capture_output=True, text=True, timeout=20,
                          check=False)
    assert (done.returncode, done.stderr) == (1, "")
    assert str(one.port) in done.stdout
    assert read(other.config) == before


def test_hang_up_changes_nothing(lab):
    house = make_house(lab, [], replicas=1)
    one = in_place(lab, group_lines(GROUP, house.primary, quorum=1))
    wait_until(lambda: one.replicas(GROUP), 10, "the replica is found")
    before = remembered(one)
    append(one.config, f"sentinel parallel-syncs {GROUP} 7\n")
    one.signal(1)
    wait_until(lambda: "SIGHUP" in one.log(), 10, "it is told")
    assert remembered(one) == before


# The program --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["redis-sentinel", "valkey-sentinel"])
def test_version_and_help(lab, name):
    for option in ("--version", "-v"):
        status, out, _ = run(lab, name, option)
        assert status == 0 and name in out and " v=" in out and out.count("\n") == 1
    for option in ("--help", "-h"):
        status, out, _ = run(lab, name, option)
        assert status == 0 and f"usage: {name} " in out and "rewritten" in out


def test_starts_that_are_refused(lab):
    path = os.path.join(lab.dir, "s.conf")
    status, _, err = run(lab, "redis-sentinel")
    assert status == 1 and "configuration file" in err
    status, _, err = run(lab, "redis-sentinel", "-", stdin="port 0\n")
    assert status == 1 and "configuration file" in err
    status, _, err = run(lab, "redis-sentinel", path)
    assert status == 1 and "No such file" in err and path in err
    append(path, "port nonsense\n")
    status, _, err = run(lab, "redis-sentinel", path)
    assert status == 1 and "FATAL CONFIG FILE ERROR" in err and ">>> 'port nonsense'" in err
    native = os.path.join(lab.dir, "vedette.cfg")
    append(native, "port = 26379;\n")
    status, _, err = run(lab, "redis-sentinel", native)
    assert status == 1 and "sentinel.conf" in err
    status, _, err = run(lab, "redis-server", path)
    assert status == 1 and "--sentinel" in err
    status, _, err = run(lab, "redis-sentinel", "--history", path)
    assert status == 1 and err


def test_as_a_daemon(lab):
    """daemonize, pidfile, logfile, and more of the configuration by standard input."""
    house = make_house(lab, [], replicas=0)
    one = in_place(lab, group_lines(GROUP, house.primary), start=False)
    pidfile = os.path.join(one.home, "the.pid")
    log = os.path.join(one.home, "the.log")
    append(one.config, "daemonize yes\n")
    done = subprocess.run([*one.argv, "-"], input=f"logfile the.log\npidfile {pidfile}\n",
                          cwd=lab.dir, capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    pid = int(read(pidfile))
    try:
        assert one.info("server")["process_id"] == str(pid)
        assert f"{pid}:X " in read(log) and "+monitor" in read(log)
        assert lines_of(one, "logfile") and lines_of(one, "pidfile")
    finally:
        one.hang_up()
        os.kill(pid, 15)
    wait_until(lambda: not os.path.exists(pidfile), 10, "the daemon ends and takes its pidfile away")
