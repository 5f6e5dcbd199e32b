"""The client's JSON as the engine's values, and the engine's records as JSON."""

import qdrant_edge as engine

from errors import ApiError, bad_body

LIMIT_DEFAULT = 10
HNSW_DEFAULTS = {"m": 16, "ef_construct": 100, "full_scan_threshold": 10000, "max_indexing_threads": 0, "on_disk": False}
DISTANCES = ("Cosine", "Euclid", "Dot", "Manhattan")
INDEX_PARAMS = {
    "keyword": (engine.KeywordIndexParams, ("is_tenant", "on_disk", "enable_hnsw", "prefix")),
    "integer": (engine.IntegerIndexParams, ("lookup", "range", "is_principal", "on_disk", "enable_hnsw")),
    "float": (engine.FloatIndexParams, ("is_principal", "on_disk", "enable_hnsw")),
    "datetime": (engine.DatetimeIndexParams, ("is_principal", "on_disk", "enable_hnsw")),
    "bool": (engine.BoolIndexParams, ("on_disk", "enable_hnsw")),
    "uuid": (engine.UuidIndexParams, ("is_tenant", "on_disk", "enable_hnsw")),
}
INDEX_PLAIN = {"text": "Text", "geo": "Geo"}


def to_config(config):
    """The engine's configuration. No graph is built by itself: tests want exact answers over few points."""
    vectors = config.get("vectors") or {}
    if "size" in vectors:
        dense = to_vector_params(vectors)
    else:
        dense = {name: to_vector_params(params) for name, params in vectors.items()}
    sparse = {
        name: engine.EdgeSparseVectorParams(modifier=engine.Modifier.Idf if (params or {}).get("modifier") == "idf" else None)
        for name, params in (config.get("sparse_vectors") or {}).items()
    }
    hnsw = {**HNSW_DEFAULTS, **(config.get("hnsw_config") or {})}
    threshold = (config.get("optimizers_config") or {}).get("indexing_threshold")
    return engine.EdgeConfig(
        vectors=dense, sparse_vectors=sparse, optimizers=engine.EdgeOptimizersConfig(indexing_threshold=threshold),
        hnsw_config=engine.HnswIndexConfig(
            m=hnsw["m"], ef_construct=hnsw["ef_construct"], full_scan_threshold=hnsw["full_scan_threshold"],
            payload_m=hnsw.get("payload_m"),
        ),
    )


def to_vector_params(params):
    size, distance = params.get("size"), params.get("distance")
    if not isinstance(size, int) or not 1 <= size <= 65536:
        raise ApiError(422, f"Validation error in JSON body: [vectors.size: value {size} invalid, must be from 1 to 65536]")
    if distance not in DISTANCES:
        raise bad_body(f"unknown variant `{distance}`, expected one of `Cosine`, `Euclid`, `Dot`, `Manhattan`")
    return engine.EdgeVectorParams(size=size, distance=getattr(engine.Distance, distance))


def kind_of(schema):
    return schema.get("type") if isinstance(schema, dict) else schema


def to_index_schema(given):
    """The engine's kind of payload index for a client's schema: a name, or an object with `type` and its settings."""
    kind = kind_of(given)
    if kind in INDEX_PARAMS:
        make, names = INDEX_PARAMS[kind]
        params = given if isinstance(given, dict) else {}
        return make(**{name: params[name] for name in names if params.get(name) is not None})
    if kind in INDEX_PLAIN:
        return getattr(engine.PayloadSchemaType, INDEX_PLAIN[kind])
    raise bad_body(f"unknown payload schema `{kind}`")


def read_limit(body):
    limit = body.get("limit")
    if limit is None:
        return LIMIT_DEFAULT
    if limit < 1:
        raise ApiError(422, f"Validation error in JSON body: [limit: value {limit} invalid, must be 1 or larger]")
    return limit


def rows(vectors):
    """Batch vectors, one entry for each point: a list already, or a list under each vector name."""
    if isinstance(vectors, list):
        return vectors
    names = list(vectors)
    return [dict(zip(names, row, strict=True)) for row in zip(*vectors.values(), strict=True)]


def to_selector(given, default):
    if given is None:
        return default
    if isinstance(given, dict):
        if given.get("include") is not None:
            return engine.PayloadSelector.Include(given["include"])
        return engine.PayloadSelector.Exclude(given["exclude"])
    return given


def to_vectors(body):
    given = body.get("with_vector")
    return False if given is None else given


def to_order(given):
    if given is None:
        return None
    if isinstance(given, str):
        return engine.OrderBy(given)
    direction = engine.Direction.Desc if given.get("direction") == "desc" else engine.Direction.Asc
    return engine.OrderBy(given["key"], direction, given.get("start_from"))


def from_id(value):
    return value if value is None or isinstance(value, int) else str(value)


def from_record(record):
    answer = {"id": from_id(record.id)}
    for name in ("payload", "vector", "order_value"):
        value = getattr(record, name)
        if value is not None:
            answer[name] = from_vector(value) if name == "vector" else value
    return answer


def from_vector(value):
    if isinstance(value, dict):
        return {name: from_vector(part) for name, part in value.items()}
    if hasattr(value, "indices"):
        return {"indices": value.indices, "values": value.values}
    return value
