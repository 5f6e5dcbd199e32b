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
 * An exact scan over what the filter lets through. The row itself says whose it is; a user's tenant besides lets the
 * vectors be read by their index in one pass, half of the pages that a look at each row's vector takes. (What agents share
 * may stand under the tenant of another agent, and without a user there may be too many tenants to name all.) One join
 * without a fence: of a table that was never analysed the planner would run a subquery of vectors anew for each row. A vector
 * of zeros is like nothing.
 */
async function searchExactly(
  db: Executor,
  collection: CollectionRef,
  query: VectorQuery,
): Promise<readonly VectorHit[]> {
  const values = new Values();
  const vector = `${values.add(`[${toDecimals(query.vector).join(",")}]`)}::vector`;
  const { userId, agentId } = query.filter.scope;
  const condition = filterSql(query.filter, values);
  const ofUser =
    userId === undefined || agentId !== undefined ? "" : `AND v.tenant = ANY (${values.add(query.tenants)}::uuid[])`;
  return db.query<{ id: string; version: number; cosine: number }>(
    `SELECT v.id, v.version, coalesce(nullif(1 - (v.embedding <=> ${vector}), 'NaN'), 0) AS cosine
     FROM public.memories m JOIN ${relationOf(collection)} v ON v.id = m.id AND v.version = m.version
     WHERE ${condition} ${ofUser} AND v.embedding IS NOT NULL ORDER BY 3 DESC, 1 LIMIT ${values.add(query.limit)}::int`,
    values.list,
  );
}
