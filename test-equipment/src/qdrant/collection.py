"""One collection: an engine shard, and the rules that the real server puts before it."""

import threading

import qdrant_edge as engine

from errors import ApiError, bad_body, from_engine, not_found, wrong_input
from filters import to_filter, to_id
from messages import (
    HNSW_DEFAULTS, from_id, from_record, kind_of, read_limit, rows, to_config, to_index_schema, to_order, to_selector, to_vectors,
)
from strict_mode import StrictMode

DEFAULT_VECTOR = ""
OPTIMIZER_DEFAULTS = {
    "deleted_threshold": 0.2, "vacuum_min_vector_number": 1000, "default_segment_number": 0, "max_segment_size": None,
    "memmap_threshold": None, "indexing_threshold": 10000, "flush_interval_sec": 5, "max_optimization_threads": None,
}


class Collection:
    """`entry` is its line in the catalogue: config and payload schema as the clients sent them."""

    def __init__(self, path, entry, is_new):
        self.path = path
        self.entry = entry
        self.lock = threading.RLock()
        self._strict = StrictMode(entry)
        self._operations = 0
        self._is_closed = False
        # One that was there before is loaded when first asked for: 100 ms each, and a test run leaves dozens.
        self._shard = engine.EdgeShard.create(path, to_config(entry["config"])) if is_new else None

    def close(self):
        with self.lock:
            self._is_closed = True
            if self._shard is not None:
                self._shard.flush()
                self._shard.close()
                self._shard = None

    @property
    def shard(self):
        # A request that waited for the lock while the collection was deleted.
        if self._is_closed:
            raise not_found("Collection doesn't exist!")
        if self._shard is None:
            self._shard = engine.EdgeShard.load(self.path)
        return self._shard

    def _apply(self, operation):
        try:
            self.shard.update(operation)
        except ApiError:
            raise
        except Exception as error:  # the engine raises nothing more precise
            raise from_engine(error) from error

    def _done(self, wait):
        self._operations += 1
        return {"operation_id": self._operations, "status": "completed" if wait else "acknowledged"}

    # -- settings ------------------------------------------------------------------------------------------------

    def info(self):
        config, info = self.entry["config"], self.shard.info()
        params = {
            "vectors": config.get("vectors", {}), "shard_number": 1, "replication_factor": 1,
            "write_consistency_factor": 1, "on_disk_payload": config.get("on_disk_payload", True),
        }
        if config.get("sparse_vectors"):
            params["sparse_vectors"] = config["sparse_vectors"]
        indexed = info.payload_schema
        schema = {
            key: {
                "data_type": kind_of(given), **({"params": given} if isinstance(given, dict) else {}),
                "points": indexed[key].points if key in indexed else 0,
            }
            for key, given in self.entry["schema"].items()
        }
        answer = {
            "params": params,
            "hnsw_config": {**HNSW_DEFAULTS, **(config.get("hnsw_config") or {})},
            "optimizer_config": {**OPTIMIZER_DEFAULTS, **(config.get("optimizers_config") or {})},
            "wal_config": {"wal_capacity_mb": 32, "wal_segments_ahead": 0, "wal_retain_closed": 1},
            "quantization_config": config.get("quantization_config"),
        }
        for name in ("strict_mode_config", "metadata"):
            if config.get(name) is not None:
                answer[name] = config[name]
        return {
            "status": "green", "optimizer_status": "ok", "indexed_vectors_count": info.indexed_vectors_count,
            "points_count": info.points_count, "segments_count": info.segments_count, "config": answer,
            "payload_schema": schema, "update_queue": {"length": 0},
        }

    def build_graphs(self):
        """What the real server does by itself: every segment over the threshold gets its graphs."""
        with self.lock:
            self.shard.optimize()

    def create_index(self, body, wait):
        key, given = body["field_name"], body.get("field_schema")
        schema = to_index_schema(given)
        self._apply(engine.UpdateOperation.create_field_index(key, schema))
        self.entry["schema"][key] = given
        return self._done(wait)

    def delete_index(self, key, wait):
        self._apply(engine.UpdateOperation.delete_field_index(key))
        self.entry["schema"].pop(key, None)
        return self._done(wait)

    # -- writing -------------------------------------------------------------------------------------------------

    def upsert(self, body, wait):
        points = body.get("points")
        if points is None:
            batch = body["batch"]
            payloads = batch.get("payloads") or [None] * len(batch["ids"])
            points = [
                {"id": point_id, "vector": vector, "payload": payload}
                for point_id, vector, payload in zip(batch["ids"], rows(batch["vectors"]), payloads, strict=True)
            ]
        # All are checked before any is applied, as the real server does.
        made = [
            engine.Point(to_id(point["id"]), self._to_vector(point["vector"]), point.get("payload") or {})
            for point in points
        ]
        condition = to_filter(body.get("update_filter"))
        self._apply(engine.UpdateOperation.upsert_points(made, condition))
        return self._done(wait)

    def delete_points(self, body, wait):
        self._by_points_or_filter("delete_points", body, ())
        return self._done(wait)

    def set_payload(self, body, wait):
        self._by_points_or_filter("set_payload", body, (body["payload"], body.get("key")))
        return self._done(wait)

    def overwrite_payload(self, body, wait):
        self._by_points_or_filter("overwrite_payload", body, (body["payload"], body.get("key")))
        return self._done(wait)

    def delete_payload(self, body, wait):
        self._by_points_or_filter("delete_payload", body, (body["keys"],))
        return self._done(wait)

    def clear_payload(self, body, wait):
        self._by_points_or_filter("clear_payload", body, ())
        return self._done(wait)

    def batch(self, body, wait):
        operations = {
            "upsert": self.upsert, "delete": self.delete_points, "set_payload": self.set_payload,
            "overwrite_payload": self.overwrite_payload, "delete_payload": self.delete_payload,
            "clear_payload": self.clear_payload,
        }
        answers = []
        for operation in body["operations"]:
            name, inner = next(iter(operation.items()))
            if name not in operations:
                raise bad_body(f"operation `{name}` is not known to this stand-in")
            answers.append(operations[name](inner, wait))
        return answers

    def _by_points_or_filter(self, name, body, arguments):
        if body.get("points") is not None:
            ids = [to_id(value) for value in body["points"]]
            self._apply(getattr(engine.UpdateOperation, name)(ids, *arguments))
        elif body.get("filter") is not None:
            self._strict.check_filter(body["filter"], "unindexed_filtering_update")
            self._apply(getattr(engine.UpdateOperation, f"{name}_by_filter")(to_filter(body["filter"]), *arguments))
        else:
            raise bad_body("expected `points` or `filter`")

    def _to_vector(self, given):
        """A vector as the engine takes it, each part of the size that the collection was made for."""
        if isinstance(given, list):
            self._check_size(DEFAULT_VECTOR, given)
            return given
        if not isinstance(given, dict):
            raise bad_body("vector: expected an array or an object")
        made = {}
        for name, value in given.items():
            if isinstance(value, dict):
                if name not in (self.entry["config"].get("sparse_vectors") or {}):
                    raise wrong_input(f"Not existing vector name error: {name}")
                made[name] = engine.SparseVector(value["indices"], value["values"])
            else:
                self._check_size(name, value)
                made[name] = value
        return made

    def _check_size(self, name, values):
        vectors = self.entry["config"].get("vectors") or {}
        known = {DEFAULT_VECTOR: vectors} if "size" in vectors else vectors
        if name not in known:
            raise wrong_input(f"Not existing vector name error: {name}")
        if not all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values):
            raise bad_body("data did not match any variant of untagged enum VectorStruct")
        if len(values) != known[name]["size"]:
            raise wrong_input(f'Vector dimension error: expected dim: {known[name]["size"]}, got {len(values)}')

    # -- reading -------------------------------------------------------------------------------------------------

    def retrieve(self, body):
        ids = [to_id(value) for value in body["ids"]]
        found = self._read(self.shard.retrieve, ids, to_selector(body.get("with_payload"), True), to_vectors(body))
        return [from_record(record) for record in found]

    def retrieve_one(self, raw):
        point_id = to_id(int(raw) if raw.isdigit() else raw)
        found = self._read(self.shard.retrieve, [point_id], True, True)
        if not found:
            raise not_found(f"Point with id {point_id} does not exists!")
        return from_record(found[0])

    def scroll(self, body):
        limit = read_limit(body)
        self._strict.check_limit(limit)
        self._strict.check_filter(body.get("filter"), "unindexed_filtering_retrieve")
        request = engine.ScrollRequest(
            offset=None if body.get("offset") is None else to_id(body["offset"]), limit=limit,
            filter=to_filter(body.get("filter")), with_payload=to_selector(body.get("with_payload"), True),
            with_vector=to_vectors(body), order_by=to_order(body.get("order_by")),
        )
        points, following = self._read(self.shard.scroll, request)
        return {"points": [from_record(point) for point in points], "next_page_offset": from_id(following)}

    def count(self, body):
        exact = body.get("exact", True)
        self._strict.check_exact(exact)
        self._strict.check_filter(body.get("filter"), "unindexed_filtering_retrieve")
        # Always exact: the engine's estimate is of no use to a test.
        return {"count": self._read(self.shard.count, engine.CountRequest(True, to_filter(body.get("filter"))))}

    def query(self, body):
        unknown = [name for name in ("prefetch", "lookup_from", "shard_key") if body.get(name)]
        if unknown:
            raise bad_body(f"`{unknown[0]}` is not known to this stand-in")
        limit, params, using = read_limit(body), body.get("params") or {}, body.get("using") or DEFAULT_VECTOR
        self._strict.check_limit(limit)
        self._strict.check_exact(params.get("exact"))
        self._strict.check_filter(body.get("filter"), "unindexed_filtering_retrieve")
        query, excluded = self._to_query(body.get("query"), using)
        if query is not None:
            self._strict.check_full_scan(body.get("filter"), using)
        conditions = to_filter(body.get("filter"))
        if excluded is not None:
            kept = [] if conditions is None else [conditions]
            conditions = engine.Filter(must=kept, must_not=[engine.HasIdCondition({excluded})])
        request = engine.QueryRequest(
            limit=limit, offset=body.get("offset"), query=query, filter=conditions,
            score_threshold=body.get("score_threshold"), with_vector=to_vectors(body),
            with_payload=to_selector(body.get("with_payload"), False),
            params=engine.SearchParams(hnsw_ef=params.get("hnsw_ef"), exact=bool(params.get("exact")),
                                       indexed_only=bool(params.get("indexed_only"))),
        )
        points = self._read(self.shard.query, request)
        return {"points": [{**from_record(point), "version": point.version, "score": point.score} for point in points]}

    def _to_query(self, given, using):
        """(engine query, id to leave out). Nearest to a vector or to a stored point, or none: any points."""
        if given is None:
            return None, None
        nearest = given["nearest"] if isinstance(given, dict) and "nearest" in given else given
        if isinstance(nearest, dict) and "indices" in nearest:
            sparse = engine.SparseVector(nearest["indices"], nearest["values"])
            return engine.Query.Nearest(sparse, using or None), None
        if isinstance(nearest, list):
            self._check_size(using, nearest)
            return engine.Query.Nearest(nearest, using or None), None
        if isinstance(nearest, dict):
            raise bad_body(f"query `{next(iter(nearest), '')}` is not known to this stand-in")
        point_id = to_id(nearest)
        found = self._read(self.shard.retrieve, [point_id], False, True)
        if not found:
            raise not_found(f"No point with id {point_id} found")
        vector = found[0].vector
        return engine.Query.Nearest(vector[using] if isinstance(vector, dict) else vector, using or None), point_id

    def _read(self, call, *arguments):
        try:
            return call(*arguments)
        except Exception as error:  # the engine raises nothing more precise
            raise from_engine(error) from error
