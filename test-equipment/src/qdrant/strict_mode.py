"""Strict mode: what the real server refuses because it would be slow on a large collection."""

from errors import refused
from filters import check_indexes, iter_keys
from messages import HNSW_DEFAULTS, kind_of


class StrictMode:
    """`entry` is the collection's line in the catalogue, read at each check: both its parts may change."""

    def __init__(self, entry):
        self._entry = entry

    def _setting(self, name):
        config = self._entry["config"].get("strict_mode_config") or {}
        return config.get(name) if config.get("enabled") else None

    def check_filter(self, body, setting):
        if body is not None and self._setting(setting) is False:
            check_indexes(body, {key: kind_of(given) for key, given in self._entry["schema"].items()})

    def check_exact(self, exact):
        if exact and self._setting("search_allow_exact") is False:
            raise refused("Exact search disabled!", "Set exact=false.")

    def check_limit(self, limit):
        most = self._setting("max_query_limit")
        if most is not None and limit > most:
            raise refused(f'Limit exceeded {limit} > {most} for "limit"', f'Reduce the "limit" parameter to or below {most}.')

    def check_full_scan(self, body, using):
        """With no graph over all points (m = 0), a search must name a tenant, or it would be an exact one."""
        vectors = self._entry["config"].get("vectors") or {}
        vector = vectors if "size" in vectors else vectors.get(using)
        if vector is None or self._setting("search_allow_exact") is not False:
            return
        hnsw = {**HNSW_DEFAULTS, **(self._entry["config"].get("hnsw_config") or {}), **(vector.get("hnsw_config") or {})}
        if hnsw.get("m") != 0:
            return
        label = f" on '{using}'" if using else ""
        tenants = {key for key, given in self._entry["schema"].items() if isinstance(given, dict) and given.get("is_tenant")}
        if not tenants & {key for key, _ in iter_keys(body)}:
            raise refused(
                f"Request is forbidden{label} because global vector indexing is disabled (hnsw_config.m = 0)",
                "Use tenant-specific filter, enable global vector indexing or enable strict mode `search_allow_exact` option.",
            )
        if not hnsw.get("payload_m"):
            raise refused(
                f"Request is forbidden{label} because vector indexing is disabled (hnsw_config.m = 0 and hnsw_config.payload_m = 0)",
                "Enable vector indexing, use a prefetch query with indexed vectors or enable strict mode `search_allow_exact` option.",
            )
