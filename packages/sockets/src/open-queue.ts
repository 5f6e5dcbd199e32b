import type { Config, Problem } from "@engram/config";
import { createLocalBell, type Bell } from "@engram/memory";
import type { Logger, Metrics } from "@engram/telemetry";
import type { Readiness } from "./readiness.ts";

export interface QueueTellers {
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Where the states of Redis are shown as problems; undefined where nobody asks. */
  readonly readiness: Readiness | undefined;
}

/** The bell that the configuration names. Each state of Redis is one log line, one problem, and one line at its end. */
export async function openQueue(config: Config, { logger, metrics, readiness }: QueueTellers): Promise<Bell> {
  const onError = (err: unknown): void => logger.warn({ err }, "Queue trouble");
  if (config.queue.redisUrl === undefined) return createLocalBell({ onError });
  const { createBullMqBell, REDIS_PROBLEM_CODES } = await import("@engram/bullmq");
  for (const problem of REDIS_PROBLEM_CODES) metrics.redisProblem.set({ problem }, 0);
  for (const outcome of ["rung", "lost"]) metrics.rings.inc({ outcome }, 0);
  return createBullMqBell({
    url: config.queue.redisUrl,
    onError,
    onProblem(problem) {
      logger.warn({ code: problem.code, cure: problem.cure }, problem.message);
      metrics.redisProblem.set({ problem: problem.code }, 1);
      readiness?.report(problem.code, problem);
    },
    onProblemOver({ code }, seconds) {
      logger.info({ code, seconds: Math.round(seconds * 10) / 10 }, "Redis problem is over");
      metrics.redisProblem.set({ problem: code }, 0);
      readiness?.clear(code);
    },
    onRings: (outcome, rings) => metrics.rings.inc({ outcome }, rings),
    onConsumerReplaced(silentSeconds) {
      metrics.consumersReplaced.inc();
      logger.warn({ silentSeconds: Math.round(silentSeconds) }, "Queue consumer had stopped, and was replaced");
    },
  });
}

/** What an operator should mend about Redis; empty when nothing is, or when none is configured. */
export async function examineQueue(config: Config): Promise<readonly Problem[]> {
  if (config.queue.redisUrl === undefined) return [];
  const { redisProblems } = await import("@engram/bullmq");
  return redisProblems(config.queue.redisUrl);
}
