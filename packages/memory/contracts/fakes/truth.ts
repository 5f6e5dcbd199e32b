import { indexTopic, type IndexStatus, type Memory, type TargetState } from "@engram/memory";
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
  readonly targets = new Map<string, TargetState>([["main", "live"]]);
  readonly #work = new Map<string, WorkRow>();
  #version = 0;

  constructor(clock: FakeClock) {
    this.clock = clock;
  }

  get work(): readonly WorkRow[] {
    return [...this.#work.values()];
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

  /** Empties both tables, as nobody but a test may. */
  clear(): void {
    this.memories.clear();
    this.#work.clear();
  }

  /** The triggers' INSERT … ON CONFLICT: never breaks a lease. */
  markDirty(changed: readonly Pick<TruthRow, "id" | "requestId">[]): void {
    const now = this.clock.now;
    const lane = changed.length > SINGLE_ROWS_MAX ? 1 : 0;
    const topics = [...this.targets].flatMap(([name, state]) => (state === "retired" ? [] : [indexTopic(name)]));
    for (const topic of topics)
      for (const { id, requestId } of changed) {
        const standing = this.findWork(topic, id);
        const fresh = { attempts: 0, parkedAt: null, error: null, requestId };
        if (standing === undefined)
          this.saveWork({
            ...fresh,
            topic,
            key: id,
            lane,
            generation: 1,
            dueAt: now,
            createdAt: now,
            lease: null,
            doubtUntil: null,
          });
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

  indexStatus(id: string): IndexStatus {
    const live = [...this.targets].find(([, state]) => state === "live");
    const work = live === undefined ? undefined : this.findWork(indexTopic(live[0]), id);
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
