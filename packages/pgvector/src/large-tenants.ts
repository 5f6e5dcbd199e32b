import type { CollectionRef } from "@engram/memory";
import type { Executor } from "@engram/sql";
import { relationOf, type PublicTable } from "./tables.ts";

/** Somebody with so many vectors that to look at each of them takes long. */
export interface LargeTenant {
  /** Of the table's rows, 0..1. */
  readonly share: number;
  readonly vectors: number;
}

export interface LargeTenants {
  /** The largest among `tenants`. Undefined: nobody is large, or the table has no graph to ask. */
  find(collection: CollectionRef, tenants: readonly string[]): Promise<LargeTenant | undefined>;
  /** This server refuses to walk its graph: nobody is large until the next look. */
  refuse(collection: CollectionRef): void;
}

/** In numbers, since the time is in proportion to them: 100,000 vectors of 384 take .25 s of one core (PostgreSQL 16). */
const NUMBERS_MIN = 40_000_000;
/** A minute. Of a graph that is dropped meanwhile the planner knows, and takes the whole table for it. */
const BELIEVED_MS = 60_000;

/**
 * PostgreSQL's own statistics tell who is large: who has a percent of the rows is among the most common values. So nobody's
 * vectors are counted, and one look a minute is enough for all; in a table that was never analysed nobody is large.
 * Before pgvector 0.8 a walk ends where it ends, however few of what it met passes a filter.
 */
const LARGE_TENANTS = `SELECT replace(t.tenant::text, '-', '') AS tenant, t.share::float8 AS share, (t.share * c.reltuples)::float8 AS vectors
  FROM pg_class named JOIN pg_class c ON c.oid = CASE named.relkind WHEN 'v' THEN to_regclass($2) ELSE named.oid END
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_stats s ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = 'tenant'
    CROSS JOIN LATERAL unnest(s.most_common_vals::text::uuid[], s.most_common_freqs) AS t (tenant, share)
  WHERE named.oid = to_regclass($1) AND t.share * c.reltuples >= $3::float8
    AND EXISTS (SELECT FROM pg_extension WHERE extname = 'vector' AND string_to_array(substring(extversion FROM '^[0-9]+[.][0-9]+'), '.')::int[] >= '{0,8}')
    AND EXISTS (SELECT FROM pg_index i JOIN pg_opclass o ON o.oid = i.indclass[0] JOIN pg_am a ON a.oid = o.opcmethod
      WHERE i.indrelid = c.oid AND i.indisvalid AND i.indpred IS NULL AND a.amname = 'hnsw' AND o.opcname = 'vector_cosine_ops')`;

type Known = ReadonlyMap<string, LargeTenant>;
const NOBODY: Known = new Map();

/**
 * `publicTable` is where a collection may have its rows; graphs are made for its readers alone. Large is who has
 * `numbersMin` numbers in vectors, or more.
 */
export function createLargeTenants(db: Executor, publicTable: PublicTable, numbersMin = NUMBERS_MIN): LargeTenants {
  const looks = new Map<string, { readonly until: number; readonly known: Promise<Known> }>();
  const look = async ({ name, dims }: CollectionRef): Promise<Known> => {
    const values = [relationOf({ name }), `public.${publicTable.name}`, numbersMin / dims];
    const rows = await db.query<{ tenant: string; share: number; vectors: number }>(LARGE_TENANTS, values);
    return new Map(rows.map(({ tenant, share, vectors }) => [tenant, { share, vectors }]));
  };
  const keep = ({ name }: CollectionRef, known: Promise<Known>): Promise<Known> => {
    looks.set(name, { until: performance.now() + BELIEVED_MS, known });
    return known;
  };
  return {
    async find(collection, tenants) {
      const last = looks.get(collection.name);
      const known = await (last !== undefined && performance.now() < last.until
        ? last.known
        : keep(
            collection,
            look(collection).catch(() => NOBODY),
          ));
      return tenants
        .flatMap((tenant) => known.get(tenant) ?? [])
        .reduce<LargeTenant | undefined>(
          (most, one) => (most === undefined || one.share > most.share ? one : most),
          undefined,
        );
    },
    refuse: (collection) => void keep(collection, Promise.resolve(NOBODY)),
  };
}
