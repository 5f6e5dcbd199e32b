/**
 * `npm run bench:search`: how long a search takes over 10,000 memories of 100 users, on three installations that stand
 * side by side and are asked in turn, and beside them what a plain SQL query of the vectors takes, one of a row by its key,
 * and the index's own query. "Without the vectors' part": less what the header Server-Timing says of the embedding and the query of vectors.
 *
 * Options: --memories 10000 --users 100 --rounds 5 --searches 200 (for each load, installation and round)
 * --only pglite,pgvector,qdrant
 */
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { createTestDatabase, startPostgres, startQdrant, startRedis } from "@engram/test-equipment";
import { Connection } from "./connection.ts";
import { startScript, startService } from "./processes.ts";
import { openByKey, openPlainSql, openQdrantQuery } from "./search-peers.ts";
import type { Owned, Target } from "./search-target.ts";
import { createRandom, makeStatement } from "./sentences.ts";
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

const random = createRandom(SEED);
const statements = Array.from({ length: memories }, (_, number): Owned => ({
  ...makeStatement(number, random),
  userId: `user-${number % users}`,
}));

/** As docker-compose.yaml sets it by default. */
const POSTGRES_SETTINGS = {
  shared_buffers: "256MB",
  effective_cache_size: "512MB",
  work_mem: "16MB",
  random_page_cost: "1.1",
  jit: "off",
};
const postgres = await startPostgres({ settings: POSTGRES_SETTINGS });
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
if (only.includes("pgvector"))
  targets.push(await openPlainSql(pgvectorUrl, ASKERS_MAX), await openByKey(pgvectorUrl, ASKERS_MAX));
if (only.includes("qdrant")) {
  const name = `Qdrant${qdrant.isStandIn ? " stand-in" : ""}: the nearest of a user's points, over HTTP`;
  targets.push(await openQdrantQuery(qdrant.url, name, ASKERS_MAX));
}

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
