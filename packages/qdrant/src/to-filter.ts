import { visibleTo, type VectorQuery, type Visible } from "@engram/memory";
import { narrow, type QdrantCondition } from "./narrow.ts";

/**
 * A query's filter in Qdrant's terms; undefined when it lets nothing through, which Qdrant could not say: an empty
 * `should` lets everything through. The tenant is always part of it: the collection has no graph across tenants.
 */
export function toFilter({ filter, tenants, now, ids }: VectorQuery): QdrantCondition | undefined {
  const { scope, types, key, createdAfter, createdBefore, asOf, condition } = filter;
  const created = {
    ...(createdAfter === undefined ? {} : { gte: createdAfter.toISOString() }),
    ...(createdBefore === undefined ? {} : { lt: createdBefore.toISOString() }),
  };
  const alternatives = visibleTo(scope).map(visibleConditions);
  // The ids say all that the condition does; where there are too many of them, the payload says what it can.
  const narrowed = condition === undefined || ids !== undefined ? "all" : narrow(condition);
  if (ids?.length === 0 || narrowed === "none" || tenants.length === 0 || alternatives.length === 0) return undefined;
  return {
    must: [
      { key: "tenant", match: { any: tenants } },
      ...(ids === undefined ? [] : [{ has_id: ids }]),
      ...(narrowed === "all" ? [] : [narrowed]),
      ...(alternatives.some((conditions) => conditions.length === 0)
        ? []
        : [{ should: alternatives.map((conditions) => ({ must: conditions })) }]),
      // Since when a memory is valid only its row says.
      ...(asOf === undefined
        ? [{ is_empty: { key: "valid_to" } }]
        : [{ should: [{ is_empty: { key: "valid_to" } }, { key: "valid_to", range: { gt: asOf.toISOString() } }] }]),
      { should: [{ is_empty: { key: "expires_at" } }, { key: "expires_at", range: { gt: now.toISOString() } }] },
      ...(types === undefined ? [] : [{ key: "type", match: { any: types } }]),
      ...(key === undefined ? [] : [{ key: "key", match: { value: key } }]),
      ...(Object.keys(created).length === 0 ? [] : [{ key: "created_at", range: created }]),
    ],
  };
}

/** Whose it is, the tenants say; the join to the rows says it again. */
function visibleConditions({ level, sessionId, agentId }: Visible): readonly QdrantCondition[] {
  return [
    ...(level === undefined ? [] : [{ key: "level", match: { value: level } }]),
    ...(sessionId === undefined ? [] : [{ key: "session", match: { value: sessionId } }]),
    ...(agentId === undefined ? [] : [{ key: "agent", match: { value: agentId } }]),
  ];
}
