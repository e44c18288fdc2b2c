# SPDX-License-Identifier: BSD-3-Clause
"""Whatever comes over the network: an error, a cut connection, a line in the log; never harm."""

import random
import socket
import threading
import time

import pytest

import resp
from harness import LOOPBACK, VEDETTE, group_lines, make_house, quicken, wait_until

GROUP = "mymaster"
PROTOCOL_ERROR = "-ERR Protocol error: "

# bytes sent, the whole answer before the connection is closed
MALFORMED = [
    (b"*x\r\n", PROTOCOL_ERROR + "invalid multibulk length"),
    (b"*99999999999\r\n", PROTOCOL_ERROR + "invalid multibulk length"),
    (b"*1\r\n:1\r\n", PROTOCOL_ERROR + "expected '$', got ':'"),
    (b"*1\r\n$x\r\n", PROTOCOL_ERROR + "invalid bulk length"),
    (b"*1\r\n$-1\r\n", PROTOCOL_ERROR + "invalid bulk length"),
    (b"*1\r\n$536870913\r\n", PROTOCOL_ERROR + "invalid bulk length"),
    (b"PING 'a\r\n", PROTOCOL_ERROR + "unbalanced quotes in request"),
    (b"A" * 65600, PROTOCOL_ERROR + "too big inline request"),
    (b"*" + b"1" * 65600, PROTOCOL_ERROR + "too big mbulk count string"),
    (b"*1\r\n$" + b"1" * 65600, PROTOCOL_ERROR + "too big bulk count string"),
    (b"POST / HTTP/1.1\r\n\r\n", ""),
]


@pytest.fixture
def one(lab, program):
    primary = lab.redis()
    sentinel = lab.sentinel(program, group_lines(GROUP, primary, quorum=1))
    quicken(sentinel)
    wait_until(lambda: sentinel.master(GROUP)["flags"] == "master", 10)
    sentinel.primary = primary
    return sentinel


def test_malformed_requests_get_the_error_and_the_door(one):
    for data, error in MALFORMED:
        with resp.Connection(one.address) as client:
            client.send_bytes(data)
            answer = client.read_to_end().decode()
        assert answer == (error + "\r\n" if error else ""), data[:20]
    assert one.is_mine()


def test_a_browser_is_shown_the_door(one):
    with resp.Connection(one.address) as client:
        client.send_bytes(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\nPING\r\n")
        assert "PONG" not in client.read_to_end().decode()


def test_what_came_before_the_bad_bytes_is_answered(one):
    with resp.Connection(one.address) as client:
        client.send_bytes(b"PING\r\n*1\r\n$4\r\nPING\r\n*1\r\n$x\r\nPING\r\n")
        answer = client.read_to_end().decode()
    assert answer == "+PONG\r\n+PONG\r\n" + PROTOCOL_ERROR + "invalid bulk length\r\n"


def test_nothing_is_a_request(one):
    with resp.Connection(one.address) as client:
        client.send_bytes(b"\r\n\n*0\r\n*-1\r\n\r\nPING\r\n\n")
        assert client.read() == "PONG"
        client.send_bytes(b'PING "a\\x41\\n"\r\n')
        assert client.read() == "aA\n"


def test_strangers_may_say_little(lab, program):
    one = lab.sentinel(program, ["requirepass secret"])
    for data, error in (
        (b"*11\r\n", "unauthenticated multibulk length"),
        (b"*2\r\n$4\r\nAUTH\r\n$16385\r\n", "unauthenticated bulk length"),
    ):
        with resp.Connection(one.address) as client:
            client.send_bytes(data)
            assert client.read_to_end().decode() == PROTOCOL_ERROR + error + "\r\n"
    with one.connect() as client:
        client.send_bytes(b"*11\r\n" + b"$1\r\nx\r\n" * 11)
        assert str(client.read()).startswith("ERR unknown command 'x'")


def test_requests_in_pieces(one):
    data = resp.encode("SENTINEL", "GET-MASTER-ADDR-BY-NAME", GROUP) * 2
    with resp.Connection(one.address) as client:
        for at in range(len(data)):
            client.send_bytes(data[at : at + 1])
        for _ in range(2):
            assert client.read() == [one.primary.host, str(one.primary.port)]


def test_random_bytes(one):
    luck = random.Random(7)
    words = [b"*", b"$", b"\r\n", b"1", b"3", b"SENTINEL", b"PING", b"\x00", b"'", b'"', b"-1", b"\xff"]
    for _ in range(300):
        data = b"".join(luck.choice(words) for _ in range(luck.randrange(1, 40)))
        with resp.Connection(one.address) as client:
            try:
                client.send_bytes(data)
                client.sock.shutdown(socket.SHUT_WR)
                client.read_to_end()
            except (ConnectionResetError, BrokenPipeError):
                pass
    assert one.is_mine()
    assert one.primary_of(GROUP) == one.primary.address


CHUNK = b"$1000\r\n" + b"x" * 1000 + b"\r\n"


@pytest.mark.parametrize(
    "begin, chunk",
    [
        (b"*2\r\n$4\r\nPING\r\n$90000000\r\n", b"x" * 1000),
        pytest.param(b"*100000\r\n", CHUNK, marks=pytest.mark.vedette),
    ],
    ids=["one long word", "many words"],
)
def test_a_query_that_never_ends_is_cut_off(lab, program, begin, chunk):
    one = lab.sentinel(program, ["client-query-buffer-limit 1mb"])
    with resp.Connection(one.address) as client:
        client.send_bytes(begin)
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            for _ in range(80000):
                client.send_bytes(chunk)
    assert one.is_mine()


def test_a_reader_that_does_not_read_is_cut_off(lab, program):
    one = lab.sentinel(program, ["client-output-buffer-limit normal 2mb 0 0"])
    request = resp.encode("COMMAND") * 50
    with resp.Connection(one.address, timeout=20) as client:
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            for _ in range(20000):
                client.send_bytes(request)
        # Others were served meanwhile, and nothing of it is kept.
        assert one.is_mine()
    with open(f"/proc/{one.pid}/status", encoding="ascii") as status:
        resident = next(line.split()[1] for line in status if line.startswith("VmRSS"))
    limit = 60000 if "Sanitizer" not in maps(one) else 600000
    assert int(resident) < limit


def maps(process):
    """Which libraries it has: a sanitized build needs more memory."""
    with open(f"/proc/{process.pid}/maps", encoding="utf-8") as text:
        return "Sanitizer" if "libasan" in text.read() else ""


def test_a_subscriber_that_does_not_read_is_cut_off(lab, program):
    primary = lab.redis()
    one = lab.sentinel(
        program,
        ["client-output-buffer-limit pubsub 64kb 0 0", *group_lines(GROUP, primary, quorum=1)],
    )
    with resp.Connection(one.address) as deaf:
        deaf.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        patterns = ["*" * n for n in range(1, 60)]  # every event many times over
        deaf.send("PSUBSCRIBE", *patterns)
        for _ in patterns:
            deaf.read()
        with one.connect() as talker:
            cut = False
            for quorum in range(1, 20000):
                talker.ask("SENTINEL", "SET", GROUP, "quorum", quorum)
                if int(one.info("clients")["connected_clients"]) == 2:
                    cut = True
                    break
        assert cut
    assert one.is_mine()


def test_hellos_that_are_none(one, program):
    """From a client of ours, and from anybody who may publish at a data server."""
    good = f"127.0.0.1,26379,{'d' * 40},0,{GROUP},{one.primary.host},{one.primary.port},0"
    bad = [
        "", ",", ",,,,,,,", good + ",more", good.rpartition(",")[0],
        good.replace("26379", "port"), good.replace("26379", "-1"), good.replace("26379", "99999"),
        good.replace("d" * 40, "short"), good.replace(",0,mymaster", ",x,mymaster"),
        good.replace("127.0.0.1", "no such host", 1), good.replace(GROUP, "unknown"),
        good.replace(GROUP, GROUP + "\nsentinel monitor evil 127.0.0.1 1 1"),
        "\x00" * 200, "x" * 100000, good.replace("127.0.0.1", "1" * 3000, 1),
    ]
    before = len(one.log().splitlines())
    with one.connect() as client, one.primary.connect() as server:
        for payload in bad * 60:
            assert client.ask("PUBLISH", "__sentinel__:hello", payload) == 1
            assert server.ask("PUBLISH", "__sentinel__:hello", payload) >= 1
        assert client.raw("PUBLISH", "other", "x") == (
            "ERR Only HELLO messages are accepted by Sentinel instances."
        )
        # A good one after them is heard: they are all through.
        server.ask("PUBLISH", "__sentinel__:hello", good)
    wait_until(lambda: [p["runid"] for p in one.peers(GROUP)] == ["d" * 40], 10, "the good hello")
    assert [resp.pairs(m)["name"] for m in one.sentinel("MASTERS")] == [GROUP]
    assert one.primary_of(GROUP) == one.primary.address
    if program == VEDETTE:  # told, but not a line for each of the 2,000
        assert len(one.log().splitlines()) - before < 100


class FakeServer:
    """Answers as a data server would, but INFO as it likes."""

    def __init__(self, info):
        self.info = info
        self.asked = 0
        self.listener = socket.create_server((LOOPBACK, 0))
        self.port = self.listener.getsockname()[1]
        self.connections = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            for words in requests(connection):
                word = words[0].upper()
                if word == b"PING":
                    connection.sendall(b"+PONG\r\n")
                elif word == b"INFO":
                    self.asked += 1
                    connection.sendall(self.info)
                elif word == b"SUBSCRIBE":
                    connection.sendall(b"*3\r\n$9\r\nsubscribe\r\n$18\r\n__sentinel__:hello\r\n:1\r\n")
                elif word == b"PUBLISH":
                    connection.sendall(b":0\r\n")
                else:
                    connection.sendall(b"+OK\r\n")
        except OSError:
            pass

    def close(self):
        self.listener.close()
        for connection in self.connections:
            connection.close()


def requests(connection):
    """The requests that arrive at a socket, as lists of words."""
    stream = connection.makefile("rb")
    while True:
        line = stream.readline()
        if not line:
            return
        words = []
        for _ in range(int(line[1:])):
            size = int(stream.readline()[1:])
            words.append(stream.read(size + 2)[:-2])
        yield words


def bulk(data):
    return b"$%d\r\n%s\r\n" % (len(data), data)


INFOS = {
    "empty": bulk(b""),
    "noise": bulk(bytes(range(1, 256)) * 40),
    "no bulk": b":7\r\n",
    "array": b"*2\r\n$1\r\na\r\n*1\r\n:1\r\n",
    "numbers": bulk(
        b"role:master\r\nrun_id:" + b"a" * 4000 + b"\r\nmaster_repl_offset:999999999999999999999999\r\n"
        b"slave_priority:-5\r\nconnected_slaves:4294967296\r\n"
    ),
    "replicas": bulk(
        b"role:master\r\n"
        b"slave0:ip=,port=,state=online\r\n"
        b"slave1:ip=256.1.1.1,port=1,state=online,offset=1\r\n"
        b"slave2:ip=127.0.0.1,port=99999,state=online\r\n"
        b"slave3:ip=127.0.0.1\r\nslave4:\r\nslave5:,,,\r\n"
        b"slave6:ip=" + b"9" * 5000 + b",port=1,state=online\r\n"
    ),
    "long line": bulk(b"role:master\r\nx:" + b"y" * 500000 + b"\r\n"),
    "no protocol": b"%%%%%%\r\n",
}


@pytest.mark.parametrize("kind", INFOS)
def test_info_that_is_none(lab, program, kind):
    fake = FakeServer(INFOS[kind])
    try:
        good = lab.redis()
        lines = [f"sentinel monitor odd {LOOPBACK} {fake.port} 1", *group_lines(GROUP, good, quorum=1)]
        one = lab.sentinel(program, lines)
        quicken(one)
        wait_until(lambda: fake.asked >= 1, 15, "INFO is asked")
        wait_until(lambda: one.master(GROUP)["flags"] == "master", 10, "the other group is well")
        assert one.replicas("odd") == [] or kind == "replicas"
        for replica in one.replicas("odd"):
            assert 0 < int(replica["port"]) < 65536
        assert one.is_mine()
    finally:
        fake.close()


@pytest.mark.vedette
def test_text_from_the_network_never_becomes_configuration(lab, program):
    assert program == VEDETTE
    house = make_house(lab, [program], replicas=0, quorum=1)
    one = house.sentinels[0]
    evil = "x\nsentinel monitor evil 127.0.0.1 1 1\n"
    with one.connect() as client:
        client.raw("SENTINEL", "SET", GROUP, "auth-user", evil)
        client.raw("SENTINEL", "CONFIG", "SET", "announce-ip", evil)
        client.raw("SENTINEL", "MONITOR", evil, house.primary.host, house.primary.port, 1)
        client.raw("PUBLISH", "__sentinel__:hello", evil)
    names = [resp.pairs(m)["name"] for m in one.sentinel("MASTERS")]
    one.kill()
    one.start()
    assert [resp.pairs(m)["name"] for m in one.sentinel("MASTERS")] == names
    assert "evil" not in names
    assert one.primary_of("evil") is None


def test_too_many_clients(lab, program):
    one = lab.sentinel(program, ["maxclients 5"])
    kept = [one.connect() for _ in range(5 - int(one.info("clients")["connected_clients"]))]
    with resp.Connection(one.address) as late:
        assert late.read_to_end().decode() == "-ERR max number of clients reached\r\n"
    for client in kept:
        assert client.ask("PING") == "PONG"
        client.close()
    wait_until(lambda: one.connect().ask("PING") == "PONG", 5, "there is room again")


def test_idle_clients_are_let_go(lab, program):
    one = lab.sentinel(program, ["timeout 1"])
    with resp.Connection(one.address) as idle, resp.Connection(one.address) as listener:
        listener.ask("SUBSCRIBE", "+sdown")
        begin = time.monotonic()
        assert idle.read_to_end(10) == b""
        assert time.monotonic() - begin > 0.9
        # A subscriber may be silent for ever.
        listener.send("PING")
        assert listener.read() == ["pong", ""]
