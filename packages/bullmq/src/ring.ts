import type { Queue } from "bullmq";
import { JOBS_KEPT, type JobName, type JobPayload } from "./catalogue.ts";

/** Rings of one tick leave together; so many changed rows are one job's worth. */
const BATCH = 64;
/**
 * However large a bulk: each job drains until nothing is left, more of them only spread it over more workers. And
 * however long nobody answers: a job that waits claims what was committed before it starts, so it answers this ring too.
 */
const JOBS_WAITING_MAX = 8;

/** Adds the jobs of a ring: never awaited by the one who rings, never more than one addition under way. */
export class Ringer {
  readonly #queue: Queue;
  readonly #topic: JobName;
  readonly #onError: (error: unknown) => void;
  #pending = 0;
  #adding: Promise<void> | undefined;

  constructor(queue: Queue, topic: JobName, onError: (error: unknown) => void) {
    this.#queue = queue;
    this.#topic = topic;
    this.#onError = onError;
  }

  ring(pending: number): void {
    this.#pending += pending;
    this.#adding ??= this.#addAll().finally(() => {
      this.#adding = undefined;
    });
  }

  /** Resolves when what was rung is on the queue, or was given up. */
  async settled(): Promise<void> {
    await this.#adding;
  }

  async #addAll(): Promise<void> {
    while (this.#pending > 0) {
      const wanted = Math.min(JOBS_WAITING_MAX, Math.ceil(this.#pending / BATCH));
      this.#pending = 0;
      try {
        const jobs = wanted - (await this.#queue.getWaitingCount());
        if (jobs <= 0) continue;
        const data: JobPayload = { topic: this.#topic };
        const opts = { attempts: 1, removeOnComplete: { count: JOBS_KEPT }, removeOnFail: { count: JOBS_KEPT } };
        await this.#queue.addBulk(Array.from({ length: jobs }, () => ({ name: this.#topic, data, opts })));
      } catch (error) {
        this.#onError(error); // the workers look by themselves
      }
    }
  }
}
