/**
 * `npm run bench:reindex`: another embedding model under load. 50,000 memories on PostgreSQL, Redis and the stand-ins of
 * Qdrant and the provider; the worker starts anew with another model, is killed in the middle of the filling and started
 * once more. Meanwhile one client writes and one searches; every request must succeed, no answer may be degraded, and
 * every search must find the memory that it means, before, during and after. Exits with 1 when one does not.
 *
 * Options: --memories 50000 --writes 20 --searches 10 (per second)
 */
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { createTestDatabase, startPostgres, startQdrant, startRedis } from "@engram/test-equipment";
import pg from "pg";
import { KEY } from "./connection.ts";
import { pace } from "./pace.ts";
import { startScript, startService } from "./processes.ts";
import { createRandom } from "./sentences.ts";
import { percentile, round } from "./statistics.ts";
import { until } from "./until.ts";

const { values } = parseArgs({
  options: {
    memories: { type: "string", default: "50000" },
    writes: { type: "string", default: "20" },
    searches: { type: "string", default: "10" },
  },
});
const memories = Number(values.memories);

const USERS = 100;
const BULK_SIZE = 500;
const SEED = 20_261_125;
const OLD_MODEL = "all-MiniLM-L6-v2";
const NEW_MODEL = "bench-embedding-256";
/** The worker is killed when so much of the new index stands. */
const KILL_AT = 0.4;

type Phase = "before" | "during" | "after";

const random = createRandom(SEED);
const contentOf = (n: number): string =>
  `Предмет номер ${n}: ящик k${(n * 2_654_435_761) % 4_294_967_296} стоит на полке ${n % 977}`;
const userOf = (n: number): string => `user-${n % USERS}`;

const postgres = await startPostgres();
const redis = await startRedis();
const qdrant = await startQdrant();
const openai = await startScript("./openai.ts");
const database = await createTestDatabase(postgres.url);
const db = new pg.Client({ connectionString: database.url });
const env = {
  DATABASE_URL: database.url,
  REDIS_URL: redis.url,
  QDRANT_URL: qdrant.url,
  OPENAI_BASE_URL: openai.url,
  OPENAI_API_KEY: "sk-bench",
  EMBEDDING_MODEL: OLD_MODEL,
  // The claims of the killed worker come back after the lease, their doubt ends with the horizon.
  OUTBOX_LEASE_SECONDS: "10",
  OUTBOX_HORIZON_SECONDS: "25",
};
const api = await startService("api", env);
let worker = await startService("worker", env);
await db.connect();

const samples: Record<Phase, number[]> = { before: [], during: [], after: [] };
const faults: string[] = [];
let phase: Phase = "before";
let sent = 0;
const acknowledged: number[] = [];

await load();
const stopping = new AbortController();
const pacing = { stop: stopping.signal, onError: (error: unknown) => void faults.push(String(error)) };
const clients = [pace(Number(values.writes), write, pacing), pace(Number(values.searches), search, pacing)];

await sleep(10_000);
phase = "during";
const began = performance.now();
await worker.stop();
worker = await startService("worker", { ...env, EMBEDDING_MODEL: NEW_MODEL });
await until("the filling to be well under way", async () => (await points(NEW_MODEL)) >= KILL_AT * memories);
process.kill(worker.pid, "SIGKILL");
const atKill = await points(NEW_MODEL);
await sleep(2_000);
worker = await startService("worker", { ...env, EMBEDDING_MODEL: NEW_MODEL });
await until("the new model to be live", async () => (await liveModel()) === NEW_MODEL);
const seconds = (performance.now() - began) / 1000;
phase = "after";
await sleep(10_000);
stopping.abort();
await Promise.all(clients);
await until(
  "the work to be done",
  async () => (await count("SELECT count(*)::int AS n FROM engram.outbox WHERE topic <> 'schedule'")) === 0,
);

const rows = await count("SELECT count(*)::int AS n FROM memories");
const standing = await points(NEW_MODEL);
for (const [name, list] of Object.entries(samples))
  console.log(
    `searches ${name}: ${list.length}, p50 ${round(percentile(list, 50))} ms, p95 ${round(percentile(list, 95))} ms`,
  );
console.log(`writes accepted under way: ${acknowledged.length}`);
console.log(
  `killed at ${atKill} of ${memories}; live after ${round(seconds)} s; ${standing} points for ${rows} memories`,
);
if (standing !== rows) faults.push(`${standing} points for ${rows} memories`);
console.log(
  faults.length === 0
    ? "0 failed, degraded or wrong answers"
    : `${faults.length} faults, first: ${faults.slice(0, 5).join(" | ")}`,
);
await api.stop();
await worker.stop();
await db.end();
process.exit(faults.length === 0 ? 0 : 1);

async function load(): Promise<void> {
  for (let first = 0; first < memories; first += BULK_SIZE) {
    const items = Array.from({ length: Math.min(BULK_SIZE, memories - first) }, (_, i) => ({
      user_id: userOf(first + i),
      content: contentOf(first + i),
    }));
    const answer = await call("/api/memories/bulk", { memories: items });
    if (answer.status !== 200) throw new Error(`bulk: ${answer.status}`);
  }
  await until(
    "the first index",
    async () => (await count("SELECT count(*)::int AS n FROM engram.outbox WHERE topic <> 'schedule'")) === 0,
  );
}

async function write(): Promise<void> {
  const n = memories + sent++;
  const { status } = await call("/api/memories", { user_id: userOf(n), content: contentOf(n) });
  if (status === 201) acknowledged.push(n);
  else faults.push(`a write was answered ${status} ${phase}`);
}

/** Looks for a memory by its own words; one that was acknowledged a moment ago is found too, whichever index has it. */
async function search(): Promise<void> {
  const pick = Math.floor(random() * (memories + acknowledged.length));
  const n = pick < memories ? pick : (acknowledged[pick - memories] ?? 0);
  const asked = performance.now();
  const during = phase;
  const { status, body } = await call("/api/memories/search", { user_id: userOf(n), query: contentOf(n), limit: 5 });
  samples[during].push(performance.now() - asked);
  if (status !== 200) faults.push(`a search was answered ${status} ${during}`);
  else if (body.degraded !== undefined) faults.push(`degraded ${during}: ${body.degraded[0]?.code}`);
  else if (!body.memories?.some((memory) => memory.content === contentOf(n)))
    faults.push(`memory ${n} was not found ${during}`);
}

async function call(path: string, body: object) {
  const answer = await fetch(api.url + path, {
    method: "POST",
    headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return {
    status: answer.status,
    body: (await answer.json()) as { memories?: { content: string }[]; degraded?: { code: string }[] },
  };
}

async function points(model: string): Promise<number> {
  const { rows: found } = await db.query<{ name: string }>(
    "SELECT 'mem0_memories__' || regexp_replace(lower(model), '[^a-z0-9_]', '_', 'g') || '__' || dims AS name FROM engram.index_targets WHERE model = $1 AND state <> 'retired'",
    [model],
  );
  if (found[0] === undefined) return 0;
  const answer = await fetch(`${qdrant.url}/collections/${found[0].name}/points/count`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: '{"exact":false}',
  });
  return answer.ok ? ((await answer.json()) as { result: { count: number } }).result.count : 0;
}

async function liveModel(): Promise<string | undefined> {
  const { rows: found } = await db.query<{ model: string }>(
    "SELECT model FROM engram.index_targets WHERE state = 'live'",
  );
  return found[0]?.model;
}

async function count(statement: string): Promise<number> {
  const { rows: found } = await db.query<{ n: number }>(statement);
  return found[0]?.n ?? 0;
}
