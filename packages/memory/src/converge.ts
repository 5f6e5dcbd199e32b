import { assertInTime, type Deadline } from "./deadline.ts";
import { embedPoints } from "./embed-points.ts";
import { MemoryError, toMemoryError } from "./errors.ts";
import type {
  Claimed,
  CollectionRef,
  Embedder,
  IndexableMemory,
  IndexPoint,
  MemoryStore,
  PointState,
  VectorIndex,
} from "./ports/index.ts";
import { contentHash } from "./text.ts";

export interface ConvergeDeps {
  readonly store: Pick<MemoryStore, "readIndexable">;
  readonly index: VectorIndex;
  readonly embedder: Embedder;
}

export type Effect = "embedded" | "updated" | "deleted" | "unchanged";

/** What became of one claimed key: the index agrees with the row, or it may not and this is why. */
export type Outcome = { readonly claimed: Claimed } & Settled;

type Settled =
  | { readonly effect: Effect }
  | {
      readonly error: MemoryError;
      /** The effect may still land. */
      readonly doubt: boolean;
      /** It was tried by itself, so that the fault is none of its neighbours'. */
      readonly alone: boolean;
    };

/**
 * Makes the index agree with the rows, for these keys: the sole author of the index (PROTOCOL.md, I7).
 *
 * Safe to run twice, late or out of order, because it carries no state: rows are read after the claim, in a statement
 * of their own (I4), and compared with the points by inequality of (version, hash), never by order, since a restored
 * database repeats numbers. Every claimed key comes back, done or failed. No effect is started once the deadline has
 * passed; after `stop`, what is under way is brought to its end.
 */
export async function converge(
  deps: ConvergeDeps,
  collection: CollectionRef,
  claimed: readonly Claimed[],
  { deadline, stop }: { readonly deadline: Deadline; readonly stop: AbortSignal },
): Promise<readonly Outcome[]> {
  const { signal } = deadline;
  const ids = claimed.map((one) => one.key);
  let plan: Plan;
  try {
    assertInTime(deadline);
    const rows = new Map((await deps.store.readIndexable(ids)).map((row) => [row.id, row]));
    // What has no row is deleted whether or not it has a point: an upsert in doubt may have landed since.
    const states = await deps.index.fetchStates(collection, [...rows.keys()], signal);
    plan = planEffects(ids, rows, states);
  } catch (error) {
    return failAll(claimed, error);
  }

  const outcomes = new Map<string, Settled>();
  for (const id of plan.unchanged) outcomes.set(id, { effect: "unchanged" });
  await attempt(outcomes, plan.absent, async () => {
    assertInTime(deadline);
    await deps.index.delete(collection, plan.absent, signal);
    for (const id of plan.absent) outcomes.set(id, { effect: "deleted" });
  });
  await attempt(outcomes, idsOf(plan.payloads), async () => {
    assertInTime(deadline);
    for (const id of await deps.index.setPayload(collection, plan.payloads, signal))
      outcomes.set(id, { effect: "updated" });
  });
  if (plan.points.length > 0)
    for await (const part of embedPoints(deps.embedder, plan.points, { deadline: signal, stop })) {
      if ("failed" in part) {
        // An embedding call leaves nothing behind, so there is no doubt.
        const { error, alone } = part;
        for (const id of idsOf(part.failed)) outcomes.set(id, { error, doubt: false, alone });
      } else
        await attempt(outcomes, idsOf(part.vectors), async () => {
          assertInTime(deadline);
          for (const id of await deps.index.upsert(collection, part.vectors, signal))
            outcomes.set(id, { effect: "embedded" });
        });
    }

  return claimed.map((one) => {
    const settled = outcomes.get(one.key);
    // Passed over: its point vanished meanwhile, or another worker's lock was in the way. Not wrong, only not done.
    return settled === undefined ? again(one) : { claimed: one, ...settled };
  });
}

interface Plan {
  readonly absent: string[];
  readonly unchanged: string[];
  readonly payloads: IndexPoint[];
  readonly points: IndexPoint[];
}

/** Which effect each key needs. Pure. */
function planEffects(
  ids: readonly string[],
  rows: ReadonlyMap<string, IndexableMemory>,
  states: ReadonlyMap<string, PointState>,
): Plan {
  const plan: Plan = { absent: [], unchanged: [], payloads: [], points: [] };
  for (const id of ids) {
    const memory = rows.get(id);
    const state = states.get(id);
    if (memory === undefined)
      plan.absent.push(id); // also without a point: an upsert in doubt may have landed since
    else {
      const hash = contentHash(memory.content);
      const isOwners = (state?.tenant ?? memory.tenant) === memory.tenant;
      if (state?.hash === hash && state.version === memory.version && isOwners) plan.unchanged.push(id);
      else if (state?.hash === hash) plan.payloads.push({ memory, hash });
      else plan.points.push({ memory, hash });
    }
  }
  return plan;
}

async function attempt(
  outcomes: Map<string, Settled>,
  ids: readonly string[],
  effect: () => Promise<void>,
): Promise<void> {
  if (ids.length === 0) return;
  try {
    await effect();
  } catch (thrown) {
    const error = toMemoryError(thrown);
    // A write that was cut may still land, and so may one of which nothing is known but that something threw.
    const doubt = error.outcomeUnknown || !(thrown instanceof MemoryError);
    const failed = { error, doubt, alone: ids.length === 1 };
    for (const id of ids) if (!outcomes.has(id)) outcomes.set(id, failed);
  }
}

function idsOf(points: readonly IndexPoint[]): readonly string[] {
  return points.map((point) => point.memory.id);
}

function failAll(claimed: readonly Claimed[], thrown: unknown): readonly Outcome[] {
  const error = toMemoryError(thrown);
  return claimed.map((one) => ({ claimed: one, error, doubt: false, alone: claimed.length === 1 }));
}

function again(claimed: Claimed): Outcome {
  const error = new MemoryError("unavailable", "passed over: busy, or changed meanwhile");
  return { claimed, error, doubt: false, alone: false };
}
