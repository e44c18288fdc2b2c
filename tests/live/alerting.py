# SPDX-License-Identifier: BSD-3-Clause
"""Vedettes with rules of alerts, and receivers of what they tell."""

import json
import os
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from harness import LOOPBACK, VEDETTE, wait_until


class Receiver(ThreadingHTTPServer):
    """Takes what is posted. answer(path, number of the request on it) is the status to say, or None:
    nothing is ever said."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, answer=lambda path, number: 200, tls=None):
        self.answer = answer
        self.scheme = "https" if tls else "http"
        self.got = []
        self.lock = threading.Lock()
        self.over = threading.Event()
        super().__init__((LOOPBACK, 0), self.Handler)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with self.server.lock:
                self.server.got.append((self.path, dict(self.headers), json.loads(body), time.monotonic()))
                number = len([one for one in self.server.got if one[0] == self.path])
            status = self.server.answer(self.path, number)
            if status is None:
                self.server.over.wait(60)
                return
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    def url(self, path):
        return f"{self.scheme}://{LOOPBACK}:{self.server_address[1]}{path}"

    def on(self, path):
        with self.lock:
            return [one for one in self.got if one[0] == path]

    def states(self, path):
        return [(one[2]["rule"], one[2]["state"], one[2]["target"]) for one in self.on(path)]

    def close(self):
        self.over.set()
        self.shutdown()
        self.server_close()


class House:
    """A primary, and vedettes whose ids rise with their places."""

    def __init__(self, lab, count, alerts, replicas=0, name="m", info_period="200ms"):
        self.name = name
        self.info_period = info_period
        self.primary = lab.redis()
        self.replicas = [lab.redis(self.primary) for _ in range(replicas)]
        self.vedettes = []
        self.ports = []
        for place in range(count):
            one = lab.sentinel(VEDETTE, [], start=False)
            port = lab.free_port()
            one.config = os.path.join(one.home, "vedette.cfg")
            self.write(one, place, port, alerts)
            one.argv = [one.argv[0], one.config]
            one.start()
            self.vedettes.append(one)
            self.ports.append(port)
        wait_until(lambda: all(len(one.peers(name)) == count - 1 for one in self.vedettes), 20, "peers")

    def write(self, one, place, port, alerts):
        with open(one.config, "w", encoding="utf-8") as out:
            out.write(
                f'port = {one.port}; bind = "{LOOPBACK}"; state-dir = "{one.state_dir}"; abstain = 0;\n'
                f'http-port = {port}; myid = "{place + 1:040x}";\n'
                f'groups = ( {{ name = "{self.name}"; primary = "{LOOPBACK}:{self.primary.port}"; '
                f'quorum = {1 if place == 0 and "one" in alerts else 2}; down-after = "1s"; }} );\ninfo-period = "{self.info_period}";\n'
                + alerts.replace("one", "", 1)
            )

    def ask(self, place, path):
        with urllib.request.urlopen(f"http://{LOOPBACK}:{self.ports[place]}{path}", timeout=5) as reply:
            return reply.read().decode()

    def json(self, place, path):
        return json.loads(self.ask(place, path))

    def alerts(self, place):
        return {(one["rule"], one["state"]) for one in self.json(place, "/api/v1/alerts")["alerts"]}

    def fill_memory(self, full):
        self.primary.ask("CONFIG", "SET", "maxmemory", "1000000" if full else "1000000000")


MEMORY = (
    '{ name = "memory"; metric = "vedette_node_memory_used_ratio"; above = 0.85; clear = 0.8; '
    'severity = "critical"; }'
)


def channel(name, kind, url, more=""):
    return f'{{ name = "{name}"; kind = "{kind}"; url = "{url}"; {more} }}'
