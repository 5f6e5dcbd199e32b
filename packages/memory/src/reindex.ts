import { collectionOf } from "./collection.ts";
import type {
  Embedder,
  CollectionRef,
  IndexTarget,
  IndexTargets,
  MemoryStore,
  TargetProgress,
  VectorIndex,
} from "./ports.ts";
import { tenantOf } from "./scope.ts";

/*
 * Another model without an hour of worse answers: a second target is filled while searches stay on the live one, and takes
 * its place in one commit when it has shown that it is complete. The replaced one is followed for a while, so that the way
 * back is one commit too; then it ends.
 */

/** Memories that get their work rows in one statement: bulk in chunks, PGlite blocks its process. */
const BACKFILL_CHUNK = 500;
/** No more than this waits in the outbox for the new target, so that a large backfill does not swell it. */
const BACKFILL_AHEAD_MAX = 5_000;
/** Memories that are looked for in the new index by their own text before it goes live. */
const SAMPLE_SIZE = 20;
/** Each should be among so many hits; equal texts of other sessions may stand before it. */
const SAMPLE_TOP = 10;
const SAMPLE_RECALL_MIN = 0.9;

export interface ReindexDeps {
  readonly targets: IndexTargets;
  readonly index: VectorIndex;
  readonly store: Pick<MemoryStore, "sampleMemories">;
  /** What this process is configured to embed with: only that target does it fill and promote. */
  readonly embedder: Embedder;
  /** The base of the collections' names. */
  readonly base: string;
  /** How long a replaced target is followed. */
  readonly keepSeconds: number;
}

export type ReindexPhase =
  | { readonly phase: "idle" }
  | { readonly phase: "waiting" | "filling"; readonly target: string; readonly progress: TargetProgress }
  | { readonly phase: "refused"; readonly target: string; readonly reason: string }
  | { readonly phase: "switched"; readonly target: string; readonly replaced: string }
  | { readonly phase: "retired"; readonly target: string };

/**
 * One step of whatever stands between the targets as they are and the configured one being live and alone. Each phase is
 * derived from the tables, so it may be repeated, and a process that dies in the middle leaves nothing to mend.
 */
export async function reindexStep(
  deps: ReindexDeps,
  budget: { readonly signal: AbortSignal; spent(): boolean },
): Promise<ReindexPhase> {
  const followed = await deps.targets.followed();
  const ending = followed.find((one) => one.retireAt !== null && one.retireAt.getTime() <= Date.now());
  if (ending !== undefined) return end(deps, ending);

  const target = followed.find(
    (one) => one.state === "filling" && one.retireAt === null && isWanted(one, deps.embedder),
  );
  const collection = target === undefined ? undefined : collectionOf(deps.base, target);
  if (target === undefined || collection === undefined) return { phase: "idle" };

  if (!target.filled) {
    const phase = await fill(deps, target.name, budget);
    return { phase, target: target.name, progress: await deps.targets.progress(target.name) };
  }
  const progress = await deps.targets.progress(target.name);
  if (progress.pending > 0) return { phase: "filling", target: target.name, progress };
  const reason = await refusalOf(deps, target, collection, progress, budget.signal);
  if (reason !== undefined) return { phase: "refused", target: target.name, reason };
  return promote(deps, target, collection);
}

function isWanted(target: IndexTarget, embedder: Embedder): boolean {
  return target.model === embedder.model && target.requestedDims === embedder.requestedDims;
}

async function fill(
  { targets }: ReindexDeps,
  name: string,
  budget: { spent(): boolean },
): Promise<"waiting" | "filling"> {
  let ahead = (await targets.progress(name)).pending;
  for (; ahead < BACKFILL_AHEAD_MAX && !budget.spent(); ahead += BACKFILL_CHUNK) {
    const outcome = await targets.backfill(name, BACKFILL_CHUNK);
    if (outcome !== "more") return outcome === "waiting" ? "waiting" : "filling";
  }
  return "filling";
}

/**
 * Why a filled target must not go live yet. Its points are as many as the rows, but for those that have a work row (every
 * difference has one); and a sample of memories is found by their own texts.
 */
async function refusalOf(
  deps: ReindexDeps,
  target: IndexTarget,
  collection: CollectionRef,
  before: TargetProgress,
  signal: AbortSignal,
): Promise<string | undefined> {
  const points = await deps.index.count(collection, signal);
  const after = await deps.targets.progress(target.name);
  const apart = Math.min(Math.abs(points - before.rows), Math.abs(points - after.rows));
  const allowed = before.work + after.work + Math.abs(after.rows - before.rows);
  if (apart > allowed)
    return `it holds ${points} points for ${after.rows} memories, of which ${after.work} are under way`;

  const recall = await sampleRecall(deps, collection, signal);
  return recall < SAMPLE_RECALL_MIN
    ? `only ${Math.round(recall * 100)}% of a sample of memories is found in it`
    : undefined;
}

/** The share of a sample that is found by its own text; 1 where there is nothing to look for. */
export async function sampleRecall(
  { store, index, embedder }: Pick<ReindexDeps, "store" | "index" | "embedder">,
  collection: CollectionRef,
  signal: AbortSignal,
): Promise<number> {
  const sample = await store.sampleMemories(SAMPLE_SIZE);
  if (sample.length === 0) return 1;
  const { vectors } = await embedder.embed(
    sample.map((memory) => memory.content),
    signal,
  );
  let found = 0;
  for (const [i, { id, projectId, userId, agentId, level }] of sample.entries()) {
    const owner = userId === null ? (agentId === null ? {} : { agentId }) : { userId };
    const hits = await index.search(
      collection,
      {
        vector: vectors[i] ?? [],
        filter: { scope: { projectId, ...owner, level, exact: true } },
        tenants: [tenantOf({ projectId, userId, agentId })],
        limit: SAMPLE_TOP,
        now: new Date(),
      },
      signal,
    );
    if (hits.some((hit) => hit.id === id)) found += 1;
  }
  return found / sample.length;
}

async function promote(deps: ReindexDeps, target: IndexTarget, collection: CollectionRef): Promise<ReindexPhase> {
  const live = await deps.targets.live();
  await deps.targets.promote(target.name, { keepSeconds: deps.keepSeconds });
  // The name for outsiders follows; a process that dies before it is made good by the next start.
  await deps.index.publish(collection);
  return { phase: "switched", target: target.name, replaced: live.name };
}

/** First the target, so that nobody works for it any more; then its points. */
async function end(deps: ReindexDeps, target: IndexTarget): Promise<ReindexPhase> {
  await deps.targets.retire(target.name);
  const collection = collectionOf(deps.base, target);
  if (collection !== undefined) await deps.index.drop(collection);
  return { phase: "retired", target: target.name };
}
