import { setTimeout as sleep } from "node:timers/promises";
import { EMPTY_REPORT, MemoryError, type BatchReport, type Bell } from "@engram/memory";
import { Queue, Worker } from "bullmq";
import { isJobName, JOBS, PREFIX, type JobName, type JobPayload } from "./catalogue.ts";
import { connectProducer, ConsumerConnection } from "./connection.ts";
import { Ringer } from "./ring.ts";

export interface BullMqBellOptions {
  readonly url: string;
  /** Troubles, at most one in ten seconds: BullMQ and ioredis tell each reconnection. */
  readonly onError: (error: unknown) => void;
}

const TELL_EVERY_MS = 10_000;
/** For the goodbye to Redis once the work in hand is done; a Redis that went silent must not hold up a stop. */
const GOODBYE_MS = 3_000;

/**
 * The bell on Redis: BullMQ spreads rings over the workers of all processes. Redis away, full or wiped loses rings and
 * nothing else; connections come back by themselves.
 */
export function createBullMqBell(options: BullMqBellOptions): Bell {
  const onError = atMostEvery(TELL_EVERY_MS, options.onError);
  const ringers = new Map<JobName, { queue: Queue; ringer: Ringer }>();
  const consumers = new Set<ConsumerConnection>();
  const producer = connectProducer(options.url);
  producer.on("error", onError);

  function ringerOf(topic: JobName): Ringer {
    const known = ringers.get(topic);
    if (known !== undefined) return known.ringer;
    const queue = new Queue(JOBS[topic].queue, { connection: producer, prefix: PREFIX, skipWaitingForReady: true });
    queue.on("error", onError);
    const ringer = new Ringer(queue, topic, onError);
    ringers.set(topic, { queue, ringer });
    return ringer;
  }

  return {
    ring(topic, { pending }) {
      // While Redis is away there is nobody to ring; asking would only fail later.
      if (isJobName(topic) && producer.status === "ready") ringerOf(topic).ring(pending);
    },

    answer(topic, handler, { concurrency }) {
      if (!isJobName(topic))
        throw new MemoryError("internal", "Internal error", { cause: new Error(`no job ${topic} in the catalogue`) });
      const connection = new ConsumerConnection(options.url);
      connection.on("error", onError);
      consumers.add(connection);
      const hands = new Set<Promise<BatchReport>>();
      let stopping = false;
      const work = async (): Promise<BatchReport> => {
        if (stopping) return EMPTY_REPORT;
        const hand = handler();
        hands.add(hand);
        try {
          return await withTimeout(hand, JOBS[topic].timeoutMs);
        } finally {
          hands.delete(hand);
        }
      };
      const worker = new Worker<JobPayload>(JOBS[topic].queue, work, {
        connection,
        prefix: PREFIX,
        concurrency,
        skipVersionCheck: true, // would throw while Redis is away; `doctor` and the start say what is wrong with it
      });
      worker.on("error", onError);
      return Promise.resolve({
        async stop() {
          stopping = true;
          const goodbye = connection.status === "ready" ? worker.close() : undefined;
          // The work is waited for by itself: while Redis is away, BullMQ cannot say when a job is done.
          await Promise.allSettled(hands);
          await Promise.race([goodbye ?? worker.close(true), sleep(GOODBYE_MS, undefined, { ref: false })]);
          connection.disconnectAll();
          consumers.delete(connection);
        },
      });
    },

    async ping(signal) {
      const away = (cause?: unknown): MemoryError =>
        new MemoryError("unavailable", "Redis cannot be reached (REDIS_URL)", { cause });
      if (producer.status !== "ready") throw away();
      await unlessAborted(producer.ping(), signal).catch((error: unknown) => {
        throw away(error);
      });
    },

    async close() {
      for (const { queue, ringer } of ringers.values()) {
        await ringer.settled();
        await queue.close().catch(() => undefined);
      }
      for (const connection of consumers) connection.disconnectAll();
      producer.disconnect();
    },
  };
}

/** The promise's outcome, or the signal's reason when that fires first; the promise may fail later unheard. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const leave = (): void => reject(new Error("given up", { cause: signal.reason }));
    if (signal.aborted) leave();
    signal.addEventListener("abort", leave, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", leave));
  });
}

/** Fails the job of a handler that is stuck, which frees its place; the handler itself is left to its own limits. */
async function withTimeout<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  const controller = new AbortController();
  const timeout = sleep(timeoutMs, undefined, { signal: controller.signal, ref: false }).then((): never => {
    throw new Error(`no end within ${timeoutMs} ms`);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    timeout.catch(() => undefined);
    controller.abort();
  }
}

function atMostEvery(ms: number, tell: (error: unknown) => void): (error: unknown) => void {
  let last = -Infinity;
  return (error) => {
    if (performance.now() - last < ms) return;
    last = performance.now();
    tell(error);
  };
}
