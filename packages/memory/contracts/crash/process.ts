import { collectionOf, runScheduled, workBatch, type BatchResult, type Deadline } from "@engram/memory";
import type { Interruption } from "./interruptions.ts";
import { scheduledJobs } from "./scheduled-jobs.ts";
import type { Run } from "./run.ts";
import { BASE, OPTIONS, type Call, type Gate, type Parts } from "./world.ts";

/** A promise that nobody will ever hear of: what a dead process was waiting for. */
export function never(): Promise<never> {
  return new Promise(() => undefined);
}

/** A process of the service: what it does to the outside it does call by call, and it may end or stall at each. */
export class Process implements Gate {
  readonly parts: Parts;
  /** Fires for a graceful stop. */
  readonly stopping = new AbortController();
  /** True: stopped by the system (SIGSTOP), so that its timers do not fire. */
  isAsleep = false;
  #isDead = false;
  #bury: () => void = () => undefined;
  readonly #buried: Promise<void>;
  readonly #run: Run;
  #happening: Promise<void> = Promise.resolve();
  readonly #meanwhile = new Map<string, () => Promise<void>>();

  constructor(run: Run) {
    this.#run = run;
    this.#buried = new Promise((resolve) => {
      this.#bury = resolve;
    });
    this.parts = run.world.open(this);
  }

  get isGone(): boolean {
    return this.#isDead || this.stopping.signal.aborted;
  }

  /** What happens outside, once, while the process is at its next call of that name. */
  meanwhile(name: string, happening: () => Promise<void>): void {
    this.#meanwhile.set(name, happening);
  }

  /** Ends here: nothing more is done, and nobody hears why. */
  die(): Promise<never> {
    this.#isDead = true;
    this.#bury();
    return never();
  }

  async pass<T>(call: Call, effect: () => Promise<T>): Promise<T> {
    if (this.#isDead || this.#run.isOver) return never();
    const planned: Interruption | undefined = this.#run.reach(call);
    const sentAt = this.#run.world.clock.now;
    await this.#happenMeanwhile(call.name);
    if (this.#run.isOver) return never();
    try {
      const scene = { process: this, run: this.#run, sentAt };
      return await (planned === undefined ? effect() : planned.meet(scene, effect));
    } finally {
      this.#run.assertGuarded(call.name);
    }
  }

  async #happenMeanwhile(name: string): Promise<void> {
    const happening = this.#meanwhile.get(name)?.();
    this.#meanwhile.delete(name);
    if (happening === undefined) return;
    this.#happening = happening;
    await happening;
  }

  /** Does its work to the end, or to its own; what happens outside meanwhile comes to its end as well. */
  async live(work: (process: Process) => Promise<unknown>): Promise<void> {
    try {
      await Promise.race([work(this), this.#buried]);
    } finally {
      await this.#happening;
    }
  }

  /** One batch of the first target that has one, as the worker does it. Undefined: nothing is due. */
  async workBatch(): Promise<BatchResult | undefined> {
    for (const target of (await this.#run.world.targets()).followed) {
      const collection = collectionOf(BASE, target);
      const result = collection && (await this.#workFor({ name: target.name, collection }));
      if (result !== undefined) return result;
    }
    return undefined;
  }

  /** Steps of whatever job the clock has made due, until none is. */
  async runScheduled(): Promise<void> {
    while (!this.isGone) {
      const step = await runScheduled(this.parts, scheduledJobs(this.parts), OPTIONS, this.stopping.signal);
      if (step === undefined || step.outcome === "failed") return;
    }
  }

  #workFor(target: Parameters<typeof workBatch>[1]): Promise<BatchResult | undefined> {
    const deps = {
      ...this.parts,
      embedder: this.parts.embedderOf(target.collection.model),
      deadlineAfter: (seconds: number) => this.#deadlineAfter(seconds),
      // Short against everything that is counted here in seconds.
      pause: () => Promise.resolve(),
      // So that a run can be had again.
      random: () => 0.5,
    };
    return workBatch(deps, target, OPTIONS, this.stopping.signal);
  }

  #deadlineAfter(seconds: number): Deadline {
    const { clock } = this.#run.world;
    const end = clock.now + seconds * 1000;
    const controller = new AbortController();
    clock.after(seconds, () => {
      if (!this.isAsleep) controller.abort();
    });
    return { signal: controller.signal, isPast: () => clock.now >= end };
  }
}
