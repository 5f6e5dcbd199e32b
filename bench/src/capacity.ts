/**
 * `npm run bench:capacity`: what memories take on disk in PostgreSQL with pgvector, measured: rows, their indexes, history and
 * vectors, each after VACUUM, and an HNSW index over the vectors, built here where Engram has not made one. From that, what a
 * database of 500 MB holds.
 *
 * Options: --rows 10000,100000 --dimensions 384,1536 --free 500 (MB)
 */
import { parseArgs } from "node:util";
import { createTestDatabase, startOwnPostgres } from "@engram/test-equipment";
import pg from "pg";
import { Connection } from "./connection.ts";
import { startScript, startService } from "./processes.ts";
import { createRandom, makeStatement } from "./sentences.ts";
import { markdownTable, round } from "./statistics.ts";
import { until } from "./until.ts";
import { findVectorsTable } from "./vectors-table.ts";

const { values } = parseArgs({
  options: {
    rows: { type: "string", default: "10000,100000" },
    dimensions: { type: "string", default: "384,1536" },
    free: { type: "string", default: "500" },
  },
});

const MEGABYTE = 1_000_000;
const USERS = 100;
const BULK_SIZE = 500;

interface Sizes {
  readonly rows: number;
  readonly dimensions: number;
  /** Of a content, the middle of the run's, in bytes of UTF-8. */
  readonly contentBytes: number;
  /** In bytes, of the whole database before the first memory, and of each part. */
  readonly empty: number;
  readonly memories: number;
  readonly memoryIndexes: number;
  readonly history: number;
  readonly rest: number;
  readonly vectors: number;
  readonly hnsw: number;
}

const postgres = await startOwnPostgres({ settings: { maintenance_work_mem: "2GB", max_wal_size: "4GB" } });
const openai = await startScript("./openai.ts");
const measured: Sizes[] = [];
for (const dimensions of values.dimensions.split(",").map(Number)) {
  for (const rows of values.rows.split(",").map(Number)) {
    measured.push(await measure(rows, dimensions));
    console.error(`${rows} memories of ${dimensions} numbers: done`);
  }
}
report();
await openai.stop();
await postgres.stop();
process.exit(0);

async function measure(rows: number, dimensions: number): Promise<Sizes> {
  const database = await createTestDatabase(postgres.url);
  const service = await startService("all-in-one", {
    DATABASE_URL: database.url,
    OPENAI_BASE_URL: openai.url,
    OPENAI_API_KEY: "sk-bench",
    EMBEDDING_DIMENSIONS: String(dimensions),
    BACKLOG_BULK_LIMIT: "1000000",
  });
  const db = new pg.Client({ connectionString: database.url });
  await db.connect();
  const number = async (sql: string): Promise<number> =>
    Number((await db.query<{ n: string }>(`SELECT (${sql})::bigint AS n`)).rows[0]?.n ?? 0);
  const empty = await number("pg_database_size(current_database())");

  const connection = await Connection.open(service.url);
  const random = createRandom(1);
  for (let from = 0; from < rows; from += BULK_SIZE) {
    const memories = Array.from({ length: Math.min(BULK_SIZE, rows - from) }, (_, n) => {
      const { content, type } = makeStatement(from + n, random);
      return { user_id: `user-${(from + n) % USERS}`, content, type };
    });
    const body = JSON.stringify({ memories });
    const { status, body: answer } = await connection.ask({ method: "POST", path: "/api/memories/bulk", body });
    if (status !== 200) throw new Error(`bulk: ${status} ${answer.toString("utf8").slice(0, 200)}`);
  }
  connection.close();
  await until(
    "the index",
    async () => (await number("SELECT count(*) FROM engram.outbox WHERE topic LIKE 'index:%'")) === 0,
  );
  await service.stop();

  // What the outbox had is free again; the free space of the others is what they had in the making.
  await db.query("VACUUM (FULL, ANALYZE) engram.outbox");
  await db.query("VACUUM ANALYZE");
  const table = await findVectorsTable(db);
  let hnsw = await number(hnswOf(table));
  // Its table alone is then what is left of it.
  const vectors = (await number(`pg_total_relation_size('${table}')`)) - hnsw;
  const parts = {
    rows,
    dimensions,
    contentBytes: await number(
      "SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY octet_length(content)) FROM public.memories",
    ),
    empty,
    memories: await number("pg_table_size('public.memories')"),
    memoryIndexes: await number("pg_indexes_size('public.memories')"),
    history: await number("pg_total_relation_size('engram.history')"),
    rest:
      (await number("pg_database_size(current_database())")) -
      empty -
      (await number(`pg_total_relation_size('public.memories') + pg_total_relation_size('engram.history')`)) -
      vectors -
      hnsw,
    vectors,
  };
  if (hnsw === 0) {
    await db.query(`CREATE INDEX bench_hnsw ON ${table} USING hnsw (embedding vector_cosine_ops)`);
    hnsw = await number(hnswOf(table));
  }
  await db.end();
  await database.drop();
  return { ...parts, hnsw };
}

function hnswOf(table: string): string {
  return `SELECT coalesce(sum(pg_relation_size(c.oid)), 0) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    JOIN pg_am a ON a.oid = c.relam WHERE i.indrelid = '${table}'::regclass AND a.amname = 'hnsw'`;
}

function report(): void {
  const each = (bytes: number, { rows }: Sizes): number => Math.round(bytes / rows);
  const sum = (one: Sizes): number => one.memories + one.memoryIndexes + one.history + one.rest + one.vectors;
  console.log(
    markdownTable(
      ["memories", "numbers", "content", "row", "its indexes", "history", "other", "vector", "sum", "HNSW on top"],
      measured.map((one) => [
        one.rows,
        one.dimensions,
        one.contentBytes,
        ...[one.memories, one.memoryIndexes, one.history, one.rest, one.vectors, sum(one), one.hnsw].map((bytes) =>
          each(bytes, one),
        ),
      ]),
    ),
  );
  console.log("\nBytes for each memory; content: the median, in UTF-8.\n");
  const room = Number(values.free) * MEGABYTE;
  const holds = (one: Sizes, more: number): number => Math.floor((room - one.empty) / ((sum(one) + more) / one.rows));
  console.log(
    markdownTable(
      [`a database of ${values.free} MB holds`, "numbers", "memories", "with HNSW"],
      measured.map((one) => [`by the run of ${one.rows}`, one.dimensions, holds(one, 0), holds(one, one.hnsw)]),
    ),
  );
  console.log(`\nBefore the first memory it has ${round((measured[0]?.empty ?? 0) / MEGABYTE)} MB.`);
  console.log(`\n${JSON.stringify({ options: values, measured })}`);
}
