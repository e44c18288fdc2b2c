# SPDX-License-Identifier: BSD-3-Clause
"""Every request to both: the redis-sentinel installed and a vedette that watch the same servers.

Each must answer with the same kinds, field names, order and error texts, in RESP2 and in RESP3. The
requests stand in requests.txt; every command is also sent without arguments, with one and with many.
What differs on purpose stands in DIFFERENCES with its reason, and must really differ; so does what an
older redis-sentinel has not yet, in NEWER.
"""

import os
import re
import shlex

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

REQUESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "requests.txt")
GROUP = "mymaster"
LAST = "the-last-request"

# What redis-sentinel 7.0 lists as its commands: each is sent bare, with one argument and with many.
NAMES = """
acl acl|cat acl|deluser acl|dryrun acl|genpass acl|getuser acl|help acl|list acl|load acl|log
acl|save acl|setuser acl|users acl|whoami auth client client|caching client|getname
client|getredir client|help client|id client|info client|kill client|list client|no-evict
client|pause client|reply client|setname client|tracking client|trackinginfo client|unblock
client|unpause command
command|count command|docs command|getkeys command|getkeysandflags command|help command|info
command|list hello info ping psubscribe publish punsubscribe role sentinel sentinel|ckquorum
sentinel|config sentinel|debug sentinel|failover sentinel|flushconfig
sentinel|get-master-addr-by-name sentinel|help sentinel|info-cache sentinel|is-master-down-by-addr
sentinel|master sentinel|masters sentinel|monitor sentinel|myid sentinel|pending-scripts
sentinel|remove sentinel|replicas sentinel|reset sentinel|sentinels sentinel|set
sentinel|simulate-failure sentinel|slaves shutdown subscribe unsubscribe
""".split()
# It would do what it says.
NOT_SENT = {"SHUTDOWN"}
# Lists in the order of a hash table.
UNORDERED = ("ACL CAT ", "COMMAND LIST", "COMMAND DOCS")

OWN_WORDS = "says the same in words of its own"
# requests, as a pattern: why vedette answers otherwise than any redis-sentinel
DIFFERENCES = {
    r"(SUBSCRIBE a \| )?QUIT": "balancers' checks and polite clients send it: OK, and closed",
    r"INFO( all| default| everything| everything all)?": "a section of its own behind Sentinel's",
    r"(ACL|CLIENT|COMMAND|SENTINEL) HELP": OWN_WORDS,
    r"COMMAND DOCS( ping| auth| hello| acl\|setuser| client\|kill| sentinel\|masters)?": OWN_WORDS,
    r"COMMAND( LIST| INFO| INFO sentinel| LIST FILTERBY ACLCAT admin)?|ACL CAT admin":
        "has the subcommands of Valkey 9 as well (PRIMARY, PRIMARIES...), and some of its own",
    r'ACL SETUSER "" .*': "a user without a name could not be written to a file",
    r"CLIENT KILL (TYPE primary|NAME x)|CLIENT LIST USER default": "has the filters of Valkey 9",
    r"SENTINEL FAILOVER x x .*": "takes COORDINATED, as Valkey 9",
}
# so, what redis-sentinel 7.0 has not yet, or otherwise; with that of Redis 8 vedette must agree
NEWER = {
    r"INFO (server|clients|server server cpu|server sentinel|Stats)": "fields of Redis 8",
    r"CLIENT (LIST|INFO)|.*\| CLIENT (LIST|INFO)( \| CLIENT NO-EVICT off)?": "fields of Redis 8",
    r"CLIENT SETINFO.*": "as since Redis 7.2",
    r"ACL CAT connection": "CLIENT SETINFO, as since Redis 7.2",
    r"COMMAND INFO acl client command": "CLIENT SETINFO, arities as since Redis 7.2",
    r"SENTINEL CONFIG (x|GET|FOO x|x x x x x x x x x)": "as since Redis 7.2: words and arity",
    r"SENTINEL CONFIG GET (\*|loglevel|resolve-hostnames .*)": "as since Redis 7.2: several, loglevel",
    r"SENTINEL CONFIG SET (announce-port( 0 announce-port 0)?|sentinel-user .*|loglevel .*)":
        "as since Redis 7.2: several, loglevel",
    r"CLIENT KILL MAXAGE (10|x)": "as since Redis 8",
    r"CLIENT PAUSE 9223372036854775807 WRITE .*": "as since Redis 8: what overflows is refused",
    r"COMMAND GETKEYS(ANDFLAGS)? (ping|nosuch|x)": "arity as since Redis 7.2",
    r"ACL SETUSER u1 (\+PING \+Role -ping|\+@admin -@slow \+info|\+sentinel) .*":
        "rules are told as they were given, as since Redis 7.2",
    r"ACL LOG|ACL LOG RESET \| AUTH nosuch x \| ACL LOG 1": "times and ids as since Redis 7.2",
    r"ACL SETUSER u2 on \+(ping|subscribe) .*": "NOPERM names the user, as since Redis 7.2",
    r"ACL SETUSER u3 on nopass \+(ping .* ROLE|sentinel\|masters|publish) .*":
        "NOPERM names the user, as since Redis 7.2",
    r"ACL SETUSER u4 .*": "NOPERM names the user, as since Redis 7.2",
}


def find_reason(case, release):
    """Why this one may differ from the original of this release; None: it must not."""
    tables = [DIFFERENCES] if release >= (7, 2) else [DIFFERENCES, NEWER]
    for table in tables:
        for pattern, reason in table.items():
            if re.fullmatch(pattern, case):
                return reason
    return None


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


def words_of(request):
    """The words of a line, its bytes spelled out."""
    return [
        word.encode().decode("unicode_escape").encode("latin-1") if "\\" in word else word
        for word in shlex.split(request.replace("\\", "\\\\"))
    ]


def replies(sentinel, requests, version):
    """What comes back for the requests of one connection, up to the last reply or the close."""
    out = []
    with sentinel.connect() as client:
        if version == 3:
            client.ask("HELLO", "3")
        client.send_bytes(b"".join(resp.encode(*words_of(request)) for request in requests))
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
    if isinstance(value, float):
        return "double"
    if isinstance(value, str):
        if "\r\n" in value:
            return [line.partition(":")[0] for line in value.splitlines()]
        if value.startswith("id="):  # CLIENT LIST, CLIENT INFO: the fields of a line
            return re.findall(r"(\S+)=", value.splitlines()[0])
        return "text " + same_text(value)
    if isinstance(value, dict):
        return {name: shape(each) for name, each in value.items()}, list(value)
    shapes = [shape(each) for each in value if each != "sanitize-payload"]
    if shapes and all(is_command(each) for each in value):
        shapes.sort(key=repr)  # in the order of a hash table
    return type(value).__name__, shapes


def is_command(value):
    """An element of COMMAND INFO, or of the subcommands in it."""
    return isinstance(value, list) and len(value) == 10 and isinstance(value[1], int)


def same_text(text):
    text = re.sub(r"\b[0-9a-f]{40}\b", "<id>", text)
    text = re.sub(r"\b\d+\.\d+\.\d+$", "<version>", text)
    text = re.sub(r"(?<!-)sanitize-payload ", "", text)  # Redis 8 names the default
    text = re.sub(r"^(valkey|redis)$", "<product>", text)
    text = re.sub(r"127\.0\.0\.1[: ]\d+", "<address>", text)
    return "<number>" if re.fullmatch(r"-?\d+(\.\d+)?", text) else text


def release_of(sentinel):
    """(major, minor)"""
    major, minor = sentinel.info("server")["redis_version"].split(".")[:2]
    return int(major), int(minor)


def in_order(value):
    """The shape with every list in it sorted."""
    if isinstance(value, (list, tuple)):
        return sorted((in_order(each) for each in value), key=repr)
    return {name: in_order(each) for name, each in value.items()} if isinstance(value, dict) else value


def cases():
    """Every request once: those of the file, then every command with few and many arguments."""
    with open(REQUESTS, encoding="utf-8") as lines:
        found = [line.strip() for line in lines if line.strip() and line[0] != "#"]
    for name in NAMES:
        words = name.upper().replace("|", " ")
        found += [words, words + " x", words + " x x x x x x x x x"]
    return [case for case in dict.fromkeys(found) if case not in NOT_SENT]


def compare(original, ours, case, version, port):
    """What the two answer, as far as it must be alike."""
    words = case.replace("{ip}", LOOPBACK).replace("{port}", str(port)).replace("{id}", "e" * 40)
    answers = [shape(replies(one, words.split(" | "), version)) for one in (original, ours)]
    if case.startswith("ACL GENPASS"):
        answers = [re.sub(r"text (<number>|[0-9a-f]+)", "text", repr(answer)) for answer in answers]
    elif case.startswith(UNORDERED):
        answers = [in_order(answer) for answer in answers]
    return answers


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("case", cases())
def test_same_answer(both, program, case, version):
    original, ours = both.sentinels
    expected, answered = compare(original, ours, case, version, both.primary.port)
    reason = find_reason(case, release_of(original))
    if reason is not None:
        if program == VEDETTE:
            assert answered != expected, f"no difference any more: {reason}"
        return
    if answered != expected:
        # Flags and ages may just be changing at one of the two.
        wait_until(lambda: both.sees_all(original) and both.sees_all(ours), 20)
        expected, answered = compare(original, ours, case, version, both.primary.port)
    assert answered == expected


# Bytes that are no request, or hardly one; what comes back must be the same, and so must the end.
BYTES = [
    b"*abc\r\n", b"*1\r\n+PING\r\n", b"*1\r\n$abc\r\n", b"*1\r\n$-1\r\n", b"*1\r\n$-5\r\nPING\r\n",
    b"*2147483648\r\n", b"*1048577\r\n$4\r\nPING\r\n", b"*1\r\n$536870913\r\n", b"*0\r\n", b"*-1\r\n",
    b"*-10\r\n", b"\r\n", b"\n", b"  \r\n", b"PING\n", b"PING\r\n\n", b" PING \r\n", b"ping x y\r\n",
    b'PING "a b"\r\n', b"PING 'a b'\r\n", b'PING "\\x41\\n"\r\n', b"PING 'a\\'b'\r\n", b'PING "a\r\n', b"PING 'a\r\n",
    b'PING "a"b\r\n', b"POST / HTTP/1.1\r\n", b"Host: x\r\n", b"*1\r\n$4\r\nPINGxx",
    b"*1\r\n$4\r\nPING\r\n*1\r\n$x\r\n", b"*2\r\n$4\r\nPING\r\n$3\r\na\x00b\r\n", b"\xff\xfe\r\n", b"$4\r\nPING\r\n",
    b"+PING\r\n", b"*+1\r\n$4\r\nPING\r\n",
    b"* 1\r\n", b"*1 \r\n", b"*1\r\n$04\r\nPING\r\n", b"*01\r\n$4\r\nPING\r\n",
]


def answer_to(sentinel, data):
    """Every reply to these bytes up to the end, which a PING behind them may mark."""
    got = []
    with sentinel.connect() as client:
        try:
            client.send_bytes(data)
            client.send("PING", LAST)
            while True:
                reply = client.read()
                got.append(shape(reply))
                if reply == LAST:
                    return got
        except (resp.Closed, ConnectionResetError, BrokenPipeError):
            return [*got, "closed"]


@pytest.mark.parametrize("data", BYTES, ids=lambda data: repr(data[:24]))
def test_same_answer_to_bytes(both, data):
    original, ours = both.sentinels
    assert answer_to(ours, data) == answer_to(original, data)


def test_there_are_enough_cases():
    every = cases()
    assert len(set(every)) == len(every) >= 400
    for pattern in [*DIFFERENCES, *NEWER]:
        assert any(re.fullmatch(pattern, case) for case in every), f"of no use: {pattern}"


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


# what redis-sentinel 7.0 tells otherwise of its commands, and why
NEWER_DOCS = {
    "client|pause": ("since", "3.0.0, as since Redis 7.2"),
    "command|getkeys": ("arguments", "are told, as since Redis 7.2"),
    "command|getkeysandflags": ("arguments", "are told, as since Redis 7.2"),
    "sentinel|debug": ("arguments", "are optional, as since Redis 7.2"),
}
# Sentences: only that there is one must be alike.
OWN_SENTENCES = ("summary", "complexity")


def no_later(since, release):
    """Is this part as old as that release?"""
    return since[0].isdigit() and tuple(int(part) for part in since.split(".")[:2]) <= release


def argument_docs(arguments, release):
    """The arguments that a release has, as lists of fields in their order; kinds as in RESP3."""
    docs = []
    for argument in map(resp.pairs, arguments):
        if "since" in argument and not no_later(argument["since"], release):
            continue
        if "arguments" in argument:
            argument = {**argument, "arguments": argument_docs(argument["arguments"], release)}
        if "flags" in argument:
            argument = {**argument, "flags": shape(argument["flags"])}
        docs.append(list(argument.items()))
    return docs


def command_docs(sentinel, version, release):
    """COMMAND DOCS by full name: the fields in their order, of what was there in that release."""
    found = {}

    def take(reply):
        for name, fields in resp.pairs(reply).items():
            fields = dict(resp.pairs(fields))
            take(fields.get("subcommands", {}))
            if "subcommands" in fields:
                fields["subcommands"] = None
            for field in OWN_SENTENCES:
                if field in fields:
                    fields[field] = type(fields[field])
            if "history" in fields:
                kind = type(fields["history"]).__name__
                fields["history"] = kind, [at for at, _ in fields["history"] if no_later(at, release)]
            if "arguments" in fields:
                fields["arguments"] = argument_docs(fields["arguments"], release)
            found[name] = fields

    take(replies(sentinel, ["COMMAND DOCS"], version)[0])
    return found


@pytest.mark.parametrize("version", [2, 3])
def test_docs_tell_the_same_facts(both, program, version):
    """Arguments to the last token, releases, groups, in their order; sentences left out."""
    release = release_of(both.sentinels[0])
    if release != (7, 0):
        pytest.skip("the names of arguments are those of 7.0")
    theirs, ours = (command_docs(one, version, release) for one in both.sentinels)
    assert set(NAMES) == set(theirs)
    assert sum("arguments" in fields for fields in theirs.values()) > 40
    for name, expected in theirs.items():
        answered = ours[name]
        differing, reason = NEWER_DOCS.get(name, (None, None))
        if program == VEDETTE and differing is not None:
            assert answered.pop(differing, []) != expected.pop(differing, []), f"no more: {name} {reason}"
        answered = [pair for pair in answered.items() if pair != ("history", ("Set", []))]
        answered = [pair for pair in answered if pair != ("history", ("list", []))]
        assert answered == list(expected.items()), name


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
