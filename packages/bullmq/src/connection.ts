import { Redis, type RedisOptions } from "ioredis";

/** A ring is never worth waiting for: a command that takes longer has failed, and the poll will do. */
const COMMAND_TIMEOUT_MS = 2_000;
const CONNECT_TIMEOUT_MS = 3_000;
const RECONNECT_MS_MAX = 2_000;

const retryStrategy = (times: number): number => Math.min(RECONNECT_MS_MAX, 50 * times);
/** After a failover the old primary is read-only: connect anew, to whoever is it now (ioredis#1888, bullmq#1073). */
const reconnectOnError = (error: Error): boolean => error.message.startsWith("READONLY");

/**
 * For rings, looks and the dashboard: fails at once while Redis is away, instead of queueing in memory. RedisWatch
 * reconnects it when it is read-only.
 */
export function connectProducer(url: string, options: Pick<RedisOptions, "lazyConnect"> = {}): Redis {
  return new Redis(url, {
    ...options,
    enableOfflineQueue: false,
    connectTimeout: CONNECT_TIMEOUT_MS,
    commandTimeout: COMMAND_TIMEOUT_MS,
    maxRetriesPerRequest: 1,
    retryStrategy,
  });
}

/**
 * For workers: blocks on the queue for as long as it takes. BullMQ makes a second connection from it, to block on, and
 * closes that in a graceful goodbye only; here it is kept in sight, so that no stop leaves one behind that reconnects.
 */
export class ConsumerConnection extends Redis {
  readonly #onUnblocked: () => void;
  readonly #duplicates: Redis[] = [];

  /** `onUnblocked` is called whenever Redis has answered a wait for jobs, with one or with none. */
  constructor(url: string, onUnblocked: () => void) {
    super(url, { maxRetriesPerRequest: null, retryStrategy, reconnectOnError });
    this.#onUnblocked = onUnblocked;
  }

  override duplicate(options?: Partial<RedisOptions>): Redis {
    const made = new BlockingConnection({ ...this.options, ...options }, this.#onUnblocked);
    this.#duplicates.push(made);
    return made;
  }

  /** Ends both connections at once, where BullMQ has not. */
  disconnectAll(): void {
    for (const connection of [this, ...this.#duplicates]) if (connection.status !== "end") connection.disconnect();
  }
}

class BlockingConnection extends Redis {
  readonly #onUnblocked: () => void;

  constructor(options: RedisOptions, onUnblocked: () => void) {
    super({ ...options, replyMapping: "legacy" });
    this.#onUnblocked = onUnblocked;
  }

  override sendCommand(...args: Parameters<Redis["sendCommand"]>): unknown {
    const [command] = args;
    if (command.name === "bzpopmin") command.promise.then(this.#onUnblocked, () => undefined);
    return super.sendCommand(...args);
  }
}
