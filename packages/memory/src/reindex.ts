import { collectionOf } from "./collection.ts";
import type { CollectionRef, Embedder, IndexTarget, IndexTargets, TargetProgress } from "./ports/index.ts";
import { gateOf, lookAtGate, type Gate, type GateDeps } from "./reindex-gate.ts";
import type { StepBudget } from "./schedule.ts";

/*
 * Another model without an hour of worse answers: a second target is filled while searches stay on the live one, and takes
 * its place in one commit when it has shown that it is complete. The replaced one is followed for a while, so that the way
 * back is one commit too; then it ends.
 */

/** Memories that get their work rows in one statement: bulk in chunks, PGlite blocks its process. */
const BACKFILL_CHUNK = 500;
/** No more than this waits in the outbox for the new target, so that a large backfill does not swell it. */
const BACKFILL_AHEAD_MAX = 5_000;
export interface ReindexDeps extends GateDeps {
  readonly targets: IndexTargets;
  /** What this process is configured to embed with: only that target does it fill and promote. */
  readonly embedder: Embedder;
  /** The base of the collections' names. */
  readonly base: string;
  /** How long a replaced target is followed. */
  readonly keepSeconds: number;
}

export type ReindexPhase =
  | { readonly phase: "idle" }
  | { readonly phase: "waiting" | "filling" | "comparing"; readonly target: string; readonly progress: TargetProgress }
  | {
      readonly phase: "refused";
      readonly target: string;
      readonly reason: string;
      readonly refusals: number;
      readonly nextInSeconds: number;
    }
  | { readonly phase: "switched"; readonly target: string; readonly replaced: string }
  | { readonly phase: "retired"; readonly target: string };

/** The schedule's state: what the last step came to, and how far a filled target has been looked at. */
export interface ReindexState {
  readonly phase: ReindexPhase;
  readonly gate: Gate | null;
}

/** Undefined: nothing is under way, or it is to be looked at from the beginning. */
export function toReindexState(state: unknown): ReindexState | undefined {
  // Nobody but the job "reindex" writes it.
  return typeof state === "object" && state !== null && "phase" in state && "gate" in state
    ? (state as unknown as ReindexState)
    : undefined;
}

/**
 * One step of whatever stands between the targets as they are and the configured one being live and alone. Each phase is
 * derived from the tables, so it may be repeated, and a process that dies in the middle leaves nothing to mend; `before`
 * only spares the comparison what was compared already.
 */
export async function reindexStep(deps: ReindexDeps, before: unknown, budget: StepBudget): Promise<ReindexState> {
  const followed = await deps.targets.followed();
  const ending = followed.find((one) => one.retireAt !== null && one.retireAt.getTime() <= Date.now());
  if (ending !== undefined) return { phase: await end(deps, ending), gate: null };

  const target = followed.find(
    (one) => one.state === "filling" && one.retireAt === null && isWanted(one, deps.embedder),
  );
  const collection = target === undefined ? undefined : collectionOf(deps.base, target);
  if (target === undefined || collection === undefined)
    return { phase: (await clearAway(deps, budget)) ?? { phase: "idle" }, gate: null };

  if (target.filledAt === null) {
    const phase = await fill(deps, target.name, budget);
    return { phase: { phase, target: target.name, progress: await deps.targets.progress(target.name) }, gate: null };
  }
  const gate = gateOf(toReindexState(before)?.gate ?? null, target, target.filledAt);
  return advance(deps, { target, collection, gate }, budget);
}

async function advance(
  deps: ReindexDeps,
  { target, collection, gate }: { target: IndexTarget; collection: CollectionRef; gate: Gate },
  budget: StepBudget,
): Promise<ReindexState> {
  const look = await lookAtGate(deps, { target, collection, gate }, budget);
  const { name } = target;
  if (look.found === "fit") return { phase: await promote(deps, target, collection), gate: null };
  if (look.found === "behind") return { phase: { phase: "filling", target: name, progress: look.progress }, gate };
  if (look.found === "comparing")
    return { phase: { phase: "comparing", target: name, progress: look.progress }, gate: look.gate };
  const { reason, nextInSeconds } = look;
  const { refusals } = look.gate;
  return { phase: { phase: "refused", target: name, reason, refusals, nextInSeconds }, gate: look.gate };
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

async function promote(deps: ReindexDeps, target: IndexTarget, collection: CollectionRef): Promise<ReindexPhase> {
  const live = await deps.targets.live();
  await deps.targets.promote(target.name, { keepSeconds: deps.keepSeconds });
  // The name for outsiders follows; a process that dies before it is made good by the next start.
  await deps.index.publish(collection);
  return { phase: "switched", target: target.name, replaced: live.name };
}

/** The points of a target that had ended when its process died, or its index was away. */
async function clearAway(deps: ReindexDeps, { signal }: StepBudget): Promise<ReindexPhase | undefined> {
  for (const target of await deps.targets.list()) {
    const collection = collectionOf(deps.base, target);
    if (target.state !== "retired" || collection === undefined) continue;
    if ((await deps.index.inspect(collection, signal)) === undefined) continue;
    await deps.index.drop(collection);
    return { phase: "retired", target: target.name };
  }
  return undefined;
}

/** First the target, so that nobody works for it any more; then its points. */
async function end(deps: ReindexDeps, target: IndexTarget): Promise<ReindexPhase> {
  await deps.targets.retire(target.name);
  const collection = collectionOf(deps.base, target);
  if (collection !== undefined) await deps.index.drop(collection);
  return { phase: "retired", target: target.name };
}
