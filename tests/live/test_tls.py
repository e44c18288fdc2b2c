# SPDX-License-Identifier: BSD-3-Clause
"""TLS between everybody: failover, reload, refusals on both sides, faults of the configuration."""

import os
import random
import re
import shutil
import signal
import socket
import ssl
import subprocess

import pytest
import redis
import redis.sentinel

import resp
from certs import Authority
from harness import (
    LOOPBACK,
    REDIS_SENTINEL,
    VEDETTE,
    find_program,
    group_lines,
    make_house,
    wait_until,
)

GROUP = "mymaster"


@pytest.fixture
def ca(lab):
    return Authority(os.path.join(lab.dir, "ca"))


def wait_log(process, pattern, seconds=10):
    """A line of its log that the pattern is found in."""

    def found():
        return re.search(pattern, process.log())

    return wait_until(found, seconds, f"{process.name} logs /{pattern}/").group(0)


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
    old = house.primary
    old.kill()
    new = house.wait_switch(40)
    house.wait_following()
    old.start()
    wait_until(lambda: old.follows(new), 60, "the old primary follows")
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
        wait_log(one, rf"client 127\.0\.0\.{number + 10}:\d+ is refused: .*{why}")
    with resp.Connection(one.address, source=("127.0.0.9", 0)) as plain:
        assert plain.raw("PING") == "ERR this port speaks TLS only"
    wait_log(one, r"client 127\.0\.0\.9:\d+ is refused: it speaks plain text to the TLS port")
    assert one.ask("PING") == "PONG"
    assert int(one.info("vedette")["tls_handshakes_refused"]) >= 7


@pytest.mark.vedette
def test_tls_to_the_plain_port(lab, ca):
    one = make_group(lab)
    refused(one, ca.context())
    wait_log(one, r"client 127\.0\.0\.1:\d+ is refused: it speaks TLS to the plain port")
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
    wait_log(one, "no version of TLS in common; look at tls-protocols")
    chacha = cert.context()
    chacha.set_ciphers("ECDHE-ECDSA-CHACHA20-POLY1305")
    chacha.maximum_version = ssl.TLSVersion.TLSv1_2
    refused(one, chacha)
    wait_log(one, "no cipher in common; look at tls-ciphers")


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
    wait_log(one, "is refused: it does not end its TLS handshake within 10 s")
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
        wait_log(server, "Ready to accept connections")
    servers["plain"] = lab.redis(name="plain")
    lines = ["tls-verify-names yes", *(
        line for name, server in servers.items() for line in group_lines(name, server, down_after=1000)
    )]
    one = make_group(lab, lines=lines, tls=fine)
    where = {name: rf"no TLS with server 127\.0\.0\.1:{server.port}: " for name, server in servers.items()}
    wait_log(one, where["late"] + r"its certificate \(CN = late\) has expired on .*; renew it there")
    wait_log(
        one,
        where["elsewhere"]
        + r"its certificate \(CN = elsewhere\) is not for 127\.0\.0\.1 but for 10\.0\.0\.1, elsewhere\.test;"
        + ".*tls-verify-names off",
    )
    wait_log(one, where["selfmade"] + rf"its certificate \(CN = selfmade\) is signed by itself.*{ca.cert}")
    wait_log(one, where["alien"] + rf"the certificate \(CN = strange CA\) is shown as its CA, and it is not in {ca.cert}")
    wait_log(one, where["plain"] + "it does not .*TLS port")
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
    wait_log(one, rf":{server.port}: it refuses our certificate \({alien.cert}\): it does not know its CA")
    other = lab.sentinel(
        VEDETTE, ["tls-replication yes", f"tls-ca-cert-file {ca.cert}", *group_lines(GROUP, server)]
    )
    wait_log(other, rf":{server.port}: it asks for a certificate, and we have none; give tls-cert-file")


@pytest.mark.vedette
def test_plain_links_to_a_tls_port(lab, ca):
    server = lab.redis(tls=ca.issue())
    one = lab.sentinel(VEDETTE, group_lines(GROUP, server))
    wait_log(one, rf"127\.0\.0\.1:{server.port} ends the connection before a word: .* want TLS \(tls-repl")


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
    wait_log(other, r"\(CN = named\) is not for 127\.0\.0\.1 but for localhost;")


# Files ------------------------------------------------------------------------------------------


def name_shown(one, context):
    with resp.Connection(one.address, tls=context) as client:
        return client.sock.getpeercert()["subject"][0][0][1]


def install(cert, folder):
    """Put a certificate where the configuration expects one."""
    shutil.copy(cert.cert, os.path.join(folder, "live.crt"))
    shutil.copy(cert.key, os.path.join(folder, "live.key"))


@pytest.mark.vedette
def test_new_certificates_by_sighup(lab, ca):
    first, second = ca.issue("first"), ca.issue("second")
    install(first, lab.dir)
    one = lab.sentinel(
        VEDETTE,
        [
            "tls-auth-clients no",
            f"tls-port {(tls_port := lab.free_port())}",
            f"tls-cert-file {lab.dir}/live.crt",
            f"tls-key-file {lab.dir}/live.key",
        ],
    )
    plain_port, one.port, one.tls = one.port, tls_port, first
    one.hang_up()
    kept = one.connect()
    assert name_shown(one, ca.context()) == "first"

    install(second, lab.dir)
    one.signal(signal.SIGHUP)
    wait_log(one, "SIGHUP: the TLS files were read anew")
    assert name_shown(one, ca.context()) == "second"
    assert kept.ask("PING") == "PONG", "a connection keeps what it began with"

    # The key of another certificate; then one that has expired; then none.
    shutil.copy(first.key, os.path.join(lab.dir, "live.key"))
    one.signal(signal.SIGHUP)
    wait_log(one, "SIGHUP: the configuration stays as it was: .*live.key is not the key of the certificate")
    install(ca.issue("late", days=-1), lab.dir)
    one.signal(signal.SIGHUP)
    wait_log(one, "SIGHUP: the TLS keys stay as they were: .*live.crt: this certificate has expired on ")
    os.unlink(os.path.join(lab.dir, "live.crt"))
    one.signal(signal.SIGHUP)
    wait_log(one, "tls-cert-file .*live.crt: No such file or directory; give the path of a PEM file")
    assert name_shown(one, ca.context()) == "second", "the good ones stay"
    assert kept.ask("PING") == "PONG"
    kept.close()
    one.hang_up()
    one.port, one.tls = plain_port, None
    assert int(one.info("vedette")["tls_certificate_expires_in_seconds"]) > 86400


@pytest.mark.vedette
def test_new_certificates_in_the_originals_place(lab, ca):
    """There the configuration is the state and is not read again, but the files it names are."""
    install(ca.issue("first"), lab.dir)
    lines = [f"tls-cert-file {lab.dir}/live.crt", f"tls-key-file {lab.dir}/live.key"]
    one = make_group(lab, lines=[*lines, "tls-auth-clients no"], start=False)
    name = os.path.join(lab.dir, REDIS_SENTINEL)
    os.symlink(find_program(VEDETTE), name)
    one.argv = [name, one.config]
    tls_port = lab.free_port()
    with open(one.config, "a", encoding="utf-8") as out:
        out.write(f"tls-port {tls_port}\n")
    one.start()
    one.hang_up()
    one.port = tls_port
    assert name_shown(one, ca.context()) == "first"
    install(ca.issue("second"), lab.dir)
    one.signal(signal.SIGHUP)
    wait_log(one, "SIGHUP: the TLS files were read anew")
    assert name_shown(one, ca.context()) == "second"


def check(lab, *lines):
    """Exit status and output of --check."""
    path = os.path.join(lab.dir, "checked.conf")
    with open(path, "w", encoding="utf-8") as out:
        out.write("\n".join(lines) + "\n")
    done = subprocess.run(
        [find_program(VEDETTE), "--check", path], capture_output=True, text=True, timeout=30, check=False
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.vedette
def test_faults_of_the_configuration(lab, ca):
    cert, other = ca.issue(), ca.issue("other")
    locked = os.path.join(lab.dir, "locked.key")
    subprocess.run(
        ["openssl", "pkey", "-in", cert.key, "-aes256", "-passout", "pass:sesame", "-out", locked], check=True
    )
    text = os.path.join(lab.dir, "text.pem")
    with open(text, "w", encoding="utf-8") as out:
        out.write("no certificate\n")
    port, own, key, trust = (
        "tls-port 26390",
        f"tls-cert-file {cert.cert}",
        f"tls-key-file {cert.key}",
        f"tls-ca-cert-file {ca.cert}",
    )
    bad = [
        ([port], "tls-port needs a certificate: give tls-cert-file and tls-key-file"),
        ([port, own, trust], "tls-cert-file needs a private key: give tls-key-file"),
        ([port, own, key], "give tls-ca-cert-file or tls-ca-cert-dir, or write tls-auth-clients no"),
        ([port, own, f"tls-key-file {other.key}", trust],
         f"tls-key-file {other.key} is not the key of the certificate in tls-cert-file {cert.cert}"),
        ([port, own, "tls-key-file /nowhere/key", trust], "tls-key-file /nowhere/key: No such file"),
        ([port, f"tls-cert-file {lab.dir}", key, trust], f"tls-cert-file {lab.dir}: Is a directory"),
        ([port, f"tls-cert-file {text}", key, trust], f"tls-cert-file {text} holds no certificate"),
        ([port, own, f"tls-key-file {text}", trust], f"tls-key-file {text} holds no private key"),
        ([port, own, f"tls-key-file {locked}", trust], "is encrypted; give its password by tls-key-file-pass"),
        ([port, own, f"tls-key-file {locked}", "tls-key-file-pass wrong", trust],
         "cannot be decrypted; correct tls-key-file-pass"),
        ([port, own, key, f"tls-ca-cert-file {text}"], f"tls-ca-cert-file {text} holds no certificate"),
        ([port, own, key, "tls-ca-cert-dir /nowhere"], "tls-ca-cert-dir /nowhere is no directory"),
        ([port, own, key, trust, "tls-protocols TLSv9"], "tls-protocols: there is no 'TLSv9'"),
        ([port, own, key, trust, "tls-ciphers nonsense"], "tls-ciphers 'nonsense'"),
        ([port, own, key, trust, "tls-ciphersuites nonsense"], "tls-ciphersuites 'nonsense'"),
        ([port, own, key, trust, f"tls-dh-params-file {text}"], f"tls-dh-params-file {text} holds no param"),
        ([port, "port 26390", own, key, trust], "port and tls-port are the same"),
        (["tls-replication yes"], "nothing says whose certificates are good: give tls-ca-cert-file"),
        (["tls-replication yes", trust, f"tls-client-cert-file {cert.cert}"], "give tls-client-key-file"),
    ]
    for lines, reason in bad:
        status, output = check(lab, *lines)
        assert status == 1 and reason in output, (lines, output)
        assert "sesame" not in output and "wrong" not in output
    good = [
        [port, own, key, trust],
        [port, own, f"tls-key-file {locked}", "tls-key-file-pass sesame", trust],
        [port, own, key, "tls-auth-clients no", "tls-protocols \"TLSv1.2 tlsv1.3\""],
        ["tls-replication yes", trust],
        ["port 0", port, own, key, f"tls-ca-cert-dir {os.path.dirname(ca.cert)}"],
    ]
    for lines in good:
        status, output = check(lab, *lines)
        assert status == 0 and "good" in output and "warning" not in output, (lines, output)


@pytest.mark.vedette
def test_own_certificate_that_expires(lab, ca):
    for name, days, warning in (
        ("late", -1, "this certificate has expired on "),
        ("soon", 3, "this certificate expires in [23] days, on "),
    ):
        cert = ca.issue(name, days=days)
        status, output = check(lab, *cert.lines(26390))
        assert status == 0 and re.search(f"warning: {cert.cert}: {warning}", output), output


@pytest.mark.vedette
def test_tls_port_cannot_change_while_running(lab, ca):
    cert = ca.issue()
    one = make_group(lab, tls=cert)
    with open(one.config, "a", encoding="utf-8") as out:
        out.write(f"tls-port {lab.free_port()}\n")
    one.signal(signal.SIGHUP)
    wait_log(one, "port, tls-port, bind and unixsocket change at the next start")
    one.hang_up()
    assert one.ask("PING") == "PONG"
    assert one.info("server")["tcp_port"] == str(one.port)
