/**
 * `npm run bench:search`: how long a search takes over 10,000 memories of 100 users, on three installations that stand
 * side by side and are asked in turn, and beside them what a plain SQL query of the vectors takes, one of a row by its key,
 * and the index's own query. Every question has been asked once, so that the API knows its vector. "Without the vectors' part":
 * less what the header Server-Timing says of the embedding and the query of vectors. Then the recall of the vectors' part
 * against an exact scan, and what each installation has in memory and on disk. Before the first round eight ask for half a minute:
 * by then every user is held by the API (`SEARCH_CACHE_MB`), and its code is compiled. What runs once in a search is compiled
 * for good after some ten thousand of them, all of it within a second or two, which takes both cores.
 * `--warm-up 0` shows what it takes after a start, `--cache 0` what the first question of a user costs.
 * Exits with 1 when the recall of an index without a graph is not whole.
 *
 * Options: --memories 10000 --users 100 --warm-up 30 (seconds, of each installation) --rounds 5
 * --seconds 4 (of each load, in each round)
 * --recall 200 (questions to each installation) --only pglite,pgvector,qdrant --graphs (the Qdrant stand-in builds its graphs,
 * as the real server does by itself; minutes) --cache MIB (what the API may hold users' memories in; as it is by default)
 */
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Connection } from "./connection.ts";
import { openInstallation, type Installation } from "./search-installation.ts";
import { readDisk } from "./search-memory.ts";
import { openByKey, openPlainSql, openQdrantQuery } from "./search-peers.ts";
import { measureRecall, type Recall } from "./search-recall.ts";
import {
  diskTable,
  latenciesOf,
  latencyTable,
  loadingTable,
  memoryTable,
  recallTable,
  toJson,
  type Measured,
} from "./search-report.ts";
import { startEmbeddedStores, startPgvectorStores, startQdrantStores } from "./search-stores.ts";
import type { Owned, Samples, Target } from "./search-target.ts";
import { openPostgresVectors, openQdrantVectors } from "./search-vectors.ts";
import { createRandom, makeStatement } from "./sentences.ts";

const { values } = parseArgs({
  options: {
    memories: { type: "string", default: "10000" },
    users: { type: "string", default: "100" },
    rounds: { type: "string", default: "5" },
    "warm-up": { type: "string", default: "30" },
    seconds: { type: "string", default: "4" },
    recall: { type: "string", default: "200" },
    graphs: { type: "boolean", default: false },
    only: { type: "string", default: "pglite,pgvector,qdrant" },
    cache: { type: "string" },
  },
});
const users = Number(values.users);

/** Askers at once; with `perSecond` they ask so often in all, and else each again when it has its answer. */
const LOADS = [
  { name: "1", askers: 1 },
  { name: "8, 40/s in all", askers: 8, perSecond: 40 },
  { name: "8, 80/s in all", askers: 8, perSecond: 80 },
  { name: "8, 160/s in all", askers: 8, perSecond: 160 },
  { name: "8", askers: 8 },
] as const satisfies readonly { name: string; askers: number; perSecond?: number }[];
type Load = (typeof LOADS)[number];
const BUSIEST = LOADS[4];
const LOAD_NAMES = LOADS.map(({ name }) => name);
const ASKERS_MAX = 8;
const SEED = 20_261_124;
/** Different ones, fewer than the query vectors that an API keeps (512): each is asked once before the first round. */
const QUESTIONS = 400;

const random = createRandom(SEED);
const statements = Array.from({ length: Number(values.memories) }, (_, number): Owned => ({
  ...makeStatement(number, random),
  userId: `user-${number % users}`,
}));
const questions = Array.from({ length: QUESTIONS }, () => oneOf(statements)).filter((one) => one !== undefined);

const only = values.only.split(",");
// Loaded one after the other, so that the seconds of each are its own.
const installations: Installation[] = [];
const peers: Target[] = [];
if (only.includes("pglite")) {
  const name = "all-in-one, embedded (PGlite, pgvector, offline)";
  installations.push(await open(name, startEmbeddedStores(), ["all-in-one"]));
}
if (only.includes("pgvector")) {
  const stores = await startPgvectorStores();
  installations.push(await open("API + worker: PostgreSQL, pgvector, offline", stores, ["api", "worker"]));
  peers.push(await openPlainSql(stores.databaseUrl, ASKERS_MAX), await openByKey(stores.databaseUrl, ASKERS_MAX));
}
if (only.includes("qdrant")) {
  const stores = await startQdrantStores({ graphs: values.graphs });
  const name = `API + worker: PostgreSQL, Redis, ${stores.label}, OpenAI stand-in`;
  installations.push(await open(name, stores, ["api", "worker"]));
  peers.push(await openQdrantQuery(stores.qdrantUrl, queryName(stores.label), ASKERS_MAX));
}
const sides = [
  ...installations.map(({ target, memory }) => ({ target, memory })),
  ...peers.map((target) => ({ target, memory: undefined })),
];

for (const { target } of sides) {
  const unasked = [...questions];
  await ask(target, LOADS[0], () => unasked.pop());
  await ask(target, BUSIEST, during(Number(values["warm-up"])));
  target.samplesMs.clear();
  Object.assign(target.counts, { answers: 0, empty: 0, degraded: 0, found: 0 });
}
for (let roundNumber = 0; roundNumber < Number(values.rounds); roundNumber++) {
  for (let i = 0; i < sides.length; i++) {
    const side = sides[(roundNumber + i) % sides.length];
    if (side === undefined) continue;
    const { target, memory } = side;
    for (const load of LOADS) {
      await ask(target, load, during(Number(values.seconds)));
      // Not meanwhile: it is read on the cores that are timed, by the process that times.
      await memory?.read();
    }
  }
  console.error(`round ${roundNumber + 1} done`);
}
// Before the recall is measured, whose reading of whole users would be no search's.
const measured: Measured[] = [];
for (const installation of installations)
  measured.push({
    ...installation,
    memoryAtEnd: await installation.memory.read(),
    disk: await readDisk(installation.stores),
  });
const recalls: Recall[] = [];
for (const installation of installations) recalls.push(...(await recallOf(installation)));
report();
const missed = recalls.filter(({ mean, inGraph }) => inGraph === 0 && mean < 1);
for (const { name } of missed) console.log(`MISSED: ${name} scans every vector, so that its recall is to be whole`);
process.exit(missed.length === 0 ? 0 : 1);

function open(
  name: string,
  stores: Installation["stores"],
  services: readonly ("api" | "worker" | "all-in-one")[],
): Promise<Installation> {
  const cache: Record<string, string> = values.cache === undefined ? {} : { SEARCH_CACHE_MB: values.cache };
  const env = { ...stores.env, ...cache };
  return openInstallation({ name, stores: { ...stores, env }, services, askers: ASKERS_MAX }, statements);
}

function queryName(label: string): string {
  return `${label}: the nearest of a user's points, over HTTP`;
}

function oneOf<T>(all: readonly T[]): T | undefined {
  return all[Math.floor(random() * all.length)];
}

/** Any of the questions, for so long. */
function during(seconds: number): () => Owned | undefined {
  const until = performance.now() + seconds * 1_000;
  return () => (performance.now() < until ? oneOf(questions) : undefined);
}

/** Searches under a load until `next` gives none; what they took is a round of its samples. */
async function ask(target: Target, load: Load, next: () => Owned | undefined): Promise<void> {
  const samples: Samples = { total: [], overhead: [] };
  target.samplesMs.set(load.name, [...(target.samplesMs.get(load.name) ?? []), samples]);
  await target.reach();
  const everyMs = "perSecond" in load ? (load.askers * 1_000) / load.perSecond : 0;
  const askers = Array.from({ length: load.askers }, async (_, worker) => {
    let due = performance.now() + (everyMs * worker) / load.askers;
    for (;;) {
      if (everyMs > 0) await sleep(Math.max(0, due - performance.now()));
      due += everyMs;
      const wanted = next();
      if (wanted === undefined) return;
      const sent = performance.now();
      const { contents, degraded, vectorsMs } = await target.ask(worker, wanted);
      const took = performance.now() - sent;
      samples.total.push(took);
      samples.overhead.push(took - vectorsMs);
      target.counts.answers += 1;
      if (contents.length === 0) target.counts.empty += 1;
      if (degraded) target.counts.degraded += 1;
      if (contents.includes(wanted.content)) target.counts.found += 1;
    }
  });
  await Promise.all(askers);
  await target.leave();
}

/** Of an embedded database nobody but its process can read the vectors. */
async function recallOf({ target: { name }, url, stores, memories }: Installation): Promise<readonly Recall[]> {
  const { qdrantUrl, databaseUrl } = stores;
  const questions = Number(values.recall);
  if (databaseUrl === undefined || questions === 0) return [];
  const stored = await (qdrantUrl === undefined ? openPostgresVectors(databaseUrl) : openQdrantVectors(qdrantUrl));
  const line = await Connection.open(url);
  const names = { name, storeName: queryName(stores.label ?? "") };
  const recall = { questions, random: createRandom(SEED) };
  const found = await measureRecall(names, { line, stored, memories }, recall);
  line.close();
  await stored.close();
  return found;
}

function report(): void {
  const targets = sides.map(({ target }) => target);
  const tables = [
    latencyTable(targets, LOAD_NAMES),
    loadingTable(installations),
    recallTable(recalls),
    memoryTable(measured),
    diskTable(measured),
  ];
  console.log(tables.join("\n\n"));
  const latencies = targets.map((target) => ({
    name: target.name,
    latencyMs: latenciesOf(target, LOAD_NAMES),
    ...target.counts,
  }));
  console.log(
    `\n${JSON.stringify({ options: values, seed: SEED, targets: latencies, installations: toJson(measured), recalls })}`,
  );
}
