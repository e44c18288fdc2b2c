# SPDX-License-Identifier: BSD-3-Clause
"""The way back from a state directory: --export-sentinel-conf, and the original goes on with what it wrote."""

import os
import subprocess

import pytest

from harness import REDIS_SENTINEL, VEDETTE, Sentinel, find_program, make_house, quicken
from takeover import GROUP, append, read, remembered, run

pytestmark = pytest.mark.vedette


def export(one, target, config=None, more=()):
    """vedette --export-sentinel-conf with the arguments of this vedette."""
    done = subprocess.run(
        [find_program(VEDETTE), "--export-sentinel-conf", target, config or one.config,
         *one.argv[2:], *more],
        capture_output=True, text=True, timeout=20, check=False)
    return done.returncode, done.stdout, done.stderr


NATIVE = """
port = {port};
bind = ["127.0.0.1"];
state_dir = "{state}";
log_format = "json";
maxclients = 77;
requirepass = "s e";
sentinel_pass = "s e";
abstain = "0";
groups = ({{
    name = "{group}"; host = "{primary.host}"; port = {primary.port}; quorum = 2;
    down_after = "700ms"; down_after_refused = "300ms"; parallel_syncs = 2;
}});
"""


def run_export(house, one, path):
    """The sentinel is changed at runtime, ends, is exported, and goes on as the original."""
    one.sentinel("SET", GROUP, "failover-timeout", 4321)
    one.sentinel("CONFIG", "SET", "announce-port", one.port)
    one.sentinel("FAILOVER", GROUP)
    house.wait_switch(20)
    house.wait_following(20)
    house.wait_ready(30)
    before = remembered(one)
    status, _, error = export(one, path)
    assert status == 1 and "another vedette" in error, error
    assert not os.path.exists(path)
    assert one.stop() == 0
    status, out, error = export(one, path)
    assert (status, out, error) == (0, "", "")
    assert os.stat(path).st_mode & 0o777 == 0o600
    status, _, error = export(one, path)
    assert status == 1 and "there already" in error
    status, out, error = export(one, "-")
    assert (status, out, error) == (0, read(path), "")
    one.argv, one.config = [find_program(REDIS_SENTINEL), path], path
    one.program = REDIS_SENTINEL
    one.start()
    quicken(one)
    assert remembered(one) == before
    assert one.sentinel("CONFIG", "GET", "announce-port") == ["announce-port", str(one.port)]
    house.wait_ready(40)


def test_export_from_a_classic_file(lab):
    house = make_house(lab, [VEDETTE] * 2)
    one = house.sentinels[0]
    # Vedette's own lines would keep the original from starting.
    append(one.config, f"# a word\nsentinel down-after-refused {GROUP} 500ms\nlog-format json\n")
    one.stop()
    one.start()
    house.wait_ready(30)
    path = os.path.join(one.home, "exported.conf")
    run_export(house, one, path)
    text = read(path)
    assert "# a word\n" in text and "# vedette: down-after-refused mymaster 500\n" in text
    assert "log-format" not in text


def test_export_from_a_native_file(lab):
    house = make_house(lab, [VEDETTE])
    one = Sentinel(lab, "native", VEDETTE, "127.0.0.1", lab.free_port(), [])
    one.config = os.path.join(one.home, "vedette.cfg")
    append(one.config, NATIVE.format(port=one.port, state=one.state_dir, group=GROUP,
                                     primary=house.primary))
    one.argv = [find_program(VEDETTE), one.config]
    one.password = "s e"
    house.sentinels.append(lab.add(one).start())
    peer = house.sentinels[0]
    peer.stop()
    append(peer.config, 'requirepass "s e"\nsentinel sentinel-pass "s e"\n')
    peer.password = one.password
    peer.start()
    house.wait_ready(30)
    path = os.path.join(one.home, "exported.conf")
    run_export(house, one, path)
    text = read(path)
    assert "maxclients 77\n" in text and "state-dir" not in text and "log-format" not in text
    assert 'requirepass "s e"\n' in text and "tcp-backlog" not in text


def test_export_to_a_disk_that_is_full(lab):
    path = os.path.join(lab.dir, "plain.conf")
    append(path, "".join(f"sentinel monitor g{port} 127.0.0.1 {port} 2\n" for port in range(6000, 6800)))
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run([find_program(VEDETTE), "--export-sentinel-conf", "-", path], stdout=full,
                              stderr=subprocess.PIPE, text=True, timeout=20, check=False)
    assert done.returncode == 1 and "cannot write to standard output: No space left" in done.stderr


def test_export_without_state_and_with_includes(lab):
    path = os.path.join(lab.dir, "plain.conf")
    append(path, f"port 26390\nsentinel monitor {GROUP} 127.0.0.1 6379 2\n")
    status, out, error = run(lab, VEDETTE, "--export-sentinel-conf", "-", path, "--port", "26391")
    assert status == 0 and error == ""
    assert out.startswith(f"port 26391\nsentinel monitor {GROUP} 127.0.0.1 6379 2\n")
    assert "myid" not in out, "who has never lived has no id yet"
    assert sorted(os.listdir(lab.dir)) == ["bin", "plain.conf"], "nothing was made beside what the test made"
    append(path, "include more-*.conf\n")
    append(os.path.join(lab.dir, "more-1.conf"), "loglevel debug\n")
    status, _, error = run(lab, VEDETTE, "--export-sentinel-conf", "-", path)
    assert status == 1 and "include" in error
    status, _, error = run(lab, VEDETTE, "--export-sentinel-conf")
    assert status == 1 and "lacks" in error
