import { MemoryError, type Bell } from "@engram/memory";
import { Queue, Worker } from "bullmq";
import type { Redis } from "ioredis";
import { isJobName, JOBS, PREFIX, type JobName, type JobPayload } from "./catalogue.ts";
import { connectConsumer, connectProducer } from "./connection.ts";
import { Ringer } from "./ring.ts";

export interface BullMqBellOptions {
  readonly url: string;
  /** Troubles, at most one in ten seconds: BullMQ and ioredis tell each reconnection. */
  readonly onError: (error: unknown) => void;
}

const TELL_EVERY_MS = 10_000;

/**
 * The bell on Redis: BullMQ spreads rings over the workers of all processes. Redis away, full or wiped loses rings and
 * nothing else; connections come back by themselves.
 */
export function createBullMqBell(options: BullMqBellOptions): Bell {
  const onError = atMostEvery(TELL_EVERY_MS, options.onError);
  const ringers = new Map<JobName, { queue: Queue; ringer: Ringer }>();
  const consumers = new Set<Redis>();
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
      const connection = connectConsumer(options.url);
      connection.on("error", onError);
      consumers.add(connection);
      const worker = new Worker<JobPayload>(JOBS[topic].queue, () => handler(), {
        connection,
        prefix: PREFIX,
        concurrency,
        skipVersionCheck: true, // would throw while Redis is away; `doctor` and the start say what is wrong with it
      });
      worker.on("error", onError);
      return Promise.resolve({
        async stop() {
          // Without Redis there is no graceful goodbye to wait for.
          await worker.close(connection.status !== "ready");
          connection.disconnect();
          consumers.delete(connection);
        },
      });
    },

    async ping() {
      if (producer.status !== "ready") throw new MemoryError("unavailable", "Redis cannot be reached (REDIS_URL)");
      await producer.ping();
    },

    async close() {
      for (const { queue, ringer } of ringers.values()) {
        await ringer.settled();
        await queue.close().catch(() => undefined);
      }
      for (const connection of consumers) connection.disconnect();
      producer.disconnect();
    },
  };
}

function atMostEvery(ms: number, tell: (error: unknown) => void): (error: unknown) => void {
  let last = -Infinity;
  return (error) => {
    if (performance.now() - last < ms) return;
    last = performance.now();
    tell(error);
  };
}
