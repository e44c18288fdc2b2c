# SPDX-License-Identifier: BSD-3-Clause
"""The files of TLS: taken anew while the daemon runs, and every fault of them told with its remedy."""

import os
import re
import shutil
import signal
import subprocess

import pytest

import resp
from harness import REDIS_SENTINEL, VEDETTE, find_program

pytestmark = pytest.mark.vedette


def name_shown(one, context):
    with resp.Connection(one.address, tls=context) as client:
        return client.sock.getpeercert()["subject"][0][0][1]


def install(cert, folder):
    """Put a certificate where the configuration expects one."""
    shutil.copy(cert.cert, os.path.join(folder, "live.crt"))
    shutil.copy(cert.key, os.path.join(folder, "live.key"))


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
    one.wait_log("SIGHUP: the TLS files were read anew")
    assert name_shown(one, ca.context()) == "second"
    assert kept.ask("PING") == "PONG", "a connection keeps what it began with"

    # The key of another certificate; then one that has expired; then none.
    shutil.copy(first.key, os.path.join(lab.dir, "live.key"))
    one.signal(signal.SIGHUP)
    one.wait_log("SIGHUP: the configuration stays as it was: .*live.key is not the key of the certificate")
    install(ca.issue("late", days=-1), lab.dir)
    one.signal(signal.SIGHUP)
    one.wait_log("SIGHUP: the TLS keys stay as they were: .*live.crt: this certificate has expired on ")
    os.unlink(os.path.join(lab.dir, "live.crt"))
    one.signal(signal.SIGHUP)
    one.wait_log("tls-cert-file .*live.crt: No such file or directory; give the path of a PEM file")
    assert name_shown(one, ca.context()) == "second", "the good ones stay"
    assert kept.ask("PING") == "PONG"
    kept.close()
    one.hang_up()
    one.port, one.tls = plain_port, None
    assert int(one.info("vedette")["tls_certificate_expires_in_seconds"]) > 86400


def test_new_certificates_in_the_originals_place(lab, ca):
    """There the configuration is the state and is not read again, but the files it names are."""
    install(ca.issue("first"), lab.dir)
    lines = [f"tls-cert-file {lab.dir}/live.crt", f"tls-key-file {lab.dir}/live.key"]
    one = lab.sentinel(VEDETTE, [*lines, "tls-auth-clients no"], start=False)
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
    one.wait_log("SIGHUP: the TLS files were read anew")
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


def test_own_certificate_that_expires(lab, ca):
    for name, days, warning in (
        ("late", -1, "this certificate has expired on "),
        ("soon", 3, "this certificate expires in [23] days, on "),
    ):
        cert = ca.issue(name, days=days)
        status, output = check(lab, *cert.lines(26390))
        assert status == 0 and re.search(f"warning: {cert.cert}: {warning}", output), output


def test_tls_port_cannot_change_while_running(lab, ca):
    cert = ca.issue()
    one = lab.sentinel(VEDETTE, [], tls=cert)
    with open(one.config, "a", encoding="utf-8") as out:
        out.write(f"tls-port {lab.free_port()}\n")
    one.signal(signal.SIGHUP)
    one.wait_log("port, tls-port, bind and unixsocket change at the next start")
    one.hang_up()
    assert one.ask("PING") == "PONG"
    assert one.info("server")["tcp_port"] == str(one.port)
