/**
 * `npm run bench:big-user-vectors`: what the nearest 200 of one owner's vectors cost by an exact scan and by walking the graph
 * of the table that the owner has a share of, and how many of them the walk finds. In SQL alone, over vectors that are mixed of
 * a few thousand clustered ones, as texts are of topics. Processor time is that of PostgreSQL's process, so that a busy machine
 * does not matter; it needs Linux.
 *
 * Options: --vectors 300000 --queries 30 --walks 800,2000,6000
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import pg from "pg";
import { createTestDatabase, startPostgres } from "@engram/test-equipment";
import { markdownTable, round } from "./statistics.ts";

const { values } = parseArgs({
  options: {
    vectors: { type: "string", default: "300000" },
    queries: { type: "string", default: "30" },
    walks: { type: "string", default: "800,2000,6000" },
  },
});
const DIMS = 384;
const WANTED = 200;
/** Of a hundred rows, so many in turn are an owner's. */
const OWNERS = { most: 64, third: 30, twentieth: 5, hundredth: 1 };
/** The kernel counts a process's time in these (`getconf CLK_TCK`). */
const TICK_MS = 10;

const postgres = await startPostgres({
  // One process, so that its time is all of it.
  settings: { shared_buffers: "256MB", work_mem: "16MB", jit: "off", max_parallel_workers_per_gather: "0" },
});
const { url } = await createTestDatabase(postgres.url);
const db = new pg.Client({ connectionString: url });
await db.connect();
const { rows: backends } = await db.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
const pid = backends[0]?.pid ?? 0;
await load();

const { rows: asked } = await db.query<{ v: string }>("SELECT v::text AS v FROM question ORDER BY n");
const rows: (string | number)[][] = [];
for (const [owner, share] of Object.entries({ all: 100, ...OWNERS })) {
  const isTheirs = owner === "all" ? "m.owner <> $2::text" : "m.owner = $2::text";
  const exact = await run(
    `SELECT v.id FROM memory m JOIN vectors v ON v.id = m.id WHERE ${isTheirs} ORDER BY (v.embedding <=> $1::vector) + 0 LIMIT ${WANTED}`,
    owner,
  );
  rows.push([share, (Number(values.vectors) * share) / 100, "exact scan", exact.cpuMs, 1, 1, 0]);
  for (const walk of values.walks.split(",").map(Number)) {
    const { cpuMs, lists } = await run(
      `WITH setting AS MATERIALIZED (SELECT set_config('hnsw.iterative_scan', 'relaxed_order', true) || set_config('hnsw.ef_search', '200', true) AS done)
       SELECT near.id FROM setting CROSS JOIN LATERAL (SELECT v.id, v.embedding <=> $1::vector AS distance FROM vectors v
           WHERE setting.done IS NOT NULL ORDER BY v.embedding <=> $1::vector LIMIT ${walk}) near
         CROSS JOIN LATERAL (SELECT FROM memory m WHERE m.id = near.id AND ${isTheirs} OFFSET 0) m ORDER BY near.distance LIMIT ${WANTED}`,
      owner,
    );
    const short = lists.filter((ids) => ids.length < WANTED).length;
    const recalls = [10, WANTED].map((k) => recallAt(k, exact.lists, lists));
    rows.push([share, (Number(values.vectors) * share) / 100, `walk of ${walk}`, cpuMs, ...recalls, short]);
  }
}
console.log(markdownTable(["share, %", "vectors", "by", "CPU ms", "recall@10", `@${WANTED}`, "not filled"], rows));
await db.end();
await postgres.stop();
process.exit(0);

async function load(): Promise<void> {
  const random = `(SELECT array_agg(random_normal() / sqrt(${DIMS})) FROM generate_series(1, ${DIMS}) WHERE n >= 0)::vector`;
  const mixed = `l2_normalize(a.v + b.half + c.third - d.third) AS embedding`;
  const from = (n: string): string =>
    `JOIN base a ON a.n = hashint4(${n}) & 4095 JOIN base b ON b.n = hashint4(${n} + 1000000) & 4095 JOIN base c ON c.n = hashint4(${n} + 2000000) & 4095 JOIN base d ON d.n = hashint4(${n} + 3000000) & 4095`;
  const owners = Object.entries(OWNERS).flatMap(([owner, share]) => new Array<string>(share).fill(owner));
  const started = performance.now();
  await db.query(`CREATE EXTENSION IF NOT EXISTS vector;
    CREATE TABLE topic AS SELECT n, ${random} AS v FROM generate_series(0, 63) n;
    CREATE TABLE single AS SELECT n, ${random} AS v FROM generate_series(0, 4095) n;
    CREATE TABLE base AS SELECT s.n, l2_normalize(t.v + s.v) AS v FROM single s JOIN topic t ON t.n = s.n % 64;
    ALTER TABLE base ADD COLUMN half vector(${DIMS}), ADD COLUMN third vector(${DIMS});
    UPDATE base SET half = v * array_fill(0.5, ARRAY[${DIMS}])::vector, third = v * array_fill(0.3, ARRAY[${DIMS}])::vector;
    CREATE UNIQUE INDEX ON base (n); ANALYZE base;
    CREATE TABLE question AS SELECT q.n, ${mixed} FROM generate_series(-${values.queries}, -1) q (n) ${from("q.n")};
    ALTER TABLE question RENAME COLUMN embedding TO v;
    CREATE TABLE memory AS SELECT n AS id, (ARRAY['${owners.join("','")}'])[1 + n * 37 % 100] AS owner FROM generate_series(1, ${values.vectors}) n;
    CREATE TABLE vectors AS SELECT m.id, ${mixed} FROM memory m ${from("m.id")};
    ALTER TABLE vectors ALTER COLUMN embedding TYPE vector(${DIMS});
    ALTER TABLE memory ADD PRIMARY KEY (id); CREATE INDEX ON memory (owner); ALTER TABLE vectors ADD PRIMARY KEY (id);
    SET maintenance_work_mem = '1GB'; CREATE INDEX ON vectors USING hnsw (embedding vector_cosine_ops) WITH (m = 8, ef_construction = 32);`);
  await db.query("VACUUM ANALYZE memory");
  await db.query("VACUUM ANALYZE vectors");
  console.error(`loaded in ${round((performance.now() - started) / 1000)} s`);
}

/** All questions, after one to warm up; processor time of each. */
async function run(sql: string, owner: string) {
  const lists: number[][] = [];
  await db.query(sql, [asked[0]?.v, owner]);
  const before = cpuMsOf(pid);
  for (const { v } of asked) lists.push((await db.query<{ id: number }>(sql, [v, owner])).rows.map(({ id }) => id));
  return { lists, cpuMs: round((cpuMsOf(pid) - before) / asked.length) };
}

function cpuMsOf(process: number): number {
  const [, rest = ""] = readFileSync(`/proc/${process}/stat`, "utf8").split(") ");
  const fields = rest.split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

function recallAt(k: number, exact: readonly number[][], found: readonly number[][]): number {
  const hits = exact.flatMap((ids, at) => ids.slice(0, k).filter((id) => found[at]?.includes(id)));
  return round(hits.length / (k * exact.length));
}
