/**
 * `npm run bench:searchable`: how long an acknowledged write takes until it is found by meaning, with a provider that takes
 * 200 ms a call: 50 writes/s of many users, first alone, then with another user's backlog of 20,000 single writes ahead
 * of them. The backlog's batches are counted in the database: how many of them a worker claims between a row's due time
 * and its own claim (goal: at most 2), while p95 of the first part is to be at most 1 s. PostgreSQL with pgvector, one API,
 * one worker. Exits with 1 when a goal is missed.
 *
 * Options: --seconds 60 --rate 50 --backlog 20000 --delay 200
 */
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { createTestDatabase, openAIControl, startPostgres } from "@engram/test-equipment";
import pg from "pg";
import { KEY } from "./connection.ts";
import { toUuid } from "./memory-id.ts";
import { pace } from "./pace.ts";
import { startScript, startService } from "./processes.ts";
import { percentile, round } from "./statistics.ts";
import { until } from "./until.ts";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    rate: { type: "string", default: "50" },
    backlog: { type: "string", default: "20000" },
    delay: { type: "string", default: "200" },
  },
});
const USERS = 40;
const GOAL_P95_SECONDS = 1;
const GOAL_BATCHES = 2;

const postgres = await startPostgres();
const openai = await startScript("./openai.ts");
const database = await createTestDatabase(postgres.url);
const env = {
  DATABASE_URL: database.url,
  OPENAI_BASE_URL: openai.url,
  OPENAI_API_KEY: "sk-bench",
  EMBEDDING_MODEL: "all-MiniLM-L6-v2",
};
const api = await startService("api", env);
const worker = await startService("worker", env);
const db = new pg.Client({ connectionString: database.url });
await db.connect();
await openAIControl(openai.url).fault({ delay_ms: Number(values.delay) });

const faults: string[] = [];
let number = 0;

await run(3); // warm
const alone = await run(Number(values.seconds));

await watchClaims();
await db.query(
  "INSERT INTO memories (user_id, content) SELECT 'glutton', 'Запись из очереди ' || n FROM generate_series(1, $1::int) n",
  [values.backlog],
);
// As if written one by one: in the lane of single writes, so that fairness and not the lane decides.
await db.query("UPDATE engram.outbox SET lane = 0");
const behind = await run(Math.min(30, Number(values.seconds)));
const batches = await batchesAhead();

for (const [name, seconds] of [
  ["alone", alone],
  ["behind the backlog", behind],
] as const)
  console.log(
    `${name}: ${seconds.length} writes, acknowledged to in the index p50 ${round(percentile(seconds, 50))} s, p95 ${round(percentile(seconds, 95))} s, p99 ${round(percentile(seconds, 99))} s`,
  );
console.log(
  `batches of the backlog that the worker claimed between a row's due time and its claim: p50 ${percentile(batches, 50)}, highest ${Math.max(...batches)} (${batches.length} rows)`,
);
if (percentile(alone, 95) > GOAL_P95_SECONDS) faults.push(`p95 is over ${GOAL_P95_SECONDS} s`);
if (Math.max(...batches) > GOAL_BATCHES) faults.push(`more than ${GOAL_BATCHES} batches ahead`);
for (const fault of new Set(faults)) console.log(`MISSED: ${fault}`);
await worker.stop();
await api.stop();
await db.end();
process.exit(faults.length === 0 ? 0 : 1);

/** Writes at the rate; gives for each the seconds from its answer to its being in the index, to 10 ms. */
async function run(seconds: number): Promise<readonly number[]> {
  const samples: number[] = [];
  const open = new Map<string, number>();
  const stopping = new AbortController();
  const pacing = { stop: stopping.signal, onError: (error: unknown) => void faults.push(String(error)) };
  const look = async (): Promise<void> => {
    const ids = [...open.keys()];
    if (ids.length === 0) return;
    const { rows } = await db.query<{ id: string }>(
      "SELECT id FROM unnest($1::uuid[]) id WHERE engram.index_status(id) = 'indexed'",
      [ids],
    );
    const now = performance.now();
    for (const { id } of rows) {
      samples.push((now - (open.get(id) ?? now)) / 1000);
      open.delete(id);
    }
  };
  const writing = pace(Number(values.rate), () => write(open), pacing);
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    await look();
    await sleep(10);
  }
  stopping.abort();
  await writing;
  await until("the last writes to be in the index", async () => (await look(), open.size === 0), { pollMs: 10 });
  return samples;
}

async function write(open: Map<string, number>): Promise<void> {
  const n = number++;
  const answer = await fetch(`${api.url}/api/memories`, {
    method: "POST",
    headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
    body: JSON.stringify({ user_id: `user-${n % USERS}`, content: `Пользователь записал номер ${n}` }),
  });
  const { id } = (await answer.json()) as { id?: string };
  if (answer.status !== 201 || id === undefined) faults.push(`a write was answered ${answer.status}`);
  else open.set(toUuid(id), performance.now());
}

/** From now on the database keeps a line for every claimed row: whose it is, when it was due, in which batch. */
async function watchClaims(): Promise<void> {
  await db.query(`CREATE TABLE claims (key uuid, fair int, due_at timestamptz, lease uuid, at timestamptz);
    CREATE FUNCTION watch_claims() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN INSERT INTO claims VALUES (NEW.key, NEW.fair, OLD.due_at, NEW.lease, clock_timestamp()); RETURN NULL; END $$;
    CREATE TRIGGER watch_claims AFTER UPDATE ON engram.outbox FOR EACH ROW
      WHEN (NEW.lease IS NOT NULL AND NEW.lease IS DISTINCT FROM OLD.lease) EXECUTE FUNCTION watch_claims()`);
}

/** For each row that is not the backlog's: the batches with rows of the backlog that were claimed after it was due, before its own. */
async function batchesAhead(): Promise<readonly number[]> {
  const { rows } = await db.query<{ n: number }>(
    `WITH batch AS (SELECT lease, min(at) AS at, bool_or(fair = hashtext($1 || 'glutton')) AS greedy FROM claims GROUP BY lease)
     SELECT (SELECT count(*)::int FROM batch b WHERE b.greedy AND b.lease <> c.lease AND b.at > c.due_at AND b.at < c.at) AS n
     FROM claims c WHERE c.fair <> hashtext($1 || 'glutton')`,
    ["00000000-0000-7000-8000-000000000001"],
  );
  return rows.map((row) => row.n);
}
