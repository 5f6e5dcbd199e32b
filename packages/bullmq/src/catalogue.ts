/**
 * Every job of the queue: one per ring of the bell, its payload the topic alone (no ids, nothing personal), its result
 * the BatchReport. Attempts and back-off live in the outbox, so a job is tried once.
 */
export const JOBS = {
  embed: {
    queue: "embed",
    /** A ring may drain a backlog of 50 batches; past this it is stuck, and others answer the next rings. */
    timeoutMs: 300_000,
  },
  extract: {
    queue: "extract",
    timeoutMs: 300_000,
  },
} as const satisfies Record<string, { queue: string; timeoutMs: number }>;

export type JobName = keyof typeof JOBS;

export interface JobPayload {
  readonly topic: JobName;
}

export function isJobName(topic: string): topic is JobName {
  return Object.hasOwn(JOBS, topic);
}

/** A hash tag keeps all keys of the queues on one node of a Redis Cluster. */
export const PREFIX = "{engram}";

/** Finished jobs that a dashboard can show. */
export const JOBS_KEPT = 200;
