import type { Queue } from "bullmq";
import { JOBS_KEPT, type JobName, type JobPayload } from "./catalogue.ts";

/** Rings of one tick leave together; so many changed rows are one job's worth. */
const BATCH = 64;
/**
 * However large a bulk: each job drains until nothing is left, more of them only spread it over more workers. And
 * however long nobody answers: a job that waits claims what was committed before it starts, so it answers this ring too.
 */
const JOBS_WAITING_MAX = 8;

/** `rung`: a job says it, or one that waits already does. `lost`: the workers have to look by themselves. */
export type RingOutcome = "rung" | "lost";

export interface RingerOptions {
  readonly onError: (error: unknown) => void;
  readonly onRings: (outcome: RingOutcome, rings: number) => void;
}

/** Adds the jobs of a ring: never awaited by the one who rings, never more than one addition under way. */
export class Ringer {
  readonly #queue: Queue;
  readonly #topic: JobName;
  readonly #options: RingerOptions;
  #pending = 0;
  #rings = 0;
  #adding: Promise<void> | undefined;

  constructor(queue: Queue, topic: JobName, options: RingerOptions) {
    this.#queue = queue;
    this.#topic = topic;
    this.#options = options;
  }

  ring(pending: number): void {
    this.#pending += pending;
    this.#rings += 1;
    this.#adding ??= this.#addAll().finally(() => {
      this.#adding = undefined;
    });
  }

  /** Resolves when what was rung is on the queue, or was given up. */
  async settled(): Promise<void> {
    await this.#adding;
  }

  async #addAll(): Promise<void> {
    while (this.#rings > 0) {
      const [wanted, rings] = [Math.min(JOBS_WAITING_MAX, Math.ceil(this.#pending / BATCH)), this.#rings];
      [this.#pending, this.#rings] = [0, 0];
      try {
        await this.#add(wanted);
        this.#options.onRings("rung", rings);
      } catch (error) {
        this.#options.onRings("lost", rings);
        this.#options.onError(error);
      }
    }
  }

  async #add(wanted: number): Promise<void> {
    const jobs = wanted - (await this.#queue.getWaitingCount());
    if (jobs <= 0) return;
    const data: JobPayload = { topic: this.#topic };
    const opts = { attempts: 1, removeOnComplete: { count: JOBS_KEPT }, removeOnFail: { count: JOBS_KEPT } };
    await this.#queue.addBulk(Array.from({ length: jobs }, () => ({ name: this.#topic, data, opts })));
  }
}
