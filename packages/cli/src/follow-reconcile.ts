import { setTimeout as sleep } from "node:timers/promises";
import {
  MemoryError,
  RECONCILE,
  reconcileStatus,
  type OutboxDepth,
  type ReconcileReport,
  type ReconcileRun,
  type Schedules,
} from "@engram/memory";

const LOOK_EVERY_MS = 250;

export interface FollowDeps {
  readonly schedules: Pick<Schedules, "get">;
  /** Runs what is due in this process, as a worker does; returns when nothing is. */
  readonly work: () => Promise<void>;
  /** How long nothing may move before this process works itself. */
  readonly patienceMs: number;
  readonly onProgress: (run: ReconcileRun) => void;
  readonly onNote: (note: string) => void;
  /** Somebody has had enough; the run stays asked for. */
  readonly stop: AbortSignal;
}

/**
 * Waits for the end of a run. Where no worker takes it, this process does: it claims like a worker, so that one which
 * comes meanwhile does no harm.
 */
export async function followReconcile(deps: FollowDeps, { id }: Pick<ReconcileRun, "id">): Promise<ReconcileReport> {
  const before = reconcileStatus(await deps.schedules.get(RECONCILE)).last?.id;
  let followed = id;
  let seen = "";
  let movedAt = performance.now();
  let working: Promise<void> | undefined;
  let fault: unknown;
  for (;;) {
    const { run, last } = reconcileStatus(await deps.schedules.get(RECONCILE));
    // Between two looks another run may even have come to its end.
    if (last !== undefined && (last.id === followed || (run === undefined && last.id !== before))) {
      await working;
      return last;
    }
    if (run !== undefined && run.id !== followed) {
      deps.onNote("Another run was asked for and took the place of this one");
      followed = run.id;
    }
    const state = JSON.stringify(run ?? null);
    if (state !== seen) {
      seen = state;
      movedAt = performance.now();
      if (run !== undefined) deps.onProgress(run);
    }
    if (fault !== undefined) throw fault;
    if (deps.stop.aborted) {
      await working;
      throw new MemoryError("unavailable", "Left off: the run goes on where a worker takes it");
    }
    if (working === undefined && performance.now() - movedAt >= deps.patienceMs) {
      deps.onNote("No worker has taken it: comparing in this process");
      working = deps.work().catch((error: unknown) => {
        fault = error;
      });
    }
    await sleep(LOOK_EVERY_MS, undefined, { signal: deps.stop }).catch(() => undefined);
  }
}

/**
 * Waits until all work of the topics that is older than this call is done, parked work left out. False: nothing moved for
 * so long that there is no worker, or it cannot do it, or somebody had enough.
 */
export async function waitForWork(
  depth: () => Promise<readonly OutboxDepth[]>,
  topics: readonly string[],
  { patienceMs, stop }: { readonly patienceMs: number; readonly stop: AbortSignal },
): Promise<boolean> {
  const began = performance.now();
  let least = Number.POSITIVE_INFINITY;
  let movedAt = began;
  for (;;) {
    const elapsedSeconds = (performance.now() - began) / 1000;
    const own = (await depth()).filter(({ topic, pending }) => topics.includes(topic) && pending > 0);
    // What came after the call is younger than it.
    if (own.every(({ oldestSeconds }) => oldestSeconds < elapsedSeconds)) return true;
    const pending = own.reduce((sum, one) => sum + one.pending, 0);
    if (pending < least) {
      least = pending;
      movedAt = performance.now();
    }
    if (stop.aborted || performance.now() - movedAt > patienceMs) return false;
    await sleep(LOOK_EVERY_MS, undefined, { signal: stop }).catch(() => undefined);
  }
}
