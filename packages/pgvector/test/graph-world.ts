import { DEFAULT_PROJECT_ID, tenantOf, type MemoryFilter, type VectorHit, type VectorQuery } from "@engram/memory";
import type { Executor } from "@engram/sql";
import { createPgvectorIndex } from "../src/index.ts";
import { openTableWorld } from "./table-world.ts";

const collection = { name: "mem0_memories__graph__16", model: "graph", dims: 16 };
const { signal } = new AbortController();
/** So many vectors are many here. */
const MANY = 1_000;
const CENTRES = 40;

/** Whose the rows are, in percent. */
export const OWNERS = { crowd: 80, other: 15, third: 5 };
export type OwnerName = keyof typeof OWNERS;

export interface GraphWorld {
  readonly db: Executor;
  queryOf(asked: Asked): Promise<VectorQuery>;
  /** As the adapter does it. */
  find(query: VectorQuery): Promise<readonly VectorHit[]>;
  /** As it does it where nothing has a graph. */
  findExactly(query: VectorQuery): Promise<readonly VectorHit[]>;
  /** How many statements walked the graph, and the last of them. */
  readonly asked: { walks: number; last: { text: string; values: readonly unknown[] } };
  /** Looks anew who is large; `alter` changes statements on their way to the server, `from` is from how many vectors on. */
  lookAnew(options?: { alter?: (text: string) => string; from?: number }): void;
  close(): Promise<void>;
}

export interface Asked {
  readonly userId: OwnerName;
  /** A vector near this centre, 0 to 39. */
  readonly centre: number;
  readonly limit: number;
  readonly filter?: Partial<MemoryFilter>;
}

/**
 * 15,000 memories in clusters, interleaved among their owners: `metadata.n` 0 to 9, three types, a minute apart; of each
 * hundred one is retired, one has expired and one has changed since it was embedded, all three the crowd's.
 */
export async function openGraphWorld(): Promise<GraphWorld> {
  const world = await openTableWorld();
  const { db } = world;
  await world.place(collection);
  const owners = (Object.keys(OWNERS) as OwnerName[]).flatMap((name) => new Array<string>(OWNERS[name]).fill(name));
  const tenants = owners.map((userId) => tenantOf({ projectId: DEFAULT_PROJECT_ID, userId, agentId: null }));
  await db.script("ALTER TABLE memories DISABLE TRIGGER USER");
  await db.query(
    `INSERT INTO memories (user_id, content, type, metadata, created_at, valid_to, expires_at)
     SELECT ($1::text[])[1 + n * 37 % 100], 'note ' || n, (ARRAY['fact', 'preference', 'pattern'])[1 + n % 3], jsonb_build_object('n', n / 7 % 10, 'at', n),
       '2026-01-01'::timestamptz + n * interval '1 min', CASE WHEN n % 100 = 3 THEN now() END, CASE WHEN n % 100 = 4 THEN '2026-01-02'::timestamptz END
     FROM generate_series(0, 14999) n`,
    [owners],
  );
  await db.query(
    `INSERT INTO engram.${collection.name} (id, hash, version, fingerprint, embedding, tenant, user_id, memory)
     SELECT m.id, m.id::text, m.version - (at % 100 = 1)::int, 'f', ${clustered("at / 13")}, ($1::uuid[])[1 + at * 37 % 100], m.user_id, m.content
     FROM (SELECT m.*, (m.metadata ->> 'at')::int AS at FROM memories m) m`,
    [tenants],
  );
  await db.script("ALTER TABLE memories ENABLE TRIGGER USER; ANALYZE memories; ANALYZE public.mem0_memories");

  const asked = { walks: 0, last: { text: "", values: [] as readonly unknown[] } };
  const watched = (alter: (text: string) => string): Executor => ({
    ...db,
    query: (text, values = []) => {
      if (text.includes("hnsw.iterative_scan"))
        Object.assign(asked, { walks: asked.walks + 1, last: { text, values } });
      return db.query(alter(text), values);
    },
  });
  const exact = createPgvectorIndex(db);
  let index = exact;
  const queryOf = async ({ userId, centre, limit, filter }: Asked): Promise<VectorQuery> => {
    const [row] = await db.query<{ vector: string }>(`SELECT ${clustered("$1::int")}::text AS vector`, [centre]);
    return {
      vector: JSON.parse(row?.vector ?? "[]") as number[],
      filter: { scope: { projectId: DEFAULT_PROJECT_ID, userId, exact: false }, ...filter },
      tenants: [tenantOf({ projectId: DEFAULT_PROJECT_ID, userId, agentId: null })],
      limit,
      now: new Date(),
    };
  };
  return {
    db,
    asked,
    queryOf,
    find: (query) => index.search(collection, query, signal),
    findExactly: (query) => exact.search(collection, query, signal),
    lookAnew({ alter = (text: string) => text, from = MANY } = {}) {
      const options = { publishAs: "mem0_memories", graphFromNumbers: from * collection.dims };
      index = createPgvectorIndex(watched(alter), options);
    },
    close: () => world.close(),
  };
}

/** SQL of a vector near a centre: the centre's sixteen numbers are any that are always the same, the rest is chance. */
function clustered(number: string): string {
  return `l2_normalize((SELECT array_agg(sin((${number}) % ${CENTRES} * 12.9898 + i * 78.233) + random() * 0.6 - 0.3) FROM generate_series(1, ${collection.dims}) i)::vector)`;
}
