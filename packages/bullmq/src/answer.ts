import { setTimeout as sleep } from "node:timers/promises";
import { EMPTY_REPORT, type BatchReport } from "@engram/memory";
import { JOBS, type JobName } from "./catalogue.ts";
import { Consumer } from "./consumer.ts";

export interface AnswerOptions {
  readonly url: string;
  readonly topic: JobName;
  readonly handler: () => Promise<BatchReport>;
  readonly concurrency: number;
  readonly waitSeconds: number;
  /** A consumer that is idle and hears nothing for so long, while Redis answers others, has stopped. */
  readonly silentMsMax: number;
  readonly redisAnswers: () => boolean;
  readonly onError: (error: unknown) => void;
  /** Told of every consumer that was replaced, and for how long it had been silent. */
  readonly onReplaced: (silentSeconds: number) => void;
}

export interface Answering {
  stop(): Promise<void>;
  /** Ends it at once. */
  abandon(): void;
}

/**
 * Answers rings with `handler`, by a consumer that is watched: after a restart, a failover or a dropped connection
 * BullMQ's worker can wait for ever on a connection that ioredis takes for sound (bullmq#2964, #3185, #4585, ioredis#1888).
 */
export function answerRings(options: AnswerOptions): Answering {
  const { topic, handler, concurrency, silentMsMax } = options;
  const hands = new Set<Promise<BatchReport>>();
  let stopping = false;

  // Hands are counted here and not in the consumer, since they outlive one that is replaced.
  async function work(): Promise<BatchReport> {
    if (stopping || hands.size >= concurrency) return EMPTY_REPORT;
    const hand = handler();
    hands.add(hand);
    try {
      return await withTimeout(hand, JOBS[topic].timeoutMs);
    } finally {
      hands.delete(hand);
    }
  }

  let consumer = new Consumer({ ...options, work });
  const watchdog = setInterval(() => {
    // While all hands are full it has no need to ask, and while Redis is away nobody to hear from.
    if (hands.size >= concurrency || !options.redisAnswers()) consumer.seen();
    if (consumer.silentMs < silentMsMax) return;
    options.onReplaced(consumer.silentMs / 1000);
    consumer.abandon();
    consumer = new Consumer({ ...options, work });
  }, silentMsMax / 4);
  watchdog.unref();

  return {
    async stop() {
      stopping = true;
      clearInterval(watchdog);
      await consumer.stop(() => Promise.allSettled(hands));
    },
    abandon() {
      stopping = true;
      clearInterval(watchdog);
      consumer.abandon();
    },
  };
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
