import { Redis, type RedisOptions } from "ioredis";

/** A ring is never worth waiting for: a command that takes longer has failed, and the poll will do. */
const COMMAND_TIMEOUT_MS = 2_000;
const RECONNECT_MS_MAX = 2_000;

const retryStrategy = (times: number): number => Math.min(RECONNECT_MS_MAX, 50 * times);
/** After a failover the old primary is read-only: connect anew, to whoever is it now (ioredis#1888, bullmq#1073). */
const reconnectOnError = (error: Error): boolean => error.message.startsWith("READONLY");

/** For rings: fails at once while Redis is away, instead of queueing in memory. */
export function connectProducer(url: string): Redis {
  return new Redis(url, {
    enableOfflineQueue: false,
    commandTimeout: COMMAND_TIMEOUT_MS,
    maxRetriesPerRequest: 1,
    retryStrategy,
    reconnectOnError,
  });
}

/**
 * For workers: blocks on the queue for as long as it takes. BullMQ makes a second connection from it, to block on, and
 * closes that in a graceful goodbye only; here it is kept in sight, so that no stop leaves one behind that reconnects.
 */
export class ConsumerConnection extends Redis {
  readonly #duplicates: Redis[] = [];

  constructor(url: string) {
    super(url, { maxRetriesPerRequest: null, retryStrategy, reconnectOnError });
  }

  override duplicate(options?: Partial<RedisOptions>): Redis {
    const made = super.duplicate(options);
    this.#duplicates.push(made);
    return made;
  }

  /** Ends both connections at once. */
  disconnectAll(): void {
    for (const connection of [this, ...this.#duplicates]) connection.disconnect();
  }
}
