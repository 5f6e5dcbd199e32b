"""The routes: which part of which collection a request asks for, and the message it is answered with."""

import json
import re
import traceback
from urllib.parse import unquote

import snapshots
from errors import ApiError, bad_body

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


SNAPSHOTS = "/collections/{name}/snapshots"


@route("POST", SNAPSHOTS)
def create_snapshot(call):
    return snapshots.create(call.catalogue.storage, call.parts["name"], call.collection)


@route("POST", f"{SNAPSHOTS}/upload")
def upload_snapshot(call):
    return call.catalogue.recover(call.parts["name"], snapshots.file_of_form(call.body))


@route("GET", f"{SNAPSHOTS}/{{file}}")
def fetch_snapshot(call):
    return snapshots.fetch(call.catalogue.storage, call.parts["name"], call.parts["file"])


@route("DELETE", f"{SNAPSHOTS}/{{file}}")
def delete_snapshot(call):
    return snapshots.remove(call.catalogue.storage, call.parts["name"], call.parts["file"])


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
            # A form is handed on as it is.
            body = raw if raw.startswith(b"--") else json.loads(raw) if raw else {}
        except ValueError as error:
            raise bad_body(error) from error
        try:
            result = handler(Call(catalogue, parts, query, body))
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            traceback.print_exc()
            raise bad_body(f"{type(error).__name__}: {error}") from error
        return 200, result if isinstance(result, snapshots.Download) else {"result": result, "status": "ok"}
    except ApiError as error:
        return error.status, {"status": {"error": error.message}}
    except Exception as error:  # a fault of this file: say so, loudly
        traceback.print_exc()
        return 500, {"status": {"error": f"Service internal error: {error}"}}
