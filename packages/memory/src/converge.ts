import { MemoryError, toMemoryError } from "./errors.ts";
import type {
  Claimed,
  CollectionRef,
  Embedder,
  IndexableMemory,
  IndexPoint,
  MemoryStore,
  VectorIndex,
} from "./ports.ts";
import { contentHash } from "./text.ts";

export interface ConvergeDeps {
  readonly store: Pick<MemoryStore, "readIndexable">;
  readonly index: VectorIndex;
  readonly embedder: Embedder;
}

export type Effect = "embedded" | "updated" | "deleted" | "unchanged";

/** What became of one claimed key: the index agrees with the row, or it may not and this is why. */
export type Outcome =
  | { readonly claimed: Claimed; readonly effect: Effect }
  | { readonly claimed: Claimed; readonly error: MemoryError; readonly doubt: boolean };

/**
 * Makes the index agree with the rows, for these keys: the sole author of the index (PROTOCOL.md, I7).
 *
 * Safe to run twice, late or out of order, because it carries no state: rows are read after the claim, in a statement
 * of their own (I4), and compared with the points by inequality of (version, hash), never by order, since a restored
 * database repeats numbers. Every claimed key comes back, done or failed. No effect is started once `signal` fires.
 */
export async function converge(
  deps: ConvergeDeps,
  collection: CollectionRef,
  claimed: readonly Claimed[],
  signal: AbortSignal,
): Promise<readonly Outcome[]> {
  const ids = claimed.map((one) => one.key);
  let plan: Plan;
  try {
    signal.throwIfAborted();
    const rows = new Map((await deps.store.readIndexable(ids)).map((row) => [row.id, row]));
    const states = await deps.index.fetchStates(collection, ids, signal);
    plan = planEffects(ids, rows, states);
  } catch (error) {
    return failAll(claimed, error, { doubt: false });
  }

  const outcomes = new Map<string, Settled>();
  for (const id of plan.unchanged) outcomes.set(id, { effect: "unchanged" });
  await attempt(outcomes, plan.absent, async () => {
    signal.throwIfAborted();
    await deps.index.delete(collection, plan.absent, signal);
    for (const id of plan.absent) outcomes.set(id, { effect: "deleted" });
  });
  await attempt(outcomes, idsOf(plan.payloads), async () => {
    signal.throwIfAborted();
    for (const id of await deps.index.setPayload(collection, plan.payloads, signal))
      outcomes.set(id, { effect: "updated" });
  });
  await attempt(outcomes, idsOf(plan.points), async () => {
    signal.throwIfAborted();
    const { vectors } = await embedPoints(deps.embedder, plan.points, signal);
    signal.throwIfAborted();
    const points = plan.points.flatMap((point, i) => {
      const vector = vectors[i];
      return vector === undefined ? [] : [{ ...point, vector }];
    });
    for (const id of await deps.index.upsert(collection, points, signal)) outcomes.set(id, { effect: "embedded" });
  });

  return claimed.map((one) => {
    const settled = outcomes.get(one.key);
    // Passed over: its point vanished meanwhile, or another worker's lock was in the way. Not wrong, only not done.
    return settled === undefined ? again(one) : { claimed: one, ...settled };
  });
}

type Settled = { readonly effect: Effect } | { readonly error: MemoryError; readonly doubt: boolean };

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
  states: ReadonlyMap<string, { version: number; hash: string }>,
): Plan {
  const plan: Plan = { absent: [], unchanged: [], payloads: [], points: [] };
  for (const id of ids) {
    const memory = rows.get(id);
    const state = states.get(id);
    if (memory === undefined)
      plan.absent.push(id); // also without a point: an upsert in doubt may have landed since
    else {
      const hash = contentHash(memory.content);
      if (state?.hash === hash && state.version === memory.version) plan.unchanged.push(id);
      else if (state?.hash === hash) plan.payloads.push({ memory, hash });
      else plan.points.push({ memory, hash });
    }
  }
  return plan;
}

/** Fault of the text itself, as told from a fault of the index, which is never the row's own. */
class EmbeddingFault extends Error {}

async function embedPoints(embedder: Embedder, points: readonly IndexPoint[], signal: AbortSignal) {
  try {
    return await embedder.embed(
      points.map((point) => point.memory.content),
      signal,
    );
  } catch (error) {
    throw new EmbeddingFault("embedding failed", { cause: error });
  }
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
    const ofText = thrown instanceof EmbeddingFault;
    const error = toMemoryError(ofText ? thrown.cause : thrown);
    // An embedding call leaves nothing behind; an index write that was cut may still land.
    for (const id of ids) if (!outcomes.has(id)) outcomes.set(id, { error, doubt: !ofText && error.outcomeUnknown });
  }
}

function idsOf(points: readonly IndexPoint[]): readonly string[] {
  return points.map((point) => point.memory.id);
}

function failAll(claimed: readonly Claimed[], thrown: unknown, { doubt }: { doubt: boolean }): readonly Outcome[] {
  const error = toMemoryError(thrown);
  return claimed.map((one) => ({ claimed: one, error, doubt }));
}

function again(claimed: Claimed): Outcome {
  return { claimed, error: new MemoryError("unavailable", "passed over: busy, or changed meanwhile"), doubt: false };
}
