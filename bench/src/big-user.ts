/**
 * `npm run bench:big-user`: searches of one user with very many memories over REST, on PostgreSQL with pgvector and offline
 * embeddings: with the table's graph, as it is made, and without it, when every vector is looked at. The first memories go
 * through the API; the rest are made of them in SQL, each with a vector beside its model's.
 *
 * Options: --sizes 100000,300000 --searches 60 (of each, one after the other)
 */
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import pg from "pg";
import { createTestDatabase, startPostgres } from "@engram/test-equipment";
import { Connection } from "./connection.ts";
import { startService } from "./processes.ts";
import { POSTGRES_SETTINGS } from "./search-stores.ts";
import { createRandom, makeStatement } from "./sentences.ts";
import { markdownTable, percentile, round } from "./statistics.ts";

const { values } = parseArgs({
  options: {
    sizes: { type: "string", default: "100000,300000" },
    searches: { type: "string", default: "60" },
  },
});
const USER = "user-0";
/** Through the API; the rest is made of them. */
const MODELS = 10_000;
const BULK_SIZE = 500;
const LIMIT = 10;
/** A score that is less by no more is as good: copies of one memory are any of them. */
const ALIKE = 0.01;
const WARM_UP_SEARCHES = 10;
const INDEXED_POLL_MS = 500;

const random = createRandom(20_261_126);
const statements = Array.from({ length: MODELS }, (_, number) => makeStatement(number, random));
const postgres = await startPostgres({ settings: POSTGRES_SETTINGS });
const { url: databaseUrl } = await createTestDatabase(postgres.url);
// What takes longer than a search waits by default is to be seen.
const environment = { DATABASE_URL: databaseUrl, SEARCH_DEADLINE_MS: "30000" };
await load();
const db = new pg.Client({ connectionString: databaseUrl });
await db.connect();
const { rows: graphs } = await db.query<{ sql: string }>(
  "SELECT pg_get_indexdef('public.idx_mem0_embedding'::regclass) AS sql",
);

const rows: (string | number)[][] = [];
let standing = MODELS;
for (const size of values.sizes.split(",").map(Number)) {
  await db.query("DROP INDEX IF EXISTS public.idx_mem0_embedding");
  await grow(size);
  const exact = await measure("every vector");
  const started = performance.now();
  await db.query(`SET maintenance_work_mem = '1GB'; ${graphs[0]?.sql ?? ""}`);
  console.error(`${size}: graph made in ${round((performance.now() - started) / 1000)} s`);
  const graph = await measure("the graph");
  const asGood = exact.scores.flatMap((of, at) =>
    of.filter((score, n) => (graph.scores[at]?.[n] ?? 0) >= score - ALIKE),
  );
  const share = round((100 * asGood.length) / exact.scores.flat().length);
  rows.push([size, ...exact.row, 100], [size, ...graph.row, share]);
}
const head = ["memories", "looked at", "p50 ms", "p95 ms", "p50 vectors", "p50 words", "degraded", "as good, %"];
console.log(markdownTable(head, rows));
await db.end();
await postgres.stop();
process.exit(0);

async function load(): Promise<void> {
  const [api, worker] = [await startService("api", environment), await startService("worker", environment)];
  const connection = await Connection.open(api.url);
  for (let from = 0; from < MODELS; from += BULK_SIZE) {
    const memories = statements
      .slice(from, from + BULK_SIZE)
      .map(({ content, type }) => ({ user_id: USER, content, type }));
    await ask(connection, "/api/memories/bulk", { memories });
  }
  const watching = new pg.Client({ connectionString: databaseUrl });
  await watching.connect();
  for (;;) {
    const { rows: left } = await watching.query("SELECT 1 FROM engram.outbox WHERE topic LIKE 'index:%' LIMIT 1");
    if (left.length === 0) break;
    await sleep(INDEXED_POLL_MS);
  }
  await watching.end();
  await Promise.all([api.stop(), worker.stop()]);
}

/** Copies of the first memories, each a little different in text, time and vector. */
async function grow(size: number): Promise<void> {
  const copies = `generate_series(${standing / MODELS}, ${size / MODELS - 1}) AS copy`;
  await db.query(`ALTER TABLE memories DISABLE TRIGGER USER;
    INSERT INTO memories (user_id, content, type, created_at)
      SELECT user_id, content || ' #' || copy, type, created_at - copy * interval '1 day' FROM (SELECT * FROM memories ORDER BY created_at DESC LIMIT ${MODELS}) m, ${copies};
    CREATE TEMP TABLE noise AS SELECT n, (SELECT array_agg(random_normal() * 0.02) FROM generate_series(1, (SELECT vector_dims(embedding) FROM mem0_memories LIMIT 1)) WHERE n >= 0)::vector AS v FROM generate_series(0, 996) n;
    CREATE TEMP TABLE model AS SELECT m.memory, m.tenant, m.embedding FROM mem0_memories m WHERE m.memory !~ ' #[0-9]+$';
    CREATE INDEX ON model (memory); ANALYZE model;
    INSERT INTO mem0_memories (id, hash, version, fingerprint, embedding, tenant, user_id, memory)
      SELECT m.id, m.id::text, m.version, 'copy', l2_normalize(o.embedding + noise.v), o.tenant, m.user_id, m.content
      FROM memories m JOIN model o ON o.memory = regexp_replace(m.content, ' #[0-9]+$', '') JOIN noise ON noise.n = m.version % 997
      WHERE NOT EXISTS (SELECT FROM mem0_memories v WHERE v.id = m.id);
    DROP TABLE noise, model;
    ALTER TABLE memories ENABLE TRIGGER USER;`);
  await db.query("VACUUM ANALYZE memories");
  await db.query("VACUUM ANALYZE mem0_memories");
  const { rows: counted } = await db.query<{ n: number }>("SELECT count(*)::int AS n FROM mem0_memories");
  if (counted[0]?.n !== size) throw new Error(`${counted[0]?.n} vectors instead of ${size}`);
  standing = size;
}

/** By an API of its own, which has not looked yet whether there is a graph. */
async function measure(lookedAt: string) {
  const api = await startService("api", environment);
  const connection = await Connection.open(api.url);
  const samples = { total: [] as number[], vectors: [] as number[], text: [] as number[] };
  const scores: number[][] = [];
  let degraded = 0;
  for (let at = -WARM_UP_SEARCHES; at < Number(values.searches); at++) {
    const query = statements[(at + WARM_UP_SEARCHES) * 97]?.question ?? "";
    const sent = performance.now();
    const { body, timings } = await ask(connection, "/api/memories/search", { user_id: USER, query, limit: LIMIT });
    const took = performance.now() - sent;
    if (at < 0) continue;
    const answer = body as { memories: { relevance_score: number }[]; degraded?: { code: string }[] };
    samples.total.push(took);
    samples.vectors.push(timings["vectors"] ?? 0);
    samples.text.push(timings["text"] ?? 0);
    scores.push(answer.memories.map((memory) => memory.relevance_score));
    // That embeddings are lexical is how an installation without a model is meant to be.
    if (answer.degraded?.some(({ code }) => code !== "lexical_embeddings") === true) degraded += 1;
  }
  connection.close();
  await api.stop();
  const [p50, p95] = [50, 95].map((p) => round(percentile(samples.total, p)));
  const parts = [samples.vectors, samples.text].map((of) => round(percentile(of, 50)));
  return { scores, row: [lookedAt, p50 ?? 0, p95 ?? 0, ...parts, degraded] };
}

async function ask(connection: Connection, path: string, body: unknown) {
  const answer = await connection.ask({ method: "POST", path, body: JSON.stringify(body) });
  if (answer.status !== 200) throw new Error(`${answer.status} ${answer.body.toString("utf8")}`);
  return { body: JSON.parse(answer.body.toString("utf8")) as unknown, timings: answer.timings };
}
