import { setTimeout as sleep } from "node:timers/promises";
import {
  addReports,
  backoffSeconds,
  EMPTY_REPORT,
  indexTopic,
  nextClaim,
  workBatch,
  type BatchReport,
  type BatchResult,
  type NextClaim,
  type WorkDeps,
  type WorkOptions,
} from "@engram/memory";
import type { OpenTarget, WorkGate } from "@engram/sockets";
import type { Logger, Metrics } from "@engram/telemetry";

/** Batches of one ring, so that a job on the queue ends and reports even while a backlog drains. */
const BATCHES_PER_RING_MAX = 50;
/** While a provider or the index is away, one look in so many seconds; recovery is noticed that soon. */
const TROUBLE_PAUSE_SECONDS_MAX = 10;

export interface EmbedJobDeps extends Omit<WorkDeps, "embedder"> {
  readonly gate: WorkGate;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/**
 * The job "embed": works due batches of every target until none is left. Running it twice or from two processes is safe:
 * each batch is leased, and converging what already agrees changes nothing (PROTOCOL.md).
 */
export function createEmbedJob(
  deps: EmbedJobDeps,
  followed: () => Promise<readonly OpenTarget[]>,
  options: WorkOptions,
  stop: AbortSignal,
): () => Promise<BatchReport> {
  let troubles = 0;

  return async () => {
    let report = EMPTY_REPORT;
    const previous: Previous = new Map();
    for (let batches = 0; batches < BATCHES_PER_RING_MAX && !stop.aborted; batches++) {
      const { result, waitMs } = await workFirstDue(deps, await followed(), { ...options, previous }, stop);
      if (result === undefined && waitMs === undefined) break;
      if (result === undefined) {
        await sleep(waitMs, undefined, { signal: stop }).catch(() => undefined);
        continue;
      }
      report = addReports(report, result.report);
      troubles = result.troubled ? troubles + 1 : 0;
      if (result.troubled) {
        const pauseSeconds = Math.min(TROUBLE_PAUSE_SECONDS_MAX, backoffSeconds(troubles));
        await sleep(pauseSeconds * 1000, undefined, { signal: stop }).catch(() => undefined);
      }
    }
    return report;
  };
}

/** The last batch of each target, as one hand worked it. */
type Previous = Map<string, { readonly only: NextClaim["only"]; readonly report: BatchReport }>;

/**
 * A batch of the first target that has one: the live one before those that fill, again for every batch. Without a batch,
 * `waitMs` tells when to look again where the work of every target is held back; undefined: nothing is due.
 */
async function workFirstDue(
  deps: EmbedJobDeps,
  followed: readonly OpenTarget[],
  { previous, ...options }: WorkOptions & { readonly previous: Previous },
  stop: AbortSignal,
): Promise<{ result?: BatchResult; waitMs?: number }> {
  const waitsMs: number[] = [];
  let isOneFree = false;
  for (const { target, collection, embedder } of followed) {
    if (collection === undefined || embedder === undefined) continue;
    const { claim, waitMs } = await deps.gate(target);
    if (claim === "all") isOneFree = true;
    else waitsMs.push(waitMs);
    if (claim === "none") continue;
    const place = { name: target.name, collection };
    const work = (next: NextClaim) => workBatch({ ...deps, embedder }, place, { ...options, ...next }, stop);
    const allowed = { allowed: claim, batchSize: options.batchSize };
    let next = nextClaim(allowed, previous.get(target.name));
    let result = await work(next);
    if (result === undefined && next.only !== claim) {
      next = nextClaim(allowed, undefined);
      result = await work(next);
    }
    if (result === undefined) continue;
    previous.set(target.name, { only: next.only, report: result.report });
    tell(deps, { topic: indexTopic(target.name), isLive: target.state === "live" }, result);
    return { result };
  }
  return isOneFree || waitsMs.length === 0 ? {} : { waitMs: Math.min(...waitsMs) };
}

function tell(
  { logger, metrics }: EmbedJobDeps,
  { topic, isLive }: { topic: string; isLive: boolean },
  { report, outcomes }: BatchResult,
): void {
  metrics.batches.inc({ topic, outcome: report.failed > 0 ? "failed" : "ok" });
  metrics.batchSize.observe({ topic }, report.claimed);
  metrics.batchDuration.observe({ topic }, report.seconds);
  for (const outcome of outcomes)
    if (isLive && "effect" in outcome && outcome.effect === "embedded")
      metrics.searchable.observe(outcome.claimed.waitedSeconds + report.seconds);

  const requestIds = [...new Set(outcomes.flatMap(({ claimed }) => claimed.requestId ?? []))];
  const errors = [
    ...new Set(
      outcomes.flatMap((outcome) => ("error" in outcome ? [`${outcome.error.code}: ${outcome.error.message}`] : [])),
    ),
  ];
  const fields = { topic, ...report, requestIds };
  if (errors.length === 0) logger.info(fields, "Batch done");
  else logger.warn({ ...fields, errors }, "Batch with failures");
}
