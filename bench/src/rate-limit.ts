/**
 * `npm run bench:rate-limit` (about three minutes): two workers against a provider that enforces requests, then tokens, per
 * minute (a minute of six seconds), with searches meanwhile; then 10,000 memories of which one in a hundred is refused by
 * the provider. Ends with 1 when a goal is missed: 90% of the ceiling used, under 1% of the calls refused, nothing lost;
 * all good memories indexed, each bad one parked with its reason.
 *
 * Options: --seconds 40 (of each ceiling) --memories 10000 (with poison among them)
 */
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { createTestDatabase, openAIControl, startPostgres } from "@engram/test-equipment";
import pg from "pg";
import { Connection } from "./connection.ts";
import { startScript, startService, type Service } from "./processes.ts";
import { createRandom, makeStatement } from "./sentences.ts";
import { markdownTable, percentile, round } from "./statistics.ts";

const { values } = parseArgs({
  options: { seconds: { type: "string", default: "40" }, memories: { type: "string", default: "10000" } },
});
const seconds = Number(values.seconds);

/** Ten times faster than a minute, and long enough for the jitter of a busy machine to be as small as in a real one. */
const WINDOW_MS = 6_000;
const WINDOWS_PER_MINUTE = 60_000 / WINDOW_MS;
const CALLS_PER_WINDOW = 60;
/** Small, so that this machine keeps up with the ceiling. */
const BATCH_SIZE = 16;
/** Of a batch of 16 statements as the provider counts them, in the mean. */
const TOKENS_PER_CALL = 410;
const WORKERS = 2;
const SEARCHES_PER_SECOND = 2;
const USERS = 100;
const BULK_SIZE = 500;
const SAMPLE_MS = 250;
const DRAIN_TIMEOUT_MS = 120_000 + 2_000 * seconds;
const POISON = "отрава";
const POISON_EVERY = 100;
const REASON = "invalid: The model provider refuses the input (400)";

const goals: { readonly goal: string; readonly reached: boolean; readonly seen: string }[] = [];
const postgres = await startPostgres();
const provider = await startScript("./openai.ts");
const control = openAIControl(provider.url);

interface Ceiling {
  readonly name: string;
  readonly limits: { readonly requests_per_minute?: number; readonly tokens_per_minute?: number };
  readonly env: Readonly<Record<string, string>>;
  /** What is used of it, from the stand-in's counters. */
  readonly used: (counters: Counters) => number;
  readonly perWindow: number;
}

interface Counters {
  readonly calls: number;
  readonly limited: number;
  readonly tokens: number;
}

const tokensPerWindow = CALLS_PER_WINDOW * TOKENS_PER_CALL;
await measureCeiling({
  name: "requests per minute",
  limits: { requests_per_minute: CALLS_PER_WINDOW },
  env: { OPENAI_REQUESTS_PER_MINUTE: String(CALLS_PER_WINDOW * WINDOWS_PER_MINUTE) },
  used: ({ calls, limited }) => calls - limited,
  perWindow: CALLS_PER_WINDOW,
});
await measureCeiling({
  name: "tokens per minute",
  limits: { tokens_per_minute: tokensPerWindow },
  env: { OPENAI_TOKENS_PER_MINUTE: String(tokensPerWindow * WINDOWS_PER_MINUTE) },
  used: ({ tokens }) => tokens,
  perWindow: tokensPerWindow,
});
await measurePoison();

console.log(
  markdownTable(
    ["goal", "seen", "reached"],
    goals.map(({ goal, seen, reached }) => [goal, seen, reached ? "yes" : "NO"]),
  ),
);
console.log(`\n${JSON.stringify({ options: values, windowMs: WINDOW_MS, batchSize: BATCH_SIZE, goals })}`);
process.exit(goals.every((one) => one.reached) ? 0 : 1);

/** Works off a backlog under a ceiling, and looks at what was used of it while there was a backlog. */
async function measureCeiling({ name, limits, env, used, perWindow }: Ceiling): Promise<void> {
  await control.limit({});
  const count = Math.round((CALLS_PER_WINDOW / (WINDOW_MS / 1000)) * seconds * BATCH_SIZE);
  const installation = await open({ ...env, OUTBOX_BATCH_SIZE: String(BATCH_SIZE) });
  await load(installation, count, () => "");
  await control.limit({ ...limits, window_ms: WINDOW_MS });
  const before = await readCounters();
  await installation.startWorkers();
  const searching = new AbortController();
  const searches = search(installation.connection, count, searching.signal);

  const samples: { readonly atMs: number; readonly used: number; readonly pending: number }[] = [];
  await untilDrained(installation.sql, async (pending) => {
    samples.push({ atMs: performance.now(), used: used(await readCounters()), pending });
  });
  searching.abort();
  const after = await readCounters();
  const answers = await searches;

  // From the end of the first window, which begins empty, until the last batches are in hand.
  const first = samples.find((one) => one.pending < count && one.atMs > (samples[0]?.atMs ?? 0) + WINDOW_MS);
  const last = samples.findLast((one) => one.pending > 2 * WORKERS * BATCH_SIZE);
  if (first === undefined || last === undefined) throw new Error(`${name}: over before it could be measured`);
  const windows = (last.atMs - first.atMs) / WINDOW_MS;
  const share = (last.used - first.used) / (windows * perWindow);
  const calls = after.calls - before.calls;
  const refused = after.limited - before.limited;
  const { indexed, parked } = await installation.count();
  check(`${name}: at least 90% of the ceiling used`, share >= 0.9, `${percent(share)} over ${round(windows)} windows`);
  check(`${name}: under 1% of calls refused`, refused / calls < 0.01, `${refused} of ${calls}`);
  check(
    `${name}: nothing lost, nothing parked`,
    indexed === count && parked.length === 0,
    `${indexed} of ${count} indexed`,
  );
  console.error(
    `${name}: ${answers.latenciesMs.length} searches meanwhile, p95 ${round(percentile(answers.latenciesMs, 95))} ms, ${answers.degraded} degraded`,
  );
  await installation.close();
}

/** One memory in a hundred makes the provider refuse whatever call it is part of. */
async function measurePoison(): Promise<void> {
  await control.limit({});
  await control.fault({ status: 400, match: POISON });
  const count = Number(values.memories);
  const installation = await open({});
  await load(installation, count, (number) => (number % POISON_EVERY === 0 ? ` ${POISON}` : ""));
  const before = await readCounters();
  const begun = performance.now();
  await installation.startWorkers();
  await untilDrained(installation.sql, () => Promise.resolve());
  const took = (performance.now() - begun) / 1000;
  const calls = (await readCounters()).calls - before.calls;

  const poison = Math.ceil(count / POISON_EVERY);
  const { indexed, parked } = await installation.count();
  const reasons = parked.filter((one) => one.error === REASON && one.isPoison).length;
  check("poison: all good ones indexed", indexed === count - poison, `${indexed} of ${count - poison}`);
  check(
    "poison: each parked with its reason",
    reasons === poison && parked.length === poison,
    `${reasons} of ${poison}`,
  );
  console.error(`poison: ${calls} calls for ${count} memories, ${poison} of them poison, ${round(took)} s`);
  await control.clearFaults();
  await installation.close();
}

/** An API on a database of its own; its workers are started when there is something to do. */
async function open(env: Readonly<Record<string, string>>) {
  const { url } = await createTestDatabase(postgres.url);
  const settings = { DATABASE_URL: url, OPENAI_BASE_URL: provider.url, OPENAI_API_KEY: "sk-bench", ...env };
  const services: Service[] = [await startService("api", settings)];
  const [api] = services;
  const connection = await Connection.open(api?.url ?? "");
  const sql = new pg.Client({ connectionString: url });
  await sql.connect();
  return {
    sql,
    connection,
    async startWorkers(): Promise<void> {
      services.push(...(await Promise.all(Array.from({ length: WORKERS }, () => startService("worker", settings)))));
    },
    async count() {
      const { rows: tables } = await sql.query<{ name: string }>(
        "SELECT attrelid::regclass::text AS name FROM pg_attribute JOIN pg_class c ON c.oid = attrelid WHERE attname = 'embedding' AND c.relkind = 'r'",
      );
      const { rows: vectors } = await sql.query<{ n: number }>(
        `SELECT count(*)::int AS n FROM public.memories m JOIN ${tables[0]?.name} v ON v.id = m.id AND v.version = m.version`,
      );
      const { rows: parked } = await sql.query<{ error: string; isPoison: boolean }>(
        `SELECT o.error, m.content LIKE $1 AS "isPoison" FROM engram.outbox o JOIN public.memories m ON m.id = o.key WHERE o.topic LIKE 'index:%' AND o.parked_at IS NOT NULL`,
        [`%${POISON}`],
      );
      return { indexed: vectors[0]?.n ?? 0, parked };
    },
    async close(): Promise<void> {
      connection.close();
      await sql.end();
      await Promise.all(services.map((service) => service.stop()));
    },
  };
}

async function load(
  { connection }: { readonly connection: Connection },
  count: number,
  suffix: (number: number) => string,
): Promise<void> {
  const random = createRandom(count);
  for (let from = 0; from < count; from += BULK_SIZE) {
    const memories = Array.from({ length: Math.min(BULK_SIZE, count - from) }, (_, i) => {
      const { content, type } = makeStatement(from + i, random);
      return { user_id: `user-${(from + i) % USERS}`, type, content: content + suffix(from + i) };
    });
    const body = JSON.stringify({ memories });
    const { status, body: answer } = await connection.ask({ method: "POST", path: "/api/memories/bulk", body });
    const { created } = JSON.parse(answer.toString("utf8")) as { created?: number };
    if (status !== 200 || created !== memories.length) throw new Error(`${created} of ${memories.length} created`);
  }
}

/** Searches in an even stream until `stop`. */
async function search(connection: Connection, seed: number, stop: AbortSignal) {
  const random = createRandom(seed);
  const latenciesMs: number[] = [];
  let degraded = 0;
  while (!stop.aborted) {
    const body = JSON.stringify({
      user_id: `user-${latenciesMs.length % USERS}`,
      query: makeStatement(0, random).question,
    });
    const sent = performance.now();
    const answer = await connection.ask({ method: "POST", path: "/api/memories/search", body });
    latenciesMs.push(performance.now() - sent);
    if (answer.status !== 200) throw new Error(`a search was answered ${answer.status}`);
    if (answer.body.includes('"degraded"')) degraded += 1;
    await sleep(1000 / SEARCHES_PER_SECOND, undefined, { signal: stop }).catch(() => undefined);
  }
  return { latenciesMs, degraded };
}

async function untilDrained(sql: pg.Client, onSample: (pending: number) => Promise<void>): Promise<void> {
  const deadline = performance.now() + DRAIN_TIMEOUT_MS;
  for (;;) {
    const { rows } = await sql.query<{ n: number }>(
      `SELECT count(*)::int AS n FROM engram.outbox WHERE topic LIKE 'index:%' AND parked_at IS NULL
       AND NOT (lease IS NULL AND attempts = 0 AND doubt_until IS NOT NULL AND due_at >= doubt_until)`,
    );
    const pending = rows[0]?.n ?? 0;
    await onSample(pending);
    if (pending === 0) return;
    if (performance.now() > deadline) throw new Error(`${pending} memories were not worked in time`);
    await sleep(SAMPLE_MS);
  }
}

async function readCounters(): Promise<Counters> {
  const { calls = 0, limited = 0, tokens = 0 } = await control.counters();
  return { calls, limited, tokens };
}

function check(goal: string, reached: boolean, seen: string): void {
  goals.push({ goal, reached, seen });
  console.error(`${reached ? "reached" : "MISSED"}: ${goal}: ${seen}`);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)}%`;
}
