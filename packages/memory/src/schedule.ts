import { randomUUID } from "node:crypto";
import { backoffSeconds } from "./backoff.ts";
import { MemoryError, toMemoryError } from "./errors.ts";
import type { Claimed, Outbox, Schedules } from "./ports/index.ts";

/** The topic of the outbox whose work rows are schedules. */
export const SCHEDULE_TOPIC = "schedule";

/** A soft limit for one step: others wait behind it, and a stop waits for it. */
const STEP_SECONDS = 5;

/** How much of a step is left. */
export interface StepBudget {
  /** Fires at half of the lease: whatever is still under way is cut. */
  readonly signal: AbortSignal;
  /** True when the step should come to an end and hand back its state: its time is used up, or the process stops. */
  spent(): boolean;
}

/** Where a step leaves its job: in the middle of a run, or at its end. Both must be JSON. */
export type StepResult =
  | { readonly done: false; readonly state: unknown; readonly nextInSeconds?: number }
  | { readonly done: true; readonly result: unknown };

/**
 * A job that runs by the clock, in steps of a few seconds whose state is kept, so that a run of any length survives its
 * worker. A step may be run twice from one state; it must be safe to repeat.
 */
export interface ScheduledJob {
  readonly name: string;
  /** From the end of one run to the start of the next. */
  readonly everySeconds: number;
  /** `state` is null at the start of a run, unless whoever asked for the run gave one. */
  step(state: unknown, budget: StepBudget): Promise<StepResult>;
}

/** What one step did, for the log and the metrics. */
export interface ScheduledStep {
  readonly name: string;
  readonly outcome: "done" | "step" | "failed" | "lost";
  readonly seconds: number;
  readonly result?: unknown;
  readonly error?: MemoryError;
}

export interface ScheduleDeps {
  readonly outbox: Outbox;
  readonly schedules: Schedules;
}

/** Makes every job known, each due for the first time one period from now. */
export async function ensureScheduled({ schedules }: ScheduleDeps, jobs: readonly ScheduledJob[]): Promise<void> {
  for (const { name, everySeconds } of jobs) await schedules.ensure(name, everySeconds);
}

/**
 * Claims one schedule that is due and runs one step of its job. Undefined: nothing is due. A failed step is tried again
 * with the outbox's back-off and never parked; one whose lease was lost meanwhile is forgotten, its state is another's.
 */
export async function runScheduled(
  { outbox, schedules }: ScheduleDeps,
  jobs: readonly ScheduledJob[],
  options: { readonly leaseSeconds: number; readonly horizonSeconds: number },
  stop: AbortSignal,
): Promise<ScheduledStep | undefined> {
  const token = randomUUID();
  const started = performance.now();
  const [claimed] = await outbox.claim({ topic: SCHEDULE_TOPIC, limit: 1, token, ...options });
  if (claimed === undefined) return undefined;

  const schedule = await schedules.getByKey(claimed.key);
  const job = jobs.find((one) => one.name === schedule?.name);
  const name = schedule?.name ?? claimed.key;
  const told = (step: Omit<ScheduledStep, "name" | "seconds">): ScheduledStep => ({
    name,
    seconds: (performance.now() - started) / 1000,
    ...step,
  });
  if (job === undefined) {
    const error = new MemoryError("unavailable", "no such job in this version; another worker may know it");
    await giveBack(outbox, token, claimed, { error, retryInSeconds: 60 }, options);
    return told({ outcome: "failed", error });
  }
  try {
    const budget: StepBudget = {
      signal: AbortSignal.timeout((options.leaseSeconds * 1000) / 2),
      spent: () =>
        stop.aborted || performance.now() - started > Math.min(STEP_SECONDS, options.leaseSeconds / 4) * 1000,
    };
    const step = await job.step(schedule?.state ?? null, budget);
    const nextInSeconds = step.done ? job.everySeconds : (step.nextInSeconds ?? 0);
    const held = await schedules.save(token, claimed, { ...step, nextInSeconds });
    if (!held) return told({ outcome: "lost" });
    return told(step.done ? { outcome: "done", result: step.result } : { outcome: "step" });
  } catch (thrown) {
    const error = toMemoryError(thrown);
    const retryInSeconds = backoffSeconds(claimed.attempts, { retryAfterSeconds: error.retryAfterSeconds });
    await giveBack(outbox, token, claimed, { error, retryInSeconds }, options);
    return told({ outcome: "failed", error });
  }
}

async function giveBack(
  outbox: Outbox,
  token: string,
  { key, generation }: Claimed,
  { error, retryInSeconds }: { error: MemoryError; retryInSeconds: number },
  { horizonSeconds }: { horizonSeconds: number },
): Promise<void> {
  const failure = {
    key,
    generation,
    error: `${error.code}: ${error.message}`,
    retryInSeconds,
    doubt: false,
    park: false,
  };
  await outbox.fail(SCHEDULE_TOPIC, token, [failure], horizonSeconds);
}
