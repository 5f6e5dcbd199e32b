/**
 * `npm run bench:small`: the small profile on a server of 1 GiB and one core, which is a control group here: PostgreSQL, the
 * API with its worker, and Caddy inside; clients and the provider's stand-in (1,536 numbers a memory) outside. 10,000 memories
 * are loaded, then writes and searches come by the clock. Exits 1 when a process was killed for memory, swap was used, a
 * request failed, or a p95 is over its goal. Wants root.
 *
 * Options: --minutes 10 --memories 10000 --writes 5 --searches 5 (per second) --mib 1024 (of memory)
 */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import pg from "pg";
import { openCgroup, type CgroupUsage } from "./cgroup.ts";
import { Connection } from "./connection.ts";
import { pace } from "./pace.ts";
import { startScript } from "./processes.ts";
import { createRandom, makeStatement } from "./sentences.ts";
import { startSmallProfile } from "./small-profile.ts";
import { markdownTable, percentile, round } from "./statistics.ts";
import { until } from "./until.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    memories: { type: "string", default: "10000" },
    writes: { type: "string", default: "5" },
    searches: { type: "string", default: "5" },
    mib: { type: "string", default: "1024" },
  },
});
const memories = Number(values.memories);

const MIB = 1024 * 1024;
const LIMITS = { memoryBytes: Number(values.mib) * MIB, cores: 1 };
/** Far above what one core needs, far below what a person notices as a hang. */
const GOALS = { writeP95Ms: 250, searchP95Ms: 500 };
const USERS = 100;
const BULK_SIZE = 500;
const SAMPLE_MS = 500;
/** More than can be waiting at once unless something hangs; then a request waits for its turn, and its latency tells. */
const CONNECTIONS = 32;

const openai = await startScript("./openai.ts");
const group = openCgroup("engram-small", LIMITS);
const profile = await group.inside(() =>
  startSmallProfile({ OPENAI_BASE_URL: openai.url, OPENAI_API_KEY: "sk-bench" }),
);
const admin = new pg.Client({ connectionString: profile.databaseUrl });
await admin.connect();
const free = await Promise.all(Array.from({ length: CONNECTIONS }, () => Connection.open(profile.url)));
const waiting: ((connection: Connection) => void)[] = [];
const random = createRandom(1);
let next = 0;

const samples: CgroupUsage[] = [];
const sampling = new AbortController();
const sampler = sample();
const loadSeconds = await load();
console.error(`${memories} memories loaded and indexed after ${round(loadSeconds)} s`);
const atLoad = samples.length;
const faults: string[] = [];
let degraded = 0;
const [writesMs, searchesMs] = await run();
const behind = await until("the index", isIndexed, { timeoutMs: 60_000 });
sampling.abort();
await sampler;
const isMet = await report();

await admin.end();
await profile.stop();
await openai.stop();
await until("the end of all that ran inside", () => Promise.resolve(isRemoved()), { timeoutMs: 15_000 });
process.exit(isMet ? 0 : 1);

/** In bulk, as somebody who moves here would; seconds until all are in the index. */
async function load(): Promise<number> {
  const begin = performance.now();
  for (let from = 0; from < memories; from += BULK_SIZE) {
    const batch = Array.from({ length: Math.min(BULK_SIZE, memories - from) }, () => makeMemory());
    const { status, text } = await post("/api/memories/bulk", { memories: batch });
    if (status !== 200) throw new Error(`bulk: ${status} ${text.slice(0, 200)}`);
  }
  await until("the index", isIndexed);
  return (performance.now() - begin) / 1000;
}

/** Latencies in milliseconds, from the moment at which a request was due. */
async function run(): Promise<readonly [number[], number[]]> {
  const [writesMs, searchesMs]: [number[], number[]] = [[], []];
  const stop = AbortSignal.timeout(Number(values.minutes) * 60_000);
  const onError = (error: unknown): void => void faults.push(String(error));
  const write = async (dueMs: number): Promise<void> => {
    const { status, text } = await post("/api/memories", makeMemory());
    writesMs.push(performance.now() - dueMs);
    if (status !== 201) faults.push(`write: ${status} ${text.slice(0, 200)}`);
  };
  const search = async (dueMs: number): Promise<void> => {
    const query = makeStatement(0, random).question;
    const { status, text } = await post("/api/memories/search", { user_id: randomUser(), query });
    searchesMs.push(performance.now() - dueMs);
    if (status !== 200) faults.push(`search: ${status} ${text.slice(0, 200)}`);
    else if (JSON.parse(text).degraded !== undefined) degraded += 1;
  };
  await Promise.all([
    pace(Number(values.writes), write, { stop, onError }),
    pace(Number(values.searches), search, { stop, onError }),
  ]);
  return [writesMs, searchesMs];
}

function makeMemory(): { user_id: string; content: string; type: string } {
  const { content, type } = makeStatement(next++, random);
  return { user_id: randomUser(), content, type };
}

function randomUser(): string {
  return `user-${Math.floor(random() * USERS)}`;
}

async function post(path: string, body: unknown): Promise<{ status: number; text: string }> {
  const connection = free.shift() ?? (await new Promise<Connection>((resolve) => waiting.push(resolve)));
  const give = (back: Connection): void => {
    const first = waiting.shift();
    if (first === undefined) free.push(back);
    else first(back);
  };
  try {
    const { status, body: answer } = await connection.ask({ method: "POST", path, body: JSON.stringify(body) });
    give(connection);
    return { status, text: answer.toString("utf8") };
  } catch (error) {
    give(await Connection.open(profile.url));
    throw error;
  }
}

async function isIndexed(): Promise<boolean> {
  const { rows } = await admin.query("SELECT 1 FROM engram.outbox WHERE topic LIKE 'index:%' LIMIT 1");
  return rows.length === 0;
}

async function sample(): Promise<void> {
  while (!sampling.signal.aborted) {
    const usage = group.usage();
    samples.push(usage);
    if (usage.oomKills > 0) {
      // Whoever waits for an answer of the one that is gone would wait for long.
      console.log("MISSED: a process was killed for memory");
      process.exit(1);
    }
    await sleep(SAMPLE_MS, undefined, { signal: sampling.signal }).catch(() => undefined);
  }
}

function isRemoved(): boolean {
  try {
    group.remove();
    return true;
  } catch {
    return false;
  }
}

/** The most that a process ever had resident, in MiB. */
function readPeak(pid: number): number {
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;
}

async function report(): Promise<boolean> {
  const highest = (of: readonly CgroupUsage[], pick: (one: CgroupUsage) => number): number =>
    Math.max(...of.map(pick)) / MIB;
  const swapMiB = highest(samples, (one) => one.swapBytes);
  const row = (name: string, of: readonly CgroupUsage[]): (string | number)[] => [
    name,
    round(highest(of, (one) => one.neededBytes)),
    round(highest(of, (one) => one.totalBytes)),
  ];
  const latencies = [
    ["writes", writesMs, GOALS.writeP95Ms],
    ["searches", searchesMs, GOALS.searchP95Ms],
  ] as const;
  const late = latencies.filter(([, ms, goal]) => !(percentile(ms, 95) <= goal));
  const { rows } = await admin.query<{ size: string }>(
    "SELECT pg_size_pretty(pg_database_size(current_database())) AS size",
  );

  console.log(
    markdownTable(
      ["", "requests", "p50 ms", "p95 ms", "p99 ms", "highest ms"],
      latencies.map(([name, ms]) => [name, ms.length, ...[50, 95, 99, 100].map((p) => round(percentile(ms, p)))]),
    ),
  );
  console.log(
    `\n${markdownTable(
      [`MiB of ${values.mib}`, "processes and shared memory, highest", "with cached files, highest"],
      [row("loading", samples.slice(0, atLoad)), row("under load", samples.slice(atLoad))],
    )}`,
  );
  const peaks = Object.entries(profile.pids).map(([name, pid]) => `${name} ${Math.round(readPeak(pid))}`);
  console.log(`\nResident at most, in MiB: ${peaks.join(", ")}. The database: ${rows[0]?.size}.`);
  console.log(
    `Killed for memory: 0; swap: ${round(swapMiB)} MiB; failed: ${faults.length}; degraded: ${degraded}; indexed ${round(behind)} s after the last write.`,
  );
  for (const fault of faults.slice(0, 5)) console.log(fault);
  const missed = [
    ...(swapMiB > 0 ? ["swap was used"] : []),
    ...(faults.length > 0 ? ["requests failed"] : []),
    ...late.map(([name, , goal]) => `p95 of ${name} over ${goal} ms`),
  ];
  console.log(missed.length === 0 ? "\nEvery goal is met." : `\nMISSED: ${missed.join("; ")}`);
  console.log(`\n${JSON.stringify({ options: values, limits: LIMITS, goals: GOALS, swapMiB, degraded, missed })}`);
  return missed.length === 0;
}
