import { setTimeout as sleep } from "node:timers/promises";
import { inflict, KINDS, nextFault, type Fault, type FaultDeps, type Group } from "./faults.ts";
import type { Random } from "./random.ts";
import type { Tally } from "./tally.ts";

/** From one fault to the next, in milliseconds. */
const GAP_MS = { min: 800, max: 3_000 } as const;
/** So much is done between two faults, however slow the machine: a storm that lets nothing through shows nothing. */
const CHANGES_BETWEEN = 15;
const GAP_MS_MAX = 20_000;
const LOOK_EVERY_MS = 50;

export interface Injected extends Fault {
  /** Seconds after the start. */
  readonly at: number;
}

/** Inflicts one fault after another until `stop`; those of one target wait for each other. Resolves when all are over. */
export class Injector {
  readonly injected: Injected[] = [];
  readonly #deps: FaultDeps;
  readonly #random: Random;
  readonly #tally: Tally;
  readonly #tell: (line: string) => void;
  readonly #lanes = new Map<string, Promise<void>>();

  constructor(deps: FaultDeps, random: Random, tally: Tally, tell: (line: string) => void) {
    this.#deps = deps;
    this.#random = random;
    this.#tally = tally;
    this.#tell = tell;
  }

  async run(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      const gapMs = this.#random.between(GAP_MS.min, GAP_MS.max);
      const fault = nextFault(this.#random);
      await this.#pause(gapMs, stop);
      if (stop.aborted) break;
      this.#start(fault);
    }
    await Promise.all(this.#lanes.values());
  }

  /** How many faults counted as each group. */
  get groups(): Readonly<Partial<Record<Group, number>>> {
    const counts: Partial<Record<Group, number>> = {};
    for (const { kind } of this.injected)
      for (const group of KINDS[kind].groups) counts[group] = (counts[group] ?? 0) + 1;
    return counts;
  }

  #start(fault: Fault): void {
    const lane = this.#lanes.get(fault.target) ?? Promise.resolve();
    this.#lanes.set(fault.target, this.#inflictAfter(lane, fault));
  }

  async #inflictAfter(lane: Promise<void>, fault: Fault): Promise<void> {
    await lane;
    const { journal } = this.#deps;
    this.injected.push({ ...fault, at: journal.seconds });
    this.#tell(describe(fault));
    journal.write("fault", { ...fault });
    try {
      await inflict(this.#deps, fault);
    } catch (error) {
      journal.violate("the rig could not inflict a fault", fault.target, `${fault.kind}: ${String(error)}`);
    }
    journal.write("fault", { over: fault.kind, target: fault.target });
  }

  async #pause(gapMs: number, stop: AbortSignal): Promise<void> {
    const started = performance.now();
    const before = this.#tally.acknowledgedChanges;
    const waited = (): number => performance.now() - started;
    const isDone = (): boolean => this.#tally.acknowledgedChanges - before >= CHANGES_BETWEEN;
    while (!stop.aborted && (waited() < gapMs || (!isDone() && waited() < GAP_MS_MAX))) await sleep(LOOK_EVERY_MS);
  }
}

function describe({ kind, target, ms }: Fault): string {
  return `${kind} ${target}${ms === 0 ? "" : `, ${ms} ms`}`;
}
