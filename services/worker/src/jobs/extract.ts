import type { Config } from "@engram/config";
import { EMPTY_REPORT, workExtraction, type BatchReport, type ExtractReport } from "@engram/memory";
import type { Readiness, Sockets } from "@engram/sockets";
import type { Logger, Metrics } from "@engram/telemetry";
import { inTurn } from "./in-turn.ts";
import { createModelJudge } from "./judge-model.ts";

/** Batches of one ring, so that a job on the queue ends and reports even while a backlog drains. */
const BATCHES_PER_RING_MAX = 50;
/** What a batch may need: the call, and one that tells whose fault it is when that fails; and the turns at the provider. */
const CALLS_MAX = 2;
const TURNS_SECONDS = 6;
/** For what is written after the calls. */
const LEASE_SLACK_SECONDS = 10;

export interface ExtractJobDeps {
  readonly sockets: Sockets;
  readonly readiness: Pick<Readiness, "report" | "clear">;
  readonly config: Config;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Called whenever talk was claimed: the model is waited for, and meanwhile others may be read. */
  readonly onClaimed: () => void;
}

/**
 * The job "extract": reads talk that is due until none is left. Safe to run twice and from two processes, as
 * `workExtraction` is.
 */
export function createExtractJob(
  { sockets, readiness, config, logger, metrics, onClaimed }: ExtractJobDeps,
  stop: AbortSignal,
): () => Promise<BatchReport> {
  const { extractor } = sockets.models;
  const deps = {
    ...inTurn(sockets),
    extractor,
    onClaimed,
    // Rules cost nothing.
    ...(extractor.offline
      ? {}
      : { heldBack: (projectId: string) => sockets.spending.heldBack({ projectId, model: extractor.model }) }),
  };
  const deadlineSeconds = Math.ceil((CALLS_MAX * config.models.llmTimeoutMs) / 1000) + TURNS_SECONDS;
  const leaseSeconds = Math.max(config.outbox.leaseSeconds, deadlineSeconds + LEASE_SLACK_SECONDS);
  const options = { leaseSeconds, deadlineSeconds, horizonSeconds: config.outbox.horizonSeconds };
  const model = createModelJudge({ readiness, logger });
  return async () => {
    let report: BatchReport = EMPTY_REPORT;
    for (let batches = 0; batches < BATCHES_PER_RING_MAX && !stop.aborted; batches++) {
      if (model.isResting() || !(await sockets.models.isExtractorReady())) break;
      const done = await workExtraction(deps, options, stop);
      if (done === undefined) break;
      report = addReport(report, done);
      tell({ logger, metrics }, done);
      model.judge(done);
      // What it made waits to be embedded.
      if (done.facts > 0) sockets.bell.ring("embed", { pending: done.facts });
      if (isTrouble(done)) break;
    }
    return report;
  };
}

/** The provider is away: the work waits out its back-off, and so does this hand, one look long. */
function isTrouble({ error }: ExtractReport): boolean {
  return error?.code === "unavailable" || error?.code === "rate_limited";
}

function addReport(sum: BatchReport, { messages, seconds, outcome }: ExtractReport): BatchReport {
  return {
    ...sum,
    batches: sum.batches + 1,
    claimed: sum.claimed + messages,
    updated: sum.updated + (outcome === "done" ? messages : 0),
    failed: sum.failed + (outcome === "failed" ? 1 : 0),
    seconds: sum.seconds + seconds,
  };
}

function tell({ logger, metrics }: Pick<ExtractJobDeps, "logger" | "metrics">, report: ExtractReport): void {
  const { outcome, messages, facts, seconds, requestIds, error } = report;
  metrics.extractions.inc({ outcome });
  metrics.extractionDuration.observe({ outcome }, seconds);
  const fields = { outcome, messages, facts, durationMs: Math.round(seconds * 1000), requestIds };
  if (outcome === "failed") {
    logger.warn({ ...fields, code: error?.code, err: error }, "Extraction failed");
    return;
  }
  if (outcome === "done") {
    metrics.extractedMessages.inc(messages);
    metrics.extractedFacts.inc(facts);
  }
  logger.info(fields, "Extraction");
}
