# SPDX-License-Identifier: BSD-3-Clause
"""Users: from every kind of configuration, for clients as they come, and what a change does to who is in."""

import os
import signal
import subprocess
import time

import pytest
import redis

import resp
from harness import LOOPBACK, group_lines, House, make_house, quicken, wait_until

GROUP = "mymaster"
WATCHER = "user watcher on >w4tch resetchannels &+switch-master +ping +subscribe +sentinel|masters"
ADMIN = "user admin on >4dm1n ~* &* +@all"
SHA = "#148de9c5a7a44d19e56cd9ae1a554bf67847afb0c58f6e12fa29ac7ddfca9940"  # of "p"


@pytest.fixture
def one(lab, program):
    """A sentinel with two users, and a default one who may do nothing but say who he is."""
    primary = lab.redis()
    lines = group_lines(GROUP, primary, quorum=1)
    return lab.sentinel(program, [*lines, WATCHER, ADMIN, "user default on nopass -@all +ping +info"])


def login(sentinel, user, password):
    client = resp.Connection(sentinel.address)
    assert client.ask("AUTH", user, password) == "OK"
    return client


def test_rights_from_the_file(one):
    with resp.Connection(one.address) as nobody:
        assert nobody.ask("PING") == "PONG"
        assert nobody.raw("SENTINEL", "MASTERS").startswith("NOPERM ")
        assert nobody.raw("AUTH", "watcher", "wrong").startswith("WRONGPASS ")
        assert nobody.raw("AUTH", "wrong").startswith("ERR AUTH <password> called without")
    with login(one, "watcher", "w4tch") as watcher:
        assert len(watcher.ask("SENTINEL", "MASTERS")) == 1
        assert watcher.raw("SENTINEL", "MYID").startswith("NOPERM ")
        assert watcher.raw("SUBSCRIBE", "+sdown").startswith("NOPERM ")
        assert watcher.ask("SUBSCRIBE", "+switch-master") == ["subscribe", "+switch-master", 1]
    with login(one, "admin", "4dm1n") as admin:
        assert admin.ask("ACL", "WHOAMI") == "admin"
        assert admin.ask("ACL", "USERS") == ["admin", "default", "watcher"]


def test_redis_py_manages_users(one):
    client = redis.Redis(
        host=LOOPBACK, port=one.port, username="admin", password="4dm1n", decode_responses=True
    )
    assert client.acl_whoami() == "admin"
    assert client.acl_setuser(
        "bob", enabled=True, passwords=["+secret"], commands=["+ping", "+acl|whoami"], channels=["a*"]
    )
    bob = client.acl_getuser("bob")
    assert "on" in bob["flags"] and set(bob["commands"]) == {"+ping", "+acl|whoami"}
    assert bob["channels"] == ["&a*"]
    other = redis.Redis(host=LOOPBACK, port=one.port, username="bob", password="secret")
    assert other.ping() and other.acl_whoami() in ("bob", b"bob")
    with pytest.raises(redis.exceptions.NoPermissionError):
        other.info()
    assert set(client.acl_users()) == {"admin", "bob", "default", "watcher"}
    assert "pubsub" in client.acl_cat() and "client|kill" in client.acl_cat("admin")
    assert len(client.acl_genpass()) == 64
    entry = client.acl_log()[0]
    assert (entry["reason"], entry["object"], entry["username"]) == ("command", "info", "bob")
    assert int(client.info("stats").get("acl_access_denied_cmd", 1)) >= 1
    assert client.acl_log_reset()
    assert client.acl_deluser("bob") == 1
    with pytest.raises(redis.exceptions.RedisError):
        other.ping()  # its connection was ended, and there is no such user
    other.close()
    client.close()


def test_redis_cli_speaks_to_it(one):
    run = subprocess.run(
        ["redis-cli", "-p", str(one.port), "--user", "admin", "--pass", "4dm1n", "--no-auth-warning",
         "-3", "ACL", "LIST"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, check=True,
    )
    assert "user default on nopass" in run.stdout and "user watcher on #" in run.stdout
    assert "w4tch" not in run.stdout


def is_closed(client):
    client.sock.settimeout(5)
    try:
        client.read()
    except (resp.Closed, ConnectionResetError):
        return True
    return False


def test_who_loses_the_right_is_cut_off(one):
    admin = login(one, "admin", "4dm1n")
    watcher = login(one, "watcher", "w4tch")
    listener = login(one, "watcher", "w4tch")
    assert listener.ask("SUBSCRIBE", "+switch-master")[2] == 1
    # Being switched off keeps nobody out who is in.
    assert admin.ask("ACL", "SETUSER", "watcher", "off") == "OK"
    assert watcher.ask("PING") == "PONG"
    assert resp.ask_once(one.address, "PING") == "PONG"
    with resp.Connection(one.address) as late:
        assert late.raw("AUTH", "watcher", "w4tch").startswith("WRONGPASS ")
    # A right to listen that is gone ends who listens, and only those.
    assert admin.ask("ACL", "SETUSER", "watcher", "resetchannels") == "OK"
    assert is_closed(listener)
    assert watcher.ask("PING") == "PONG"
    assert admin.ask("CLIENT", "KILL", "USER", "watcher") == 1
    assert is_closed(watcher)
    # Who deletes himself gets the reply.
    assert admin.ask("ACL", "DELUSER", "admin") == 1
    assert is_closed(admin)


def test_requirepass_is_the_default_users_password(lab, program):
    one = lab.sentinel(program, [*group_lines(GROUP, lab.redis(), quorum=1), "requirepass p", ADMIN])
    with login(one, "admin", "4dm1n") as admin:
        assert f"user default on {SHA} ~* &* +@all" in admin.ask("ACL", "LIST") or (
            f"user default on sanitize-payload {SHA} ~* &* +@all" in admin.ask("ACL", "LIST")
        )
    with resp.Connection(one.address) as client:
        assert client.raw("PING").startswith("NOAUTH ")
        assert client.ask("AUTH", "p") == "OK"


def test_the_acl_file(lab, program):
    path = os.path.join(lab.dir, "users.acl")
    with open(path, "w", encoding="utf-8") as file:
        file.write("user default on nopass ~* &* +@all\nuser bob on >x +ping\n")
    os.chmod(path, 0o640)
    lines = [*group_lines(GROUP, lab.redis(), quorum=1), f"aclfile {path}"]
    one = lab.sentinel(program, lines)
    with one.connect() as client:
        assert client.ask("ACL", "USERS") == ["bob", "default"]
        client.ask("ACL", "SETUSER", "alice", "on", ">secret", "+info")
        assert client.ask("ACL", "SAVE") == "OK"
        with open(path, encoding="utf-8") as file:
            saved = file.read()
        assert saved.splitlines() == client.ask("ACL", "LIST") and "secret" not in saved.replace("#", "")
        assert os.stat(path).st_mode & 0o777 in (0o640, 0o644)
        with open(path, "a", encoding="utf-8") as file:
            file.write("user carol on nosuch\n")
        assert "users.acl:4: Error in applying operation 'nosuch': Syntax error" in client.raw("ACL", "LOAD") or (
            "users.acl:4: Syntax error" in client.raw("ACL", "LOAD")
        )
        assert client.ask("ACL", "USERS") == ["alice", "bob", "default"]
        with open(path, "w", encoding="utf-8") as file:
            file.write("user default on nopass ~* &* +@all\n")
        with login(one, "alice", "secret") as alice:
            assert client.ask("ACL", "LOAD") == "OK"
            assert is_closed(alice)
        assert client.ask("ACL", "USERS") == ["default"]


@pytest.mark.vedette
def test_sighup_reads_users_anew(lab, program):
    path = os.path.join(lab.dir, "users.acl")

    def write(text):
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    write("user default on nopass ~* &* +@all\nuser bob on >x +@all &*\n")
    one = lab.sentinel(program, [*group_lines(GROUP, lab.redis(), quorum=1), f"aclfile {path}"])
    bob = login(one, "bob", "x")
    with one.connect() as client:
        client.ask("ACL", "SETUSER", "runtime", "on")
        one.signal(signal.SIGHUP)
        wait_until(lambda: "read anew" in one.log(), 10)
        assert "runtime" in client.ask("ACL", "USERS")  # nothing was changed in the file
        write("user default on nopass ~* &* +@all\nuser alice on >y +@all\n")
        one.signal(signal.SIGHUP)
        wait_until(lambda: client.ask("ACL", "USERS") == ["alice", "default"], 10)
        assert is_closed(bob)
        write("user default on nopass ~* &* +@all\nuser oops on +nosuch\n")
        one.signal(signal.SIGHUP)
        wait_until(lambda: "stays as it was" in one.log(), 10)
        assert client.ask("ACL", "USERS") == ["alice", "default"]


@pytest.mark.vedette
def test_users_of_the_native_file(lab, program):
    primary = lab.redis()
    port = lab.free_port()
    path = os.path.join(lab.dir, "native.cfg")
    with open(path, "w", encoding="utf-8") as file:
        file.write(
            f'port = {port};\nbind = "{LOOPBACK}";\nstate-dir = "{lab.dir}/native";\n'
            f'users = ("bob on {SHA} +ping", "default off");\n'
            f'groups = ({{ name = "m"; primary = "{LOOPBACK}:{primary.port}"; quorum = 1; }});\n'
        )
    one = lab.process([os.environ.get("VEDETTE", "vedette"), path], "native")
    one.spawn()

    def enter():
        client = resp.Connection((LOOPBACK, port))
        assert client.ask("AUTH", "bob", "p") == "OK"
        return client

    with wait_until(enter, 10) as bob:
        assert bob.ask("PING") == "PONG"
        assert bob.raw("INFO").startswith("NOPERM ")
    with resp.Connection((LOOPBACK, port)) as nobody:
        assert nobody.raw("PING").startswith("NOAUTH ")
    assert one.stop() == 0


def test_peers_with_users(lab, program):
    """sentinel-user and sentinel-pass open the others' doors, where the default user is shut out."""
    plain = make_house(lab, [])
    lines = [
        *group_lines(GROUP, plain.primary, down_after=2000),
        "user peer on >p33r &* +@all",
        "user default off",
        "sentinel sentinel-user peer",
        "sentinel sentinel-pass p33r",
    ]
    sentinels = [lab.sentinel(program, lines, start=False) for _ in range(3)]
    for each in sentinels:
        each.spawn()

    def ask(each, *words):
        with resp.Connection(each.address) as client:
            client.ask("AUTH", "peer", "p33r")
            return client.ask(*words)

    for each in sentinels:
        wait_until(lambda each=each: ask(each, "SENTINEL", "MYID"), 10)
        ask(each, "SENTINEL", "DEBUG", "publish-period", 100, "info-period", 200)
    for each in sentinels:
        wait_until(
            lambda each=each: "OK 3 usable" in ask(each, "SENTINEL", "CKQUORUM", GROUP)
            and resp.pairs(ask(each, "SENTINEL", "MASTER", GROUP))["num-slaves"] == "2",
            20,
        )
    plain.primary.kill()
    for each in sentinels:
        wait_until(
            lambda each=each: int(ask(each, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", GROUP)[1])
            != plain.primary.port,
            20,
            "everybody tells of the new primary",
        )
    for each in sentinels:
        assert "p33r" not in each.log()


@pytest.mark.parametrize("lines, reason", [
    (["user a on +nosuch"], "Unknown command or category name in ACL"),
    (["user a on", "user a off"], "Duplicate user found"),
    (["user a on", "aclfile users.acl"], "ACL file"),
    (["aclfile /nosuch/users.acl"], "No such file or directory"),
    (["acl-pubsub-default maybe"], "must be one of the following: allchannels, resetchannels"),
    (["rename-command NOSUCH x"], "No such command in rename-command"),
])
def test_wrong_ones_are_refused_at_the_start(lab, program, lines, reason):
    one = lab.sentinel(program, [*group_lines(GROUP, lab.redis(), quorum=1), *lines], start=False)
    one.spawn()
    assert one.wait_end(10) == 1
    assert reason in one.log()


def test_a_renamed_command(lab, program):
    lines = [*group_lines(GROUP, lab.redis(), quorum=1), "rename-command ROLE WHAT", 'rename-command HELLO ""']
    one = lab.sentinel(program, lines)
    with one.connect() as client:
        assert client.raw("ROLE").startswith("ERR unknown command 'ROLE'")
        assert client.raw("HELLO", "3").startswith("ERR unknown command 'HELLO'")
        assert client.ask("WHAT")[0] == "sentinel"


def test_a_pause_holds_clients_and_no_peer(lab, program):
    one = lab.sentinel(program, group_lines(GROUP, lab.redis(), quorum=1))
    with one.connect() as client, one.connect() as peer:
        peer.ask("CLIENT", "SETNAME", "sentinel-01234567-cmd")
        start = time.monotonic()
        assert client.ask("CLIENT", "PAUSE", 400) == "OK"
        if program == "vedette":
            assert peer.ask("PING") == "PONG" and time.monotonic() - start < 0.35
        assert client.ask("PING") == "PONG"
        assert time.monotonic() - start >= 0.39
