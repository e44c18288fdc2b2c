# SPDX-License-Identifier: BSD-3-Clause
"""A small blocking RESP client: it keeps the kind of every reply, which client libraries hide.

Requests can be any bytes, so it serves the tests of bad input as well.
"""

import socket
import time


class ReplyError(Exception):
    """An error reply, as text."""


class Closed(Exception):
    """The server closed the connection."""


class Status(str):
    """A simple string."""


class Error(str):
    """An error reply inside another reply, or read with raw()."""


class Push(list):
    """A RESP3 push."""


class Verbatim(str):
    """A RESP3 verbatim string, its format cut off."""


class Set(list):
    """A RESP3 set, in the order sent."""


class Connection:
    """One connection, inside TLS by an ssl.SSLContext. Replies: Status, Error, int, str, None, list, dict (RESP3 map), Set, Push."""

    def __init__(self, address, timeout=5.0, password=None, source=None, tls=None):
        self.address = address
        if isinstance(address, str):
            self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.sock.settimeout(timeout)
            self.sock.connect(address)
        else:
            self.sock = socket.create_connection(address, timeout, source)
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            self.sock = tls.wrap_socket(self.sock, server_hostname=address[0])
        self.buffer = bytearray()
        if password is not None:
            self.ask("AUTH", password)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def send_bytes(self, data):
        self.sock.sendall(data)

    def send(self, *words):
        self.sock.sendall(encode(*words))

    def ask(self, *words):
        """The reply; an error reply is raised."""
        self.send(*words)
        reply = self.read()
        if isinstance(reply, Error):
            raise ReplyError(str(reply))
        return reply

    def raw(self, *words):
        """The reply, an error as a value."""
        self.send(*words)
        return self.read()

    def read(self, timeout=None):
        if timeout is not None:
            self.sock.settimeout(timeout)
        return self._read_reply()

    def read_to_end(self, timeout=5.0):
        """All bytes until the server closes; TimeoutError if it does not."""
        end = time.monotonic() + timeout
        while True:
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"connection still open after {bytes(self.buffer)!r}")
            self.sock.settimeout(left)
            try:
                data = self.sock.recv(65536)
            except ConnectionResetError:
                data = b""
            if not data:
                out = bytes(self.buffer)
                self.buffer.clear()
                return out
            self.buffer += data

    def _fill(self):
        data = self.sock.recv(65536)
        if not data:
            raise Closed()
        self.buffer += data

    def _line(self):
        while True:
            at = self.buffer.find(b"\r\n")
            if at >= 0:
                line = bytes(self.buffer[:at])
                del self.buffer[: at + 2]
                return line
            self._fill()

    def _exactly(self, count):
        while len(self.buffer) < count + 2:
            self._fill()
        data = bytes(self.buffer[:count])
        assert self.buffer[count : count + 2] == b"\r\n", "bulk without its end"
        del self.buffer[: count + 2]
        return data.decode("utf-8", "surrogateescape")

    def _read_reply(self):
        line = self._line()
        kind, rest = line[:1], line[1:].decode("utf-8", "surrogateescape")
        if kind == b"+":
            return Status(rest)
        if kind == b"-":
            return Error(rest)
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == "-1" else self._exactly(int(rest))
        if kind == b"_":
            return None
        if kind == b"#":
            return rest == "t"
        if kind == b",":
            return float(rest)
        if kind == b"=":
            return Verbatim(self._exactly(int(rest))[4:])
        if kind == b"*":
            return None if rest == "-1" else [self._read_reply() for _ in range(int(rest))]
        if kind == b">":
            return Push(self._read_reply() for _ in range(int(rest)))
        if kind == b"~":
            return Set(self._read_reply() for _ in range(int(rest)))
        if kind == b"%":
            pairs = {}
            for _ in range(int(rest)):
                name = self._read_reply()
                pairs[name] = self._read_reply()
            return pairs
        raise AssertionError(f"not a reply: {line!r}")


def encode(*words):
    """A request as an array of bulk strings."""
    out = [b"*%d\r\n" % len(words)]
    for word in words:
        if not isinstance(word, bytes):
            word = str(word).encode("utf-8", "surrogateescape")
        out.append(b"$%d\r\n%s\r\n" % (len(word), word))
    return b"".join(out)


def ask_once(address, *words, timeout=5.0, password=None):
    """One question on a connection of its own."""
    with Connection(address, timeout, password) as connection:
        return connection.ask(*words)


def pairs(flat):
    """A flat field list (RESP2) or a map (RESP3) as a dict."""
    if isinstance(flat, dict):
        return flat
    return dict(zip(flat[0::2], flat[1::2]))
