import type { Config } from "@engram/config";
import { EMPTY_REPORT, workExtraction, type BatchReport, type ExtractReport } from "@engram/memory";
import type { Readiness, Sockets } from "@engram/sockets";
import type { Logger, Metrics } from "@engram/telemetry";
import { inTurn } from "./in-turn.ts";

/** Batches of one ring, so that a job on the queue ends and reports even while a backlog drains. */
const BATCHES_PER_RING_MAX = 50;
/** So many answers in a row that cannot be read, each asked for about fewer turns, are no accident. */
const UNREADABLE_MAX = 3;
const UNREADABLE = {
  code: "model_answers",
  message: "The answers of LLM_MODEL cannot be read as memories",
  cure: "Set LLM_MODEL to a model that gives JSON by a schema. What was said waits or is set aside, and is found by its words",
} as const;

/** For what is read before a call and written after it. */
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
    ...(extractor.offline ? {} : { heldBack: (projectId: string) => sockets.spending.heldBack(projectId) }),
  };
  // A claim must outlive its call: half of it is the deadline.
  const leaseSeconds = Math.max(
    config.outbox.leaseSeconds,
    Math.ceil((2 * config.models.llmTimeoutMs) / 1000) + LEASE_SLACK_SECONDS,
  );
  const options = { leaseSeconds, horizonSeconds: config.outbox.horizonSeconds };
  let unreadable = 0;
  const judge = ({ outcome, error }: ExtractReport): void => {
    if (outcome === "failed" && error?.code === "invalid") {
      if (++unreadable !== UNREADABLE_MAX) return;
      readiness.report(UNREADABLE.code, UNREADABLE);
      logger.warn({ code: UNREADABLE.code, cure: UNREADABLE.cure }, UNREADABLE.message);
    } else if (outcome === "done") {
      unreadable = 0;
      readiness.clear(UNREADABLE.code);
    }
  };
  return async () => {
    let report: BatchReport = EMPTY_REPORT;
    for (let batches = 0; batches < BATCHES_PER_RING_MAX && !stop.aborted; batches++) {
      if (!(await sockets.models.isExtractorReady())) break;
      const done = await workExtraction(deps, options, stop);
      if (done === undefined) break;
      report = addReport(report, done);
      tell({ logger, metrics }, done);
      judge(done);
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
