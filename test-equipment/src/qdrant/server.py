"""TEST EQUIPMENT, not Qdrant: the part of Qdrant's REST API that this project uses, over Qdrant's own engine.

Distances, filters, ids, payloads and scores are the real code (the Python package qdrant-edge-py). Re-made here, and no more
than a likeness: HTTP, messages, collections, aliases, strict mode. Not there at all: clusters, snapshots, write-ahead
acknowledgement levels, timeouts. The tests that use it must also pass against a real server (QDRANT_URL).

Usage: python3 server.py --port 6333 --storage FOLDER
An API key, if one is wanted, is in ENGRAM_TEST_QDRANT_API_KEY.
"""

import argparse
import json
import os
import re
import signal
import socket
import struct
import sys
import threading
import time
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from urllib.parse import parse_qs, unquote, urlsplit

from catalogue import Catalogue
from errors import ApiError, bad_body
from faults import Faults

VERSION = "1.19.0"
TITLE = "qdrant stand-in (TEST EQUIPMENT over qdrant-edge, not a Qdrant server)"
BODY_BYTES_MAX = 32 * 1024 * 1024
OPEN_ROUTES = {"GET /", "GET /healthz", "GET /livez", "GET /readyz"}

# (method, path pattern, name in the counters, handler(call) -> result)
ROUTES = []


def route(method, template):
    pattern = re.compile("^" + re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", template) + "$")

    def add(handler):
        ROUTES.append((method, pattern, f"{method} {template}", handler))
        return handler

    return add


class Call:
    """What a handler sees of a request."""

    def __init__(self, catalogue, parts, query, body):
        self.catalogue = catalogue
        self.parts = {name: unquote(value) for name, value in parts.items()}
        self.wait = query.get("wait", ["false"])[0] == "true"
        self.body = body

    @property
    def collection(self):
        return self.catalogue.find(self.parts["name"])


def writes(method, template, name):
    """A route that hands its body to a method of the collection, alone."""

    @route(method, template)
    def handler(call):
        collection = call.collection
        with collection.lock:
            return getattr(collection, name)(call.body, call.wait)


def reads(method, template, name):
    @route(method, template)
    def handler(call):
        collection = call.collection
        with collection.lock:
            return getattr(collection, name)(call.body)


POINTS = "/collections/{name}/points"
writes("PUT", POINTS, "upsert")
writes("POST", f"{POINTS}/delete", "delete_points")
writes("POST", f"{POINTS}/payload", "set_payload")
writes("PUT", f"{POINTS}/payload", "overwrite_payload")
writes("POST", f"{POINTS}/payload/delete", "delete_payload")
writes("POST", f"{POINTS}/payload/clear", "clear_payload")
writes("POST", f"{POINTS}/batch", "batch")
reads("POST", POINTS, "retrieve")
reads("POST", f"{POINTS}/query", "query")
reads("POST", f"{POINTS}/scroll", "scroll")
reads("POST", f"{POINTS}/count", "count")


@route("POST", f"{POINTS}/query/batch")
def query_batch(call):
    collection = call.collection
    with collection.lock:
        return [collection.query(search) for search in call.body["searches"]]


@route("GET", f"{POINTS}/{{id}}")
def retrieve_one(call):
    collection = call.collection
    with collection.lock:
        return collection.retrieve_one(call.parts["id"])


@route("GET", "/collections")
def list_collections(call):
    return {"collections": [{"name": name} for name in call.catalogue.names()]}


@route("POST", "/collections/aliases")
def change_aliases(call):
    return call.catalogue.change_aliases(call.body["actions"])


@route("GET", "/aliases")
def list_aliases(call):
    return call.catalogue.aliases()


@route("GET", "/collections/{name}/aliases")
def list_collection_aliases(call):
    return call.catalogue.aliases(call.parts["name"])


@route("PUT", "/collections/{name}")
def create_collection(call):
    return call.catalogue.create(call.parts["name"], call.body)


@route("PATCH", "/collections/{name}")
def update_collection(call):
    return call.catalogue.update(call.parts["name"], call.body)


@route("DELETE", "/collections/{name}")
def delete_collection(call):
    return call.catalogue.delete(call.parts["name"])


@route("GET", "/collections/{name}")
def get_collection(call):
    collection = call.collection
    with collection.lock:
        return collection.info()


@route("GET", "/collections/{name}/exists")
def collection_exists(call):
    return {"exists": call.catalogue.exists(call.parts["name"])}


@route("PUT", "/collections/{name}/index")
def create_index(call):
    collection = call.collection
    with collection.lock:
        result = collection.create_index(call.body, call.wait)
    call.catalogue.save()
    return result


@route("DELETE", "/collections/{name}/index/{field}")
def delete_index(call):
    collection = call.collection
    with collection.lock:
        result = collection.delete_index(call.parts["field"], call.wait)
    call.catalogue.save()
    return result


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
        if length > BODY_BYTES_MAX:
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


def find_route(method, path):
    for wanted, pattern, name, handler in ROUTES:
        found = pattern.match(path) if wanted == method else None
        if found:
            return handler, name, found.groupdict()
    return None


def run(catalogue, matched, query, raw):
    """(status, body without its time)."""
    try:
        if matched is None:
            raise ApiError(404, "Not found: this stand-in has no such route")
        handler, _, parts = matched
        try:
            body = json.loads(raw) if raw else {}
        except ValueError as error:
            raise bad_body(error) from error
        try:
            result = handler(Call(catalogue, parts, query, body))
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            traceback.print_exc()
            raise bad_body(f"{type(error).__name__}: {error}") from error
        return 200, {"result": result, "status": "ok"}
    except ApiError as error:
        return error.status, {"status": {"error": error.message}}
    except Exception as error:  # a fault of this file: say so, loudly
        traceback.print_exc()
        return 500, {"status": {"error": f"Service internal error: {error}"}}


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
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--storage", required=True)
    options = parser.parse_args()
    server = Server(("127.0.0.1", options.port), Handler)
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
