import { setTimeout as sleep } from "node:timers/promises";
import type { OutboxDepth } from "@engram/memory";
import type { Readiness, Sockets } from "@engram/sockets";
import type { Logger, Metrics } from "@engram/telemetry";
import type { Backlog, WriteKind } from "./backlog.ts";

export interface MeasureOutboxDeps {
  readonly sockets: Sockets;
  readonly readiness: Readiness;
  readonly backlog: Backlog;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

const EVERY_MS = 5_000;
/** Counting a long outbox takes a while; it may have a twentieth of one connection. */
const SHARE = 20;
const MIGRATED_POLL_MS = 200;

/** Looks at the outbox now and then: for the gauges, and for what may be refused. Until `stop`. */
export async function measureOutbox(deps: MeasureOutboxDeps, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    const started = performance.now();
    if (deps.readiness.migrated) await measureOnce(deps);
    const pauseMs = deps.readiness.migrated
      ? Math.max(EVERY_MS, SHARE * (performance.now() - started))
      : MIGRATED_POLL_MS;
    await sleep(pauseMs, undefined, { signal: stop, ref: false }).catch(() => undefined);
  }
}

async function measureOnce({ sockets, readiness, backlog, metrics, logger }: MeasureOutboxDeps): Promise<void> {
  try {
    const depths = await sockets.outbox.depth();
    backlog.measured(depths);
    const { name } = await sockets.targets.live();
    showDepths(metrics, depths, `index:${name}`);
    for (const kind of ["bulk", "single"] as const) tell(kind, { backlog, readiness, logger });
  } catch {
    // The truth is away; /readyz says so, and stale gauges are better than none.
  }
}

/** The live index is shown also when nothing waits for it. */
function showDepths(metrics: Metrics, depths: readonly OutboxDepth[], liveTopic: string): void {
  for (const gauge of [metrics.outboxPending, metrics.outboxParked, metrics.outboxOldest]) gauge.reset();
  const live = { topic: liveTopic, pending: 0, parked: 0, oldestSeconds: 0 };
  for (const { topic, pending, parked, oldestSeconds } of [live, ...depths]) {
    metrics.outboxPending.set({ topic }, pending);
    metrics.outboxParked.set({ topic }, parked);
    metrics.outboxOldest.set({ topic }, oldestSeconds);
  }
}

function tell(
  kind: WriteKind,
  { backlog, readiness, logger }: Pick<MeasureOutboxDeps, "backlog" | "readiness" | "logger">,
): void {
  const problem = backlog.problem(kind);
  const subject = `backlog_${kind}`;
  const wasTold = readiness.problems.some(({ code }) => code === subject);
  if (problem !== undefined) {
    if (!wasTold) logger.warn({ code: problem.code, cure: problem.cure }, problem.message);
    readiness.report(subject, problem);
  } else if (wasTold) {
    logger.info({ code: subject }, "Backlog is below its limit again");
    readiness.clear(subject);
  }
}
