import { indexTopic, type IndexStatus, type IndexTarget, type Memory } from "@engram/memory";
import type { FakeClock } from "./clock.ts";

/** A row of `memories`. */
export interface TruthRow extends Omit<Memory, "indexStatus"> {
  readonly sessionIds: readonly string[];
  readonly agentIds: readonly string[];
  readonly requestId: string | null;
}

/** A row of `outbox`. Times are the clock's milliseconds. */
export interface WorkRow {
  readonly topic: string;
  readonly key: string;
  readonly lane: number;
  readonly generation: number;
  readonly dueAt: number;
  readonly createdAt: number;
  readonly lease: string | null;
  readonly doubtUntil: number | null;
  readonly attempts: number;
  readonly parkedAt: number | null;
  readonly error: string | null;
  readonly requestId: string | null;
}

/** A row of `index_targets`. */
export interface TargetRow extends Omit<IndexTarget, "retireAt"> {
  /** Up to here every memory has got its work row; null: none has. */
  readonly cursor: string | null;
  readonly retireAt: number | null;
}

/** A row of `schedules`. */
export interface ScheduleRow {
  readonly name: string;
  readonly state: unknown;
  readonly finishedAt: number | null;
  readonly result: unknown;
}

/** As the first migration leaves it. */
const FRESH_TARGET: TargetRow = {
  name: "main",
  state: "live",
  model: null,
  dims: null,
  requestedDims: null,
  calibration: null,
  filledAt: new Date(0),
  cursor: null,
  retireAt: null,
};

/** A statement of more rows is bulk. */
const SINGLE_ROWS_MAX = 64;

/**
 * What the database holds, with the triggers of PROTOCOL.md: whatever changes a memory leaves a work row in the same
 * step. Every statement of the fake store and the fake outbox is one synchronous step over it, as if it had a
 * transaction of its own; what only snapshots and locks can show, the tests over PostgreSQL show.
 */
export class FakeTruth {
  readonly clock: FakeClock;
  readonly memories = new Map<string, TruthRow>();
  readonly targets = new Map<string, TargetRow>([[FRESH_TARGET.name, FRESH_TARGET]]);
  /** By their key in the outbox. */
  readonly schedules = new Map<string, ScheduleRow>();
  readonly #work = new Map<string, WorkRow>();
  #version = 0;

  constructor(clock: FakeClock) {
    this.clock = clock;
  }

  get work(): readonly WorkRow[] {
    return [...this.#work.values()];
  }

  get version(): number {
    return this.#version;
  }

  advanceVersions(version: number): void {
    this.#version = version;
  }

  nextVersion(): number {
    this.#version += 1;
    return this.#version;
  }

  findWork(topic: string, key: string): WorkRow | undefined {
    return this.#work.get(`${topic} ${key}`);
  }

  saveWork(row: WorkRow): void {
    this.#work.set(`${row.topic} ${row.key}`, row);
  }

  deleteWork(row: WorkRow): void {
    this.#work.delete(`${row.topic} ${row.key}`);
  }

  /** Makes the tables what the migrations leave, as nobody but a test may. */
  clear(): void {
    this.memories.clear();
    this.#work.clear();
    this.schedules.clear();
    this.targets.clear();
    this.targets.set(FRESH_TARGET.name, FRESH_TARGET);
  }

  /** The triggers' INSERT … ON CONFLICT: never breaks a lease. */
  markDirty(changed: readonly Pick<TruthRow, "id" | "requestId">[]): void {
    const now = this.clock.now;
    const lane = changed.length > SINGLE_ROWS_MAX ? 1 : 0;
    const topics = [...this.targets.values()].flatMap(({ name, state }) =>
      state === "retired" ? [] : [indexTopic(name)],
    );
    for (const topic of topics)
      for (const { id, requestId } of changed) {
        const standing = this.findWork(topic, id);
        const fresh = { attempts: 0, parkedAt: null, error: null, requestId };
        if (standing === undefined) this.saveWork({ ...this.#freshWork(topic, id), ...fresh, lane });
        else
          this.saveWork({
            ...standing,
            ...fresh,
            generation: standing.generation + 1,
            lane: Math.min(standing.lane, lane),
            dueAt: standing.lease === null ? Math.min(standing.dueAt, now) : standing.dueAt,
          });
      }
  }

  /** INSERT … ON CONFLICT DO NOTHING into the slow lane; returns the keys that had no work. */
  addWork(topic: string, keys: readonly string[], dueAt = this.clock.now): readonly string[] {
    const added = keys.filter((key) => this.findWork(topic, key) === undefined);
    for (const key of added) this.saveWork({ ...this.#freshWork(topic, key), lane: 1, dueAt });
    return added;
  }

  #freshWork(topic: string, key: string): WorkRow {
    const now = this.clock.now;
    return {
      topic,
      key,
      lane: 0,
      generation: 1,
      dueAt: now,
      createdAt: now,
      lease: null,
      doubtUntil: null,
      attempts: 0,
      parkedAt: null,
      error: null,
      requestId: null,
    };
  }

  indexStatus(id: string): IndexStatus {
    const live = [...this.targets.values()].find(({ state }) => state === "live");
    const work = live === undefined ? undefined : this.findWork(indexTopic(live.name), id);
    if (work === undefined || waitsOutDoubt(work)) return "indexed";
    return work.parkedAt === null ? "pending" : "failed";
  }
}

/** Done for everyone but the worker, which looks once more after the horizon. */
export function waitsOutDoubt(work: WorkRow): boolean {
  return (
    work.parkedAt === null &&
    work.lease === null &&
    work.attempts === 0 &&
    work.doubtUntil !== null &&
    work.dueAt >= work.doubtUntil
  );
}
