"""Snapshots of one collection: made, fetched, taken away, put back. A tar archive as the real server's are, with files of our own
in it, so one that the real server has made is refused."""

import io
import json
import os
import re
import shutil
import tarfile
import uuid

from collection import Collection
from errors import bad_body, not_found

ENTRY = "entry.json"


class Download:
    """An answer that is a file and not JSON."""

    def __init__(self, content):
        self.content = content


def folder_of(storage, name):
    return os.path.join(storage, "snapshots", name)


def create(storage, name, collection):
    """Of what is there at this moment; writers wait."""
    os.makedirs(folder_of(storage, name), exist_ok=True)
    file = f"{name}-{uuid.uuid4().int % 10**16}.snapshot"
    path = os.path.join(folder_of(storage, name), file)
    with collection.lock, tarfile.open(path, "w") as archive:
        collection.shard.flush()
        archive.add(collection.path, "shard")
        entry = json.dumps({"config": collection.entry["config"], "schema": collection.entry["schema"]}).encode()
        info = tarfile.TarInfo(ENTRY)
        info.size = len(entry)
        archive.addfile(info, io.BytesIO(entry))
    return {"name": file, "size": os.path.getsize(path)}


def find(storage, name, file):
    path = os.path.join(folder_of(storage, name), os.path.basename(file))
    if not os.path.exists(path):
        raise not_found(f"Snapshot {file} not found")
    return path


def fetch(storage, name, file):
    with open(find(storage, name, file), "rb") as snapshot:
        return Download(snapshot.read())


def remove(storage, name, file):
    os.remove(find(storage, name, file))
    return True


def file_of_form(body):
    """The content of a form's one part."""
    found = re.match(rb"--([^\r\n]+)\r\n", body) if isinstance(body, bytes) else None
    if not found:
        raise bad_body("a form with the part `snapshot` is wanted")
    head, _, rest = body.partition(b"\r\n\r\n")
    if b'name="snapshot"' not in head:
        raise bad_body("the part `snapshot` is missing")
    return rest[: rest.rindex(b"\r\n--" + found.group(1))]


def recover(storage, content):
    """A collection as it was, in a folder of its own."""
    folder = uuid.uuid4().hex
    path = os.path.join(storage, folder)
    try:
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            entry = json.load(archive.extractfile(ENTRY))
            archive.extractall(path, [member for member in archive if member.name.startswith("shard")])
    except (tarfile.TarError, KeyError) as error:
        shutil.rmtree(path, ignore_errors=True)
        raise bad_body(f"the snapshot cannot be read: {error}") from error
    return Collection(os.path.join(path, "shard"), {**entry, "folder": f"{folder}/shard"}, is_new=False)
