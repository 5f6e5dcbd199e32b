/**
 * `npm run bench:memory`: the memory of each process, idle and under load, as Linux counts it. RSS counts pages that
 * processes share once for each; Pss shares them out.
 *
 * Options: --idle 20 --seconds 30 --writes 200 --searches 20 (per second)
 */
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { createTestDatabase, startPostgres, startQdrant, startRedis } from "@engram/test-equipment";
import { Connection, type Ask } from "./connection.ts";
import { readCpuSeconds, readUsage, type Usage } from "./process-usage.ts";
import { startScript, startService, type Service, type ServiceName } from "./processes.ts";
import { createRandom, makeStatement } from "./sentences.ts";
import { markdownTable, percentile, round } from "./statistics.ts";

const { values } = parseArgs({
  options: {
    idle: { type: "string", default: "20" },
    seconds: { type: "string", default: "30" },
    writes: { type: "string", default: "200" },
    searches: { type: "string", default: "20" },
  },
});

const SAMPLE_MS = 500;
const TICK_MS = 10;
/** As many askers as can be waiting at once; past that, a request is counted as missed and not sent. */
const CONNECTIONS = 64;
const USERS = 100;

interface Measured {
  readonly installation: string;
  readonly process: ServiceName;
  readonly idle: Usage;
  /** The highest of the samples under load, and the last one. */
  readonly loadHighest: Usage;
  readonly loadLast: Usage;
  readonly cpuShare: number;
}

const measured: Measured[] = [];
const loads: { installation: string; sent: number; missed: number; failed: number; p99Ms: number }[] = [];

await measure("embedded (PGlite)", ["all-in-one"], {});
const postgres = await startPostgres();
const pgvectorUrl = (await createTestDatabase(postgres.url)).url;
await measure("PostgreSQL, pgvector, offline", ["api", "worker"], { DATABASE_URL: pgvectorUrl });
const redis = await startRedis();
const qdrant = await startQdrant();
const openai = await startScript("./openai.ts");
await measure("PostgreSQL, Redis, Qdrant stand-in, OpenAI stand-in", ["api", "worker"], {
  DATABASE_URL: (await createTestDatabase(postgres.url)).url,
  REDIS_URL: redis.url,
  QDRANT_URL: qdrant.url,
  OPENAI_BASE_URL: openai.url,
  OPENAI_API_KEY: "sk-bench",
});
report();
process.exit(0);

async function measure(
  installation: string,
  names: readonly ServiceName[],
  env: Record<string, string>,
): Promise<void> {
  const running: { name: ServiceName; service: Service }[] = [];
  for (const name of names) running.push({ name, service: await startService(name, env) });
  const [front] = running;
  if (front === undefined) throw new Error("nothing to measure");

  await sleep(Number(values.idle) * 1000);
  const idle = await Promise.all(running.map(({ service }) => readUsage(service.pid)));
  const cpuBefore = await Promise.all(running.map(({ service }) => readCpuSeconds(service.pid)));

  const samples: Usage[][] = [];
  const sampling = new AbortController();
  const sampler = sampleUntil(sampling.signal, async () => {
    samples.push(await Promise.all(running.map(({ service }) => readUsage(service.pid))));
  });
  loads.push({ installation, ...(await load(front.service.url)) });
  sampling.abort();
  await sampler;
  const cpuAfter = await Promise.all(running.map(({ service }) => readCpuSeconds(service.pid)));

  running.forEach(({ name }, i) => {
    const own = samples.flatMap((one) => one[i] ?? []);
    measured.push({
      installation,
      process: name,
      idle: idle[i] ?? { rss: 0, pss: 0 },
      loadHighest: { rss: Math.max(...own.map((one) => one.rss)), pss: Math.max(...own.map((one) => one.pss)) },
      loadLast: own.at(-1) ?? { rss: 0, pss: 0 },
      cpuShare: ((cpuAfter[i] ?? 0) - (cpuBefore[i] ?? 0)) / Number(values.seconds),
    });
  });
  console.error(`${installation}: done`);
  for (const { service } of running) await service.stop();
}

async function sampleUntil(stop: AbortSignal, sample: () => Promise<void>): Promise<void> {
  while (!stop.aborted) {
    await sample();
    await sleep(SAMPLE_MS, undefined, { signal: stop }).catch(() => undefined);
  }
}

/** Writes and searches that arrive by the clock, whether or not the earlier ones have been answered. */
async function load(url: string): Promise<{ sent: number; missed: number; failed: number; p99Ms: number }> {
  const free = await Promise.all(Array.from({ length: CONNECTIONS }, () => Connection.open(url)));
  const all = [...free];
  const random = createRandom(1);
  const latenciesMs: number[] = [];
  const open = new Set<Promise<void>>();
  const counts = { sent: 0, missed: 0, failed: 0 };

  const send = (path: string, body: unknown): void => {
    const connection = free.pop();
    if (connection === undefined) {
      counts.missed += 1;
      return;
    }
    counts.sent += 1;
    const sent = performance.now();
    const answered = take(connection, { method: "POST", path, body: JSON.stringify(body) }, sent).finally(() =>
      open.delete(answered),
    );
    open.add(answered);
  };

  const take = async (connection: Connection, ask: Ask, sent: number): Promise<void> => {
    try {
      const { status } = await connection.ask(ask);
      if (status >= 300) counts.failed += 1;
      latenciesMs.push(performance.now() - sent);
      free.push(connection);
    } catch {
      counts.failed += 1;
    }
  };

  const begin = performance.now();
  let [writes, searches] = [0, 0];
  for (;;) {
    const elapsed = (performance.now() - begin) / 1000;
    if (elapsed >= Number(values.seconds)) break;
    for (; writes < elapsed * Number(values.writes); writes++) {
      const { content, type } = makeStatement(writes, random);
      send("/api/memories", { user_id: `user-${writes % USERS}`, content, type });
    }
    for (; searches < elapsed * Number(values.searches); searches++) {
      send("/api/memories/search", { user_id: `user-${searches % USERS}`, query: makeStatement(0, random).question });
    }
    await sleep(TICK_MS);
  }
  await Promise.all(open);
  for (const connection of all) connection.close();
  return { ...counts, p99Ms: round(percentile(latenciesMs, 99)) };
}

function report(): void {
  const megabytes = (usage: Usage): string => `${Math.round(usage.rss)} (${Math.round(usage.pss)})`;
  const sum = (rows: readonly Measured[], pick: (one: Measured) => Usage): Usage => ({
    rss: rows.reduce((total, one) => total + pick(one).rss, 0),
    pss: rows.reduce((total, one) => total + pick(one).pss, 0),
  });
  const rows = [...Map.groupBy(measured, (one) => one.installation)].flatMap(([installation, group]) => {
    const line = (name: string, of: readonly Measured[]): string[] => [
      installation,
      name,
      megabytes(sum(of, (one) => one.idle)),
      megabytes(sum(of, (one) => one.loadHighest)),
      megabytes(sum(of, (one) => one.loadLast)),
      `${Math.round(100 * of.reduce((total, one) => total + one.cpuShare, 0))} %`,
    ];
    return [...group.map((one) => line(one.process, [one])), ...(group.length > 1 ? [line("sum", group)] : [])];
  });
  console.log("RSS, and Pss in brackets, in MiB; processor time under load as a share of one core\n");
  console.log(
    markdownTable(["installation", "process", "idle", "under load, highest", "under load, last", "processor"], rows),
  );
  console.log(
    `\n${markdownTable(
      ["installation", "requests", "not sent: all connections busy", "failed", "p99 ms"],
      loads.map((one) => [one.installation, one.sent, one.missed, one.failed, one.p99Ms]),
    )}`,
  );
  console.log(`\n${JSON.stringify({ options: values, measured, loads })}`);
}
