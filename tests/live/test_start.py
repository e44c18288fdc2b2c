# SPDX-License-Identifier: BSD-3-Clause
"""Starting: both formats of configuration, and what is refused: the thing, the place, the remedy."""

import os
import subprocess

import pytest

import resp
from harness import LOOPBACK, VEDETTE, find_program, group_lines, is_port_free, wait_until

GROUP = "mymaster"

pytestmark = pytest.mark.vedette


def run(lab, *arguments, seconds=20, env=None):
    """The program, to its end: (status, standard output, standard error)."""
    done = subprocess.run(
        [find_program(VEDETTE), *arguments],
        cwd=lab.dir,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
        env=env or lab.environment,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def write(lab, name, text):
    path = os.path.join(lab.dir, name)
    with open(path, "w", encoding="utf-8") as out:
        out.write(text)
    return path


def refused(lab, *arguments, env=None):
    """The message of a start that must fail with status 1 and say why on one line."""
    status, _, message = run(lab, *arguments, env=env)
    assert status == 1, f"status {status}: {message}"
    assert "Sanitizer" not in message and "runtime error" not in message
    lines = message.rstrip("\n").splitlines()
    assert lines, "nothing said"
    return lines


CLASSIC = f"port {{port}}\nbind 127.0.0.1\nsentinel monitor {GROUP} 127.0.0.1 6379 2\n"

# line added to a good sentinel.conf; what the message must name beside file and line
CLASSIC_FAULTS = [
    ("no-such-directive 1", "no-such-directive"),
    ("port seven", "integer"),
    ("port 70000", "65535"),
    ("loglevel loud", "loglevel"),
    ("sentinel color red", "Unrecognized sentinel configuration statement"),
    (f"sentinel monitor {GROUP} 127.0.0.1 6379 2", "Duplicate master name"),
    ("sentinel monitor other 127.0.0.1 6379 0", "Quorum must be 1 or greater"),
    ("sentinel monitor other 127.0.0.1 99999 1", "Invalid port number"),
    ("sentinel monitor other no.such.host.invalid 6379 1", "Can't resolve instance hostname"),
    ("sentinel monitor other 127.0.0.1 6379", "Unrecognized sentinel configuration statement"),
    ("sentinel down-after-milliseconds nobody 1000", "No such master with specified name"),
    (f"sentinel down-after-milliseconds {GROUP} 0", "negative or zero time parameter"),
    (f"sentinel notification-script {GROUP} /no/such/script", "non existing or non executable"),
    ("sentinel myid abc", "Malformed Sentinel id in myid option"),
    ("sentinel resolve-hostnames maybe", "yes or no"),
    ('sentinel auth-pass mymaster "open', "Unbalanced quotes"),
    ("include /no/such/file.conf", "/no/such/file.conf"),
    ("bind 300.1.1.1", "300.1.1.1"),
]


@pytest.mark.parametrize("line, named", CLASSIC_FAULTS, ids=[line for line, _ in CLASSIC_FAULTS])
def test_faults_in_a_sentinel_conf(lab, line, named):
    path = write(lab, "sentinel.conf", CLASSIC.format(port=lab.free_port()) + line + "\n")
    message = "\n".join(refused(lab, path, "--state-dir", os.path.join(lab.dir, "state")))
    assert named.lower() in message.lower()
    assert "line 4" in message or "sentinel.conf:4" in message
    # Nothing has been made of a configuration that is refused.
    assert not os.path.exists(os.path.join(lab.dir, "state"))


NATIVE = """
port = {port};
bind = ["127.0.0.1"];
state_dir = "{state}";
groups = (
    {{
        name = "mymaster";
        host = "127.0.0.1";
        port = {primary};
        quorum = 1;
        down_after = "600ms";
        {more}
    }}
);
{last}
"""

# (inside the group, outside of it, what the message must name)
NATIVE_FAULTS = [
    ("quorum_ = 2;", "", "quorum_"),
    ("", 'no_such_setting = "x";', "no_such_setting"),
    ('failover_timeout = "3 weeks";', "", "failover_timeout"),
    ('failover_timeout = "-1s";', "", "failover_timeout"),
    ("failover_timeout = true;", "", "failover_timeout"),
    ('parallel_syncs = "many";', "", "parallel_syncs"),
    ('notification_script = "/no/such/script";', "", "notification_script"),
    ('auth_pass_file = "/no/such/file";', "", "/no/such/file"),
    ('auth_pass_env = "VD_TEST_NOT_SET";', "", "VD_TEST_NOT_SET"),
    ('auth_pass = "a"; auth_pass_file = "/dev/null";', "", "auth_pass"),
    ("", 'loglevel = "loud";', "loglevel"),
    ("", "maxclients = 0;", "maxclients"),
    ("", "syslog_ident = ;", "syntax"),
]


def native(lab, more="", last="", port=None, primary=6379):
    text = NATIVE.format(
        port=port or lab.free_port(),
        state=os.path.join(lab.dir, "state"),
        primary=primary,
        more=more,
        last=last,
    )
    return write(lab, "vedette.cfg", text)


@pytest.mark.parametrize("more, last, named", NATIVE_FAULTS, ids=[f[0] or f[1] for f in NATIVE_FAULTS])
def test_faults_in_a_vedette_cfg(lab, more, last, named):
    path = native(lab, more, last)
    for arguments in ((path,), ("--check", path)):
        lines = refused(lab, *arguments)
        assert len(lines) == 1, lines
        assert named in lines[0]
        line = 12 if more else 15
        assert f"vedette.cfg:{line}" in lines[0], lines[0]


def test_a_near_miss_is_told(lab):
    lines = refused(lab, native(lab, more='failover_timout = "3s";'))
    assert "failover_timout" in lines[0] and "failover" in lines[0].replace("failover_timout", "")
    assert "failover_timeout" in lines[0] or "failover-timeout" in lines[0]


def test_a_good_vedette_cfg(lab):
    primary = lab.redis()
    secret = write(lab, "secret", "from-a-file\n")
    os.chmod(secret, 0o600)
    path = native(
        lab,
        more=f'failover_timeout = "3m"; auth_pass_file = "{secret}";',
        last='loglevel = "verbose"; requirepass_env = "VD_TEST_SECRET";',
        port=lab.free_port(),
        primary=primary.port,
    )
    primary.ask("CONFIG", "SET", "requirepass", "from-a-file")
    environment = dict(lab.environment, VD_TEST_SECRET="of-the-environment")
    status, said, message = run(lab, "--check", path, env=environment)
    assert (status, message) == (0, "") and said.count("\n") == 1
    lab.environment = environment
    daemon = lab.process([find_program(VEDETTE), path], "native")
    daemon.spawn()
    port = int(open(path, encoding="utf-8").read().split("port = ")[1].split(";")[0])
    address = (LOOPBACK, port)

    def ask(*words):
        daemon.expect_running()
        return resp.ask_once(address, *words, password="of-the-environment")

    master = wait_until(lambda: resp.pairs(ask("SENTINEL", "MASTER", GROUP)), 10)
    assert master["failover-timeout"] == "180000" and master["down-after-milliseconds"] == "600"
    wait_until(
        lambda: resp.pairs(ask("SENTINEL", "MASTER", GROUP))["runid"] == run_id(primary), 10, "is in"
    )
    assert "from-a-file" not in daemon.log()
    assert daemon.stop() == 0


def run_id(primary):
    primary.password = "from-a-file"
    primary.hang_up()
    return primary.run_id()


def test_the_shipped_configuration_is_good(lab):
    top = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    status, _, message = run(lab, "--check", os.path.join(top, "conf", "vedette.cfg"))
    assert status == 0, message


def test_port_in_use(lab):
    primary = lab.redis()
    path = write(lab, "sentinel.conf", CLASSIC.format(port=primary.port))
    lines = refused(lab, path, "--state-dir", os.path.join(lab.dir, "state"))
    assert str(primary.port) in lines[-1] and "in use" in lines[-1].lower()
    assert primary.ask("PING") == "PONG"


def test_a_missing_file(lab):
    for name in ("missing.conf", "missing.cfg"):
        lines = refused(lab, os.path.join(lab.dir, name))
        assert name in lines[-1] and "No such file" in lines[-1]


def test_unknown_options(lab):
    path = write(lab, "sentinel.conf", CLASSIC.format(port=lab.free_port()))
    lines = refused(lab, path, "--state-dir", os.path.join(lab.dir, "state"), "--no-such-option", "1")
    assert "no-such-option" in "\n".join(lines)


@pytest.mark.parametrize("kind", ["a file", "below a file", "cannot be written"])
def test_a_state_directory_that_cannot_be(lab, kind):
    path = write(lab, "sentinel.conf", CLASSIC.format(port=lab.free_port()))
    plain = write(lab, "plain", "not a directory\n")
    state = {
        "a file": plain,
        "below a file": os.path.join(plain, "state"),
        "cannot be written": "/proc/vedette-state",
    }[kind]
    lines = refused(lab, path, "--state-dir", state)
    assert len(lines) == 1 and state in lines[0]
    with open(plain, encoding="utf-8") as text:
        assert text.read() == "not a directory\n"


def test_state_that_is_corrupt_is_left_alone(lab):
    primary = lab.redis()
    one = lab.sentinel(VEDETTE, group_lines(GROUP, primary, quorum=1))
    one.stop()
    files = sorted(os.listdir(one.state_dir))
    database = max((os.path.join(one.state_dir, name) for name in files if name.endswith(".db")),
                   key=os.path.getsize)
    with open(database, "r+b") as data:
        data.seek(0)
        data.write(b"this is no database any more" * 50)
    with open(database, "rb") as data:
        before = data.read()
    lines = refused(lab, *one.argv[1:])
    assert len(lines) == 1 and one.state_dir in lines[0]
    with open(database, "rb") as data:
        assert data.read() == before


def test_a_second_daemon_on_the_same_state(lab):
    primary = lab.redis()
    one = lab.sentinel(VEDETTE, group_lines(GROUP, primary, quorum=1))
    other = lab.free_port()
    lines = refused(lab, *one.argv[1:], "--port", str(other))
    assert len(lines) == 1
    assert one.state_dir in lines[0] and str(one.pid) in lines[0]
    assert is_port_free(other)
    assert one.is_mine()
    # Its end frees the state, however it comes.
    one.kill()
    one.start()


def test_version_and_help(lab):
    status, said, _ = run(lab, "--version")
    assert status == 0 and said.startswith("vedette ") and said.count("\n") == 1
    status, said, _ = run(lab, "--help")
    assert status == 0 and "--check" in said and "sentinel.conf" in said


def test_words_of_sentinel_on_the_command_line(lab):
    """`vedette sentinel.conf --port 26380 --sentinel` and overrides, as redis-sentinel takes them."""
    primary = lab.redis()
    path = write(lab, "sentinel.conf", "port 1\nbind 127.0.0.1\nsentinel abstain 0\n")
    port = lab.free_port()
    daemon = lab.process(
        [
            find_program(VEDETTE), path, "--port", str(port), "--sentinel",
            "--sentinel", "monitor", GROUP, LOOPBACK, str(primary.port), "1",
            f"--sentinel down-after-milliseconds {GROUP} 1234",
            "--state-dir", os.path.join(lab.dir, "state"),
        ],
        "words",
    )
    daemon.spawn()

    def down_after():
        daemon.expect_running()
        master = resp.ask_once((LOOPBACK, port), "SENTINEL", "MASTER", GROUP)
        return resp.pairs(master)["down-after-milliseconds"]

    assert wait_until(down_after, 10) == "1234"
    assert daemon.stop() == 0


def vote(one, primary, epoch):
    """Whom it votes for when asked to vote for "aaa..." """
    _, leader, leader_epoch = one.sentinel(
        "IS-MASTER-DOWN-BY-ADDR", primary.host, primary.port, epoch, "a" * 40
    )
    return leader, leader_epoch


def test_state_of_a_sentinel_conf_is_taken_over(lab):
    """myid, epochs, known replicas and sentinels that a redis-sentinel wrote into its file."""
    primary = lab.redis()
    primary.kill()  # one that it reached would be no reason to vote for anybody
    lines = [
        "sentinel myid " + "1" * 40,
        "sentinel current-epoch 17",
        *group_lines(GROUP, primary, quorum=5),
        f"sentinel config-epoch {GROUP} 15",
        f"sentinel leader-epoch {GROUP} 16",
        f"sentinel known-replica {GROUP} 127.0.0.1 1",
        f"sentinel known-sentinel {GROUP} 127.0.0.1 2 " + "2" * 40,
    ]
    one = lab.sentinel(VEDETTE, lines)
    assert one.id() == "1" * 40
    assert one.master(GROUP)["config-epoch"] == "15"
    assert [(r["ip"], r["port"]) for r in one.replicas(GROUP)] == [("127.0.0.1", "1")]
    assert [(p["runid"], p["port"]) for p in one.peers(GROUP)] == [("2" * 40, "2")]
    # Started without state of its own, it gives no vote before it has heard its peers.
    assert vote(one, primary, 18)[0] != "a" * 40


def test_votes_of_a_sentinel_conf_are_taken_over(lab):
    primary = lab.redis()
    primary.kill()
    lines = [*group_lines(GROUP, primary, quorum=5), f"sentinel leader-epoch {GROUP} 16"]
    one = lab.sentinel(VEDETTE, lines)
    # It voted in epoch 16, for somebody; it does not do so again.
    assert vote(one, primary, 16)[0] != "a" * 40
    assert vote(one, primary, 17) == ("a" * 40, 17)


def test_abstains_after_a_start_without_state(lab):
    """It may have voted in a life that it has forgotten."""
    primary = lab.redis()
    primary.kill()
    lines = group_lines(GROUP, primary, quorum=5)
    careful = lab.sentinel(VEDETTE, ["sentinel abstain 60000", *lines])
    assert vote(careful, primary, 9)[0] != "a" * 40
    careless = lab.sentinel(VEDETTE, lines)
    assert vote(careless, primary, 9) == ("a" * 40, 9)
    # It has forgotten nothing that was to be remembered.
    hurried = lab.sentinel(VEDETTE, ["sentinel abstain 2000", *lines])
    assert vote(hurried, primary, 9)[0] != "a" * 40
    wait_until(lambda: vote(hurried, primary, 10) == ("a" * 40, 10), 10, "it votes again")


def test_abstains_until_it_has_heard_a_majority(lab):
    """What says that it votes says so of the votes: INFO, and the state, which the next start trusts."""
    primary = lab.redis()
    known = [f"sentinel known-sentinel {GROUP} 127.0.0.1 {lab.free_port()} {digit * 40}" for digit in "bc"]
    alone = lab.sentinel(VEDETTE, ["sentinel abstain 200", *group_lines(GROUP, primary, quorum=2), *known])

    def votes():
        assert int(alone.info()["uptime_in_seconds"]) >= 1
        return alone.info()["votes"]

    for _ in range(2):
        assert wait_until(votes, 10, "its time is over") == "abstains"
        alone.stop()
        alone.start()
