/**
 * `npm run bench:add`: conversations beside what they are measured against, in the same run: accepted calls of
 * `/api/memory/add` beside direct writes; from an add to its memory, beside the delay of the provider that reads it (goal:
 * 1.3 times); listing and search at a steady rate while a hundred adds wait for a model of two seconds, beside the same
 * without.
 *
 * Options: --rounds 5 --seconds 4 --connections 50 --delay 2000 --adds 100
 */
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { createTestDatabase, openAIControl, startPostgres } from "@engram/test-equipment";
import { Connection } from "./connection.ts";
import { pace } from "./pace.ts";
import { startScript, startService } from "./processes.ts";
import { createRandom, makeStatement } from "./sentences.ts";
import { markdownTable, percentile, round, summarize } from "./statistics.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "4" },
    connections: { type: "string", default: "50" },
    delay: { type: "string", default: "2000" },
    adds: { type: "string", default: "100" },
  },
});
const [rounds, seconds, connections] = [Number(values.rounds), Number(values.seconds), Number(values.connections)];
const [delayMs, adds] = [Number(values.delay), Number(values.adds)];
/** Of the provider's own delay. */
const GOAL = 1.3;
const USERS = 100;
/** Lists and searches in turn: about a third of what two cores can do. */
const READS_PER_SECOND = 20;
const READ_SECONDS = 8;
const READ_ROUNDS = 3;

const postgres = await startPostgres();
const provider = await startScript("./openai.ts");
const control = openAIControl(provider.url);
const database = await createTestDatabase(postgres.url);
const environment = {
  DATABASE_URL: database.url,
  OPENAI_BASE_URL: provider.url,
  OPENAI_API_KEY: "sk-bench",
  DATABASE_POOL_SIZE: "20",
};
const api = await startService("api", environment);
const random = createRandom(1);
let number = 0;

const accepted = await acceptedPerSecond();
const reading = await startService("worker", { ...environment, EXTRACTION_CONCURRENCY: "64" });
const latency = await addToMemory();
await reading.stop();
const worker = await startService("worker", environment);
const beside = await readsBesideReading();
const isMet = report();

await Promise.all([api.stop(), worker.stop()]);
await provider.stop();
await database.drop();
await postgres.stop();
process.exitCode = isMet ? 0 : 1;

/** Both sides in turn, each in a closed loop over so many connections; no worker, so that the call alone is measured. */
async function acceptedPerSecond(): Promise<{ adds: readonly number[]; writes: readonly number[] }> {
  const rates = { adds: [] as number[], writes: [] as number[] };
  for (let nth = 0; nth < rounds; nth++)
    for (const side of nth % 2 === 0 ? (["adds", "writes"] as const) : (["writes", "adds"] as const))
      rates[side].push(await rateOf(side));
  return rates;
}

async function rateOf(side: "adds" | "writes"): Promise<number> {
  const lines = await Promise.all(Array.from({ length: connections }, () => Connection.open(api.url)));
  const begin = performance.now() + 1_000; // a second of warm-up
  const end = begin + seconds * 1_000;
  let count = 0;
  await Promise.all(
    lines.map(async (line) => {
      while (performance.now() < end) {
        const { path, body } = side === "adds" ? addOf(`user-${number % USERS}`) : writeOf();
        const { status } = await line.ask({ method: "POST", path, body });
        if (status >= 300) throw new Error(`${path}: ${status}`);
        if (performance.now() >= begin && performance.now() < end) count += 1;
      }
    }),
  );
  for (const line of lines) line.close();
  return count / seconds;
}

function addOf(userId: string, given: object = {}): { path: string; body: string } {
  const { content } = makeStatement(number++, random);
  const messages = [
    { role: "user", content: `Я помню: ${content}` },
    { role: "assistant", content: `Хорошо, записал это под номером ${number}` },
  ];
  return { path: "/api/memory/add", body: JSON.stringify({ user_id: userId, session_id: "s", messages, ...given }) };
}

function writeOf(): { path: string; body: string } {
  const { content, type } = makeStatement(number++, random);
  return { path: "/api/memories", body: JSON.stringify({ user_id: `user-${number % USERS}`, type, content }) };
}

/** Users of their own, five a second, so that none waits for another: from the call to the answer that has the memory. */
async function addToMemory(): Promise<readonly number[]> {
  await until(async () => (await waiting()) === 0);
  await control.fault({ endpoint: "chat", delay_ms: delayMs });
  const latenciesMs: number[] = [];
  const under: Promise<number>[] = [];
  for (let n = 0; n < adds; n++) {
    under.push(addAndWait(`fresh-${n}`).then((ms) => latenciesMs.push(ms)));
    await sleep(200);
  }
  await Promise.all(under);
  await control.clearFaults();
  return latenciesMs;
}

async function addAndWait(userId: string): Promise<number> {
  const { path, body } = addOf(userId, { wait: 60 });
  const started = performance.now();
  const { status } = (await ask("POST", path, body)) as { status: string };
  if (status !== "done") throw new Error(`an add was ${status} after a minute`);
  return performance.now() - started;
}

type Reads = Record<"list" | "search", number[]>;

/** Listing and search at a steady rate, in quiet and while adds wait for the model, in turn; a worker as it comes. */
async function readsBesideReading(): Promise<Record<"quiet" | "waiting", Reads>> {
  const [quiet, beside]: [Reads, Reads] = [
    { list: [], search: [] },
    { list: [], search: [] },
  ];
  await readsFor(1, { list: [], search: [] });
  for (let nth = 0; nth < READ_ROUNDS; nth++) {
    await readsFor(READ_SECONDS, quiet);
    await control.fault({ endpoint: "chat", delay_ms: delayMs });
    await Promise.all(
      Array.from({ length: adds }, (_, n) => {
        const { path, body } = addOf(`user-${n % USERS}`);
        return ask("POST", path, body);
      }),
    );
    await readsFor(READ_SECONDS, beside);
    await control.clearFaults();
    await until(async () => (await waiting()) === 0);
  }
  return { quiet, waiting: beside };
}

async function readsFor(durationSeconds: number, times: Reads): Promise<void> {
  let n = 0;
  await pace(
    READS_PER_SECOND,
    async (meantMs) => {
      const userId = `user-${(n += 17) % USERS}`;
      if (n % 2 === 0) await ask("GET", `/api/memories/user/${userId}?limit=20`);
      else
        await ask(
          "POST",
          "/api/memory/search",
          JSON.stringify({ user_id: userId, query: makeStatement(n, random).question }),
        );
      times[n % 2 === 0 ? "list" : "search"].push(performance.now() - meantMs);
    },
    {
      stop: AbortSignal.timeout(durationSeconds * 1_000),
      onError: (error) => {
        throw error;
      },
    },
  );
}

async function ask(method: string, path: string, body?: string): Promise<unknown> {
  const answer = await fetch(api.url + path, {
    method,
    headers: { "x-api-key": "bench-key-0123456789abcdef0123456789abcdef", "content-type": "application/json" },
    ...(body === undefined ? {} : { body }),
  });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status}`);
  return answer.json();
}

async function waiting(): Promise<number> {
  return ((await ask("GET", "/api/stats")) as { messages_waiting: number }).messages_waiting;
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await sleep(200);
}

function report(): boolean {
  const [addRate, writeRate] = [summarize(accepted.adds), summarize(accepted.writes)];
  console.log(
    markdownTable(
      ["accepted, worker off", "median /s", "min", "max", "of a direct write"],
      [
        [
          "POST /api/memory/add, two messages",
          round(addRate.median),
          round(addRate.min),
          round(addRate.max),
          round(addRate.median / writeRate.median),
        ],
        ["POST /api/memories", round(writeRate.median), round(writeRate.min), round(writeRate.max), 1],
      ],
    ),
  );
  const [p50, p95] = [percentile(latency, 50), percentile(latency, 95)];
  console.log(
    `\nFrom an add to its memory, ${latency.length} users, a model of ${delayMs} ms: p50 ${round(p50)} ms (${round(p50 / delayMs)} times the model), p95 ${round(p95)} ms (${round(p95 / delayMs)}); goal ${GOAL}\n`,
  );
  console.log(
    markdownTable(
      [`${READS_PER_SECOND} reads a second`, "list p50 ms", "p95", "search p50 ms", "p95"],
      (["quiet", "waiting"] as const).map((when) => [
        when === "quiet" ? "in quiet" : `while ${adds} adds wait for the model`,
        ...[beside[when].list, beside[when].search].flatMap((times) => [
          round(percentile(times, 50)),
          round(percentile(times, 95)),
        ]),
      ]),
    ),
  );
  return p50 / delayMs <= GOAL;
}
