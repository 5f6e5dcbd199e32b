/** What a worker did with one ring, kept as the job's result so that a queue dashboard speaks. */
export interface BatchReport {
  readonly batches: number;
  readonly claimed: number;
  /** Embedded anew and upserted. */
  readonly embedded: number;
  /** Payload brought up to date, vector kept. */
  readonly updated: number;
  readonly deleted: number;
  readonly unchanged: number;
  readonly failed: number;
  readonly seconds: number;
}

/**
 * The bell: says that a batch of a topic is due. Carries no ids and nothing personal, may lose every ring, and never
 * blocks or fails a request: whoever misses a ring looks by itself one poll interval later.
 */
export interface Bell {
  /** Coalesced; about one job per `batchSize` pending. */
  ring(topic: string, options: { pending: number }): void;
  /** Calls `handler` for every ring until `stop`. */
  answer(
    topic: string,
    handler: () => Promise<BatchReport>,
    options: { concurrency: number },
  ): Promise<{ stop(): Promise<void> }>;
  ping(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}
