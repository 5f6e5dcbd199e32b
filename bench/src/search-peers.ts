/** What a search is measured beside: the least that a store of its own gives for one question. */
import pg from "pg";
import { Connection } from "./connection.ts";
import type { Target } from "./search-target.ts";

const LIMIT = 10;
/** Different ones, so that none is answered from a cache of answers. */
const QUERY_VECTORS = 500;

/**
 * What no search on this database can beat: one exact scan of a user's vectors, by the client alone. Its query vectors
 * are those of stored memories, ready made, so it embeds nothing, and it knows no words, filters or fusion. (By the plain
 * operator PostgreSQL would take the table's graph, which knows no users and finds a user's memories by chance.)
 */
export async function openPlainSql(databaseUrl: string, askers: number): Promise<Target> {
  const clients = await Promise.all(Array.from({ length: askers }, () => openClient(databaseUrl)));
  const [first] = clients;
  if (first === undefined) throw new Error("no client");
  const { rows: tables } = await first.query<{ name: string }>(
    "SELECT attrelid::regclass::text AS name FROM pg_attribute JOIN pg_class c ON c.oid = attrelid WHERE attname = 'embedding' AND c.relkind = 'r'",
  );
  const [table] = tables;
  if (table === undefined) throw new Error("no table of vectors");
  const { rows: vectors } = await first.query<{ embedding: string }>(
    `SELECT embedding::text FROM ${table.name} ORDER BY id LIMIT ${QUERY_VECTORS}`,
  );
  let next = 0;
  return {
    name: "plain SQL: exact vector query of a user's memories, pg client",
    samplesMs: new Map(),
    counts: { answers: 0, empty: 0, degraded: 0, found: 0 },
    async ask(worker, { userId }) {
      const { rows } = await (clients[worker] ?? first).query<{ content: string }>(
        `SELECT m.id, m.content, m.metadata, m.created_at, 1 - (v.embedding <=> $1) AS score FROM public.memories m
         JOIN ${table.name} v ON v.id = m.id WHERE m.user_id = $2 ORDER BY (v.embedding <=> $1) + 0 LIMIT ${LIMIT}`,
        [vectors[next++ % vectors.length]?.embedding, userId],
      );
      return { contents: rows.map((row) => row.content), degraded: false, vectorsMs: 0 };
    },
  };
}

/** What the machine gives a statement that does next to nothing: a row by its key, by the client alone. */
export async function openByKey(databaseUrl: string, askers: number): Promise<Target> {
  const clients = await Promise.all(Array.from({ length: askers }, () => openClient(databaseUrl)));
  const { rows: keys } = (await clients[0]?.query<{ id: string }>(
    `SELECT id FROM public.memories LIMIT ${QUERY_VECTORS}`,
  )) ?? { rows: [] };
  let next = 0;
  return {
    name: "plain SQL: a row by its key, pg client",
    samplesMs: new Map(),
    counts: { answers: 0, empty: 0, degraded: 0, found: 0 },
    async ask(worker) {
      const asked = [keys[next++ % keys.length]?.id];
      const answer = await clients[worker]?.query<{ content: string }>(
        "SELECT id, content, metadata, created_at FROM public.memories WHERE id = $1",
        asked,
      );
      return { contents: answer?.rows.map((row) => row.content) ?? [], degraded: false, vectorsMs: 0 };
    },
  };
}

/** The index's own query of a user's points, with the payload, over the wire and nothing else. */
export async function openQdrantQuery(url: string, name: string, askers: number): Promise<Target> {
  const call = async <T>(line: Connection, path: string, body?: object): Promise<T> => {
    const asked =
      body === undefined ? { method: "GET" as const } : { method: "POST" as const, body: JSON.stringify(body) };
    const answer = await line.ask({ path, ...asked });
    if (answer.status !== 200) throw new Error(`${path}: ${answer.status}`);
    return (JSON.parse(answer.body.toString("utf8")) as { result: T }).result;
  };
  const first = await Connection.open(url);
  const { collections } = await call<{ collections: { name: string }[] }>(first, "/collections");
  const [collection] = collections;
  if (collection === undefined) throw new Error("no collection");
  const points = `/collections/${collection.name}/points`;
  const page = { limit: QUERY_VECTORS, with_vector: true, with_payload: true };
  const { points: known } = await call<{ points: { vector: number[]; payload: { tenant: string } }[] }>(
    first,
    `${points}/scroll`,
    page,
  );
  let [lines, next]: [readonly Connection[], number] = [[], 0];
  return {
    name,
    samplesMs: new Map(),
    counts: { answers: 0, empty: 0, degraded: 0, found: 0 },
    async reach() {
      for (const line of lines) line.close();
      lines = await Promise.all(Array.from({ length: askers }, () => Connection.open(url)));
    },
    async ask(worker) {
      const [line, like, other] = [lines[worker], known[next % known.length], known[(next * 7) % known.length]];
      next += 1;
      if (line === undefined || like === undefined || other === undefined) throw new Error("nothing to ask with");
      const hits = await call<{ points: { id: string }[] }>(line, `${points}/query`, {
        query: like.vector,
        filter: { must: [{ key: "tenant", match: { value: other.payload.tenant } }] },
        limit: LIMIT,
        with_payload: true,
      });
      return { contents: hits.points.map(({ id }) => id), degraded: false, vectorsMs: 0 };
    },
  };
}

async function openClient(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  return client;
}
