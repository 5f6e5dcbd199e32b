import { setTimeout as sleep } from "node:timers/promises";
import type { BatchReport } from "@engram/memory";
import { Worker } from "bullmq";
import { JOBS, PREFIX, type JobName, type JobPayload } from "./catalogue.ts";
import { ConsumerConnection } from "./connection.ts";

export interface ConsumerOptions {
  readonly url: string;
  readonly topic: JobName;
  readonly work: () => Promise<BatchReport>;
  readonly concurrency: number;
  /** How long one wait for jobs lasts at Redis, in seconds. */
  readonly waitSeconds: number;
  readonly onError: (error: unknown) => void;
}

/** Of BullMQ after a lost connection; its default of 15 s would look like a consumer that has stopped. */
const RETRY_MS = 1_000;
/** For the goodbye to Redis once the work in hand is done; a Redis that went silent must not hold up a stop. */
const GOODBYE_MS = 3_000;

/** One BullMQ worker with its two connections, and when it last gave a sign of life. */
export class Consumer {
  readonly #worker: Worker<JobPayload>;
  readonly #connection: ConsumerConnection;
  #aliveAt = performance.now();

  constructor({ url, topic, work, concurrency, waitSeconds, onError }: ConsumerOptions) {
    this.#connection = new ConsumerConnection(url, () => this.seen());
    this.#connection.on("error", onError);
    const process = async (): Promise<BatchReport> => {
      this.seen();
      try {
        return await work();
      } finally {
        this.seen();
      }
    };
    this.#worker = new Worker<JobPayload>(JOBS[topic].queue, process, {
      connection: this.#connection,
      prefix: PREFIX,
      concurrency,
      drainDelay: waitSeconds,
      runRetryDelay: RETRY_MS,
      skipVersionCheck: true, // would throw while Redis is away; RedisWatch says what is wrong with it
    });
    this.#worker.on("error", onError);
  }

  /** Milliseconds since it took a job, finished one, or heard from Redis that there is none. */
  get silentMs(): number {
    return performance.now() - this.#aliveAt;
  }

  /** Counts as a sign of life: what it does now, or cannot do, is no fault of its own. */
  seen(): void {
    this.#aliveAt = performance.now();
  }

  /** Takes no more jobs, and says goodbye to Redis once `inHand` is done. */
  async stop(inHand: () => Promise<unknown>): Promise<void> {
    const goodbye = this.#connection.status === "ready" ? this.#worker.close() : undefined;
    // The work is waited for by itself: while Redis is away, BullMQ cannot say when a job is done.
    await inHand();
    await Promise.race([goodbye ?? this.#worker.close(true), sleep(GOODBYE_MS, undefined, { ref: false })]);
    this.#connection.disconnectAll();
  }

  /** Ends it without waiting for anything; jobs in its hands are given to others once their lock has run out. */
  abandon(): void {
    this.#worker.close(true).catch(() => undefined);
    this.#connection.disconnectAll();
  }
}
