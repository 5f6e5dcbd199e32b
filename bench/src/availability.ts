/**
 * `npm run bench:availability`: what clients notice while Redis, Qdrant and the provider are away all three, and how long
 * the backlog takes afterwards, unaided. Writes and searches by the clock: some minutes with everything, then minutes
 * without, once refusing connections and once hanging. Exits 1 when a goal is missed.
 *
 * Options: --before 2 --away 2 --after 0.5 (minutes) --writes 50 --searches 20 (per second) --apis 1 --workers 1
 * --ways refused,hanging --short (a quarter of a minute each: to try it, its p99 says little)
 */
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { createTestDatabase, startPostgres } from "@engram/test-equipment";
import pg from "pg";
import type { LoadMessage, LoadOutcome, PhaseLoad } from "./availability-load.ts";
import { startGuests, WAYS, type Way } from "./outage.ts";
import { forkScript, startService, type Service, type ServiceName } from "./processes.ts";
import { markdownTable, percentile, round } from "./statistics.ts";

const { values } = parseArgs({
  options: {
    before: { type: "string", default: "2" },
    away: { type: "string", default: "2" },
    after: { type: "string", default: "0.5" },
    writes: { type: "string", default: "50" },
    searches: { type: "string", default: "20" },
    apis: { type: "string", default: "1" },
    workers: { type: "string", default: "1" },
    ways: { type: "string", default: WAYS.join(",") },
    short: { type: "boolean", default: false },
  },
});
const isShort = values.short;
const minutes = (given: string): number => (isShort ? 0.25 : Number(given)) * 60_000;
const ways = values.ways.split(",").map((name) => {
  const way = WAYS.find((one) => one === name);
  if (way === undefined) throw new Error(`--ways: ${name} is none of ${WAYS.join(", ")}`);
  return way;
});

/** Compiled code, filled pools: nothing of that is of the minutes that are compared. */
const WARM_UP_MS = 10_000;
const BACKLOG_EVERY_MS = 500;
/** Failed work waits for a minute at most before it is tried again; far past that nothing will happen any more. */
const DRAINED_TIMEOUT_MS = 5 * 60_000;

const GOALS = { p99Ms: 100, p99Times: 2, samples: 6_000 } as const;

interface Backlog {
  highest: number;
  /** From the return to the first moment without any; undefined: it never came. */
  secondsUntilGone: number | undefined;
  parked: number;
}

const postgres = await startPostgres();
const guests = await startGuests();
const databaseUrl = (await createTestDatabase(postgres.url)).url;
const start = (name: ServiceName, count: string): Promise<Service[]> =>
  Promise.all(
    Array.from({ length: Number(count) }, () => startService(name, { DATABASE_URL: databaseUrl, ...guests.env })),
  );
const apis = await start("api", values.apis);
const workers = await start("worker", values.workers);
const admin = new pg.Client({ connectionString: databaseUrl });
await admin.connect();

const load = forkScript("./availability-load.ts");
const tell = (message: LoadMessage): void => void load.send(message);
const outcome = once(load, "message") as Promise<[LoadOutcome]>;
tell({
  kind: "start",
  urls: apis.map(({ url }) => url),
  writesPerSecond: Number(values.writes),
  searchesPerSecond: Number(values.searches),
});
await during("warm-up", WARM_UP_MS);
const backlogs = new Map<Way, Backlog>();
for (const way of ways) backlogs.set(way, await runOutage(way));
tell({ kind: "stop" });
const [phases] = await outcome;
load.kill();
const isMet = report(phases);

await admin.end();
for (const service of [...apis, ...workers]) await service.stop();
await guests.stop();
await postgres.stop();
process.exit(isMet ? 0 : 1);

/** Everything there, everything away, everything back, and then until nothing waits any more, the load going on. */
async function runOutage(way: Way): Promise<Backlog> {
  const backlog: Backlog = { highest: 0, secondsUntilGone: undefined, parked: 0 };
  await during(`before, ${way}`, minutes(values.before));
  await guests.takeAway(way);
  await during(`away, ${way}`, minutes(values.away), async () => {
    backlog.highest = Math.max(backlog.highest, (await countWork()).pending);
  });
  const returned = performance.now();
  tell({ kind: "phase", phase: `back, ${way}` });
  await guests.bringBack(way);
  const leastMs = minutes(values.after);
  for (let sinceMs = 0; sinceMs < DRAINED_TIMEOUT_MS; sinceMs = performance.now() - returned) {
    const { pending, waiting, parked } = await countWork();
    backlog.highest = Math.max(backlog.highest, pending);
    backlog.parked = parked;
    if (waiting === 0) backlog.secondsUntilGone ??= round(sinceMs / 1000);
    if (backlog.secondsUntilGone !== undefined && sinceMs >= leastMs) break;
    await sleep(BACKLOG_EVERY_MS);
  }
  console.error(`${way}: at most ${backlog.highest} waited, gone after ${backlog.secondsUntilGone} s`);
  return backlog;
}

async function during(phase: string, ms: number, look: () => Promise<void> = () => Promise.resolve()): Promise<void> {
  tell({ kind: "phase", phase });
  console.error(`${phase}: ${ms / 1000} s`);
  const end = performance.now() + ms;
  while (performance.now() < end) {
    await look();
    await sleep(Math.min(BACKLOG_EVERY_MS, Math.max(0, end - performance.now())));
  }
}

/**
 * `pending`: all that is to be done. `waiting`: what was due two seconds ago, or has failed and waits for its next try;
 * while writes go on there is always some that has just come. What only waits out a doubt is done (PROTOCOL.md);
 * schedules are always there.
 */
async function countWork(): Promise<{ pending: number; waiting: number; parked: number }> {
  const { rows } = await admin.query<{ pending: number; waiting: number; parked: number }>(
    `SELECT (count(*) FILTER (WHERE parked_at IS NULL))::int AS pending, (count(*) FILTER (WHERE parked_at IS NOT NULL))::int AS parked,
       (count(*) FILTER (WHERE parked_at IS NULL AND (error IS NOT NULL OR created_at < now() - interval '2 s')))::int AS waiting
     FROM engram.outbox WHERE topic LIKE 'index:%' AND NOT (lease IS NULL AND attempts = 0 AND doubt_until IS NOT NULL AND due_at >= doubt_until)`,
  );
  const [row] = rows;
  if (row === undefined) throw new Error("no count");
  return row;
}

function report(outcomes: LoadOutcome): boolean {
  const phaseOf = (name: string): PhaseLoad => {
    const found = outcomes[name];
    if (found === undefined) throw new Error(`nothing was asked in the phase ${name}`);
    return found;
  };
  const p = (samples: readonly number[], rank: number): number => round(percentile(samples, rank));
  console.log(
    markdownTable(
      ["phase", "writes", "failed", "p50 ms", "p99 ms", "searches", "failed", "degraded", "p50 ms", "p99 ms"],
      Object.entries(outcomes).map(([name, one]) => [
        name,
        one.writesMs.length,
        one.failedWrites,
        p(one.writesMs, 50),
        p(one.writesMs, 99),
        one.searchesMs.length,
        one.failedSearches,
        one.degradedSearches,
        p(one.searchesMs, 50),
        p(one.searchesMs, 99),
      ]),
    ),
  );
  console.log(
    `\n${markdownTable(
      ["away", "waited at most", "gone after, s", "parked", "reasons of degraded searches"],
      [...backlogs].map(([way, { highest, secondsUntilGone, parked }]) => [
        way,
        highest,
        secondsUntilGone ?? "never",
        parked,
        Object.entries(phaseOf(`away, ${way}`).degraded)
          .map(([code, count]) => `${code} ${count}`)
          .join(", "),
      ]),
    )}\n`,
  );

  const missed = Object.entries(outcomes).flatMap(([name, { failedWrites, failedSearches, faults }]) =>
    failedWrites + failedSearches === 0
      ? []
      : [`${name}: ${failedWrites} writes and ${failedSearches} searches failed: ${faults.join("; ")}`],
  );
  for (const [way, backlog] of backlogs) {
    const [before, away] = [phaseOf(`before, ${way}`), phaseOf(`away, ${way}`)];
    const allowedMs = Math.max(GOALS.p99Times * percentile(before.writesMs, 99), GOALS.p99Ms);
    const p99Ms = percentile(away.writesMs, 99);
    if (p99Ms > allowedMs) missed.push(`${way}: write p99 ${round(p99Ms)} ms, allowed are ${round(allowedMs)}`);
    if (!isShort && away.writesMs.length < GOALS.samples)
      missed.push(`${way}: ${away.writesMs.length} writes are too few to tell a p99`);
    if (backlog.secondsUntilGone === undefined || backlog.parked > 0)
      missed.push(`${way}: the backlog did not go by itself (${backlog.parked} parked)`);
  }
  console.log(missed.length === 0 ? "All goals are met." : `MISSED:\n${missed.map((one) => `- ${one}`).join("\n")}`);
  console.log(
    `\n${JSON.stringify({
      options: values,
      phases: Object.fromEntries(
        Object.entries(outcomes).map(([name, { writesMs, searchesMs, ...counts }]) => [
          name,
          { writes: writesMs.length, searches: searchesMs.length, ...counts },
        ]),
      ),
      backlogs: Object.fromEntries(backlogs),
      missed,
    })}`,
  );
  return missed.length === 0;
}
