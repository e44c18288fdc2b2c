# SPDX-License-Identifier: BSD-3-Clause
"""Every request to both: the redis-sentinel installed and a vedette that watch the same servers.

Each must answer with the same kinds, field names, order and error texts. What differs on purpose
stands in DIFFERENCES with its reason, and must really differ; so does what an older redis-sentinel
has not yet, in NEWER.
"""

import re

import pytest

import resp
from harness import (
    REDIS_SENTINEL,
    VEDETTE,
    House,
    LOOPBACK,
    group_lines,
    make_house,
    quicken,
    wait_until,
)

GROUP = "mymaster"
LAST = "the-last-request"

# One connection each; requests separated by " | ". {ip} and {port} are the primary's, {id} an id.
CASES = """
PING
ping
PING hello
PING a b
FOO
FOO bar baz
SELECT 0
ECHO x
MULTI
CONFIG GET *
RESET
MONITOR
TIME
GET key
HELLO
HELLO 2
HELLO 3
HELLO 3 | HELLO 2 | SENTINEL MASTER mymaster
HELLO 4
HELLO x
HELLO 2 FOO
HELLO 2 AUTH default
HELLO 2 AUTH default x
HELLO 2 AUTH nobody x
HELLO 2 SETNAME me | CLIENT GETNAME
AUTH
AUTH x
AUTH default x
AUTH nobody x
AUTH a b c
ROLE
ROLE x
INFO nosuch
INFO sentinel
INFO SENTINEL sentinel
CLIENT
CLIENT FOO
CLIENT ID
CLIENT ID x
CLIENT GETNAME
CLIENT SETNAME me
CLIENT SETNAME me | CLIENT GETNAME
CLIENT SETNAME
CLIENT LIST TYPE nosuch
CLIENT LIST FOO
COMMAND INFO nosuch
COMMAND INFO ping
COMMAND INFO PING sentinel|myid
COMMAND INFO sentinel
COMMAND DOCS nosuch
COMMAND DOCS save
COMMAND FOO
SUBSCRIBE
SUBSCRIBE a
SUBSCRIBE a b a
SUBSCRIBE a | UNSUBSCRIBE a
SUBSCRIBE a | SUBSCRIBE b | PSUBSCRIBE c* | UNSUBSCRIBE b | PUNSUBSCRIBE
SUBSCRIBE a | PING | PING x
SUBSCRIBE a | ROLE
SUBSCRIBE a | UNSUBSCRIBE | ROLE
UNSUBSCRIBE
UNSUBSCRIBE a
PSUBSCRIBE *
PSUBSCRIBE * | PUNSUBSCRIBE *
PUNSUBSCRIBE
PUBLISH
PUBLISH other x
PUBLISH __sentinel__:hello x
PUBLISH __SENTINEL__:hello x
SHUTDOWN FOO
SENTINEL
SENTINEL FOO
SENTINEL FOO bar
SENTINEL MYID
SENTINEL myid
SENTINEL MYID x
SENTINEL MASTERS
SENTINEL MASTERS x
SENTINEL MASTER mymaster
SENTINEL MASTER MyMaster
SENTINEL MASTER nosuch
SENTINEL MASTER
SENTINEL REPLICAS mymaster
SENTINEL REPLICAS nosuch
SENTINEL SLAVES mymaster
SENTINEL SLAVES nosuch
SENTINEL SENTINELS mymaster
SENTINEL SENTINELS nosuch
SENTINEL GET-MASTER-ADDR-BY-NAME mymaster
sentinel get-master-addr-by-name mymaster
SENTINEL GET-MASTER-ADDR-BY-NAME nosuch
SENTINEL GET-MASTER-ADDR-BY-NAME
SENTINEL IS-MASTER-DOWN-BY-ADDR {ip} {port} 0 *
SENTINEL IS-MASTER-DOWN-BY-ADDR {ip} 1 0 *
SENTINEL IS-MASTER-DOWN-BY-ADDR {ip} 1 0 {id}
SENTINEL IS-MASTER-DOWN-BY-ADDR {ip} x 0 *
SENTINEL IS-MASTER-DOWN-BY-ADDR {ip} {port} x *
SENTINEL IS-MASTER-DOWN-BY-ADDR {ip} {port} 0
SENTINEL CKQUORUM mymaster
SENTINEL CKQUORUM nosuch
SENTINEL FAILOVER
SENTINEL FAILOVER nosuch
SENTINEL RESET nosuch*
SENTINEL RESET
SENTINEL MONITOR other {ip} {port} x
SENTINEL MONITOR other {ip} x 1
SENTINEL MONITOR other {ip} x x
SENTINEL MONITOR other {ip} {port} 0
SENTINEL MONITOR other nohost {port} 1
SENTINEL MONITOR other {ip} 65536 1
SENTINEL MONITOR mymaster {ip} {port} 1
SENTINEL MONITOR other {ip} {port}
SENTINEL REMOVE nosuch
SENTINEL REMOVE
SENTINEL SET nosuch quorum 1
SENTINEL SET mymaster
SENTINEL SET mymaster quorum
SENTINEL SET mymaster quorum 0
SENTINEL SET mymaster quorum -1
SENTINEL SET mymaster quorum 1.5
SENTINEL SET mymaster quorum 99999999999999999999
SENTINEL SET mymaster quorum 2 FOO bar
SENTINEL SET mymaster FOO bar
SENTINEL SET mymaster down-after-milliseconds 0
SENTINEL SET mymaster Down-After-Milliseconds x
SENTINEL SET mymaster failover-timeout -5
SENTINEL SET mymaster parallel-syncs 0
SENTINEL SET mymaster notification-script /bin/true
SENTINEL SET mymaster client-reconfig-script /bin/true
SENTINEL SET mymaster rename-command PING
SENTINEL SET mymaster quorum 2
SENTINEL FLUSHCONFIG
SENTINEL FLUSHCONFIG x
SENTINEL PENDING-SCRIPTS
SENTINEL PENDING-SCRIPTS x
SENTINEL INFO-CACHE mymaster
SENTINEL INFO-CACHE nosuch
SENTINEL INFO-CACHE
SENTINEL CONFIG
SENTINEL CONFIG GET
SENTINEL CONFIG GET announce-ip
SENTINEL CONFIG GET sentinel-*
SENTINEL CONFIG GET nosuch
SENTINEL CONFIG SET announce-port
SENTINEL CONFIG SET announce-port x
SENTINEL CONFIG SET announce-port 70000
SENTINEL CONFIG SET resolve-hostnames maybe
SENTINEL CONFIG SET nosuch x
SENTINEL CONFIG FOO x
SENTINEL SIMULATE-FAILURE
SENTINEL SIMULATE-FAILURE foo
SENTINEL SIMULATE-FAILURE help
SENTINEL SIMULATE-FAILURE HELP
SENTINEL DEBUG
SENTINEL DEBUG foo 1
SENTINEL DEBUG ping-period
SENTINEL DEBUG ping-period 0
SENTINEL DEBUG ping-period x
SENTINEL DEBUG ping-period 1000
SENTINEL HELP
SENTINEL HELP x
COMMAND COUNT
COMMAND COUNT x
COMMAND DOCS ping
INFO
INFO server
INFO clients
INFO cpu
CLIENT LIST
CLIENT INFO
CLIENT SETINFO lib-name x
CLIENT SETINFO
CLIENT HELP
QUIT
"""

# request: why vedette answers otherwise than any redis-sentinel
OWN_WORDS = "says the same in words of its own"
DIFFERENCES = {
    "QUIT": "balancers' checks and polite clients send it: OK, and the connection is closed",
    "INFO": "fields of Redis 8, and a section of its own",
    "CLIENT HELP": OWN_WORDS,
    "COMMAND DOCS ping": OWN_WORDS,
    "COMMAND INFO sentinel": "has the subcommands of Valkey 9 as well (PRIMARY, PRIMARIES...)",
    "SENTINEL HELP": OWN_WORDS,
}
# request: what redis-sentinel 7.0 had not yet; with that of Redis 8 vedette must agree
NEWER = {
    "INFO server": "fields of Redis 8",
    "INFO clients": "fields of Redis 8",
    "CLIENT LIST": "fields of Redis 8",
    "CLIENT INFO": "fields of Redis 8",
    "CLIENT SETINFO lib-name x": "as since Redis 7.2",
    "CLIENT SETINFO": "as since Redis 7.2",
    "SENTINEL CONFIG GET": "as since Redis 7.2: several names at once",
    "SENTINEL CONFIG SET announce-port": "as since Redis 7.2: several pairs at once",
    "SENTINEL CONFIG FOO x": "as since Redis 7.2: several names at once",
}


@pytest.fixture(scope="module")
def both(request):
    """The original and the program under test, side by side, and the house that they watch."""
    from harness import Lab

    program = request.config.getoption("--program")
    lab = Lab()
    try:
        plain = make_house(lab, [])
        lines = group_lines(GROUP, plain.primary, down_after=5000)
        sentinels = [lab.sentinel(kind, lines) for kind in (REDIS_SENTINEL, program)]
        for one in sentinels:
            quicken(one)
        yield House(lab, GROUP, plain.servers, sentinels).wait_ready()
    finally:
        problems = lab.close()
        report = lab.report()
        lab.remove()
        assert not problems, "\n".join([*problems, report])


def replies(sentinel, requests, version):
    """What comes back for the requests of one connection, up to the last reply or the close."""
    out = []
    with sentinel.connect() as client:
        if version == 3:
            client.ask("HELLO", "3")
        client.send_bytes(b"".join(resp.encode(*request.split()) for request in requests))
        client.send("PING", LAST)
        try:
            while True:
                reply = client.read()
                if reply in (LAST, ["pong", LAST]):
                    return out
                out.append(reply)
        except (resp.Closed, ConnectionResetError):
            return [*out, "closed"]


def shape(value):
    """What must be alike: kinds, names and texts; not numbers, ids and the like."""
    if isinstance(value, resp.Verbatim):
        return "verbatim", shape(str(value))
    if isinstance(value, (resp.Status, resp.Error)):
        return type(value).__name__ + " " + same_text(value)
    if isinstance(value, bool) or value is None:
        return repr(value)
    if isinstance(value, int):
        return "integer"
    if isinstance(value, str):
        if "\r\n" in value:
            return [line.partition(":")[0] for line in value.splitlines()]
        if value.startswith("id="):  # CLIENT LIST, CLIENT INFO: the fields of a line
            return re.findall(r"(\S+)=", value.splitlines()[0])
        return "text " + same_text(value)
    if isinstance(value, dict):
        return {name: shape(each) for name, each in value.items()}, list(value)
    shapes = [shape(each) for each in value]
    if shapes and all(is_command(each) for each in value):
        shapes.sort(key=repr)  # in the order of a hash table
    return type(value).__name__, shapes


def is_command(value):
    """An element of COMMAND INFO, or of the subcommands in it."""
    return isinstance(value, list) and len(value) == 10 and isinstance(value[1], int)


def same_text(text):
    text = re.sub(r"\b[0-9a-f]{40}\b", "<id>", text)
    text = re.sub(r"\b\d+\.\d+\.\d+$", "<version>", text)
    text = re.sub(r"127\.0\.0\.1[: ]\d+", "<address>", text)
    return "<number>" if re.fullmatch(r"-?\d+", text) else text


def release_of(sentinel):
    """(major, minor)"""
    major, minor = sentinel.info("server")["redis_version"].split(".")[:2]
    return int(major), int(minor)


def cases():
    return [line for line in CASES.splitlines() if line.strip()]


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("case", cases())
def test_same_answer(both, program, case, version):
    original, ours = both.sentinels
    words = case.format(ip=LOOPBACK, port=both.primary.port, id="e" * 40)
    requests = words.split(" | ")

    def ask():
        return [shape(replies(one, requests, version)) for one in (original, ours)]

    expected, answered = ask()
    reason = DIFFERENCES.get(case)
    if case in NEWER:
        release = release_of(original)
        if (7, 2) <= release < (8, 0):
            pytest.skip(f"has a part of it: {NEWER[case]}")
        if release < (7, 2):
            reason = NEWER[case]
    if reason is not None:
        if program == VEDETTE:
            assert answered != expected, f"no difference any more: {reason}"
        return
    if answered != expected:
        # Flags and ages may just be changing at one of the two.
        wait_until(lambda: both.sees_all(original) and both.sees_all(ours), 20)
        expected, answered = ask()
    assert answered == expected


def test_there_are_enough_cases():
    assert len(set(cases())) == len(cases()) >= 80
    assert set(DIFFERENCES) | set(NEWER) <= set(cases())


STABLE = {
    "master": ["name", "ip", "port", "runid", "flags", "down-after-milliseconds", "role-reported",
               "config-epoch", "num-slaves", "num-other-sentinels", "quorum", "failover-timeout",
               "parallel-syncs"],
    "slave": ["name", "ip", "port", "runid", "flags", "down-after-milliseconds", "role-reported",
              "master-link-down-time", "master-link-status", "master-host", "master-port",
              "slave-priority", "replica-announced"],
}


def test_help_names_what_the_original_has(both):
    """In words of our own, but every subcommand, and begun and ended alike."""
    theirs, ours = (one.ask("SENTINEL", "HELP") for one in both.sentinels)
    assert ours[0] == theirs[0] and ours[-2] == theirs[-2] == "HELP"
    assert all(isinstance(line, resp.Status) for line in ours)
    named = [{line.split()[0] for line in lines[1:] if line[0] != " "} for lines in (theirs, ours)]
    assert named[0] <= named[1]


def test_same_values(both):
    """Both have seen the same servers, so they tell the same of them."""
    original, ours = both.sentinels

    def alike():
        masters = [one.master(GROUP) for one in (original, ours)]
        for field in STABLE["master"]:
            assert masters[0][field] == masters[1][field], field
        lists = [
            sorted(one.replicas(GROUP), key=lambda replica: replica["name"])
            for one in (original, ours)
        ]
        assert len(lists[0]) == len(lists[1]) == 2
        for theirs, mine in zip(*lists):
            for field in STABLE["slave"]:
                assert theirs[field] == mine[field], field
        return True

    wait_until(alike, 20, "the same facts of both")
    line = [one.info("sentinel")["master0"] for one in (original, ours)]
    assert line[0] == line[1]


def test_numbers_stay_text_in_resp3(both):
    with both.sentinels[1].connect() as client:
        client.ask("HELLO", "3")
        master = client.ask("SENTINEL", "MASTER", GROUP)
        assert isinstance(master, dict)
        assert all(isinstance(value, str) for value in master.values())
        subscribed = client.ask("SUBSCRIBE", "a")
        assert isinstance(subscribed, resp.Push)


def test_pipelined_answers_come_in_order(both):
    """Those that wait for the disk and those that do not, through each other, 2,000 of them."""
    requests, expected = [], []
    for number in range(500):
        requests += [
            ("PING", number),
            ("SENTINEL", "SET", GROUP, "parallel-syncs", 1 + number % 3),
            ("SENTINEL", "MASTER", GROUP),
            ("SENTINEL", "MYID"),
        ]
        expected += [str(number), "OK", str(1 + number % 3), both.sentinels[1].id()]
    with both.sentinels[1].connect() as client:
        client.sock.settimeout(30)
        client.send_bytes(b"".join(resp.encode(*words) for words in requests))
        for wanted in expected:
            reply = client.read()
            if isinstance(reply, list):
                reply = resp.pairs(reply)["parallel-syncs"]
            assert reply == wanted
