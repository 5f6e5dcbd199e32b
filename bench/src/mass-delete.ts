/**
 * `npm run bench:mass-delete`: the guide's clean-up in psql at its worst: `DELETE FROM memories WHERE created_at < …` of
 * 100,000 rows. How long the statement takes, beside the same one on a table without triggers, and how long until every
 * vector is gone (goal: 15 s), with vectors in PostgreSQL and in the Qdrant stand-in. Exits with 1 when a goal is missed.
 *
 * Options: --memories 100000
 */
import { parseArgs } from "node:util";
import { createTestDatabase, startPostgres, startQdrant, startRedis } from "@engram/test-equipment";
import pg from "pg";
import { startService, type Service } from "./processes.ts";
import { round } from "./statistics.ts";
import { until } from "./until.ts";

const { values } = parseArgs({ options: { memories: { type: "string", default: "100000" } } });
const memories = Number(values.memories);

const USERS = 100;
const GOAL_SECONDS = 15;
const WORKERS = 2;
/** What embeds without a provider: the vectors themselves do not matter here. */
const COLLECTION = "mem0_memories__offline_lexical_v1__512";

const postgres = await startPostgres();
const redis = await startRedis();
const qdrant = await startQdrant();
let missed = false;

for (const vectors of ["PostgreSQL", "Qdrant stand-in"] as const) {
  const database = await createTestDatabase(postgres.url);
  const env = {
    DATABASE_URL: database.url,
    REDIS_URL: redis.url,
    ...(vectors === "PostgreSQL" ? {} : { QDRANT_URL: qdrant.url }),
  };
  const workers: Service[] = [];
  for (let n = 0; n < WORKERS; n++) workers.push(await startService("worker", env));
  const db = new pg.Client({ connectionString: database.url });
  await db.connect();
  const number = async (statement: string): Promise<number> =>
    (await db.query<{ n: number }>(statement)).rows[0]?.n ?? 0;
  const work = () => number("SELECT count(*)::int AS n FROM engram.outbox WHERE topic LIKE 'index:%'");
  const points = async (): Promise<number> => {
    if (vectors === "PostgreSQL") return number(`SELECT count(*)::int AS n FROM engram.${COLLECTION}`);
    const answer = await fetch(`${qdrant.url}/collections/${COLLECTION}/points/count`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"exact":false}',
    });
    return ((await answer.json()) as { result: { count: number } }).result.count;
  };

  await until(
    "the index",
    async () => (await number("SELECT count(*)::int AS n FROM engram.index_targets WHERE model IS NOT NULL")) === 1,
  );
  await db.query(
    "INSERT INTO memories (user_id, content) SELECT 'user-' || n % $1::int, 'Запись номер ' || n FROM generate_series(1, $2::int) n",
    [USERS, memories],
  );
  const indexed = await until("everything to be in the index", async () => (await work()) === 0, { pollMs: 1_000 });
  const before = await points();

  await db.query("CREATE TABLE plain AS SELECT id, user_id, content, created_at FROM memories");
  const plain = await timed(() => db.query("DELETE FROM plain WHERE created_at < now()"));
  const statement = await timed(() => db.query("DELETE FROM memories WHERE created_at < now()"));
  const began = performance.now();
  await until("every vector to be gone", async () => (await points()) === 0);
  const gone = (performance.now() - began) / 1000;
  await until("the work to be done", async () => (await work()) === 0);
  const done = (performance.now() - began) / 1000;
  console.log(
    `${vectors}: ${before} vectors, indexed in ${round(indexed)} s; the statement ${round(statement)} s (a table without triggers and indexes ${round(plain)} s); vectors gone ${round(gone)} s after it, work done after ${round(done)} s`,
  );
  missed ||= gone > GOAL_SECONDS;
  for (const worker of workers) await worker.stop();
  await db.end();
}
process.exit(missed ? 1 : 0);

async function timed(run: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await run();
  return (performance.now() - started) / 1000;
}
