"""Qdrant's JSON filters as the engine's, and what strict mode wants to know about them."""

import uuid

import qdrant_edge as engine

from errors import bad_body, refused


def to_filter(body):
    """An engine filter, or None for an absent one."""
    if body is None:
        return None
    if not isinstance(body, dict):
        raise bad_body("filter: expected an object")
    unknown = set(body) - {"must", "should", "must_not", "min_should"}
    if unknown:
        raise bad_body(f"filter: unknown field `{sorted(unknown)[0]}`")
    arguments = {}
    for clause in ("must", "should", "must_not"):
        if body.get(clause) is not None:
            arguments[clause] = [to_condition(part) for part in as_list(body[clause])]
    if body.get("min_should") is not None:
        least = body["min_should"]
        conditions = [to_condition(part) for part in least["conditions"]]
        arguments["min_should"] = engine.MinShould(conditions, least["min_count"])
    return engine.Filter(**arguments)


def to_condition(body):
    if "is_empty" in body and isinstance(body["is_empty"], dict):
        return engine.IsEmptyCondition(body["is_empty"]["key"])
    if "is_null" in body and isinstance(body["is_null"], dict):
        return engine.IsNullCondition(body["is_null"]["key"])
    if "has_id" in body:
        return engine.HasIdCondition({to_id(value) for value in body["has_id"]})
    if "has_vector" in body:
        return engine.HasVectorCondition(body["has_vector"])
    if "nested" in body:
        return engine.NestedCondition(body["nested"]["key"], to_filter(body["nested"]["filter"]))
    if "key" not in body:
        return to_filter(body)
    arguments = {}
    if body.get("match") is not None:
        arguments["match"] = to_match(body["match"])
    if body.get("range") is not None:
        limits = {name: value for name, value in body["range"].items() if value is not None}
        is_time = any(isinstance(value, str) for value in limits.values())
        arguments["range"] = (engine.RangeDateTime if is_time else engine.RangeFloat)(**limits)
    if body.get("values_count") is not None:
        arguments["values_count"] = engine.ValuesCount(**body["values_count"])
    for flag in ("is_empty", "is_null"):
        if body.get(flag) is not None:
            arguments[flag] = body[flag]
    if not arguments:
        raise bad_body("filter: at least one field condition must be specified")
    return engine.FieldCondition(body["key"], **arguments)


def to_match(body):
    if "value" in body:
        return engine.MatchValue(body["value"])
    if "any" in body:
        return engine.MatchAny(body["any"])
    if "except" in body:
        return engine.MatchExcept(body["except"])
    if "text" in body:
        return engine.MatchText(body["text"])
    if "text_any" in body:
        return engine.MatchTextAny(body["text_any"])
    if "phrase" in body:
        return engine.MatchPhrase(body["phrase"])
    raise bad_body("filter: unknown match")


def to_id(value):
    """Point ids are unsigned integers or UUIDs, nothing else."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**64:
        return value
    try:
        return str(uuid.UUID(value)) if isinstance(value, str) else to_id_refused(value)
    except ValueError:
        return to_id_refused(value)


def to_id_refused(value):
    raise bad_body(
        f"value {value} is not a valid point ID, valid values are either an unsigned integer or a UUID"
    )


def check_indexes(body, schema):
    """Strict mode's rule: each key that the filter looks at has an index that can answer it."""
    for key, wanted in iter_keys(body):
        kind = schema.get(key)
        if kind is None or (wanted and kind not in wanted):
            kinds = ", ".join(wanted or ["keyword", "integer", "float", "bool", "datetime", "text", "uuid", "geo"])
            raise refused(
                f'Index required but not found for "{key}" of one of the following types: [{kinds}]',
                "Create an index for this key or use a different filter.",
            )


def iter_keys(body, prefix=""):
    """(payload key, kinds of index that serve; empty = any) for each condition."""
    if body is None:
        return
    parts = [part for clause in ("must", "should", "must_not") for part in as_list(body.get(clause) or [])]
    parts += (body.get("min_should") or {}).get("conditions", [])
    for part in parts:
        if "key" in part:
            yield prefix + part["key"], wanted_kinds(part)
        elif "nested" in part:
            yield from iter_keys(part["nested"]["filter"], f'{prefix}{part["nested"]["key"]}[].')
        elif isinstance(part.get("is_empty"), dict):
            yield prefix + part["is_empty"]["key"], []
        elif isinstance(part.get("is_null"), dict):
            yield prefix + part["is_null"]["key"], []
        elif "has_id" not in part and "has_vector" not in part:
            yield from iter_keys(part, prefix)


def wanted_kinds(condition):
    match = condition.get("match") or {}
    if "text" in match or "text_any" in match or "phrase" in match:
        return ["text"]
    if match:
        values = match.get("any", match.get("except", match.get("value")))
        sample = (values[:1] or [""])[0] if isinstance(values, list) else values
        if isinstance(sample, bool):
            return ["bool"]
        if isinstance(sample, int):
            return ["integer"]
        return ["keyword", "uuid"] if is_uuid(sample) else ["keyword"]
    if condition.get("range"):
        is_time = any(isinstance(value, str) for value in condition["range"].values())
        return ["datetime"] if is_time else ["integer", "float"]
    return []


def is_uuid(value):
    try:
        uuid.UUID(value)
        return True
    except (ValueError, AttributeError, TypeError):
        return False


def as_list(value):
    return value if isinstance(value, list) else [value]
