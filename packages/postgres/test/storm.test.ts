import { expect, test } from "@jest/globals";
import { contentHash, DEFAULT_PROJECT_ID, putRacing, workBatch, type Embedder, type MemoryStore } from "@engram/memory";
import type { Executor } from "@engram/sql";
import { createMemoryStore, createOutbox } from "../src/index.ts";
import { describeOnDatabases } from "./databases.ts";
import { draft } from "./draft.ts";
import { StormIndex } from "./storm-index.ts";

/*
 * The protocol under fire, small enough for every run: writers, workers that stall past their lease or die with their
 * claims, an index whose answers get lost and whose writes land late. After the storm and one horizon, index = rows.
 * Tried with a guard removed (the doubt, then the generation, at the acknowledgement): 73 and 97 orphans.
 */

const STORM_MS = 5_000;
const STORM_MS_MAX = 40_000;
const WRITES_MIN = 100;
const LATE_EFFECTS_MIN = 5;
const LEASE_SECONDS = 0.3;
/** Longer than any late effect, as PROTOCOL.md demands. */
const HORIZON_SECONDS = 1.2;
const LATE_MS = 900;
const WRITERS = 4;
const WORKERS = 4;

const target = { name: "main", collection: { name: "storm", model: "storm", dims: 1 } };
const embedder: Embedder = {
  model: "storm",
  requestedDims: null,
  lexical: true,
  embed: (texts) => Promise.resolve({ vectors: texts.map(() => [1]), tokens: 0 }),
};

/** mulberry32: the same storm for the same seed, as far as timing lets it. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

describeOnDatabases("storm", (db) => {
  test("nothing missing, nothing stale, nothing orphaned", async () => {
    const seed = Number(process.env["STORM_SEED"] ?? Date.now() % 1_000_000);
    const random = seeded(seed);
    const index = new StormIndex({ random, cut: 0.2, lateMs: LATE_MS });
    const store = createMemoryStore(db);
    const deps = { store, outbox: createOutbox(db), index, embedder };
    const options = { batchSize: 8, leaseSeconds: LEASE_SECONDS, horizonSeconds: HORIZON_SECONDS, attemptsMax: 1_000 };
    const never = new AbortController().signal;
    const counts = { writes: 0, crashes: 0, stalls: 0 };
    const start = Date.now();
    // A slow machine storms longer, until there was enough of everything.
    const isOver = (): boolean => {
      const enough = index.lateEffects > LATE_EFFECTS_MIN && counts.writes > WRITES_MIN && counts.crashes > 0;
      return Date.now() - start > (enough ? STORM_MS : STORM_MS_MAX);
    };

    const writer = async (): Promise<void> => {
      while (!isOver()) {
        await writeSomething(db, store, random);
        counts.writes += 1;
        await new Promise((resolve) => setTimeout(resolve, random() * 4));
      }
    };
    const worker = async (): Promise<void> => {
      while (!isOver()) {
        const chance = random();
        if (chance < 0.05) {
          counts.crashes += 1; // claims, and is never heard of again
          await deps.outbox.claim({
            topic: "index:main",
            limit: 8,
            token: crypto.randomUUID(),
            leaseSeconds: LEASE_SECONDS,
            horizonSeconds: HORIZON_SECONDS,
          });
        } else {
          const stalled = chance < 0.1; // SIGSTOP in the middle: wakes up past its lease and goes on
          if (stalled) counts.stalls += 1;
          await workBatch(
            stalled ? { ...deps, embedder: slow(embedder, LEASE_SECONDS * 1500) } : deps,
            target,
            options,
            never,
          );
        }
      }
    };
    await Promise.all([...Array.from({ length: WRITERS }, writer), ...Array.from({ length: WORKERS }, worker)]);

    index.calm = true;
    await drain(db, () => workBatch(deps, target, options, never));
    const differences = await differencesOf(db, index);
    expect({ seed, ...differences }).toEqual({ seed, missing: 0, stale: 0, orphans: 0 });
    expect(index.lateEffects).toBeGreaterThan(LATE_EFFECTS_MIN);
    expect(counts.writes).toBeGreaterThan(WRITES_MIN);
    expect(counts.crashes).toBeGreaterThan(0);
  }, 180_000);
});

async function writeSomething(db: Executor, store: MemoryStore, random: () => number): Promise<void> {
  const [row] = await db.query<{ id: string }>(
    "SELECT id FROM memories OFFSET floor($1::float8 * greatest(1, (SELECT count(*) FROM memories))) LIMIT 1",
    [random()],
  );
  const chance = random();
  const word = Math.floor(random() * 1e9).toString(36);
  const actor = { requestId: null, name: null };
  if (chance < 0.4 || row === undefined)
    await putRacing(store, [draft({ content: `факт ${word}`, key: chance < 0.1 ? "slot" : null })]);
  else if (chance < 0.6)
    await store.updateMemory(DEFAULT_PROJECT_ID, row.id, { content: `факт ${word}`, mergeMetadata: false }, actor);
  else if (chance < 0.7)
    await store.updateMemory(DEFAULT_PROJECT_ID, row.id, { metadata: { word }, mergeMetadata: true }, actor);
  else if (chance < 0.995) await store.deleteMemory(DEFAULT_PROJECT_ID, row.id, actor);
  else await db.script("TRUNCATE memories");
}

function slow(inner: Embedder, ms: number): Embedder {
  return {
    ...inner,
    async embed(texts, signal) {
      await new Promise((resolve) => setTimeout(resolve, ms));
      return inner.embed(texts, signal);
    },
  };
}

async function drain(db: Executor, work: () => Promise<unknown>): Promise<void> {
  const deadline = Date.now() + 90_000;
  for (;;) {
    const [left] = await db.query<{ n: number }>("SELECT count(*)::int AS n FROM engram.outbox");
    if (left?.n === 0) return;
    if (Date.now() > deadline) throw new Error(`${left?.n} work rows are left after the storm`);
    if ((await work()) === undefined) await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function differencesOf(db: Executor, index: StormIndex) {
  const rows = await db.query<{ id: string; version: number; content: string }>(
    "SELECT id, version, content FROM memories",
  );
  const known = new Set(rows.map((row) => row.id));
  const points = rows.map((row) => ({ row, point: index.points.get(row.id) }));
  return {
    missing: points.filter(({ point }) => point === undefined).length,
    stale: points.filter(
      ({ row, point }) =>
        point !== undefined && (point.version !== row.version || point.hash !== contentHash(row.content)),
    ).length,
    orphans: [...index.points.keys()].filter((id) => !known.has(id)).length,
  };
}
