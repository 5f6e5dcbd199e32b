import { MemoryError, type Bell } from "@engram/memory";
import { Queue } from "bullmq";
import { answerRings, type Answering } from "./answer.ts";
import { isJobName, JOBS, PREFIX, type JobName } from "./catalogue.ts";
import { connectProducer } from "./connection.ts";
import { problemOfError, type RedisProblem } from "./problems.ts";
import { RedisWatch } from "./redis-watch.ts";
import { Ringer, type RingOutcome } from "./ring.ts";

export interface BullMqBellOptions {
  readonly url: string;
  /** Troubles that are none of Redis's known states, at most one in ten seconds. */
  readonly onError: (error: unknown) => void;
  /** A state of Redis has begun; told once while it lasts. */
  readonly onProblem?: (problem: RedisProblem) => void;
  /** The state is over, after so many seconds. */
  readonly onProblemOver?: (problem: RedisProblem, seconds: number) => void;
  readonly onRings?: (outcome: RingOutcome, rings: number) => void;
  /** A consumer that had stopped was replaced, after so many seconds without a sign of life. */
  readonly onConsumerReplaced?: (silentSeconds: number) => void;
  /** Shorter ones are of use to tests. */
  readonly timings?: Partial<BellTimings>;
}

export interface BellTimings {
  /** Between two looks at Redis. */
  readonly lookEveryMs: number;
  /** How long a restart or a wipe of Redis is shown. */
  readonly recentMs: number;
  /** One wait of an idle consumer for jobs. */
  readonly waitSeconds: number;
  /** An idle consumer without a sign of life for so long is replaced; several of its waits, each of which may take 10 s. */
  readonly silentMsMax: number;
}

const TIMINGS: BellTimings = { lookEveryMs: 5_000, recentMs: 60_000, waitSeconds: 5, silentMsMax: 20_000 };
const TELL_EVERY_MS = 10_000;

/**
 * The bell on Redis: BullMQ spreads rings over the workers of all processes. Redis away, full, read-only, silent or
 * wiped loses rings and nothing else; connections come back by themselves, and a consumer that does not is replaced.
 */
export function createBullMqBell(options: BullMqBellOptions): Bell {
  const { url, onRings = () => undefined } = options;
  const timings = { ...TIMINGS, ...options.timings };
  const ringers = new Map<JobName, { queue: Queue; ringer: Ringer }>();
  const answering = new Set<Answering>();
  const producer = connectProducer(url);
  const watch = new RedisWatch(producer, {
    everyMs: timings.lookEveryMs,
    recentMs: timings.recentMs,
    onBegin: options.onProblem ?? (() => undefined),
    onOver: options.onProblemOver ?? (() => undefined),
  });
  const tell = atMostEvery(TELL_EVERY_MS, options.onError);
  /** What a state of Redis explains is told by the watch, once; BullMQ and ioredis tell each reconnection. */
  const onError = (error: unknown): void => {
    if (problemOfError(error) === undefined) tell(error);
    else watch.lookSoon();
  };

  function ringerOf(topic: JobName): Ringer {
    const known = ringers.get(topic);
    if (known !== undefined) return known.ringer;
    const queue = new Queue(JOBS[topic].queue, {
      connection: producer,
      prefix: PREFIX,
      skipWaitingForReady: true,
      // Asked of a Redis that is silent at that moment, it would fail every ring for ever.
      skipVersionCheck: true,
    });
    queue.on("error", onError);
    const ringer = new Ringer(queue, topic, { onError, onRings });
    ringers.set(topic, { queue, ringer });
    return ringer;
  }

  return {
    ring(topic, { pending }) {
      if (!isJobName(topic)) return;
      // While Redis is away there is nobody to ring; asking would only fail later.
      if (producer.status === "ready") ringerOf(topic).ring(pending);
      else onRings("lost", 1);
    },

    answer(topic, handler, { concurrency }) {
      if (!isJobName(topic))
        throw new MemoryError("internal", "Internal error", { cause: new Error(`no job ${topic} in the catalogue`) });
      const one = answerRings({
        url,
        topic,
        handler,
        concurrency,
        waitSeconds: timings.waitSeconds,
        silentMsMax: timings.silentMsMax,
        redisAnswers: () => producer.status === "ready" && watch.answers,
        onError,
        onReplaced: options.onConsumerReplaced ?? (() => undefined),
      });
      answering.add(one);
      return Promise.resolve({
        async stop() {
          await one.stop();
          answering.delete(one);
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
      watch.close();
      for (const { queue, ringer } of ringers.values()) {
        await ringer.settled();
        await queue.close().catch(() => undefined);
      }
      for (const one of answering) one.abandon();
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

function atMostEvery(ms: number, tell: (error: unknown) => void): (error: unknown) => void {
  let last = -Infinity;
  return (error) => {
    if (performance.now() - last < ms) return;
    last = performance.now();
    tell(error);
  };
}
