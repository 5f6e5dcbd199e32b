import type { IndexTarget } from "@engram/memory";
import type { Circuit } from "./circuit.ts";
import type { OpenEmbedder } from "./open-models.ts";
import type { Pace } from "./pace.ts";
import type { HeldBack, Spending } from "./spending.ts";

/** What a worker may claim now. */
export interface WorkPermit {
  /** `absent`: the points of memories that are gone, which need no embedder. */
  readonly claim: "all" | "absent" | "none";
  /** When to ask again. */
  readonly waitMs: number;
}

export type WorkGate = (target: Pick<IndexTarget, "name" | "model" | "requestedDims">) => Promise<WorkPermit>;

/** Claims run so far ahead of their turn at the provider that there is always one waiting when a turn is free. */
const AHEAD_MS = 1_000;
/** While nothing can be embedded, deletes are looked for so often: that look goes through all that is due. */
const ABSENT_EVERY_MS = 5_000;
/** What opens a circuit or ends a pause is noticed within so long. */
const WAIT_MS_MIN = 100;
const WAIT_MS_MAX = 1_000;

/** What is not guarded or paced is always there. */
export interface WorkGateParts {
  readonly embedder: Pick<Circuit, "admits"> | undefined;
  readonly index: Pick<Circuit, "admits"> | undefined;
  readonly pace: Pick<Pace, "waitMs"> | undefined;
  readonly spending?: { heldBack(): Promise<HeldBack | undefined> } | undefined;
}

/**
 * Asked before every claim, so that nothing is claimed only to fail: while the index does not answer nothing is, and
 * while the embedder does not, its provider's limits are used up or the day's money is spent, only what needs none. Each target has its own, since
 * one that fills may be of another model than the live one.
 */
export function createWorkGates(
  embedderOf: (target: Pick<IndexTarget, "model" | "requestedDims">) => Promise<OpenEmbedder | undefined>,
  index: Circuit | undefined,
  spending: Spending,
): WorkGate {
  const gates = new Map<string, () => Promise<WorkPermit>>();
  return async (target) => {
    const opened = await embedderOf(target);
    const gate =
      gates.get(target.name) ??
      createWorkGate({
        embedder: opened?.circuit,
        index,
        pace: opened?.pace,
        // What costs nothing is never held back.
        spending:
          opened?.pace === undefined ? undefined : { heldBack: () => spending.heldBack({ model: opened.work.model }) },
      });
    gates.set(target.name, gate);
    return gate();
  };
}

export function createWorkGate({ embedder, index, pace, spending }: WorkGateParts): () => Promise<WorkPermit> {
  let absentAt = Number.NEGATIVE_INFINITY;

  return async () => {
    if (index?.admits === false) return { claim: "none", waitMs: WAIT_MS_MIN };
    const isHeldBack = embedder?.admits === false || (await spending?.heldBack()) !== undefined;
    const waitMs = isHeldBack ? WAIT_MS_MAX : ((await pace?.waitMs()) ?? 0) - AHEAD_MS;
    if (waitMs <= 0) return { claim: "all", waitMs: 0 };
    const pause = Math.min(WAIT_MS_MAX, Math.max(WAIT_MS_MIN, waitMs));
    if (performance.now() - absentAt < ABSENT_EVERY_MS) return { claim: "none", waitMs: pause };
    absentAt = performance.now();
    return { claim: "absent", waitMs: pause };
  };
}
