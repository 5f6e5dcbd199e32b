import {
  collectionOf,
  contentHash,
  MemoryError,
  RECONCILE,
  type CollectionRef,
  type IndexTarget,
} from "@engram/memory";
import { Client } from "./client.ts";
import type { Interruption } from "./interruptions.ts";
import { Process } from "./process.ts";
import { BASE, OPTIONS, type Call, type IndexedRow, type World } from "./world.ts";

/** Which interruption meets which call, by its number. */
export type Plan = ReadonlyMap<number, Interruption>;

/** One look after another until nothing is left: past every lease and every back-off. */
const STEP_SECONDS = OPTIONS.leaseSeconds + 5;
/** Some ten times what the longest horizon takes. */
const STEPS_MAX = 100;
const BATCHES_MAX = 100;

/** One run of a flow under a plan: its calls, its processes, and what was found wrong. */
export class Run {
  readonly world: World;
  readonly client: Client;
  /** Every call that was made, in order: its number is its place, from 1. */
  readonly calls: Call[] = [];
  readonly violations: string[] = [];
  /** True: jobs that run by the clock are part of it. */
  isScheduling = false;
  /** True: the index has lost something through no fault of the service, and it is for reconcile to find that out. */
  isDamaged = false;
  readonly #plan: Plan;
  #isPlanOn = false;
  #isOver = false;
  #takeOvers = 0;
  #onTheirWay = 0;
  #takenOver: Promise<unknown> = Promise.resolve();

  constructor(world: World, plan: Plan) {
    this.world = world;
    this.#plan = plan;
    this.client = new Client(world);
  }

  /** Counts the calls from here on, and interrupts those of the plan. */
  begin(): void {
    this.#isPlanOn = true;
  }

  /** Whoever is still at it does no more: the next run has another index over the same rows. */
  end(): void {
    this.#isOver = true;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  start(): Process {
    return new Process(this);
  }

  /** A fault that a flow did not mind: cuts are to be expected, anything else is a fault of the code. */
  fell(error: unknown): void {
    if (!(error instanceof MemoryError)) this.violations.push(`threw ${String(error)}`);
  }

  reach(call: Call): Interruption | undefined {
    if (!this.#isPlanOn || this.#takeOvers > 0) return undefined;
    this.calls.push(call);
    const planned = this.#plan.get(this.calls.length);
    return planned?.suits(call) === true ? planned : undefined;
  }

  /** Nobody waits for it any more, and it happens all the same, at `time` on the world's clock. */
  happensAt(time: number, effect: () => Promise<unknown>): void {
    this.#onTheirWay += 1;
    this.world.clock.after((time - this.world.clock.now) / 1000, async () => {
      // A put that comes late may meet its own retry, and lose.
      await effect().catch(() => undefined);
      this.#onTheirWay -= 1;
      this.assertGuarded("what happened late");
    });
  }

  /** I1: where index and row differ, there is a work row; at every moment, not only in the end. */
  assertGuarded(after: string): void {
    if (this.isDamaged) return;
    for (const id of this.world.unguarded?.() ?? [])
      this.violations.push(`after ${after}: ${id} differs, and no work row says so`);
  }

  /** Time passes for a process that does not know of it, and another does all there is to do. */
  takeOver(seconds: number): Promise<void> {
    const takenOver = this.#takeOver(seconds);
    this.#takenOver = Promise.all([this.#takenOver, takenOver]);
    return takenOver;
  }

  async #takeOver(seconds: number): Promise<void> {
    // Two may stand still at once, and neither of those who take over is interrupted.
    this.#takeOvers += 1;
    const other = new Process(this);
    for (let passed = 0; passed < seconds && !this.#isOver; passed += STEP_SECONDS) {
      await this.world.pass(Math.min(STEP_SECONDS, seconds - passed));
      await this.#drain(other);
    }
    this.#takeOvers -= 1;
  }

  /** Time passes and workers come back until there is nothing left to do. */
  async settle(): Promise<void> {
    // Of a call that nobody waits for, a ring: time that passes for it is not to pass in the middle of a batch here.
    await this.#takenOver;
    let worker = new Process(this);
    for (let step = 0; step < STEPS_MAX; step++) {
      if (worker.isGone) worker = new Process(this);
      await worker.live((process) => this.#drain(process));
      // Of a call that was given up here: who took over is not to go on in the next run.
      await this.#takenOver;
      const pending = (await this.world.work()).filter((one) => !one.isParked);
      if (pending.length === 0 && this.#onTheirWay === 0 && !(await this.#isUnderWay())) return;
      await this.world.pass(STEP_SECONDS);
    }
    this.violations.push(`work is left after ${STEPS_MAX * STEP_SECONDS} s`);
  }

  /** A reconcile that has not come to its end, a target that has not taken the place of the other, or what one left. */
  async #isUnderWay(): Promise<boolean> {
    if (!this.isScheduling) return false;
    const schedule = await this.client.schedules.get(RECONCILE);
    const standing = this.world.index.collections;
    const isLeft = (target: IndexTarget): boolean => standing.includes(collectionOf(BASE, target)?.name ?? "");
    const { followed, retired } = await this.world.targets();
    return (schedule?.state ?? null) !== null || followed.length > 1 || retired.some(isLeft);
  }

  async #drain(worker: Process): Promise<void> {
    if (this.isScheduling) await worker.runScheduled().catch((error: unknown) => this.fell(error));
    for (let batches = 0; batches < BATCHES_MAX && !worker.isGone; batches++) {
      const result = await worker.workBatch().catch(() => "failed" as const);
      if (result === undefined || result === "failed") return;
    }
  }

  /** What must hold when nothing is left to do; `mayPark`: contents that may have been given up. */
  async check(mayPark: (content: string) => boolean): Promise<void> {
    const rows = await this.world.rows();
    const parked = new Set((await this.world.work()).map((one) => one.key));
    const standing = new Map(rows.map((row) => [row.id, row]));

    for (const id of parked) {
      const content = standing.get(id)?.content;
      if (content === undefined || !mayPark(content)) this.violations.push(`${id} is parked`);
    }
    for (const target of (await this.world.targets()).followed) {
      const collection = collectionOf(BASE, target);
      if (collection !== undefined)
        this.#compare(
          rows.filter((row) => !parked.has(row.id)),
          collection,
          parked,
        );
    }
    for (const id of this.client.acknowledged) if (!standing.has(id)) this.violations.push(`${id} was lost`);
    const live = rows.filter((row) => row.isLive).map((row) => row.content);
    if (new Set(live).size < live.length) this.violations.push("one content stands twice");
  }

  #compare(rows: readonly IndexedRow[], collection: CollectionRef, parked: ReadonlySet<string>): void {
    const points = this.world.index.points(collection);
    const standing = new Set([...rows.map(({ id }) => id), ...parked]);
    for (const { id, version, content } of rows) {
      const point = points.get(id);
      if (point === undefined) this.violations.push(`${id} is missing in the index`);
      else if (point.memory.version !== version || point.hash !== contentHash(content))
        this.violations.push(`${id} is stale in the index`);
    }
    for (const id of points.keys()) if (!standing.has(id)) this.violations.push(`${id} is an orphan in the index`);
  }
}
