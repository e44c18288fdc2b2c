# SPDX-License-Identifier: BSD-3-Clause
"""TLS between everybody: failover, one by one, refusals on both sides, names."""

import os
import random
import re
import socket
import ssl

import pytest
import redis
import redis.sentinel

import resp
from certs import Authority
from harness import (
    LOOPBACK,
    REDIS_SENTINEL,
    VEDETTE,
    group_lines,
    make_house,
    wait_until,
)

GROUP = "mymaster"


def make_group(lab, name="vedette", lines=(), **more):
    """A vedette that has nothing to watch yet."""
    return lab.sentinel(VEDETTE, list(lines), name=name, **more)


# Everything at once -----------------------------------------------------------------


def test_failover_with_tls_only(lab, ca, program):
    """No plain port anywhere, certificates asked for on both sides; redis-py follows."""
    cert = ca.issue()
    house = make_house(lab, [program] * 3, tls=cert)
    for one in house.sentinels:
        assert {int(peer["port"]) for peer in one.peers(GROUP)} == {
            other.port for other in house.sentinels if other is not one
        }
    security = {"ssl": True, "ssl_ca_certs": ca.cert, "ssl_certfile": cert.cert, "ssl_keyfile": cert.key}
    client = redis.sentinel.Sentinel(
        [one.address for one in house.sentinels], sentinel_kwargs=security, **security
    )
    master = client.master_for(GROUP, socket_timeout=2)
    assert master.set("before", "1")
    wait_until(lambda: master.wait(2, 100) == 2, 10, "both replicas have it")
    old = house.primary
    old.kill()
    new = house.wait_switch(30)
    house.wait_following()

    def works():
        try:
            return master.set("after", "2") and master.get("before") == b"1"
        except redis.exceptions.RedisError:
            return False

    wait_until(works, 10, "redis-py writes to the new primary")
    assert new.ask("GET", "after") == "2"
    old.start()
    wait_until(lambda: old.follows(new), 40, "the old primary follows")
    master.connection_pool.disconnect()


@pytest.mark.vedette
def test_beside_the_original(lab, ca):
    house = make_house(lab, [VEDETTE, REDIS_SENTINEL, REDIS_SENTINEL], tls=ca.issue())
    house.fail_over(40)
    house.wait_ready(60)


@pytest.mark.vedette
def test_links_switched_one_by_one(lab, ca):
    """Plain data servers and TLS between sentinels, in the native format, which verifies names."""
    primary = lab.redis()
    cert = ca.issue()
    ports = [lab.free_port() for _ in range(2)]
    ones = []
    for tls_port in ports:
        one = lab.sentinel(VEDETTE, [], start=False)
        one.config = os.path.join(one.home, "vedette.cfg")
        with open(one.config, "w", encoding="utf-8") as out:
            out.write(
                f'port = {one.port}; bind = "{LOOPBACK}"; state-dir = "state"; abstain = 0;\n'
                f'dir = "{one.home}"; tls-port = {tls_port}; tls-peers = true;\n'
                f'tls-cert-file = "{cert.cert}"; tls-key-file = "{cert.key}";\n'
                f'tls-ca-cert-file = "{ca.cert}";\n'
                f'groups = ({{ name = "{GROUP}"; primary = "{LOOPBACK}:{primary.port}"; quorum = 2; }});\n'
            )
        one.argv = [one.argv[0], one.config]
        ones.append(one.start())
    for one, other in ((ones[0], ports[1]), (ones[1], ports[0])):
        peer = wait_until(lambda one=one: one.peers(GROUP), 15, "they find each other")[0]
        assert int(peer["port"]) == other, "the TLS port is what peers are told"
        wait_until(lambda one=one: one.peers(GROUP)[0]["flags"] == "sentinel", 10, "they are linked")
        assert one.master(GROUP)["flags"] == "master"


# Coming in ------------------------------------------------------------------------------


def refused(one, context, host=LOOPBACK):
    """What becomes of a client with these papers; its certificate is looked at last in TLS 1.3.

    Each host has one line a second in the log, so those that follow each other come from several.
    """
    with pytest.raises((ssl.SSLError, OSError, resp.Closed)):
        resp.Connection(one.address, source=(host, 0), tls=context).ask("PING")


def shown_by(context, cert):
    context.load_cert_chain(cert.cert, cert.key)
    return context


@pytest.mark.vedette
def test_who_is_refused_hears_why(lab, ca):
    one = make_group(lab, tls=ca.issue())
    strangers = Authority(os.path.join(lab.dir, "strangers"), "strange CA")
    cases = [
        (ca.context(), "it has no certificate, and tls-auth-clients asks for one"),
        (shown_by(ca.context(), ca.self_signed()), rf"CN = selfmade\) is signed by itself.*{ca.cert}"),
        (shown_by(ca.context(), strangers.issue("alien")), r"CN = alien\) is signed by a CA that is not in"),
        (shown_by(ca.context(), ca.issue("late", days=-1)), r"CN = late\) has expired on 20..-..-.. "),
        (shown_by(ca.context(), ca.issue("server", usage="serverAuth")), r"CN = server\) may not be used"),
    ]
    # Who does not trust us says so.
    cases.append((strangers.context(), r"it refuses our certificate \(.*good\.crt\): it does not know its CA"))
    for number, (context, why) in enumerate(cases):
        refused(one, context, f"127.0.0.{number + 10}")
        one.wait_log(rf"client 127\.0\.0\.{number + 10}:\d+ is refused: .*{why}")
    with resp.Connection(one.address, source=("127.0.0.9", 0)) as plain:
        assert plain.raw("PING") == "ERR this port speaks TLS only"
    one.wait_log(r"client 127\.0\.0\.9:\d+ is refused: it speaks plain text to the TLS port")
    assert one.ask("PING") == "PONG"
    assert int(one.info("vedette")["tls_handshakes_refused"]) >= 7


@pytest.mark.vedette
def test_tls_to_the_plain_port(lab, ca):
    one = make_group(lab)
    refused(one, ca.context())
    one.wait_log(r"client 127\.0\.0\.1:\d+ is refused: it speaks TLS to the plain port")
    assert one.ask("PING") == "PONG"


@pytest.mark.vedette
def test_certificates_of_clients_asked_or_not(lab, ca):
    cert = ca.issue()
    bad = shown_by(ca.context(), ca.self_signed())
    for auth, with_bad in (("optional", False), ("no", True)):
        one = make_group(lab, auth, [f"tls-auth-clients {auth}"], tls=cert)
        with resp.Connection(one.address, tls=ca.context()) as nameless:
            assert nameless.ask("PING") == "PONG"
        if with_bad:
            with resp.Connection(one.address, tls=bad) as ignored:
                assert ignored.ask("PING") == "PONG"
        else:
            refused(one, bad)


@pytest.mark.vedette
def test_versions_and_ciphers(lab, ca):
    cert = ca.issue()
    lines = [
        "tls-protocols TLSv1.2",
        "tls-ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384",
        "tls-prefer-server-ciphers yes",
    ]
    one = make_group(lab, lines=lines, tls=cert)
    context = cert.context()
    context.set_ciphers("ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256")
    with resp.Connection(one.address, tls=context) as client:
        assert client.ask("PING") == "PONG"
        assert client.sock.version() == "TLSv1.2"
        assert client.sock.cipher()[0] == "ECDHE-ECDSA-AES128-GCM-SHA256", "ours is the first"
    newest = cert.context()
    newest.minimum_version = ssl.TLSVersion.TLSv1_3
    refused(one, newest, "127.0.0.2")
    one.wait_log("no version of TLS in common; look at tls-protocols")
    chacha = cert.context()
    chacha.set_ciphers("ECDHE-ECDSA-CHACHA20-POLY1305")
    chacha.maximum_version = ssl.TLSVersion.TLSv1_2
    refused(one, chacha)
    one.wait_log("no cipher in common; look at tls-ciphers")


@pytest.mark.vedette
def test_sessions_are_taken_up_again(lab, ca):
    cert = ca.issue()
    for caching, version in (("yes", "TLSv1_2"), ("yes", "TLSv1_3"), ("no", "TLSv1_2"), ("no", "TLSv1_3")):
        one = make_group(lab, f"{caching}-{version}", [f"tls-session-caching {caching}"], tls=cert)
        context = cert.context()
        context.maximum_version = context.minimum_version = ssl.TLSVersion[version]
        with resp.Connection(one.address, tls=context) as first:
            assert first.ask("PING") == "PONG"  # a ticket comes with or before the first bytes
            session = first.sock.session
        plain = socket.create_connection(one.address, 5)
        with context.wrap_socket(plain, server_hostname=LOOPBACK, session=session) as again:
            again.sendall(b"PING\r\n")
            assert again.recv(64) == b"+PONG\r\n"
            assert again.session_reused == (caching == "yes"), (caching, version)


@pytest.mark.vedette
def test_much_at_once(lab, ca):
    """Many records in one read, and more replies than a socket takes."""
    one = make_group(lab, tls=ca.issue())
    count = 8000
    with one.connect(timeout=30) as client:
        client.send_bytes(b"PING\r\n" * 10 + b"*2\r\n$4\r\nPING\r\n$1024\r\n" + b"x" * 1024 + b"\r\n")
        for _ in range(10):
            assert client.read() == "PONG"
        assert client.read() == "x" * 1024
        number = client.ask("CLIENT", "ID")
        client.send_bytes(b"*1\r\n$4\r\nINFO\r\n" * count)
        wait_until(
            lambda: re.search(r" omem=[1-9]", one.ask("CLIENT", "LIST", "ID", number)),
            30, "more than the socket takes waits",
        )
        for _ in range(count):
            assert client.read().startswith("# Server")
        assert client.ask("PING") == "PONG"


@pytest.mark.vedette
def test_garbage_on_the_tls_port(lab, ca):
    """Cut, flipped, random and endless handshakes: no crash, no leak; those who behave are served."""
    one = make_group(lab, tls=ca.issue())
    luck = random.Random(7)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    shaking = ca.context().wrap_bio(incoming, outgoing, server_hostname=LOOPBACK)
    with pytest.raises(ssl.SSLWantReadError):
        shaking.do_handshake()
    hello = outgoing.read()
    assert one.ask("PING") == "PONG"
    base = one.open_descriptors()
    slow = socket.create_connection(one.address, 15)
    slow.sendall(hello[:100])
    for trial in range(300):
        data = bytearray(hello)
        kind = trial % 4
        if kind == 0:
            data = data[: luck.randrange(len(data))]
        elif kind == 1:
            for _ in range(luck.randrange(1, 9)):
                data[luck.randrange(len(data))] = luck.randrange(256)
        elif kind == 2:
            data = bytearray([0x16, 3, luck.randrange(5)]) + luck.randbytes(luck.randrange(2000))
        else:
            data = bytearray(luck.randbytes(luck.randrange(1, 2000)))
        with socket.create_connection(one.address, 5) as wild:
            try:
                wild.sendall(data)
                if luck.random() < 0.5:
                    wild.shutdown(socket.SHUT_WR)
                if luck.random() < 0.1:
                    wild.settimeout(0.05)
                    wild.recv(100)
            except OSError:
                pass
        if trial % 50 == 0:
            assert one.ask("PING") == "PONG"
    wait_until(lambda: one.open_descriptors() <= base + 1, 5, "their descriptors are closed")
    assert slow.recv(100) == b"", "who does not go on is sent away"
    slow.close()
    one.wait_log("is refused: it does not end its TLS handshake within 10 s")
    assert one.open_descriptors() <= base
    with one.connect() as late:
        assert late.ask("PING") == "PONG"


# Going out ----------------------------------------------------------------------------------


@pytest.mark.vedette
def test_servers_that_are_refused(lab, ca):
    """What is wrong with a server's certificate is said with its address, the file and what helps."""
    strangers = Authority(os.path.join(lab.dir, "strangers"), "strange CA")
    fine = ca.issue()
    papers = {
        "fine": fine,
        "late": ca.issue("late", days=-1),
        "elsewhere": ca.issue("elsewhere", hosts=("10.0.0.1", "elsewhere.test")),
        "selfmade": ca.self_signed(),
        "alien": strangers.issue("alien"),
    }
    servers = {name: lab.redis(tls=cert, start=False, name=name) for name, cert in papers.items()}
    for name, server in servers.items():
        server.tls = None  # they are not asked anything
        server.spawn()
        server.wait_log("Ready to accept connections")
    servers["plain"] = lab.redis(name="plain")
    lines = ["tls-verify-names yes", *(
        line for name, server in servers.items() for line in group_lines(name, server, down_after=1000)
    )]
    one = make_group(lab, lines=lines, tls=fine)
    where = {name: rf"no TLS with server 127\.0\.0\.1:{server.port}: " for name, server in servers.items()}
    one.wait_log(where["late"] + r"its certificate \(CN = late\) has expired on .*; renew it there")
    one.wait_log(
        where["elsewhere"]
        + r"its certificate \(CN = elsewhere\) is not for 127\.0\.0\.1 but for 10\.0\.0\.1, elsewhere\.test;"
        + ".*tls-verify-names off",
    )
    one.wait_log(where["selfmade"] + rf"its certificate \(CN = selfmade\) is signed by itself.*{ca.cert}")
    one.wait_log(where["alien"] + rf"the certificate \(CN = strange CA\) is shown as its CA, and it is not in {ca.cert}")
    one.wait_log(where["plain"] + "it does not .*TLS port")
    for name in servers:
        down = name != "fine"
        wait_until(lambda name=name, down=down: ("s_down" in one.master(name)["flags"]) == down, 10, name)


@pytest.mark.vedette
def test_our_certificate_is_refused(lab, ca):
    strangers = Authority(os.path.join(lab.dir, "strangers"), "strange CA")
    server = lab.redis(tls=ca.issue())
    alien = strangers.issue("alien")
    one = lab.sentinel(
        VEDETTE,
        [
            "tls-replication yes",
            f"tls-cert-file {alien.cert}",
            f"tls-key-file {alien.key}",
            f"tls-ca-cert-file {ca.cert}",
            *group_lines(GROUP, server),
        ],
    )
    one.wait_log(rf":{server.port}: it refuses our certificate \({alien.cert}\): it does not know its CA")
    other = lab.sentinel(
        VEDETTE, ["tls-replication yes", f"tls-ca-cert-file {ca.cert}", *group_lines(GROUP, server)]
    )
    other.wait_log(rf":{server.port}: it asks for a certificate, and we have none; give tls-cert-file")


@pytest.mark.vedette
def test_plain_links_to_a_tls_port(lab, ca):
    server = lab.redis(tls=ca.issue())
    one = lab.sentinel(VEDETTE, group_lines(GROUP, server))
    one.wait_log(rf"127\.0\.0\.1:{server.port} ends the connection before a word: .* want TLS \(tls-repl")


@pytest.mark.vedette
def test_names_are_verified(lab, ca):
    """By the name that was configured, which is told to the server as well."""
    named = ca.issue("named", hosts=("localhost",))
    server = lab.redis(tls=named, host="localhost")
    lines = ["tls-verify-names yes", "sentinel resolve-hostnames yes"]
    one = make_group(lab, "by-name", [*lines, *group_lines(GROUP, server)], tls=ca.issue())
    wait_until(lambda: one.master(GROUP)["flags"] == "master", 10, "localhost is who it says")
    wait_until(lambda: one.master(GROUP)["runid"] == server.run_id(), 10, "and has answered")
    server.host = LOOPBACK
    other = make_group(lab, "by-ip", [*lines, *group_lines(GROUP, server)], tls=ca.issue())
    other.wait_log(r"\(CN = named\) is not for 127\.0\.0\.1 but for localhost;")
