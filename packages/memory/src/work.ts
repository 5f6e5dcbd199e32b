import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { backoffSeconds } from "./backoff.ts";
import { indexTopic } from "./collection.ts";
import { converge, type ConvergeDeps, type Outcome } from "./converge.ts";
import { deadlineAfter, type Deadline } from "./deadline.ts";
import type { BatchReport, Claimed, ClaimOptions, CollectionRef, Failure, Outbox } from "./ports/index.ts";
import { tellOutbox } from "./tell-outbox.ts";

export interface WorkDeps extends ConvergeDeps {
  readonly outbox: Outbox;
  /** For a clock and a chance other than the process's own. */
  readonly deadlineAfter?: (seconds: number) => Deadline;
  readonly pause?: (ms: number) => Promise<unknown>;
  readonly random?: () => number;
}

export interface WorkOptions {
  readonly batchSize: number;
  readonly leaseSeconds: number;
  /** Longer than the longest life of an abandoned request. */
  readonly horizonSeconds: number;
  /** After so many failures of a row worked by itself it is parked; troubles of a provider or a store never count. */
  readonly attemptsMax: number;
  /** What to claim, see `ClaimOptions`. */
  readonly only?: ClaimOptions["only"];
}

/** What `workBatch` did: the report for the queue, and what metrics and logs want beside it. */
export interface BatchResult {
  readonly report: BatchReport;
  readonly outcomes: readonly Outcome[];
  /** True: the embedder or the index is away or asks for patience; look again after a pause. */
  readonly troubled: boolean;
}

/**
 * Claims one batch of the target's work, converges it and answers for every claimed key. Undefined: nothing is due.
 *
 * Repeating it is safe: see `converge`, and only the holder of the token can acknowledge. When `stop` fires before the
 * batch is begun, the claims are given back.
 */
export async function workBatch(
  deps: WorkDeps,
  target: { readonly name: string; readonly collection: CollectionRef },
  options: WorkOptions,
  stop: AbortSignal,
): Promise<BatchResult | undefined> {
  const topic = indexTopic(target.name);
  const token = randomUUID();
  const started = performance.now();
  // Half of the lease: whatever is still under way then is cut, and its rows wait out the doubt. Counted from before the
  // claim, because the lease is: an answer that took its time has used it up.
  const deadline = (deps.deadlineAfter ?? deadlineAfter)(options.leaseSeconds / 2);
  const claimed = await deps.outbox.claim({
    topic,
    limit: options.batchSize,
    token,
    leaseSeconds: options.leaseSeconds,
    horizonSeconds: options.horizonSeconds,
    only: options.only ?? "all",
  });
  if (claimed.length === 0) return undefined;

  const outcomes: Outcome[] = [];
  for (const group of workGroups(claimed)) {
    if (stop.aborted || deadline.isPast()) {
      await deps.outbox.release(topic, token, group);
      continue;
    }
    const settled = await converge(deps, target.collection, group, { deadline, stop });
    outcomes.push(...settled);
    await answer(deps, { topic, token }, settled, options);
  }
  return {
    report: reportOf(outcomes, claimed.length, (performance.now() - started) / 1000),
    outcomes,
    troubled: outcomes.some(isTrouble),
  };
}

/**
 * Fresh work together, in one call; what an earlier attempt died with, or what the index refused, each by itself, so that
 * poison finds itself. (What the embedder refuses is found within the call, see `embedPoints`.)
 */
function workGroups(claimed: readonly Claimed[]): readonly (readonly Claimed[])[] {
  const together = claimed.filter((one) => !one.alone);
  const alone = claimed.filter((one) => one.alone).map((one) => [one]);
  return together.length === 0 ? alone : [together, ...alone];
}

async function answer(
  { outbox, pause = sleep, random = Math.random }: Pick<WorkDeps, "outbox" | "pause" | "random">,
  { topic, token }: { topic: string; token: string },
  outcomes: readonly Outcome[],
  options: WorkOptions,
): Promise<void> {
  const done = outcomes.flatMap((outcome) => ("effect" in outcome ? [outcome.claimed] : []));
  const failures = outcomes.flatMap((outcome) => ("error" in outcome ? [failureOf(outcome, options, random)] : []));
  if (done.length > 0)
    await tellOutbox(pause, done.length, async () => {
      const { gone, kept } = await outbox.acknowledge(topic, token, done);
      return gone + kept;
    });
  if (failures.length > 0)
    await tellOutbox(pause, failures.length, () => outbox.fail(topic, token, failures, options.horizonSeconds));
}

function failureOf(outcome: Extract<Outcome, { error: unknown }>, options: WorkOptions, random: () => number): Failure {
  const { claimed, error, doubt, alone } = outcome;
  const transient = isTrouble(outcome);
  // After troubles of the world, which do not count, this is the first failure that may be the row's own.
  const failures = claimed.alone ? claimed.attempts : 1;
  const park = alone && !transient && (error.code === "invalid" || failures >= options.attemptsMax);
  const suspect = !transient && !alone; // the next claim works it by itself, so it need not wait
  return {
    key: claimed.key,
    generation: claimed.generation,
    error: `${error.code}: ${error.message}`,
    retryInSeconds: suspect
      ? 0
      : backoffSeconds(claimed.attempts, { retryAfterSeconds: error.retryAfterSeconds, random }),
    doubt,
    park,
  };
}

/** Faults that are the world's, not the row's. */
function isTrouble(outcome: Outcome): boolean {
  return "error" in outcome && (outcome.error.code === "unavailable" || outcome.error.code === "rate_limited");
}

function reportOf(outcomes: readonly Outcome[], claimed: number, seconds: number): BatchReport {
  const count = (effect: string): number =>
    outcomes.filter((outcome) => "effect" in outcome && outcome.effect === effect).length;
  return {
    batches: 1,
    claimed,
    embedded: count("embedded"),
    updated: count("updated"),
    deleted: count("deleted"),
    unchanged: count("unchanged"),
    failed: outcomes.filter((outcome) => "error" in outcome).length,
    seconds,
  };
}

/** Several batches as one report, for the job's result. */
export function addReports(a: BatchReport, b: BatchReport): BatchReport {
  return {
    batches: a.batches + b.batches,
    claimed: a.claimed + b.claimed,
    embedded: a.embedded + b.embedded,
    updated: a.updated + b.updated,
    deleted: a.deleted + b.deleted,
    unchanged: a.unchanged + b.unchanged,
    failed: a.failed + b.failed,
    seconds: a.seconds + b.seconds,
  };
}

export const EMPTY_REPORT: BatchReport = {
  batches: 0,
  claimed: 0,
  embedded: 0,
  updated: 0,
  deleted: 0,
  unchanged: 0,
  failed: 0,
  seconds: 0,
};
