"""All collections and aliases, kept in one JSON file beside the shards so that a restart finds them."""

import json
import os
import shutil
import threading
import uuid

import snapshots
from collection import Collection
from errors import ApiError, bad_body, not_found

CONFIG_PARTS = (
    "vectors", "sparse_vectors", "hnsw_config", "optimizers_config", "quantization_config", "strict_mode_config",
    "on_disk_payload", "metadata",
)
MERGED_PARTS = ("hnsw_config", "optimizers_config", "strict_mode_config", "metadata")


class Catalogue:
    def __init__(self, storage):
        self.storage = storage
        self._lock = threading.RLock()
        self._collections = {}
        self._aliases = {}
        os.makedirs(storage, exist_ok=True)
        self._path = os.path.join(storage, "catalogue.json")
        if os.path.exists(self._path):
            with open(self._path, encoding="utf-8") as file:
                known = json.load(file)
            self._aliases = known["aliases"]
            for name, entry in known["collections"].items():
                self._collections[name] = Collection(os.path.join(storage, entry["folder"]), entry, is_new=False)

    def close(self):
        with self._lock:
            for collection in self._collections.values():
                collection.close()

    def save(self):
        """Whole or not at all: written under another name, then renamed."""
        with self._lock:
            entries = {name: collection.entry for name, collection in self._collections.items()}
            with open(f"{self._path}.new", "w", encoding="utf-8") as file:
                json.dump({"collections": entries, "aliases": self._aliases}, file)
            os.replace(f"{self._path}.new", self._path)

    def find(self, name):
        """The collection of that name or alias."""
        with self._lock:
            found = self._collections.get(self._aliases.get(name, name))
        if found is None:
            raise not_found(f"Collection `{name}` doesn't exist!")
        return found

    def exists(self, name):
        with self._lock:
            return self._aliases.get(name, name) in self._collections

    def names(self):
        with self._lock:
            return sorted(self._collections)

    def build_graphs(self):
        with self._lock:
            collections = list(self._collections.values())
        for collection in collections:
            collection.build_graphs()

    def create(self, name, body):
        with self._lock:
            if name in self._collections:
                raise ApiError(409, f"Wrong input: Collection `{name}` already exists!")
            if name in self._aliases:
                raise ApiError(400, f"Wrong input: Can't create collection with name {name}. Alias with the same name already exists")
            config = {part: body[part] for part in CONFIG_PARTS if body.get(part) is not None}
            entry = {"folder": uuid.uuid4().hex, "config": config, "schema": {}}
            path = os.path.join(self.storage, entry["folder"])
            os.makedirs(path)
            try:
                self._collections[name] = Collection(path, entry, is_new=True)
            except Exception:
                shutil.rmtree(path, ignore_errors=True)
                raise
            self.save()
        return True

    def update(self, name, body):
        collection = self.find(name)
        with self._lock, collection.lock:
            config = collection.entry["config"]
            for part in MERGED_PARTS:
                if body.get(part) is not None:
                    config[part] = {**(config.get(part) or {}), **body[part]}
            if body.get("quantization_config") is not None:
                config["quantization_config"] = body["quantization_config"]
            if (body.get("params") or {}).get("on_disk_payload") is not None:
                config["on_disk_payload"] = body["params"]["on_disk_payload"]
            self.save()
        return True

    def delete(self, name):
        """By its own name only, never by an alias, as the real server does. False when there is none."""
        with self._lock:
            collection = self._collections.pop(name, None)
            if collection is None:
                return False
            self._aliases = {alias: target for alias, target in self._aliases.items() if target != name}
            self.save()
        collection.close()
        shutil.rmtree(collection.path, ignore_errors=True)
        return True

    def recover(self, name, content):
        """Makes the collection, or puts the one of that name back, from a snapshot."""
        recovered = snapshots.recover(self.storage, content)
        with self._lock:
            former = self._collections.get(name)
            self._collections[name] = recovered
            self.save()
        if former is not None:
            former.close()
            shutil.rmtree(former.path, ignore_errors=True)
        return True

    def aliases(self, name=None):
        with self._lock:
            target = None if name is None else self._aliases.get(name, name)
            pairs = sorted(self._aliases.items())
        return {
            "aliases": [
                {"alias_name": alias, "collection_name": collection}
                for alias, collection in pairs
                if target is None or collection == target
            ]
        }

    def change_aliases(self, actions):
        """All of the actions or none, so that a switch of collections has no moment without an alias."""
        with self._lock:
            aliases = dict(self._aliases)
            for action in actions:
                kind, given = next(iter(action.items()))
                if kind == "create_alias":
                    if given["collection_name"] not in self._collections:
                        raise not_found(f"Collection `{given['collection_name']}` doesn't exist!")
                    if given["alias_name"] in self._collections:
                        raise ApiError(409, f"Wrong input: Collection `{given['alias_name']}` already exists!")
                    aliases[given["alias_name"]] = given["collection_name"]
                elif kind == "delete_alias":
                    aliases.pop(given["alias_name"], None)
                elif kind == "rename_alias":
                    if given["old_alias_name"] not in aliases:
                        raise not_found(f"Alias {given['old_alias_name']} does not exists!")
                    aliases[given["new_alias_name"]] = aliases.pop(given["old_alias_name"])
                else:
                    raise bad_body(f"unknown alias action `{kind}`")
            self._aliases = aliases
            self.save()
        return True
