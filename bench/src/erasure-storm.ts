/**
 * `npm run storm:erasure`: people erased under load, and nothing of them found afterwards. Twenty users write through the
 * API; PostgreSQL, Redis, the Qdrant stand-in, two APIs, two workers; lease and horizon of a few seconds. Five are erased:
 *
 * - late:    a worker's upsert of theirs is held on its way to the index, the worker is stopped (SIGSTOP) across the
 *            erasure and past its lease, and woken; then the upsert lands.
 * - asleep:  a worker is stopped while it waits for their embedding, past lease and horizon, and woken.
 * - killed:  the API dies (kill -9) in the middle of the request, and a worker just after it was answered.
 * - back:    goes on writing across the erasure: what was acknowledged before it is gone, what was sent after it stays.
 * - quiet:   an ordinary erasure.
 *
 * From each 202 on, searches, lists, reads and histories are asked for whatever was known of them. At the end both stores
 * are asked directly, and the others must have exactly what they wrote, vectors included. Exits with 1 when they do not.
 *
 * Options: --seed N --users 20 --rate 3 (writes a second of each)
 */
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { createTestDatabase, startPostgres, startQdrant, startRedis } from "@engram/test-equipment";
import pg from "pg";
import { call, startWriter, type Answer, type Writer } from "./erasure-client.ts";
import { NOTHING, Stores, tenantOf } from "./erasure-stores.ts";
import { openGate } from "./gate.ts";
import { startScript, startService, type Service } from "./processes.ts";
import { createRandom } from "./sentences.ts";
import { round } from "./statistics.ts";
import { until } from "./until.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: String(Date.now() % 100_000) },
    users: { type: "string", default: "20" },
    rate: { type: "string", default: "3" },
  },
});
const LEASE_SECONDS = 4;
const HORIZON_SECONDS = 6;
const WARM_SECONDS = 5;
/** Memories of the one whose erasure is to be met in the middle. */
const MANY = 2_000;
/** Erasures end a horizon after the last doubt; this is for a machine that is busy. */
const DONE_TIMEOUT_MS = 90_000;
/** The last of what might still land. */
const SETTLE_MS = 2_000;
const WATCH_EVERY_MS = 300;

const began = performance.now();
const violations: string[] = [];
const random = createRandom(Number(values.seed));
tell(`seed ${values.seed}`);

const [postgres, redis, qdrant] = [await startPostgres(), await startRedis(), await startQdrant()];
const openai = await startScript("./openai.ts");
const database = await createTestDatabase(postgres.url);
// Only the second worker's way to the index and to the provider can be held up.
const [indexGate, providerGate] = [await openGate(qdrant.url), await openGate(openai.url)];
const env = {
  DATABASE_URL: database.url,
  REDIS_URL: redis.url,
  QDRANT_URL: qdrant.url,
  OPENAI_BASE_URL: openai.url,
  OPENAI_API_KEY: "sk-bench",
  EMBEDDING_MODEL: "all-MiniLM-L6-v2",
  OUTBOX_LEASE_SECONDS: String(LEASE_SECONDS),
  OUTBOX_HORIZON_SECONDS: String(HORIZON_SECONDS),
};
const gated = { ...env, QDRANT_URL: indexGate.url, OPENAI_BASE_URL: providerGate.url };
const [api, mortalApi] = await Promise.all([startService("api", env), startService("api", env)]);
const [worker, gatedWorker] = await Promise.all([startService("worker", env), startService("worker", gated)]);
const db = new pg.Client({ connectionString: database.url });
await db.connect();
await until(
  "the index",
  async () => (await db.query("SELECT 1 FROM engram.index_targets WHERE model IS NOT NULL")).rowCount === 1,
);
const stores = new Stores(db, qdrant.url);

const perSecond = Number(values.rate);
const write = (userId: string): Writer => startWriter(api.url, { userId, perSecond, random });
const [victims, others] = [
  ["late", "asleep", "killed", "back", "quiet"].map((name) => `victim-${name}`),
  Array.from({ length: Math.max(0, Number(values.users) - 5) }, (_, n) => `user-${n}`),
];
await db.query(
  "INSERT INTO memories (user_id, content) SELECT 'victim-killed', 'Запись ' || n FROM generate_series(1, $1::int) n",
  [MANY],
);
const writers = new Map([...victims, ...others].map((userId) => [userId, write(userId)] as const));

/** What was known of a person before the erasure: ids on the wire, and bare. */
interface Erased {
  readonly userId: string;
  readonly seen: readonly string[];
  readonly ids: readonly string[];
  readonly erasureId: string;
}
const erased: Erased[] = [];
const watching = new AbortController();
const watches: Promise<void>[] = [];

await sleep(WARM_SECONDS * 1000);
await erase("victim-quiet");
await late("victim-late");
const returned = await back("victim-back");
await asleep("victim-asleep");
const successor = await killed("victim-killed");
for (const one of erased) await proveDone(one);
await sleep(SETTLE_MS);

for (const userId of others) await stopWriting(userId);
await returned.stop();
watching.abort();
await Promise.all(watches);
await until("the index to follow", async () => (await stores.work()) === 0);
for (const one of erased) await expectNothing(one);
for (const userId of others) await expectKept(userId, writers.get(userId)?.standing);
await expectKept(returned.userId, returned.standing);

const written = [...writers.values()].reduce((sum, one) => sum + one.seen.size, 0);
tell(`${written} memories written by ${writers.size} users, ${erased.length} of them erased`);
for (const violation of new Set(violations)) console.log(`VIOLATED: ${violation}`);
if (violations.length === 0) console.log("Nothing of the erased is left, nothing of the others is lost");
await Promise.all([api, successor, gatedWorker].map((service) => service.stop()));
await Promise.all([indexGate, providerGate].map((gate) => gate.stop()));
await db.end();
process.exit(violations.length === 0 ? 0 : 1);

async function late(userId: string): Promise<void> {
  const tenant = tenantOf(userId);
  const caught = await indexGate.catchNext((request, body) => /^PUT .*points/.test(request) && body.includes(tenant));
  process.kill(gatedWorker.pid, "SIGSTOP");
  tell("late: an upsert is on its way, its worker is stopped");
  await erase(userId);
  await sleep((LEASE_SECONDS + 1) * 1000);
  const erasureId = erased.at(-1)?.erasureId;
  if ((await call(api.url, "GET", `/api/erasures/${erasureId}`)).body["status"] !== "running")
    violate(`${userId}: called done while an upsert was still on its way`);
  process.kill(gatedWorker.pid, "SIGCONT");
  caught.release();
  tell("late: the worker is woken, the upsert lands");
}

async function asleep(userId: string): Promise<void> {
  const caught = await providerGate.catchNext((_request, body) => body.includes(userId));
  process.kill(gatedWorker.pid, "SIGSTOP");
  caught.release();
  tell("asleep: a worker is stopped in the middle of its batch");
  await erase(userId);
  await sleep((LEASE_SECONDS + HORIZON_SECONDS + 3) * 1000);
  process.kill(gatedWorker.pid, "SIGCONT");
  tell("asleep: the worker is woken, long after its lease and the horizon");
}

/** Gives the writer who began when the answer was there. */
async function back(userId: string): Promise<Writer> {
  await erase(userId, { goesOn: true });
  await stopWriting(userId, { mayFail: true });
  return write(userId);
}

/** Gives the worker that takes the place of the one that was killed. */
async function killed(userId: string): Promise<Service> {
  await stopWriting(userId);
  const ids = await stores.idsOf(userId);
  const rows = (await stores.held(ids)).rows;
  const request = call(mortalApi.url, "DELETE", `/api/users/${userId}`).then(
    () => "answered",
    () => "cut",
  );
  await sleep(random() * 200);
  process.kill(mortalApi.pid, "SIGKILL");
  tell(`killed: the API died, the request was ${await request}`);
  await until("the database to have noticed", () => stores.isWhole(userId, rows), { timeoutMs: DONE_TIMEOUT_MS });
  await erase(userId, { ids });
  process.kill(worker.pid, "SIGKILL");
  tell("killed: a worker died just after the answer");
  return startService("worker", env);
}

async function stopWriting(userId: string, { mayFail = false } = {}): Promise<void> {
  await writers
    .get(userId)
    ?.stop()
    .catch((error: unknown) => {
      if (!mayFail) violate(`${userId}: a write failed: ${String(error)}`);
    });
}

/** Sends the request once the person's own writes are answered, or in the middle of them. */
async function erase(
  userId: string,
  { goesOn = false, ids }: { goesOn?: boolean; ids?: readonly string[] } = {},
): Promise<void> {
  if (!goesOn) await stopWriting(userId);
  const known = { userId, seen: [...(writers.get(userId)?.seen ?? [])], ids: ids ?? (await stores.idsOf(userId)) };
  const { status, body } = await call(api.url, "DELETE", `/api/users/${userId}`);
  if (status !== 202) violate(`${userId}: DELETE answered ${status}`);
  const one = { ...known, erasureId: String(body["erasure_id"]) };
  erased.push(one);
  watches.push(watch(one, { isBack: goesOn }));
}

/** From the answer on, nothing of the person is in any other answer. */
async function watch({ userId, seen }: Erased, { isBack }: { isBack: boolean }): Promise<void> {
  const ofOld = (body: Answer["body"]): boolean =>
    ((body["memories"] ?? []) as { id: string }[]).some((memory) => !isBack || seen.includes(memory.id));
  while (!watching.signal.aborted) {
    const query = { user_id: userId, query: "Какое число запомнил?", limit: 1000 };
    if (ofOld((await call(api.url, "POST", "/api/memories/search", query)).body))
      violate(`${userId}: found by a search`);
    if (ofOld((await call(api.url, "GET", `/api/memories/user/${userId}?limit=1000`)).body))
      violate(`${userId}: listed`);
    const id = seen[Math.floor(random() * seen.length)];
    for (const path of [`/api/memories/${id}`, `/api/memories/${id}/history`])
      if ((await call(api.url, "GET", path)).status !== 404) violate(`${userId}: ${path} is still answered`);
    await sleep(WATCH_EVERY_MS);
  }
}

async function proveDone({ userId, erasureId }: Erased): Promise<void> {
  let proof: Answer["body"] = {};
  const isDone = async (): Promise<boolean> => {
    proof = (await call(api.url, "GET", `/api/erasures/${erasureId}`)).body;
    return proof["status"] === "done";
  };
  const seconds = await until(`${userId}: the erasure`, isDone, { timeoutMs: DONE_TIMEOUT_MS }).catch(() => undefined);
  if (seconds === undefined) violate(`${userId}: never done, ${JSON.stringify(proof["left"])} left`);
  const took = (Date.parse(String(proof["completed_at"])) - Date.parse(String(proof["requested_at"]))) / 1000;
  tell(`${userId}: done ${round(took)} s after the request`);
}

async function expectNothing({ userId, ids, erasureId }: Erased): Promise<void> {
  const isBack = userId === returned.userId;
  const held = isBack ? await stores.held(ids) : await stores.heldOf(userId, ids);
  if (JSON.stringify(held) !== JSON.stringify(NOTHING)) violate(`${userId}: the stores hold ${JSON.stringify(held)}`);
  const { body } = await call(api.url, "GET", `/api/erasures/${erasureId}`);
  if (Object.values(body["left"] ?? { none: true }).some((left) => left !== 0))
    violate(`${userId}: the proof says ${JSON.stringify(body["left"])}`);
}

/** Exactly what was acknowledged, and a vector for each. */
async function expectKept(userId: string, standing: ReadonlyMap<string, string> = new Map()): Promise<void> {
  const { body } = await call(api.url, "GET", `/api/memories/user/${userId}?limit=1000`);
  const found = new Map(
    (body["memories"] as { id: string; content: string }[]).map(({ id, content }) => [id, content]),
  );
  for (const [id, content] of standing) if (found.get(id) !== content) violate(`${userId}: ${id} is lost or old`);
  if (userId !== returned.userId && found.size !== standing.size)
    violate(`${userId}: ${found.size} memories, not ${standing.size}`);
  const vectors = await stores.vectorsOf(userId);
  if (vectors.length !== found.size) violate(`${userId}: ${vectors.length} vectors for ${found.size} memories`);
}

function violate(what: string): void {
  violations.push(what);
}

function tell(what: string): void {
  console.error(`${round((performance.now() - began) / 1000)} s: ${what}`);
}
