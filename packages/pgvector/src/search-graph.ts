import { toDecimals, type CollectionRef, type VectorHit, type VectorQuery } from "@engram/memory";
import { filterSql, Values, type Executor } from "@engram/sql";
import type { LargeTenant } from "./large-tenants.ts";
import { relationOf } from "./tables.ts";

/** Times as many rows as are wanted: a walk of 400 for 200 misses a tenth of them, one of 800 a twentieth. */
const WALK_PER_HIT = 4;
/** Times as many of the tenant's own as are wanted: near the query it may have fewer than its share. */
const OWN_PER_HIT = 2;
/** A step (28 µs) costs as much as so many looks of an exact scan (2.5 µs), which is taken when in doubt. */
const LOOKS_PER_STEP = 12;
/** Some .3 s; pgvector ends by itself at 20,000. */
const WALK_MAX = 8_000;
/** How many candidates pgvector holds at once (its own default: 40). More finds no more, for the walk goes on anyway. */
const EF_SEARCH = 200;

/** How many rows of the table to walk for `limit` hits of a tenant. Undefined: an exact scan is sooner. */
export function walkOf({ share, vectors }: LargeTenant, limit: number): number | undefined {
  const walk = Math.ceil(limit * Math.max(WALK_PER_HIT, OWN_PER_HIT / share));
  return walk > WALK_MAX || walk * LOOKS_PER_STEP > vectors ? undefined : walk;
}

/**
 * The nearest among the `walk` rows of the table that its graph has for nearest, of whoever they are; the filter is asked of
 * each in the same statement. What it gives is what an exact scan would, with gaps: some rows a graph does not find.
 *
 * The settings hold for this statement alone, which any pooler lets through, and must be there before the walk begins: the
 * walk depends on them, and the fence (OFFSET 0) keeps the planner from reading it all for a hash.
 */
export function searchGraph(
  db: Executor,
  collection: CollectionRef,
  { vector, filter, limit }: VectorQuery,
  walk: number,
): Promise<readonly VectorHit[]> {
  const values = new Values();
  const distance = `v.embedding <=> ${values.add(`[${toDecimals(vector).join(",")}]`)}::vector`;
  return db.query<{ id: string; version: number; cosine: number }>(
    `WITH setting AS MATERIALIZED (
       SELECT set_config('hnsw.iterative_scan', 'relaxed_order', true) || set_config('hnsw.ef_search', '${EF_SEARCH}', true) AS done)
     SELECT near.id, near.version, 1 - near.distance AS cosine
     FROM setting CROSS JOIN LATERAL (
         SELECT v.id, v.version, ${distance} AS distance FROM ${relationOf(collection)} v
         WHERE setting.done IS NOT NULL ORDER BY ${distance} LIMIT ${values.add(walk)}::int) near
       CROSS JOIN LATERAL (SELECT FROM public.memories m WHERE m.id = near.id AND m.version = near.version AND ${filterSql(filter, values)} OFFSET 0) passed
     ORDER BY 3 DESC, 1 LIMIT ${values.add(limit)}::int`,
    values.list,
  );
}
