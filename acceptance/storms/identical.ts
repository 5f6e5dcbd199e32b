/**
 * `npm run storm:identical [-- --rounds 200 --minutes 3]`: in every round 100 identical POSTs at once without an
 * Idempotency-Key and 100 with one, over two APIs and two workers. Each hundred has to end as one row, one embedding and
 * one vector, and the keyed one as 100 equal answers. Prints what it counted; exits 1 when anything is doubled or missing,
 * or when the rounds did not fit into the time.
 */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { openAIControl } from "@engram/test-equipment";
import pg from "pg";
import { api, type Answer } from "../client.ts";
import { startTarget } from "../harness.ts";
import type { Target } from "../target.ts";
import { until } from "../until.ts";

const AT_ONCE = 100;
const { values: options } = parseArgs({
  options: { rounds: { type: "string", default: "200" }, minutes: { type: "string", default: "3" } },
});
const rounds = Number(options.rounds);
const deadline = Date.now() + Number(options.minutes) * 60_000;

/** What one hundred must have left: a row of this user, seen so often. */
interface Expected {
  readonly userId: string;
  readonly seen: number;
}

const running = await startTarget("stack");
const { target } = running;
const faults: string[] = [];
try {
  await preparedWorkers(target);
  const before = await embeddings(target);
  const started = performance.now();
  const expected: Expected[] = [];
  for (let round = 0; round < rounds && Date.now() < deadline; round++) {
    expected.push(await unkeyed(round), await keyed(round));
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  if (expected.length < 2 * rounds) faults.push(`only ${expected.length / 2} of ${rounds} rounds fitted into the time`);
  const counted = await count(target, expected, before);
  console.log(`${expected.length / 2} rounds of ${AT_ONCE} without and ${AT_ONCE} with a key, ${seconds} s`);
  console.log(`expected ${expected.length}, counted ${JSON.stringify(counted)}`);
  for (const [what, n] of Object.entries(counted)) {
    if (n !== expected.length) faults.push(`${n} ${what} instead of ${expected.length}`);
  }
} finally {
  await running.stop();
}
for (const fault of faults) console.log(`WRONG: ${fault}`);
console.log(faults.length === 0 ? "Nothing doubled, nothing missing" : `${faults.length} faults`);
process.exitCode = faults.length === 0 ? 0 : 1;

/** States merge: new once, then told 99 times more. */
async function unkeyed(round: number): Promise<Expected> {
  const body = { user_id: `unkeyed-${round}`, content: `Пользователь номер ${round} любит чай` };
  const answers = await postAtOnce(body, {});
  expectOne(`round ${round} without a key: ids`, new Set(answers.map((answer) => answer.body.id)));
  const fresh = answers.filter(({ status }) => status === 201).length;
  const merged = answers.filter(({ status }) => status === 200).length;
  if (fresh !== 1 || merged !== AT_ONCE - 1)
    faults.push(`round ${round} without a key: ${fresh} times 201, ${merged} times 200`);
  return { userId: body.user_id, seen: AT_ONCE };
}

/** The key decides: in every other round of an event, which nothing else would merge. */
async function keyed(round: number): Promise<Expected> {
  const type = round % 2 === 0 ? "interaction" : "fact";
  const body = { user_id: `keyed-${round}`, content: `Пользователь номер ${round} спросил о погоде`, type };
  const headers = { "idempotency-key": randomUUID() };
  const answers = await postAtOnce(body, headers);
  expectOne(`round ${round} with a key: answers`, new Set(answers.map(({ status, text }) => `${status} ${text}`)));
  if (answers[0]?.status !== 201) faults.push(`round ${round} with a key: status ${answers[0]?.status}`);
  return { userId: body.user_id, seen: 1 };
}

/** The same request many times, in turn to each API. */
function postAtOnce(body: object, headers: Record<string, string>): Promise<Answer<{ id?: string }>[]> {
  const { bases, key } = target;
  const send = (_: unknown, i: number) => {
    const base = bases[i % bases.length] ?? "";
    return api<{ id?: string }>("POST", "/api/memories", { body, headers, base, key });
  };
  return Promise.all(Array.from({ length: AT_ONCE }, send));
}

function expectOne(what: string, found: ReadonlySet<unknown>): void {
  if (found.size !== 1) faults.push(`${what}: ${found.size} different ones`);
}

/** Rows, embeddings and vectors, once the workers are through. */
async function count(target: Target, expected: readonly Expected[], before: number) {
  const client = new pg.Client({ connectionString: target.databaseUrl });
  await client.connect();
  try {
    await until(
      "the index to follow",
      async () => (await client.query("SELECT FROM engram.outbox WHERE topic LIKE 'index:%' LIMIT 1")).rowCount === 0,
      { timeoutMs: 60_000 },
    );
    const { rows } = await client.query<{ id: string; user_id: string; seen_count: number }>(
      "SELECT id, user_id, seen_count FROM memories",
    );
    const seenBy = new Map(rows.map((row) => [row.user_id, row.seen_count]));
    for (const { userId, seen } of expected)
      if (seenBy.get(userId) !== seen) faults.push(`${userId}: seen ${seenBy.get(userId)} times instead of ${seen}`);
    return {
      rows: rows.length,
      users: seenBy.size,
      embeddings: (await embeddings(target)) - before,
      vectors: await countVectors(target),
      "vectors of the rows": await countVectors(target, { has_id: rows.map((row) => row.id) }),
    };
  } finally {
    await client.end();
  }
}

/** Points that meet the condition, or all there are, page by page behind the alias. */
async function countVectors({ qdrantUrl, collection }: Target, condition?: object): Promise<number> {
  let [count, offset] = [0, undefined as unknown];
  do {
    const response = await fetch(`${qdrantUrl}/collections/${collection}/points/scroll`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ limit: 1000, offset, with_payload: false, filter: condition && { must: [condition] } }),
    });
    if (!response.ok) throw new Error(`Qdrant: ${response.status} ${await response.text()}`);
    const { result } = (await response.json()) as { result: { points: unknown[]; next_page_offset?: unknown } };
    count += result.points.length;
    offset = result.next_page_offset ?? undefined;
  } while (offset !== undefined);
  return count;
}

/** Texts that the provider has embedded since it started. */
async function embeddings({ openaiUrl = "" }: Target): Promise<number> {
  return (await openAIControl(openaiUrl).counters())["inputs"] ?? 0;
}

/** Each worker embeds a few texts of its own at the start, which are none of the rounds'. */
async function preparedWorkers({ processes }: Target): Promise<void> {
  const workers = processes.filter(({ role }) => role === "worker");
  await until("the workers to be ready", () =>
    workers.every(({ stdout }) => readFileSync(stdout, "utf8").includes("Index is ready")),
  );
}
