import { toDecimals, type CollectionRef, type VectorHit, type VectorQuery } from "@engram/memory";
import { filterSql, Values, type Executor } from "@engram/sql";
import type { LargeTenant } from "./large-tenants.ts";
import { relationOf } from "./tables.ts";

/**
 * A step (28 µs) costs as much as so many looks of an exact scan (2.5 µs), and a walk may cost a quarter of that scan: the
 * farther it goes, the less it misses. Of MiniLM's vectors it has .99 of the nearest ten after 800 steps; where many memories
 * are nearly the same, .79 after 800 and .89 after 3,200.
 */
const LOOKS_PER_STEP = 12;
const PART_OF_SCAN = 1 / 4;
/** Some .2 s; pgvector ends by itself at 20,000. */
const WALK_MAX = 8_000;
/** At least so many steps for each hit that is wanted: with two, a tenth of what an exact scan gives is missing. */
const STEPS_PER_HIT = 4;
/** And so many to rows of the tenant's, as its share has it: near the query it may have fewer. */
const OWN_STEPS_PER_HIT = 2;
/** How many candidates pgvector holds at once (its own default: 40). More finds no more, for the walk goes on anyway. */
const EF_SEARCH = 200;

/** How many rows of the table to walk for `limit` hits of a tenant. Undefined: too many, an exact scan it is. */
export function walkOf({ share, vectors }: LargeTenant, limit: number): number | undefined {
  const walk = Math.floor(Math.min((vectors / LOOKS_PER_STEP) * PART_OF_SCAN, WALK_MAX));
  return walk < limit * Math.max(STEPS_PER_HIT, OWN_STEPS_PER_HIT / share) ? undefined : walk;
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
