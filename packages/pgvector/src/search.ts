import { toDecimals, toMemoryError, type CollectionRef, type VectorHit, type VectorQuery } from "@engram/memory";
import { filterSql, Values, type Executor } from "@engram/sql";
import type { LargeTenants } from "./large-tenants.ts";
import { searchGraph, walkOf } from "./search-graph.ts";
import { relationOf } from "./tables.ts";

/**
 * The nearest of what the filter lets through: by the graph where that is sooner and it gives as many as were asked for,
 * else exactly. `large` is absent where nothing has a graph.
 */
export async function search(
  db: Executor,
  large: LargeTenants | undefined,
  collection: CollectionRef,
  query: VectorQuery,
): Promise<readonly VectorHit[]> {
  const tenant = await large?.find(collection, query.tenants);
  const walk = tenant === undefined ? undefined : walkOf(tenant, query.limit);
  if (large === undefined || walk === undefined) return searchExactly(db, collection, query);
  try {
    const hits = await searchGraph(db, collection, query, walk);
    if (hits.length >= query.limit) return hits;
  } catch (error) {
    if (toMemoryError(error).code === "unavailable") throw error;
    large.refuse(collection);
  }
  return searchExactly(db, collection, query);
}

/**
 * An exact scan over what the filter lets through; the row itself says whose it is. A user's vectors are read by their tenant
 * in one pass, and rows are looked at from the nearest on, only until there are enough: a third less work for a thousand
 * memories than a join of all. By their ids alone, behind a fence: of a table that was never analysed the planner would
 * rather go through the user's index anew for each. (What agents share may stand under the tenant of another agent, and
 * without a user there may be too many tenants to name all: then one join, without a fence for the same reason.) A vector of
 * zeros is like nothing.
 */
async function searchExactly(
  db: Executor,
  collection: CollectionRef,
  query: VectorQuery,
): Promise<readonly VectorHit[]> {
  const values = new Values();
  const vector = `${values.add(`[${toDecimals(query.vector).join(",")}]`)}::vector`;
  const { userId, agentId } = query.filter.scope;
  const isSeen = `m.version = v.version AND ${filterSql(query.filter, values)}`;
  const found = `SELECT v.id, v.version, coalesce(nullif(1 - (v.embedding <=> ${vector}), 'NaN'), 0) AS cosine FROM ${relationOf(collection)} v`;
  const limit = `${values.add(query.limit)}::int`;
  const statement =
    userId === undefined || agentId !== undefined
      ? `${found} JOIN public.memories m ON m.id = v.id AND ${isSeen} WHERE v.embedding IS NOT NULL ORDER BY 3 DESC, 1 LIMIT ${limit}`
      : `SELECT v.* FROM (${found} WHERE v.tenant = ANY (${values.add(query.tenants)}::uuid[]) AND v.embedding IS NOT NULL ORDER BY 3 DESC, 1 OFFSET 0) v
         CROSS JOIN LATERAL (SELECT * FROM public.memories WHERE id = v.id OFFSET 0) m WHERE ${isSeen} ORDER BY v.cosine DESC, v.id LIMIT ${limit}`;
  return db.query<{ id: string; version: number; cosine: number }>(statement, values.list);
}
