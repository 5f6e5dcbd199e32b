/**
 * `npm run bench:reconcile`: 100,000 memories compared with their points, in PostgreSQL (pgvector) and in the Qdrant
 * stand-in, by `engram reconcile` in a process of its own. Rows/s beside a plain scroll of both sides in turn with it,
 * bytes per row over the wire, the highest resident set (goal: 200 MB). Then 1% of each kind of difference: all are found,
 * the workers mend them, and the next run finds none. Exits with 1 when one of that does not come true.
 *
 * Options: --memories 100000 --rounds 3
 */
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createTestDatabase, startPostgres, startQdrant } from "@engram/test-equipment";
import pg from "pg";
import { countBytes } from "./counting-proxy.ts";
import { scratch, serviceEnvironment, startScript, startService } from "./processes.ts";
import { pgvectorIndex, qdrantIndex, type BenchIndex, type Row } from "./reconcile-index.ts";
import { createRandom, makeStatement } from "./sentences.ts";
import { markdownTable, round, summarize } from "./statistics.ts";
import { until } from "./until.ts";

const { values } = parseArgs({
  options: { memories: { type: "string", default: "100000" }, rounds: { type: "string", default: "3" } },
});
const memories = Number(values.memories);

const SEED = 20_261_125;
const USERS = 1_000;
const INSERT_CHUNK = 5_000;
/** As the job's own. */
const PAGE_SIZE = 1_000;
const RSS_GOAL_MB = 200;
const PLANTED_SHARE = 0.01;
/** Small, because reconcile reads no vectors and the stand-in takes them as JSON; pgvector has its rows as wide as they are. */
const QDRANT_DIMS = 16;
const OFFLINE_DIMS = 512;
const MODEL = "text-embedding-3-small";

interface Report {
  readonly seconds: number;
  readonly targets: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

const postgres = await startPostgres();
const qdrant = await startQdrant();
const openai = await startScript("./openai.ts");
const rowsOfTable: (string | number)[][] = [];
const faults: string[] = [];

await measure("pgvector", {}, (db) =>
  pgvectorIndex(db, `engram.mem0_memories__offline_lexical_v1__${OFFLINE_DIMS}`, OFFLINE_DIMS),
);
await measure(
  qdrant.isStandIn ? "Qdrant stand-in" : "Qdrant",
  {
    QDRANT_URL: qdrant.url,
    OPENAI_BASE_URL: openai.url,
    EMBEDDING_DIMENSIONS: String(QDRANT_DIMS),
    MEM0_COLLECTION_NAME: `bench_${Date.now()}`,
  },
  (_db, env) =>
    qdrantIndex(
      qdrant.url,
      `${env["MEM0_COLLECTION_NAME"]}__${MODEL.replaceAll("-", "_")}__${QDRANT_DIMS}`,
      QDRANT_DIMS,
    ),
);
console.log(
  markdownTable(
    [
      "index",
      "compared, rows/s",
      "plain scroll of both, rows/s",
      "share",
      "bytes/row, rows",
      "bytes/row, points",
      "highest RSS, MB",
    ],
    rowsOfTable,
  ),
);
console.log(
  faults.length === 0 ? "\nAll planted differences were found and mended" : `\nFAULTS: ${faults.join(" | ")}`,
);
process.exit(faults.length === 0 ? 0 : 1);

async function measure(
  name: string,
  given: Readonly<Record<string, string>>,
  open: (db: pg.Client, env: Readonly<Record<string, string>>) => BenchIndex,
): Promise<void> {
  const database = await createTestDatabase(postgres.url);
  const env = { DATABASE_URL: database.url, RECONCILE_EVERY_HOURS: "0", ...given };
  const db = new pg.Client({ connectionString: database.url });
  await db.connect();
  const number = async (statement: string): Promise<number> =>
    (await db.query<{ n: number }>(statement)).rows[0]?.n ?? 0;

  const first = await startService("worker", env);
  await until("the index", async () => {
    // Until it has migrated there is no such table.
    const known = number("SELECT count(*)::int AS n FROM engram.index_targets WHERE model IS NOT NULL");
    return (await known.catch(() => 0)) === 1;
  });
  await first.stop();
  const rows = await insertRows(db);
  const index = open(db, env);
  await index.fill(rows);
  await db.query("DELETE FROM engram.outbox WHERE topic <> 'schedule'");
  await db.query("VACUUM ANALYZE");
  console.error(`${name}: ${rows.length} rows and points stand`);

  const compared: number[] = [];
  const plain: number[] = [];
  let highestRss = 0;
  for (let turn = 0; turn < Number(values.rounds); turn++) {
    const { report, rss } = await reconcile(env);
    expectCounts(name, report, { rows: rows.length, points: rows.length });
    compared.push(rows.length / report.seconds);
    plain.push(rows.length / (await scrollBoth(database.url, index)));
    highestRss = Math.max(highestRss, rss);
    console.error(
      `${name}: ${round(compared.at(-1) ?? 0)} rows/s, plain ${round(plain.at(-1) ?? 0)}, ${round(rss)} MB`,
    );
  }

  const [rowsProxy, pointsProxy] = [await countBytes(database.url), await countBytes(qdrant.url)];
  await reconcile({
    ...env,
    DATABASE_URL: rowsProxy.url,
    ...(given["QDRANT_URL"] === undefined ? {} : { QDRANT_URL: pointsProxy.url }),
  });
  const bytes = [rowsProxy.take() / rows.length, pointsProxy.take() / rows.length];
  rowsProxy.close();
  pointsProxy.close();

  await plantAndMend(name, index, rows, env, () =>
    number("SELECT count(*)::int AS n FROM engram.outbox WHERE topic <> 'schedule'"),
  );
  await db.end();
  const [median, limit] = [summarize(compared).median, summarize(plain).median];
  const inTruth = given["QDRANT_URL"] === undefined;
  rowsOfTable.push([
    name,
    Math.round(median),
    Math.round(limit),
    round(median / limit),
    Math.round(bytes[0] ?? 0),
    inTruth ? "in the same" : Math.round(bytes[1] ?? 0),
    Math.round(highestRss),
  ]);
  if (highestRss > RSS_GOAL_MB) faults.push(`${name}: ${round(highestRss)} MB, at most ${RSS_GOAL_MB} were wanted`);
}

async function insertRows(db: pg.Client): Promise<readonly Row[]> {
  const random = createRandom(SEED);
  const rows: Row[] = [];
  for (let from = 0; from < memories; from += INSERT_CHUNK) {
    const numbers = Array.from({ length: Math.min(INSERT_CHUNK, memories - from) }, (_, i) => from + i);
    const { rows: made } = await db.query<{ id: string; version: string; user_id: string; content: string }>(
      "INSERT INTO memories (user_id, content) SELECT * FROM unnest($1::text[], $2::text[]) RETURNING id, version, user_id, content",
      [numbers.map((n) => `user-${n % USERS}`), numbers.map((n) => makeStatement(n, random).content)],
    );
    rows.push(...made.map((row) => ({ ...row, userId: row.user_id, version: Number(row.version) })));
  }
  return rows;
}

/** The limit: both sides read page by page at once, with what a comparison needs of them, and nothing done with it. */
async function scrollBoth(databaseUrl: string, index: BenchIndex): Promise<number> {
  const began = performance.now();
  const own = new pg.Client({ connectionString: databaseUrl });
  await own.connect();
  const scrollRows = async (): Promise<number> => {
    let rows = 0;
    for (let after = "00000000-0000-0000-0000-000000000000"; ;) {
      const page = await own.query<{ id: string }>(
        `SELECT id, version, project_id, user_id, agent_id, encode(substring(sha256(convert_to(content, 'UTF8')) FOR 8), 'hex') AS hash
         FROM memories WHERE id > $1::uuid ORDER BY id LIMIT ${PAGE_SIZE}`,
        [after],
      );
      rows += page.rows.length;
      after = page.rows.at(-1)?.id ?? after;
      if (page.rows.length < PAGE_SIZE) return rows;
    }
  };
  const [rows, points] = await Promise.all([scrollRows(), index.scroll(PAGE_SIZE)]);
  await own.end();
  if (rows !== points) throw new Error(`scrolled ${rows} rows and ${points} points`);
  return (performance.now() - began) / 1000;
}

/** `engram reconcile --json` from the build; no worker runs, so it compares by itself. The resident set in MB. */
async function reconcile(
  env: Readonly<Record<string, string>>,
  options: readonly string[] = [],
): Promise<{ report: Report; rss: number; code: number | null }> {
  const main = fileURLToPath(new URL("../../packages/cli/dist/main.js", import.meta.url));
  const child = spawn(process.execPath, [main, "reconcile", "--json", ...options], {
    cwd: scratch,
    env: { PATH: process.env["PATH"], ...serviceEnvironment(), ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  let rss = 0;
  const sampling = setInterval(() => {
    void readHighestRss(child.pid).then((highest) => {
      rss = Math.max(rss, highest);
      return rss;
    });
  }, 50);
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  clearInterval(sampling);
  if (output === "") throw new Error(`engram reconcile gave nothing (exit code ${code})`);
  return { report: JSON.parse(output) as Report, rss, code };
}

/** In MB; 0 once the process is gone. */
async function readHighestRss(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024e-6;
}

async function plantAndMend(
  name: string,
  index: BenchIndex,
  rows: readonly Row[],
  env: Readonly<Record<string, string>>,
  countWork: () => Promise<number>,
): Promise<void> {
  const each = Math.floor(rows.length * PLANTED_SHARE);
  const planted: Record<string, number> = {};
  for (const [i, kind] of index.kinds.entries()) {
    // Spread over all of them, no row twice.
    const ids = Array.from({ length: each }, (_, n) => rows[n * Math.floor(1 / PLANTED_SHARE) + i]?.id ?? "");
    await index.spoil(kind, ids);
    planted[kind] = each;
  }
  const told = await reconcile(env, ["--dry-run"]);
  expectCounts(name, told.report, { ...planted, touched: 0 });
  if (told.code !== 2) faults.push(`${name}: a dry run with differences ended with ${told.code}`);
  const handed = await reconcile(env);
  expectCounts(name, handed.report, { ...planted, touched: each * index.kinds.length });
  const worker = await startService("worker", env);
  const seconds = await until("the work to be done", async () => (await countWork()) === 0);
  console.error(`${name}: ${each * index.kinds.length} differences mended ${round(seconds)} s after the worker was up`);
  const after = await reconcile(env);
  expectCounts(name, after.report, {
    rows: rows.length,
    points: rows.length,
    ...Object.fromEntries(index.kinds.map((kind) => [kind, 0])),
    touched: 0,
    pending: 0,
  });
  await worker.stop();
}

function expectCounts(name: string, { targets }: Report, expected: Readonly<Record<string, number>>): void {
  for (const [what, count] of Object.entries(expected))
    if (targets["main"]?.[what] !== count) faults.push(`${name}: ${what} is ${targets["main"]?.[what]}, not ${count}`);
}
