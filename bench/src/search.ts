/**
 * `npm run bench:search`: how long a search takes over 10,000 memories of 100 users, on three installations that stand
 * side by side and are asked in turn, and beside them what a plain SQL query of the vectors takes.
 *
 * Options: --memories 10000 --users 100 --rounds 5 --searches 200 (for each concurrency, installation and round)
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
  },
});
const memories = Number(values.memories);
const users = Number(values.users);
const searches = Number(values.searches);

const CONCURRENCIES = [1, 8] as const;
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
  readonly samplesMs: Map<number, number[]>;
  readonly counts: { answers: number; empty: number; degraded: number; found: number };
  /** Seconds until all was accepted, and until all was in the index. */
  readonly loading?: { readonly acceptedSeconds: number; readonly indexedSeconds: number };
}

interface Answer {
  readonly contents: readonly string[];
  readonly degraded: boolean;
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

// Loaded one after the other, so that the seconds of each are its own.
const targets: Target[] = [
  await openInstallation("all-in-one, embedded (PGlite, pgvector, offline)", {}, ["all-in-one"]),
  await openInstallation("API + worker: PostgreSQL, pgvector, offline", { DATABASE_URL: pgvectorUrl }, [
    "api",
    "worker",
  ]),
  await openInstallation(
    `API + worker: PostgreSQL, Redis, Qdrant${qdrant.isStandIn ? " stand-in" : ""}, OpenAI stand-in`,
    stack,
    ["api", "worker"],
  ),
  await openPlainSql(pgvectorUrl),
];

for (const target of targets) await ask(target, 1, WARM_UP_SEARCHES);
for (const target of targets) {
  target.samplesMs.clear();
  Object.assign(target.counts, { answers: 0, empty: 0, degraded: 0, found: 0 });
}
for (let roundNumber = 0; roundNumber < Number(values.rounds); roundNumber++) {
  for (let i = 0; i < targets.length; i++) {
    const target = targets[(roundNumber + i) % targets.length];
    if (target === undefined) continue;
    for (const concurrency of CONCURRENCIES) await ask(target, concurrency, searches);
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
  const connections = await Promise.all(
    Array.from({ length: Math.max(...CONCURRENCIES) }, () => Connection.open(open)),
  );
  const [first] = connections;
  if (first === undefined) throw new Error("no connection");

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
    async ask(worker, { userId, question }) {
      const connection = connections[worker];
      if (connection === undefined) throw new Error("no connection");
      const body = JSON.stringify({ user_id: userId, query: question, limit: LIMIT });
      const answer = await askJson<{ memories: { content: string }[]; degraded?: { code: string }[] }>(
        connection,
        "/api/memories/search",
        body,
      );
      return {
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
  const text = answer.body.toString("utf8");
  if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${text}`);
  return JSON.parse(text) as T;
}

/**
 * What no search on this database can beat: one exact scan of a user's vectors, by the client alone. Its query vectors
 * are those of stored memories, ready made, so it embeds nothing, and it knows no words, filters or fusion.
 */
async function openPlainSql(databaseUrl: string): Promise<Target> {
  const clients = await Promise.all(
    Array.from({ length: Math.max(...CONCURRENCIES) }, async () => {
      const client = new pg.Client({ connectionString: databaseUrl });
      await client.connect();
      return client;
    }),
  );
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
      return { contents: rows.map((row) => row.content), degraded: false };
    },
  };
}

/** `count` searches from `concurrency` askers, each asking when it has its answer. */
async function ask(target: Target, concurrency: number, count: number): Promise<void> {
  const samples = target.samplesMs.get(concurrency) ?? [];
  target.samplesMs.set(concurrency, samples);
  let left = count;
  const askers = Array.from({ length: concurrency }, async (_, worker) => {
    while (left-- > 0) {
      const wanted = statements[Math.floor(random() * statements.length)];
      if (wanted === undefined) throw new Error("nothing to search for");
      const sent = performance.now();
      const { contents, degraded } = await target.ask(worker, wanted);
      samples.push(performance.now() - sent);
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
    latencyMs: CONCURRENCIES.map((concurrency) => {
      const samples = samplesMs.get(concurrency) ?? [];
      const [p50, p95, p99] = [50, 95, 99].map((p) => round(percentile(samples, p)));
      return { concurrency, samples: samples.length, p50: p50 ?? 0, p95: p95 ?? 0, p99: p99 ?? 0 };
    }),
    ...counts,
    ...(loading === undefined ? {} : { loading }),
  }));
  console.log(
    markdownTable(
      ["installation", "at once", "samples", "p50 ms", "p95 ms", "p99 ms"],
      shown.flatMap(({ name, latencyMs }) =>
        latencyMs.map((one) => [name, one.concurrency, one.samples, one.p50, one.p95, one.p99]),
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
