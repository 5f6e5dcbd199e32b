/**
 * `npm run bench:write`: accepted writes per second of the API, and beside it, interleaved in the same run on the same
 * server, of the least that could take them. What each side is stands in docs/benchmarks.md.
 *
 * Options: --rounds 5 --seconds 4 --warm-up 1 --connections 50 --counter-passes 3
 */
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { createTestDatabase, startPostgres } from "@engram/test-equipment";
import pg from "pg";
import { forkScript, startScript, startService, type Service } from "./processes.ts";
import { markdownTable, percentile, round, summarize } from "./statistics.ts";
import type { WriteOrder, WriteOutcome } from "./write-load.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "4" },
    "warm-up": { type: "string", default: "1" },
    connections: { type: "string", default: "50" },
    "counter-passes": { type: "string", default: "3" },
  },
});
const rounds = Number(values.rounds);
const counterPasses = Number(values["counter-passes"]);

/** An idle backend of PostgreSQL 16 tells its counters after ten seconds at the latest. */
const COUNTERS_FLUSH_MS = 11_000;

/** The guide's table: what a service of one table would have. */
const MINIMAL_TABLE = `CREATE TABLE public.memories (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), user_id text NOT NULL, type text NOT NULL, content text NOT NULL,
    metadata jsonb NOT NULL DEFAULT '{}', created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now());
  CREATE INDEX idx_memories_user_id ON public.memories (user_id);
  CREATE INDEX idx_memories_type ON public.memories (type);
  CREATE INDEX idx_memories_created_at ON public.memories (created_at);`;

interface Side {
  readonly letter: string;
  readonly name: string;
  readonly server: Service;
  readonly databaseUrl: string;
  /** Empties its tables, so that every round begins alike. */
  readonly reset: string;
  /** What else runs during its rounds alone. */
  readonly beside?: () => Promise<Service>;
  readonly rates: number[];
  readonly latenciesMs: number[];
  refused: number;
}

interface CounterPass {
  readonly accepted: number;
  readonly commits: number;
  readonly walSyncs: number;
  readonly walBytes: number;
}

const postgres = await startPostgres();
const admin = new pg.Client({ connectionString: postgres.url });
await admin.connect();
const load = forkScript("./write-load.ts");
let nextNumber = 1;

const sides = await openSides();
const [api, , minimal] = sides;
if (api === undefined || minimal === undefined) throw new Error("a side is missing");
for (let roundNumber = 0; roundNumber < rounds; roundNumber++) {
  // Each round begins with another side, so that none is always first or always after the same one.
  for (let i = 0; i < sides.length; i++) {
    const side = sides[(roundNumber + i) % sides.length];
    if (side === undefined) continue;
    const outcome = await runRound(side);
    side.rates.push(outcome.accepted / outcome.seconds);
    side.latenciesMs.push(...outcome.latenciesMs);
    side.refused += outcome.refused;
    console.error(`round ${roundNumber + 1}: (${side.letter}) ${round(outcome.accepted / outcome.seconds)} writes/s`);
  }
}
const counters = { api: [] as CounterPass[], minimal: [] as CounterPass[] };
for (let pass = 0; pass < counterPasses; pass++) {
  counters.api.push(await countPass(api));
  counters.minimal.push(await countPass(minimal));
  console.error(`counters: pass ${pass + 1}`);
}
await report();

for (const side of sides) await side.server.stop();
load.kill();
await admin.end();
await postgres.stop();

async function openSides(): Promise<readonly Side[]> {
  const [withoutWorker, withWorker, minimalUrl, untriggeredUrl] = [
    await createDatabase(),
    await createDatabase(),
    await createDatabase(),
    await createDatabase(),
  ];
  // The API migrates at its start; the copy needs the functions of the migrations, and no API afterwards.
  const migrator = await startService("api", { DATABASE_URL: untriggeredUrl });
  await migrator.stop();
  await execute(minimalUrl, MINIMAL_TABLE);
  await execute(untriggeredUrl, "CREATE SCHEMA bare; CREATE TABLE bare.memories (LIKE public.memories INCLUDING ALL)");

  const side = (letter: string, name: string, databaseUrl: string, reset: string, server: Service): Side => {
    return { letter, name, databaseUrl, reset, server, rates: [], latenciesMs: [], refused: 0 };
  };
  // Without triggers: what TRUNCATE would ask of the outbox is not to be written.
  const resetOurs = `SET session_replication_role = replica; DO $$ DECLARE t text; BEGIN
    FOR t IN SELECT c.oid::regclass FROM pg_class c WHERE c.relkind = 'r' AND (c.oid IN ('public.memories'::regclass, 'engram.outbox'::regclass,
      'engram.history'::regclass) OR c.relnamespace = 'engram'::regnamespace AND c.relname LIKE 'mem0_memories%')
    LOOP EXECUTE 'TRUNCATE ' || t; END LOOP; END $$`;
  return [
    side(
      "a",
      "Engram API, worker paused",
      withoutWorker,
      resetOurs,
      await startService("api", { DATABASE_URL: withoutWorker }),
    ),
    {
      ...side(
        "b",
        "Engram API, one worker running",
        withWorker,
        resetOurs,
        await startService("api", { DATABASE_URL: withWorker }),
      ),
      beside: () => startService("worker", { DATABASE_URL: withWorker }),
    },
    side(
      "c",
      "Express + pg, minimal table",
      minimalUrl,
      "TRUNCATE public.memories",
      await startScript("./bare-express.ts", [minimalUrl, "public.memories"]),
    ),
    side(
      "d",
      "Express + pg, Engram's table and indexes without triggers",
      untriggeredUrl,
      "TRUNCATE bare.memories",
      await startScript("./bare-express.ts", [untriggeredUrl, "bare.memories"]),
    ),
  ];
}

async function createDatabase(): Promise<string> {
  return (await createTestDatabase(postgres.url)).url;
}

async function runRound(side: Side): Promise<WriteOutcome> {
  await execute(side.databaseUrl, side.reset);
  const beside = await side.beside?.();
  // The checkpoint that one side has earned is not to fall into the round of the next.
  await admin.query("CHECKPOINT");
  const outcome = await write(side.server.url);
  await beside?.stop();
  return outcome;
}

async function write(url: string): Promise<WriteOutcome> {
  const order: WriteOrder = {
    url,
    connections: Number(values.connections),
    warmUpSeconds: Number(values["warm-up"]),
    seconds: Number(values.seconds),
    firstNumber: nextNumber,
  };
  const answered = once(load, "message");
  load.send(order);
  const [outcome] = (await answered) as [WriteOutcome];
  nextNumber = outcome.nextNumber;
  return outcome;
}

/** A round whose counters are read: alone, since the WAL's are those of the whole server. */
async function countPass(side: Side): Promise<CounterPass> {
  await execute(side.databaseUrl, side.reset);
  await admin.query("CHECKPOINT");
  await sleep(COUNTERS_FLUSH_MS);
  const before = await readCounters(side.databaseUrl);
  const outcome = await write(side.server.url);
  await sleep(COUNTERS_FLUSH_MS);
  const after = await readCounters(side.databaseUrl);
  return {
    accepted: outcome.acceptedInAll,
    commits: after.commits - before.commits,
    walSyncs: after.walSyncs - before.walSyncs,
    walBytes: after.walBytes - before.walBytes,
  };
}

async function readCounters(databaseUrl: string): Promise<Omit<CounterPass, "accepted">> {
  const { rows } = await admin.query<{ commits: string; syncs: string; bytes: string }>(
    "SELECT xact_commit AS commits, wal_sync AS syncs, wal_bytes AS bytes FROM pg_stat_database, pg_stat_wal WHERE datname = $1",
    [new URL(databaseUrl).pathname.slice(1)],
  );
  const [row] = rows;
  if (row === undefined) throw new Error("no counters");
  return { commits: Number(row.commits), walSyncs: Number(row.syncs), walBytes: Number(row.bytes) };
}

async function execute(databaseUrl: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  await client.query(sql);
  await client.end();
}

async function report(): Promise<void> {
  const { rows: settings } = await admin.query<{ name: string; setting: string }>(
    "SELECT name, setting FROM pg_settings WHERE name IN ('server_version', 'fsync', 'synchronous_commit', 'full_page_writes', 'wal_sync_method')",
  );
  const shown = sides.map(({ letter, name, rates, latenciesMs, refused }) => ({
    side: letter,
    name,
    writesPerSecond: summarize(rates),
    rates: rates.map(round),
    p50Ms: round(percentile(latenciesMs, 50)),
    p99Ms: round(percentile(latenciesMs, 99)),
    refused,
  }));
  const medianOf = (letter: string): number =>
    shown.find((one) => one.side === letter)?.writesPerSecond.median ?? Number.NaN;
  const ratio = (one: string, other: string): number => Number((medianOf(one) / medianOf(other)).toFixed(2));
  const ratios = { "a/c": ratio("a", "c"), "a/d": ratio("a", "d"), "b/c": ratio("b", "c") };
  const perWrite = { api: countPerWrite(counters.api), minimal: countPerWrite(counters.minimal) };

  console.log(`Settings: ${settings.map(({ name, setting }) => `${name} ${setting}`).join(", ")}\n`);
  console.log(
    markdownTable(
      ["side", "writes/s, median", "lowest", "highest", "p50 ms", "p99 ms", "refused"],
      shown.map((one) => {
        const { median, min, max } = one.writesPerSecond;
        return [`(${one.side}) ${one.name}`, round(median), round(min), round(max), one.p50Ms, one.p99Ms, one.refused];
      }),
    ),
  );
  console.log(
    `\nRatios of the medians: ${Object.entries(ratios)
      .map(([name, value]) => `${name} ${value}`)
      .join(", ")}\n`,
  );
  if (counterPasses > 0) {
    const part = (name: "commits" | "walSyncs" | "walBytes"): (string | number)[] => [
      perWrite.api[name],
      perWrite.minimal[name],
      Number((perWrite.api[name] / perWrite.minimal[name]).toFixed(3)),
    ];
    console.log(
      markdownTable(
        ["for each accepted write", "(a)", "(c)", "(a) of (c)"],
        [
          ["commits", ...part("commits")],
          ["WAL syncs", ...part("walSyncs")],
          ["WAL bytes", ...part("walBytes")],
        ],
      ),
    );
  }
  console.log(`\n${JSON.stringify({ options: values, settings, sides: shown, ratios, counters, perWrite })}`);
}

/** Medians over the passes. */
function countPerWrite(passes: readonly CounterPass[]): Record<"commits" | "walSyncs" | "walBytes", number> {
  const median = (name: "commits" | "walSyncs" | "walBytes"): number =>
    Number(
      percentile(
        passes.map((pass) => pass[name] / pass.accepted),
        50,
      ).toPrecision(3),
    );
  return { commits: median("commits"), walSyncs: median("walSyncs"), walBytes: median("walBytes") };
}
