# SPDX-License-Identifier: BSD-3-Clause
"""vedettectl against real servers: every command as text and as JSON, its exit status, and what it does with whom it cannot reach."""

import os
import pty
import queue
import re
import resource
import select
import signal
import socket
import subprocess
import termios
import threading
import time

import pytest

import certs
import ctl
import harness
import resp
from ctl import Ctl
from harness import REDIS_SENTINEL, make_house, wait_until

GROUP = "mymaster"
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")

pytestmark = pytest.mark.vedette


def name(server):
    return f"{server.host}:{server.port}"


def test_look(lab, program):
    house = make_house(lab, [program] * 3)
    one = Ctl(house.sentinels[1])
    text = one.text("status")
    assert text.startswith(f"{GROUP}: well, configuration epoch 0, quorum 2 of 3\n")
    assert "vedettes: 3 of 3 reached" in text
    assert not CONTROL.search(text), "no colours without a terminal"
    for server in house.servers + house.sentinels:
        assert name(server) in text

    status = one.json("status", GROUP)
    assert status["well"] and status["groups"][0]["agreed"] and status["groups"][0]["can_act"]
    assert {v["id"] for v in status["vedettes"]} == {s.id() for s in house.sentinels}
    # The first question has begun the measuring of lag.
    wait_until(
        lambda: all(n["lag_ms"] is not None for n in one.json("status")["groups"][0]["nodes"][1:]), 10, "lag is known"
    )

    tree = one.text("topology").splitlines()
    assert tree[1] == f"{name(house.primary)}  primary, up"
    assert tree[2].startswith("|-- ") and tree[3].startswith("`-- ")

    check = one.json("check")["groups"][0]
    assert check["ready"] and check["worst"] == "ok", check
    assert {f["check"] for f in check["findings"]} == {
        "voters", "quorum", "agreement", "candidate", "servers", "rights", "min-replicas", "versions", "clocks"
    }
    assert "would be promoted" in one.text("check")

    assert one.text("history") == "no failover so far\n"
    assert one.json("history") == {"failovers": []}
    assert "no prices" in one.text("cost", status=1)
    assert "nobody watches a group 'nope'" in one.text("status", "nope", status=2)

    changes = ctl.run(*one.options, "watch", "--every", "50ms", "--for", "200ms")
    assert changes.returncode == 0
    assert len(changes.stdout.splitlines()) == 1 and f"{GROUP} on {name(house.primary)} well" in changes.stdout
    looks = ctl.run(*one.options, "watch", "--json", "--every", "50ms", "--for", "2s")
    assert 2 <= len(looks.stdout.splitlines()) <= 41

    # What they do not agree on, though nothing fails yet.
    house.sentinels[2].ask("SENTINEL", "SET", GROUP, "quorum", "3")
    check = one.json("check")["groups"][0]
    assert check["ready"] and check["worst"] == "warning", check
    assert any(f["text"].startswith(f"{name(house.sentinels[2])}: quorum 3,") for f in check["findings"]), check
    house.sentinels[2].ask("SENTINEL", "SET", GROUP, "quorum", "2")

    # A setting that makes a new primary useless.
    house.primary.ask("CONFIG", "SET", "min-replicas-to-write", "2")
    assert "would refuse writes" in one.text("check", status=1)



def write_hard(server, over):
    """A hundred SETs at a time, as fast as they are answered."""
    hundred = resp.encode("SET", "key", "value") * 100
    with server.connect() as connection:
        while not over.is_set():
            connection.send_bytes(hundred)
            for _ in range(100):
                assert connection.read() == "OK"


def test_readiness_while_data_is_written(lab, program):
    """Vedettes hear of offsets at different moments: that each would take another of two that are fit is no fault."""
    house = make_house(lab, [program] * 3)
    one = Ctl(house.sentinels[0])
    for sentinel in house.sentinels:
        sentinel.debug(info_period=100)
    over = threading.Event()
    load = threading.Thread(target=write_hard, args=(house.primary, over))
    load.start()

    def differs():
        check = one.json("check")["groups"][0]
        assert check["ready"]
        return [f for f in check["findings"] if " would take " in f["text"]]

    try:
        others = wait_until(differs, 20, "two would take another")
    finally:
        over.set()
        load.join()
    assert all(f["verdict"] == "ok" and f["text"].endswith(" it says: fit") for f in others), others


def test_steer(lab, program):
    house = make_house(lab, [program] * 3)
    one = Ctl(house.sentinels[0])
    rehearsal = one.json("failover", "--dry-run")
    assert rehearsal["would_promote"]
    assert not one.json("failover", "--dry-run", "--to", name(house.primary), status=1)["would_promote"]
    assert house.primary.is_primary()

    # Maintenance is known to all, and is no time for a failover.
    assert one.text("pause", "--for", "5m") == f"{GROUP}: paused for 5 min, and all know it\n"
    for sentinel in house.sentinels:
        assert int(sentinel.master(GROUP)["paused-for"]) > 200_000
    assert "say one of them" in one.text("resume", "--all", GROUP, status=2)
    assert "paused for 5 min more" in one.text("status")
    assert "vedettectl resume" in one.text("check", status=1)
    done = one.json("resume", "--all")["groups"][0]
    assert done["done"] and all(done["resumed_at"].values()) and len(done["resumed_at"]) == 3
    assert "paused-for" not in house.sentinels[2].master(GROUP)

    target = house.replicas[1]
    # A replica that was just loaded gets the stream with its first ACK only, which takes up to a second.
    wait_until(lambda: len(re.findall(",offset=[1-9]", house.primary.ask("INFO", "replication"))) == 2, 20, "both replicas have the stream")
    followed = one.json("failover", "--coordinated", "--to", name(target))
    assert followed["to"] == name(target) and followed["agreed"] and followed["ended"]
    assert "+switch-master" in [event["event"] for event in followed["events"]]
    house.wait_switch(10)
    wait_until(lambda: one.json("status")["well"], 20, "well again")

    # Whom it did not lead it asks all the same.
    other = Ctl(house.sentinels[2])
    entry = other.json("history")["failovers"][0]
    assert entry["id"] == f"{GROUP}-1" and entry["to"] == name(target) and entry["result"] == "done"
    assert entry["led_by"] == name(house.sentinels[0])
    assert other.json("history", entry["id"]) == entry
    # Who did not lead was told, and says so where it alone is asked.
    alone = other.json("--only", "history")["failovers"][0]
    assert (entry["source"], alone["source"]) == ("led", "told")
    assert alone["phases_ms"] == entry["phases_ms"] and alone["leader"] == house.sentinels[0].id()
    assert re.search(r"promotion +\d+ ms +=", other.text("history", entry["id"]))
    assert "no failover is called" in other.text("history", f"{GROUP}-99", status=1)

    text = one.text("failover")
    assert re.search(r"^ +\d+ ms  \+switch-master ", text, re.MULTILINE)
    assert "all who were reached agree" in text
    assert "is no HOST:PORT" in one.text("-s", "a b", "status", status=2)
    assert "--to nonsense" in one.text("failover", "--to", "nonsense", status=2)


def test_who_is_gone(lab, program):
    house = make_house(lab, [program] * 3)
    dead = house.sentinels[2]
    gone_id = dead.id()
    one = Ctl(house.sentinels[0], "--timeout", "500ms")
    replica = house.replicas[0]
    replica.kill()
    wait_until(lambda: "s_down" in one.text("status", "--json", status=1), 10, "the replica is down")
    assert f"replica {name(replica)} is down" in one.text("status", status=1)
    dead.kill()
    status = one.json("status", status=1)
    mate = next(v for v in status["vedettes"] if v["address"] == name(dead))
    assert not mate["reached"] and "nobody listens there" in mate["error"]
    assert status["groups"][0]["can_act"], "two of three can act"
    check = one.text("check", status=1)
    assert name(dead) in check and "2 of 3 vote, 2 are needed" in check
    assert re.search(rf"warning +{name(replica)}: (is down|does not answer)", check), "why not that one"
    assert name(dead) in one.text("history", status=1)

    assert "forgotten by 2 of 3\n" in one.text("forget", name(replica), status=1)
    # The one that is to be forgotten is asked for nothing, though it was named.
    whole = Ctl(house.sentinels[0], "-s", name(dead), "--timeout", "500ms")
    assert whole.json("forget", gone_id)["forgotten_by"] == {name(s): True for s in house.sentinels[:2]}
    # Again, it comes to the same.
    assert one.json("forget", gone_id)["forgotten_by"] == {name(s): True for s in house.sentinels[:2]}
    assert "nobody knows it" in one.text("forget", gone_id)
    assert "is alive" in one.text("forget", house.sentinels[1].id(), status=1)
    assert len(one.json("status", "--only", status=0)["vedettes"]) == 1

    # One that hangs costs its time, no more.
    house.sentinels[1].pause()
    began = time.monotonic()
    assert "within 500 ms" in one.text("status", status=1)
    assert time.monotonic() - began < 10
    house.sentinels[1].resume()
    for sentinel in house.sentinels[:2]:
        sentinel.kill()
    assert "nobody could be asked" in one.text("status", status=3)
    assert "error" in one.json("status", status=3)


def test_passwords_and_rights(lab, program):
    rules = (
        'user sentinel on >node-secret allchannels +multi +exec +slaveof +ping +subscribe +config|rewrite '
        "+role +publish +info +client|setname +client|kill +script|kill +psync +replconf +discard"
    )
    house = make_house(
        lab, [program], replicas=1, quorum=1, server_options=(rules,), lines=("requirepass secret",),
        extra=(f"sentinel auth-user {GROUP} sentinel", f"sentinel auth-pass {GROUP} node-secret"),
    )
    one = Ctl(house.sentinels[0])
    assert "VEDETTE_PASSWORD" in one.text("status", status=3)
    assert "does not let us in" in one.text("status", status=3, VEDETTE_PASSWORD="wrong")
    one.text("status", VEDETTE_PASSWORD="secret")
    secret = os.path.join(lab.dir, "secret")
    with open(secret, "w", encoding="utf-8") as out:
        out.write("secret\n")
    one.text("--password-file", secret, "status")
    assert "--password-file" in one.text("--password-file", "/nowhere", "status", status=2)
    # Its own configuration says where it is, its password, and how it speaks to the servers.
    config = house.sentinels[0].config
    for options in (("-c", config), ()):
        done = ctl.run(*options, "check", "--json", VEDETTE_CONFIG=config)
        assert done.returncode == 0, done.stdout + done.stderr
    assert "client|pause" in done.stdout and '"rights"' in done.stdout
    house.primary.ask("ACL", "SETUSER", "sentinel", "-config|rewrite")
    done = ctl.run("-c", config, "check")
    assert done.returncode == 1
    assert f"{name(house.primary)}: our user there lacks +config|rewrite" in done.stdout
    for server in house.servers:
        assert server.role()[0] == ("master" if server is house.primary else "slave"), "a check changes nothing"


def test_tls(lab, program):
    authority = certs.Authority(lab.dir)
    house = make_house(
        lab, [program], replicas=1, quorum=1, tls=authority.issue("server"),
        lines=("tls-replication yes",),
    )
    one = Ctl(house.sentinels[0])
    assert "TLS" in one.text("--tls", "status", status=2), "nothing says whose certificates are good"
    own = authority.issue("operator")
    options = ("--tls-ca-cert-file", authority.cert, "--tls-cert-file", own.cert, "--tls-key-file", own.key)
    one.text(*options, "status")
    assert one.text("status", status=3)
    # The servers are spoken to as the configuration has it.
    done = ctl.run("-c", house.sentinels[0].config, *options, "check", VEDETTE_SENTINELS="127.0.0.1:1")
    assert f"{name(house.primary)}: all that a vedette says is allowed" in done.stdout, done.stdout + done.stderr


def test_beside_real_sentinels(lab, program):
    house = make_house(lab, [REDIS_SENTINEL, REDIS_SENTINEL, program], down_after=2000)
    one = Ctl(house.sentinels[0])
    kinds = {v["kind"] for v in one.json("status")["vedettes"]}
    assert kinds == {"redis-sentinel", "vedette"}
    only = Ctl(house.sentinels[0], "--only")
    assert "knows no --dry-run" in only.text("failover", "--dry-run", status=1)
    assert "do not" in only.text("history", status=1)
    assert "only vedettes know PAUSE" in only.text("pause", status=1)
    assert "do not tell whom" in only.text("check", status=1)
    # Real sentinels go on acting in a maintenance that only the vedette knows of.
    assert "is no vedette" in one.text("pause", status=1)
    one.text("resume", status=1)
    followed = only.json("failover")
    assert followed["done"] and followed["to"] != name(house.primary)


class Liar:
    """A server that answers whatever it is asked with hostile text."""

    EVIL = "\x1b[2J\x07evil\u202e\x9b31m"

    def __init__(self):
        self.socket = socket.create_server((harness.LOOPBACK, 0))
        self.port = self.socket.getsockname()[1]
        self.host = harness.LOOPBACK
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.talk, args=(peer,), daemon=True).start()

    @staticmethod
    def bulk(text):
        data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")
        return b"$%d\r\n%s\r\n" % (len(data), data)

    def answer(self, request):
        if b"INFO" in request:
            return self.bulk(f"redis_mode:sentinel\r\nredis_version:{self.EVIL}\r\nvedette_version:{self.EVIL}\r\nvotes:{self.EVIL}\r\n")
        fields = ["name", self.EVIL, "ip", self.EVIL, "port", "99999", "flags", self.EVIL, "runid", b"\xff\xfe\x1b", "master-host", self.EVIL]
        flat = b"*%d\r\n" % len(fields) + b"".join(map(self.bulk, fields))
        if b"SHOW" in request:
            return self.bulk('{"nodes": [' + '{"node": "\\u001b[2J"},' * 3 + "{}]}")
        if b"MYID" in request:
            return self.bulk(self.EVIL)
        if b"MASTERS" in request or b"REPLICAS" in request or b"SENTINELS" in request:
            return b"*1\r\n" + flat
        return b"-ERR " + self.EVIL.encode() + b"\r\n"

    def talk(self, peer):
        with peer:
            while data := peer.recv(65536):
                peer.sendall(self.answer(data))


def test_hostile_text():
    liar = Liar()
    one = Ctl(liar)
    for command in ("status", "topology", "history", "check", "cost", "pause", "forget x"):
        done = ctl.run(*one.options, "--timeout", "1s", *command.split())
        assert done.returncode in (0, 1, 2, 3), f"{command}: {done.returncode} {done.stderr}"
        assert not CONTROL.search(done.stdout + done.stderr), f"{command}: {done.stdout!r} {done.stderr!r}"
        assert "\u202e" not in done.stdout + done.stderr
    assert "\\x1b[2J" in one.text("status", status=1)
    liar.socket.close()
    with socket.create_server((harness.LOOPBACK, 0)) as web:
        def serve():
            peer, _ = web.accept()
            with peer:
                peer.recv(100)
                peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        threading.Thread(target=serve, daemon=True).start()
        done = ctl.run("-s", f"{harness.LOOPBACK}:{web.getsockname()[1]}", "status")
        assert done.returncode == 3 and "does not speak RESP" in done.stderr
    # Nor does it follow a reply down any depth.
    with socket.create_server((harness.LOOPBACK, 0)) as deep:
        def dig():
            peer, _ = deep.accept()
            with peer:
                peer.recv(100)
                try:
                    peer.sendall(b"*1\r\n" * 1_000_000)
                except OSError:
                    pass  # it had enough
        threading.Thread(target=dig, daemon=True).start()
        done = ctl.run("-s", f"{harness.LOOPBACK}:{deep.getsockname()[1]}", "status")
        assert done.returncode == 3 and "too deep" in done.stderr, done.stderr


@pytest.mark.parametrize(
    "words, says",
    [
        ((), "a command is missing"),
        (("staus",), "there is no command 'staus'"),
        (("--nope", "status"), "there is no option --nope"),
        (("status", "--coordinated"), "status takes no --coordinated"),
        (("status", "a", "b"), "status takes only"),
        (("-s",), "wants a value"),
        (("-s", "host:0", "status"), "is no HOST:PORT"),
        (("pause", "--for", "soon"), "that is no time"),
        (("forget",), "forget wants"),
        (("-c", "/nowhere", "status"), "/nowhere"),
        (("--tls-key-file", "/nowhere", "status"), "go together"),
        (("watch", "--for", "1000000h"), "too long"),
        (("--ask-password", "status"), "--password-file"),
    ],
)
def test_usage(words, says):
    done = subprocess.run(
        ["setsid", ctl.path(), *words], env=ctl.environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=20, check=False,
    )
    assert done.returncode == 2
    assert says in done.stderr and done.stderr.startswith("vedettectl: ")


def test_help():
    done = ctl.run("--help")
    commands = re.findall(r"^  ([a-z]+)", done.stdout, re.MULTILINE)
    assert done.returncode == 0 and len(commands) == 11
    for command in commands[:-1]:
        one = ctl.run(command, "--help")
        assert one.returncode == 0 and one.stdout.startswith(f"usage: vedettectl [OPTION ...] {command}")
    assert ctl.run("--version").stdout.startswith("vedettectl ")


def test_drill_is_another_program(tmp_path):
    program = tmp_path / "drill"
    program.write_text('#!/bin/sh\necho "$VEDETTE_SENTINELS" "$VEDETTE_JSON" "$@"\nexit 7\n')
    program.chmod(0o755)
    done = ctl.run("--json", "-s", "a:1", "-s", "b", "drill", "kill", "--help", VEDETTE_DRILL=str(program))
    assert (done.returncode, done.stdout) == (7, "a:1,b:26379 1 kill --help\n")
    assert ctl.run("drill", VEDETTE_DRILL="/nowhere").returncode == 1
    # And how to speak to them.
    program.write_text('#!/bin/sh\nenv | grep -E "^VEDETTE_T" | sort\n')
    tls = ("--tls", "--tls-ca-cert-file", "ca", "--tls-cert-file", "cert", "--tls-key-file", "key", "--tls-no-verify-names")
    done = ctl.run("--timeout", "7s", *tls, "drill", "kill", VEDETTE_DRILL=str(program))
    assert done.stdout.split() == [
        "VEDETTE_TIMEOUT_MS=7000", "VEDETTE_TLS=1", "VEDETTE_TLS_CA_CERT_FILE=ca", "VEDETTE_TLS_CERT_FILE=cert",
        "VEDETTE_TLS_KEY_FILE=key", "VEDETTE_TLS_NO_VERIFY_NAMES=1",
    ]
    assert "VEDETTE_TLS" not in ctl.run("drill", "kill", VEDETTE_DRILL=str(program)).stdout


@pytest.mark.parametrize("key, number", [(b"\x03", signal.SIGINT), (b"\x1c", signal.SIGQUIT)])
def test_a_question_that_is_broken_off_leaves_the_echo(key, number):
    child, terminal = pty.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.signal(number, signal.SIG_DFL)  # tests that run in the background ignore it, and so would their children
        os.execve(ctl.path(), [ctl.path(), "--ask-password", "status"], ctl.environment())

    def echoes():
        return bool(termios.tcgetattr(terminal)[3] & termios.ECHO)

    seen = b""
    while b"password: " not in seen:
        seen += os.read(terminal, 4096)
    assert not echoes()
    os.write(terminal, key)
    # Before it is gone with its terminal, it has left it as it was.
    wait_until(echoes, 10, "the echo is on again")
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == number
    os.close(terminal)


def test_watch_on_a_terminal(lab, program):
    house = make_house(lab, [program], replicas=1, quorum=1)
    child, terminal = pty.fork()
    if child == 0:
        os.environ["TERM"] = "xterm"
        os.execv(ctl.path(), [ctl.path(), "-s", name(house.sentinels[0]), "watch", "--every", "50ms"])
    seen = b""
    end = time.monotonic() + 20
    while seen.count(b"\x1b[H") < 3 and time.monotonic() < end:
        if select.select([terminal], [], [], 1)[0]:
            seen += os.read(terminal, 65536)
    os.write(terminal, b"q")
    while True:
        try:
            more = os.read(terminal, 65536)
        except OSError:
            break
        seen += more
        if not more:
            break
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 0
    assert seen.startswith(b"\x1b[?1049h") and seen.rstrip().endswith(b"\x1b[?1049l")
    assert b"\x1b[32mwell" in seen and name(house.primary).encode() in seen


def test_completion():
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../packaging/completion/vedettectl")

    def complete(*words):
        line = " ".join(words)
        shell = (
            f". {script}; COMP_WORDS=({' '.join(repr(w) for w in words)}); COMP_CWORD=$((${{#COMP_WORDS[@]}}-1)); "
            f"COMP_LINE={line!r}; COMP_POINT=${{#COMP_LINE}}; _vedettectl vedettectl; printf '%s\\n' \"${{COMPREPLY[@]}}\""
        )
        done = subprocess.run(["bash", "--norc", "-c", shell], capture_output=True, text=True, check=True, timeout=20)
        return done.stdout.split()

    commands = complete("vedettectl", "")
    assert sorted(commands) == sorted(re.findall(r"^  ([a-z]+)", ctl.run("--help").stdout, re.MULTILINE))
    assert complete("vedettectl", "his") == ["history"]
    assert complete("vedettectl", "failover", "--d") == ["--dry-run"]
    assert "--dry-run" not in complete("vedettectl", "status", "--")
    assert complete("vedettectl", "drill", "k") == ["kill"]
    # Every option that the program has, and no other.
    for command in commands[:-1]:
        help_text = ctl.run("--help").stdout + ctl.run(command, "--help").stdout
        assert set(complete("vedettectl", command, "--")) == set(re.findall(r"(?<= )--[a-z-]+(?= )", help_text)) - {"--help."}


class Distance:
    """A port from which the sentinel is so far away, in seconds each way."""

    def __init__(self, sentinel, seconds):
        self.target = (sentinel.host, sentinel.port)
        self.seconds = seconds
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.host, self.port = self.listener.getsockname()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            far = socket.create_connection(self.target)
            for one, other in ((near, far), (far, near)):
                waiting = queue.SimpleQueue()
                threading.Thread(target=self.read, args=(one, waiting), daemon=True).start()
                threading.Thread(target=self.write, args=(other, waiting), daemon=True).start()

    def read(self, link, waiting):
        data = b"x"
        while data:
            try:
                data = link.recv(65536)
            except OSError:
                data = b""
            waiting.put((time.monotonic() + self.seconds, data))

    @staticmethod
    def write(link, waiting):
        data = b"x"
        while data:
            due, data = waiting.get()
            time.sleep(max(0, due - time.monotonic()))
            try:
                link.sendall(data) if data else link.shutdown(socket.SHUT_WR)
            except OSError:
                return


def test_many_groups_far_away(lab, program):
    """Questions are asked together: the time is that of some round trips, however many groups there are."""
    primary = lab.redis()
    one = lab.sentinel(program, harness.group_lines(GROUP, primary, quorum=1))
    count = 150
    for number in range(count - 1):
        assert one.sentinel("MONITOR", f"more-{number}", primary.host, primary.port, 1) == "OK"
    far = Distance(one, 0.02)
    begun = time.monotonic()
    status = Ctl(far, "--only").json("status", status=1)
    took = time.monotonic() - begun
    assert len(status["groups"]) == count
    assert all(group["can_act"] and group["problems"] == ["there is no replica"] for group in status["groups"])
    # Asked one by one, three questions of each group would be 18 s under way.
    assert took < 6, f"{took:.1f} s"
    whole = Ctl(one).json("status", status=1)
    assert [group["name"] for group in whole["groups"]] == [group["name"] for group in status["groups"]]
    far.listener.close()
