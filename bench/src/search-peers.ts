/** What a search is measured beside: the least that a store of its own gives for one question. */
import pg from "pg";
import { Connection } from "./connection.ts";
import { callQdrant, findCollection } from "./qdrant-call.ts";
import { createTarget, type Answer, type Target } from "./search-target.ts";
import { findVectorsTable } from "./vectors-table.ts";

const LIMIT = 10;
/** Different ones, so that none is answered from a cache of answers. */
const QUERY_VECTORS = 500;

/**
 * What no search on this database can beat: one exact scan of a user's vectors, by the client alone. Its query vectors
 * are those of stored memories, ready made, so it embeds nothing, and it knows no words, filters or fusion. (By the plain
 * operator PostgreSQL would take the table's graph, which knows no users and finds a user's memories by chance.)
 */
export async function openPlainSql(databaseUrl: string, askers: number): Promise<Target> {
  const first = await openClient(databaseUrl);
  const table = await findVectorsTable(first);
  const { rows: vectors } = await first.query<{ embedding: string }>(
    `SELECT embedding::text FROM ${table} ORDER BY id LIMIT ${QUERY_VECTORS}`,
  );
  await first.end();
  let next = 0;
  const scan = async (client: pg.Client, userId: string): Promise<Answer> => {
    const { rows } = await client.query<{ content: string }>(
      `SELECT m.id, m.content, m.metadata, m.created_at, 1 - (v.embedding <=> $1) AS score FROM public.memories m
       JOIN ${table} v ON v.id = m.id WHERE m.user_id = $2 ORDER BY (v.embedding <=> $1) + 0 LIMIT ${LIMIT}`,
      [vectors[next++ % vectors.length]?.embedding, userId],
    );
    return toAnswer(rows.map((row) => row.content));
  };
  const lines = { open: () => openClient(databaseUrl, (client) => scan(client, "")), close: endClient };
  const name = "plain SQL: exact vector query of a user's memories, pg client";
  return createTarget(name, lines, { askers, ask: (client, { userId }) => scan(client, userId) });
}

/** What the machine gives a statement that does next to nothing: a row by its key, by the client alone. */
export async function openByKey(databaseUrl: string, askers: number): Promise<Target> {
  const first = await openClient(databaseUrl);
  const { rows: keys } = await first.query<{ id: string }>(`SELECT id FROM public.memories LIMIT ${QUERY_VECTORS}`);
  await first.end();
  let next = 0;
  const look = async (client: pg.Client): Promise<Answer> => {
    const { rows } = await client.query<{ content: string }>(
      "SELECT id, content, metadata, created_at FROM public.memories WHERE id = $1",
      [keys[next++ % keys.length]?.id],
    );
    return toAnswer(rows.map((row) => row.content));
  };
  const lines = { open: () => openClient(databaseUrl, look), close: endClient };
  return createTarget("plain SQL: a row by its key, pg client", lines, { askers, ask: look });
}

/** The index's own query of a user's points, with the payload, over the wire and nothing else. */
export async function openQdrantQuery(url: string, name: string, askers: number): Promise<Target> {
  const first = await Connection.open(url);
  const collection = await findCollection(first);
  const page = { limit: QUERY_VECTORS, with_vector: true, with_payload: true };
  const { points: known } = await callQdrant<{ points: { vector: number[]; payload: { tenant: string } }[] }>(
    first,
    `${collection}/points/scroll`,
    page,
  );
  first.close();
  let next = 0;
  const lines = { open: () => Connection.open(url), close: (line: Connection) => line.close() };
  const ask = async (line: Connection): Promise<Answer> => {
    const [like, other] = [known[next % known.length], known[(next * 7) % known.length]];
    next += 1;
    if (like === undefined || other === undefined) throw new Error("nothing to ask with");
    const hits = await callQdrant<{ points: { id: string }[] }>(line, `${collection}/points/query`, {
      query: like.vector,
      filter: { must: [{ key: "tenant", match: { value: other.payload.tenant } }] },
      limit: LIMIT,
      with_payload: true,
    });
    return toAnswer(hits.points.map(({ id }) => id));
  };
  return createTarget(name, lines, { askers, ask });
}

const toAnswer = (contents: readonly string[]): Answer => ({ contents, degraded: false, vectorsMs: 0 });

/** `warm`: what is asked first, so that a new connection has its statement's plan and the catalogue. */
async function openClient(
  connectionString: string,
  warm: (client: pg.Client) => Promise<unknown> = () => Promise.resolve(),
): Promise<pg.Client> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  await warm(client);
  return client;
}

const endClient = (client: pg.Client): Promise<void> => client.end();
