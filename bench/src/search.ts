/**
 * `npm run bench:search`: how long a search takes over 10,000 memories of 100 users, on three installations that stand
 * side by side and are asked in turn, and beside them what a plain SQL query of the vectors takes, and one of a row by its
 * key. "Without the vectors' part": less what the header Server-Timing says of the embedding and the query of vectors.
 *
 * Options: --memories 10000 --users 100 --rounds 5 --searches 200 (for each load, installation and round)
 * --only pglite,pgvector,qdrant
 */
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { createTestDatabase, startPostgres, startQdrant, startRedis } from "@engram/test-equipment";
import pg from "pg";
import { Connection } from "./connection.ts";
import { startScript, startService } from "./processes.ts";
import { createRandom, makeStatement, type Statement } from "./sentences.ts";
import { markdownTable, percentile, round } from "./statistics.ts";

const { values } = parseArgs({
  options: {
    memories: { type: "string", default: "10000" },
    users: { type: "string", default: "100" },
    rounds: { type: "string", default: "5" },
    searches: { type: "string", default: "200" },
    only: { type: "string", default: "pglite,pgvector,qdrant" },
  },
});
const memories = Number(values.memories);
const users = Number(values.users);
const searches = Number(values.searches);

/** Askers at once; with `perSecond` they ask so often in all, and else each again when it has its answer. */
const LOADS = [
  { name: "1", askers: 1 },
  { name: "8", askers: 8 },
  { name: "8, 40/s in all", askers: 8, perSecond: 40 },
] as const satisfies readonly { name: string; askers: number; perSecond?: number }[];
type Load = (typeof LOADS)[number];
const ASKERS_MAX = 8;
const BULK_SIZE = 500;
const LIMIT = 10;
const SEED = 20_261_124;
/** Of every installation, before the first round. */
const WARM_UP_SEARCHES = 100;
const INDEXED_POLL_MS = 500;
const INDEXED_TIMEOUT_MS = 15 * 60_000;
const QUERY_VECTORS = 500;

interface Owned extends Statement {
  readonly userId: string;
}

/** Something that answers a search; `ask` tells what came back. */
interface Target {
  readonly name: string;
  readonly ask: (worker: number, wanted: Owned) => Promise<Answer>;
  /** Opens its connections, which a server closes that has not been asked for a while. */
  readonly reach?: () => Promise<void>;
  readonly samplesMs: Map<string, Samples>;
  readonly counts: { answers: number; empty: number; degraded: number; found: number };
  /** Seconds until all was accepted, and until all was in the index. */
  readonly loading?: { readonly acceptedSeconds: number; readonly indexedSeconds: number };
}

interface Samples {
  readonly total: number[];
  /** All but the embedding and the query of the vectors. */
  readonly overhead: number[];
}

interface Answer {
  readonly contents: readonly string[];
  readonly degraded: boolean;
  /** Of which the embedding and the query of the vectors took so long, in milliseconds. */
  readonly vectorsMs: number;
}

const random = createRandom(SEED);
const statements = Array.from({ length: memories }, (_, number): Owned => ({
  ...makeStatement(number, random),
  userId: `user-${number % users}`,
}));

const postgres = await startPostgres();
const redis = await startRedis();
const qdrant = await startQdrant();
const openai = await startScript("./openai.ts");
const pgvectorUrl = (await createTestDatabase(postgres.url)).url;
const stackUrl = (await createTestDatabase(postgres.url)).url;
const stack = {
  DATABASE_URL: stackUrl,
  REDIS_URL: redis.url,
  QDRANT_URL: qdrant.url,
  OPENAI_BASE_URL: openai.url,
  OPENAI_API_KEY: "sk-bench",
};

const only = values.only.split(",");
// Loaded one after the other, so that the seconds of each are its own.
const targets: Target[] = [];
if (only.includes("pglite"))
  targets.push(await openInstallation("all-in-one, embedded (PGlite, pgvector, offline)", {}, ["all-in-one"]));
if (only.includes("pgvector")) {
  const name = "API + worker: PostgreSQL, pgvector, offline";
  targets.push(await openInstallation(name, { DATABASE_URL: pgvectorUrl }, ["api", "worker"]));
}
if (only.includes("qdrant")) {
  const name = `API + worker: PostgreSQL, Redis, Qdrant${qdrant.isStandIn ? " stand-in" : ""}, OpenAI stand-in`;
  targets.push(await openInstallation(name, stack, ["api", "worker"]));
}
if (only.includes("pgvector")) targets.push(await openPlainSql(pgvectorUrl), await openByKey(pgvectorUrl));

for (const target of targets) await ask(target, LOADS[0], WARM_UP_SEARCHES);
for (const target of targets) {
  target.samplesMs.clear();
  Object.assign(target.counts, { answers: 0, empty: 0, degraded: 0, found: 0 });
}
for (let roundNumber = 0; roundNumber < Number(values.rounds); roundNumber++) {
  for (let i = 0; i < targets.length; i++) {
    const target = targets[(roundNumber + i) % targets.length];
    if (target === undefined) continue;
    for (const load of LOADS) await ask(target, load, searches);
  }
  console.error(`round ${roundNumber + 1} done`);
}
report();
process.exit(0);

/** Starts the services, loads every statement and waits until all are in the index. */
async function openInstallation(
  name: string,
  env: Readonly<Record<string, string>>,
  services: readonly ("api" | "worker" | "all-in-one")[],
): Promise<Target> {
  let url: string | undefined;
  for (const service of services) {
    const started = await startService(service, env);
    if (service !== "worker") url = started.url;
  }
  if (url === undefined) throw new Error(`${name}: nothing listens`);
  const open = url;
  const first = await Connection.open(open);
  let connections: readonly Connection[] = [];

  const begin = performance.now();
  for (let from = 0; from < statements.length; from += BULK_SIZE) {
    const batch = statements.slice(from, from + BULK_SIZE);
    const body = JSON.stringify({
      memories: batch.map(({ content, type, userId }) => ({ user_id: userId, content, type })),
    });
    const { created } = await askJson<{ created: number }>(first, "/api/memories/bulk", body);
    if (created !== batch.length) throw new Error(`${name}: ${created} of ${batch.length} memories were created`);
  }
  const acceptedSeconds = (performance.now() - begin) / 1000;
  await waitUntilIndexed(name, first);
  const indexedSeconds = (performance.now() - begin) / 1000;
  console.error(`${name}: accepted in ${round(acceptedSeconds)} s, indexed in ${round(indexedSeconds)} s`);

  return {
    name,
    samplesMs: new Map(),
    counts: { answers: 0, empty: 0, degraded: 0, found: 0 },
    loading: { acceptedSeconds, indexedSeconds },
    async reach() {
      for (const connection of connections) connection.close();
      connections = await Promise.all(Array.from({ length: ASKERS_MAX }, () => Connection.open(open)));
    },
    async ask(worker, { userId, question }) {
      const connection = connections[worker];
      if (connection === undefined) throw new Error("no connection");
      const body = JSON.stringify({ user_id: userId, query: question, limit: LIMIT });
      const { timings, ...asked } = await connection.ask({ method: "POST", path: "/api/memories/search", body });
      const answer = parse(asked) as { memories: { content: string }[]; degraded?: { code: string }[] };
      return {
        vectorsMs: (timings["embed"] ?? 0) + (timings["vectors"] ?? 0),
        contents: answer.memories.map((memory) => memory.content),
        // That embeddings are lexical is how an installation without a model is meant to be.
        degraded: answer.degraded?.some((one) => one.code !== "lexical_embeddings") ?? false,
      };
    },
  };
}

async function waitUntilIndexed(name: string, connection: Connection): Promise<void> {
  const deadline = Date.now() + INDEXED_TIMEOUT_MS;
  const perUser = Math.ceil(memories / users);
  for (let user = 0; user < users; user++) {
    for (;;) {
      const path = `/api/memories/user/user-${user}?limit=${perUser}`;
      const { memories: page } = await askJson<{ memories: { index_status: string }[] }>(connection, path);
      if (page.every((memory) => memory.index_status === "indexed")) break;
      if (Date.now() > deadline) throw new Error(`${name}: not indexed in time`);
      await sleep(INDEXED_POLL_MS);
    }
  }
}

async function askJson<T>(connection: Connection, path: string, body?: string): Promise<T> {
  const answer = await connection.ask(body === undefined ? { method: "GET", path } : { method: "POST", path, body });
  return parse(answer) as T;
}

function parse({ status, body }: { status: number; body: Buffer }): unknown {
  if (status !== 200) throw new Error(`${status} ${body.toString("utf8")}`);
  return JSON.parse(body.toString("utf8"));
}

/**
 * What no search on this database can beat: one exact scan of a user's vectors, by the client alone. Its query vectors
 * are those of stored memories, ready made, so it embeds nothing, and it knows no words, filters or fusion.
 */
async function openPlainSql(databaseUrl: string): Promise<Target> {
  const clients = await Promise.all(Array.from({ length: ASKERS_MAX }, () => openClient(databaseUrl)));
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
         JOIN ${table.name} v ON v.id = m.id WHERE m.user_id = $2 ORDER BY v.embedding <=> $1 LIMIT ${LIMIT}`,
        [vectors[next++ % vectors.length]?.embedding, userId],
      );
      return { contents: rows.map((row) => row.content), degraded: false, vectorsMs: 0 };
    },
  };
}

/** What the machine gives a statement that does next to nothing: a row by its key, by the client alone. */
async function openByKey(databaseUrl: string): Promise<Target> {
  const clients = await Promise.all(Array.from({ length: ASKERS_MAX }, () => openClient(databaseUrl)));
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

async function openClient(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  return client;
}

/** `count` searches under a load. */
async function ask(target: Target, load: Load, count: number): Promise<void> {
  const samples = target.samplesMs.get(load.name) ?? { total: [], overhead: [] };
  target.samplesMs.set(load.name, samples);
  await target.reach?.();
  let left = count;
  const everyMs = "perSecond" in load ? (load.askers * 1_000) / load.perSecond : 0;
  const askers = Array.from({ length: load.askers }, async (_, worker) => {
    let due = performance.now() + (everyMs * worker) / load.askers;
    while (left-- > 0) {
      if (everyMs > 0) await sleep(Math.max(0, due - performance.now()));
      due += everyMs;
      const wanted = statements[Math.floor(random() * statements.length)];
      if (wanted === undefined) throw new Error("nothing to search for");
      const sent = performance.now();
      const { contents, degraded, vectorsMs } = await target.ask(worker, wanted);
      const took = performance.now() - sent;
      samples.total.push(took);
      samples.overhead.push(took - vectorsMs);
      target.counts.answers += 1;
      if (contents.length === 0) target.counts.empty += 1;
      if (degraded) target.counts.degraded += 1;
      if (contents.includes(wanted.content)) target.counts.found += 1;
    }
  });
  await Promise.all(askers);
}

function report(): void {
  const shown = targets.map(({ name, samplesMs, counts, loading }) => ({
    name,
    latencyMs: LOADS.map((load) => {
      const { total, overhead } = samplesMs.get(load.name) ?? { total: [], overhead: [] };
      const [p50 = 0, p95 = 0, p99 = 0] = [50, 95, 99].map((p) => round(percentile(total, p)));
      const [o50 = 0, o95 = 0] = [50, 95].map((p) => round(percentile(overhead, p)));
      return { load: load.name, samples: total.length, p50, p95, p99, o50, o95 };
    }),
    ...counts,
    ...(loading === undefined ? {} : { loading }),
  }));
  console.log(
    markdownTable(
      ["installation", "at once", "samples", "p50 ms", "p95 ms", "p99 ms", "without the vectors' part: p50", "p95"],
      shown.flatMap(({ name, latencyMs }) =>
        latencyMs.map((one) => [name, one.load, one.samples, one.p50, one.p95, one.p99, one.o50, one.o95]),
      ),
    ),
  );
  console.log(
    `\n${markdownTable(
      [
        "installation",
        "accepted after, s",
        "indexed after, s",
        "searches",
        "empty",
        "degraded",
        "memory meant is among the 10",
      ],
      shown.flatMap(({ name, loading, answers, empty, degraded, found }) =>
        loading === undefined
          ? []
          : [[name, round(loading.acceptedSeconds), round(loading.indexedSeconds), answers, empty, degraded, found]],
      ),
    )}`,
  );
  console.log(`\n${JSON.stringify({ options: values, limit: LIMIT, seed: SEED, targets: shown })}`);
}
