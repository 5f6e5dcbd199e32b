import { backoffSeconds } from "./backoff.ts";
import { compareTarget, type CompareDeps } from "./compare-target.ts";
import type { CollectionRef, Embedder, IndexTarget, IndexTargets, MemoryStore, TargetProgress } from "./ports/index.ts";
import { countDifferences, DIFFERENCE_KINDS, newReconcileRun, type ReconcileRun } from "./reconcile-report.ts";
import type { StepBudget } from "./schedule.ts";
import { tenantOf } from "./scope.ts";

/** Memories that are looked for in the new index by their own text before it goes live. */
const SAMPLE_SIZE = 20;
/** Each should be among so many hits; equal texts of other sessions may stand before it. */
const SAMPLE_TOP = 10;
const SAMPLE_RECALL_MIN = 0.9;

export interface GateDeps extends CompareDeps {
  readonly targets: Pick<IndexTargets, "live" | "progress">;
  readonly store: Pick<MemoryStore, "sampleMemories">;
  readonly embedder: Embedder;
}

/** What is known of a filled target: JSON, kept between steps. */
export interface Gate {
  readonly target: string;
  /** ISO 8601, when it was filled: a target of the same name that is begun anew is another one. */
  readonly filled_at: string;
  /** The comparison with the rows that is under way, or has found nothing. */
  readonly run: ReconcileRun | null;
  /** How often it was found unfit so far, and why the last time. */
  readonly refusals: number;
  readonly reason: string | null;
}

export type GateLook =
  /** It may go live. */
  | { readonly found: "fit" }
  /** Work waits for it. */
  | { readonly found: "behind"; readonly progress: TargetProgress }
  /** The comparison goes on in the next step, or was the last thing that this one did. */
  | { readonly found: "comparing"; readonly gate: Gate; readonly progress: TargetProgress }
  | { readonly found: "unfit"; readonly gate: Gate; readonly reason: string; readonly nextInSeconds: number };

/** `known` where it is of this very target, else one that knows nothing. */
export function gateOf(known: Gate | null, target: IndexTarget, filledAt: Date): Gate {
  const fresh = { target: target.name, filled_at: filledAt.toISOString(), run: null, refusals: 0, reason: null };
  return known?.target === fresh.target && known.filled_at === fresh.filled_at ? known : fresh;
}

/**
 * One look at whether a filled target is fit to go live: no more work waits for it than for the live one, nothing of it is
 * parked, each row has its point and each point its row, of the same version and text, and a sample of memories is found
 * by their own texts. The comparison is the one of `reconcile`: what differs gets a work row, and after a pause it is
 * looked at again from the beginning. A count would not do: a missing point and an orphan make the same number.
 */
export async function lookAtGate(
  deps: GateDeps,
  { target, collection, gate }: { target: IndexTarget; collection: CollectionRef; gate: Gate },
  budget: StepBudget,
): Promise<GateLook> {
  const progress = await deps.targets.progress(target.name);
  const isUnderWay = gate.run !== null && !isCompared(gate);
  if (!isUnderWay && (await isBehind(deps, progress))) return { found: "behind", progress };
  // Nobody works it any more, so the memory would be without a vector for good: that is for a person to say.
  if (progress.parked > 0)
    return unfit(gate, `${progress.parked} of its memories are parked: see "engram jobs", retry or discard them`);

  if (!isCompared(gate)) {
    const run = structuredClone(gate.run) ?? newReconcileRun({ dryRun: false });
    run.started_at ??= new Date().toISOString();
    await compareTarget(deps, target, collection, run, budget);
    const differences = differencesOf(run);
    // In the next step, so that what came meanwhile (work, parked work) is asked for once more.
    return differences === undefined || !isCompared({ ...gate, run })
      ? { found: "comparing", gate: { ...gate, run }, progress }
      : unfit(gate, differences);
  }
  const recall = await sampleRecall(deps, collection, budget.signal);
  return recall < SAMPLE_RECALL_MIN
    ? unfit(gate, `only ${Math.round(recall * 100)}% of a sample of memories is found in it`)
    : { found: "fit" };
}

/** Not "has work": under a steady load there may never be a moment without any. */
async function isBehind({ targets }: GateDeps, { pending }: TargetProgress): Promise<boolean> {
  if (pending === 0) return false;
  const live = await targets.live();
  return pending > (await targets.progress(live.name)).pending;
}

/** To the end, whatever was found. */
function isCompared({ run, target }: Gate): boolean {
  return run !== null && run.current === null && target in run.targets;
}

function differencesOf(run: ReconcileRun): string | undefined {
  if (countDifferences(run) === 0) return undefined;
  const [report] = Object.values(run.targets);
  const kinds = DIFFERENCE_KINDS.flatMap((kind) => {
    const count = report?.[kind] ?? 0;
    return count === 0 ? [] : [`${count} ${kind.replace("_", " ")}`];
  });
  return `it differs from the memories: ${kinds.join(", ")}`;
}

function unfit(gate: Gate, reason: string): GateLook {
  const refusals = gate.refusals + 1;
  return {
    found: "unfit",
    gate: { ...gate, run: null, refusals, reason },
    reason,
    nextInSeconds: backoffSeconds(refusals),
  };
}

/** The share of a sample that is found by its own text; 1 where there is nothing to look for. */
async function sampleRecall(
  { store, index, embedder }: Pick<GateDeps, "store" | "index" | "embedder">,
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
