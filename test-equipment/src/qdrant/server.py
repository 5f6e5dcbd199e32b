"""TEST EQUIPMENT, not Qdrant: the part of Qdrant's REST API that this project uses, over Qdrant's own engine.

Distances, filters, ids, payloads and scores are the real code (the Python package qdrant-edge-py). Re-made here, and no more
than a likeness: HTTP, messages, collections, aliases, strict mode, snapshots. Not there at all: clusters, write-ahead
acknowledgement levels, timeouts. The tests that use it must also pass against a real server (QDRANT_URL).

Usage: python3 server.py [--host ADDRESS] --port 6333 --storage FOLDER
An API key, if one is wanted, is in ENGRAM_TEST_QDRANT_API_KEY.
"""

import argparse
import json
import os
import signal
import socket
import struct
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from urllib.parse import parse_qs, urlsplit

from catalogue import Catalogue
from faults import Faults
from routes import find_route, run
from snapshots import Download

VERSION = "1.19.0"
TITLE = "qdrant stand-in (TEST EQUIPMENT over qdrant-edge, not a Qdrant server)"
BODY_BYTES_MAX = 32 * 1024 * 1024
OPEN_ROUTES = {"GET /", "GET /healthz", "GET /livez", "GET /readyz"}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body leave in one write, and at once: otherwise each answer waits 40 ms for the client's acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True
    server_version = "qdrant-stand-in"

    def do_GET(self):
        self.serve()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

    def serve(self):
        started = time.monotonic()
        length = int(self.headers.get("content-length") or 0)
        if length > BODY_BYTES_MAX and not self.path.split("?")[0].endswith("/snapshots/upload"):
            self.close_connection = True
            return self.answer(413, error_body("Payload too large", started))
        raw = self.rfile.read(length)
        url = urlsplit(self.path)
        name = f"{self.command} {url.path}"
        if url.path.startswith("/_test/"):
            return self.control(name, raw)
        if name == "GET /":
            return self.answer(200, {"title": TITLE, "version": VERSION, "commit": None})
        if name in OPEN_ROUTES:
            return self.answer_text(200, f"{url.path[1:]} check passed")
        key = os.environ.get("ENGRAM_TEST_QDRANT_API_KEY")
        if key and self.given_key() != key:
            wrong = "Invalid API key or JWT" if self.given_key() else "Must provide an API key or an Authorization bearer token"
            return self.answer_text(401, wrong)

        matched = find_route(self.command, url.path)
        self.server.faults.count(matched[1] if matched else "unknown")
        fault = self.server.faults.take(self.command, url.path)
        if fault.get("delay_ms"):
            time.sleep(fault["delay_ms"] / 1000)
        if fault.get("fail_status"):
            after = fault.get("retry_after")
            extra = {} if after is None else {"retry-after": str(after)}
            return self.answer(fault["fail_status"], error_body("Fault ordered by a test", started), extra)
        work = lambda: run(self.server.catalogue, matched, parse_qs(url.query), raw)  # noqa: E731
        if fault.get("late_ms") is not None:
            timer = threading.Timer(fault["late_ms"] / 1000, work)
            timer.daemon = True
            timer.start()
            return self.reset()
        status, body = work()
        if fault.get("drop"):
            return self.reset()
        if isinstance(body, Download):
            return self.send(status, "application/octet-stream", body.content, {})
        body["time"] = time.monotonic() - started
        self.answer(status, body)

    def control(self, name, raw):
        faults = self.server.faults
        if name == "POST /_test/faults":
            faults.add(json.loads(raw))
            return self.answer(200, {})
        if name == "DELETE /_test/faults":
            faults.clear()
            return self.answer(200, {})
        if name == "GET /_test/counters":
            return self.answer(200, faults.counters())
        if name == "POST /_test/graphs":
            self.server.catalogue.build_graphs()
            return self.answer(200, {})
        return self.answer(404, {})

    def given_key(self):
        return self.headers.get("api-key") or (self.headers.get("authorization") or "").removeprefix("Bearer ")

    def answer(self, status, body, extra=None):
        self.send(status, "application/json", json.dumps(body).encode(), extra or {})

    def answer_text(self, status, text):
        self.send(status, "text/plain", text.encode(), {})

    def send(self, status, kind, body, extra):
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        for name, value in extra.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def reset(self):
        """RST instead of an answer: what a client sees when a server or a proxy dies."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # rfile and wfile hold the socket open; close() alone would only lower its count.
        os.close(self.connection.detach())

    def log_message(self, *_):
        """Silent: a test's log is for its failures."""


def error_body(message, started):
    return {"status": {"error": message}, "time": time.monotonic() - started}


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def server_bind(self):
        """As the parent, without its look-up of the host's name, which can take seconds on a machine without DNS."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address

    def handle_error(self, request, client_address):
        """Clients that go away are the business of tests about just that."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--storage", required=True)
    options = parser.parse_args()
    server = Server((options.host, options.port), Handler)
    server.catalogue = Catalogue(options.storage)
    server.faults = Faults()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever(poll_interval=0.05)
    server.catalogue.close()
    # A request may still hang in a fault's sleep; nothing of it is wanted any more.
    os._exit(0)


if __name__ == "__main__":
    main()
