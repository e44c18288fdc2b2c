# SPDX-License-Identifier: BSD-3-Clause
"""Certificates of a CA that lives as long as a test, made by the openssl program."""

import os
import ssl
import subprocess

CURVE = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
HERE = ("127.0.0.1", "::1", "localhost")
BOTH = "serverAuth,clientAuth"


def openssl(*words):
    done = subprocess.run(["openssl", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"openssl {' '.join(words)}: {done.stderr}"


def alternative(host):
    return ("IP:" if host[0].isdigit() or ":" in host else "DNS:") + host


class Certificate:
    """A certificate, its key, and the CA that those who use it trust."""

    def __init__(self, cert, key, authority):
        self.cert = cert
        self.key = key
        self.authority = authority

    def lines(self, port):
        """What a server or sentinel that speaks nothing but TLS has in its configuration."""
        return [
            "port 0",
            f"tls-port {port}",
            f"tls-cert-file {self.cert}",
            f"tls-key-file {self.key}",
            f"tls-ca-cert-file {self.authority.cert}",
            "tls-replication yes",
        ]

    def context(self):
        """For a client that shows this certificate."""
        context = self.authority.context()
        context.load_cert_chain(self.cert, self.key)
        return context


class Authority:
    """A CA of its own in a directory."""

    def __init__(self, folder, name="test CA"):
        self.folder = folder
        os.makedirs(folder, exist_ok=True)
        self.cert = os.path.join(folder, "ca.crt")
        self.key = os.path.join(folder, "ca.key")
        openssl("req", "-x509", *CURVE, "-keyout", self.key, "-out", self.cert, "-days", "30",
                "-subj", f"/CN={name}")

    def context(self):
        """For a client without a certificate."""
        context = ssl.create_default_context(cafile=self.cert)
        context.verify_mode = ssl.CERT_REQUIRED
        return context

    def issue(self, name="good", hosts=HERE, days=30, usage=BOTH):
        """days -1: it has expired."""
        path = os.path.join(self.folder, name)
        with open(path + ".ext", "w", encoding="ascii") as out:
            out.write(f"subjectAltName={','.join(map(alternative, hosts))}\n")
            out.write(f"extendedKeyUsage={usage}\n")
        openssl("req", *CURVE, "-keyout", path + ".key", "-out", path + ".csr", "-subj", f"/CN={name}")
        openssl("x509", "-req", "-in", path + ".csr", "-CA", self.cert, "-CAkey", self.key,
                "-CAcreateserial", "-days", str(days), "-extfile", path + ".ext", "-out", path + ".crt")
        return Certificate(path + ".crt", path + ".key", self)

    def self_signed(self, name="selfmade"):
        """Of no CA at all; whoever holds it trusts this one."""
        path = os.path.join(self.folder, name)
        openssl("req", "-x509", *CURVE, "-keyout", path + ".key", "-out", path + ".crt",
                "-days", "30", "-subj", f"/CN={name}",
                "-addext", f"subjectAltName={','.join(map(alternative, HERE))}")
        return Certificate(path + ".crt", path + ".key", self)
