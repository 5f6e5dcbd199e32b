import {
  MemoryError,
  type IndexPoint,
  type IndexPointWithVector,
  type PointState,
  type VectorIndex,
} from "@engram/memory";

export interface StormFaults {
  readonly random: () => number;
  /** Share of writes whose answer is cut; half of those take effect all the same, up to `lateMs` later. */
  readonly cut: number;
  readonly lateMs: number;
}

/**
 * A vector index in memory that behaves as badly as one behind a network may: answers get lost, and what was cut takes
 * effect long after its caller has given up.
 */
export class StormIndex implements VectorIndex {
  readonly points = new Map<string, PointState>();
  lateEffects = 0;
  calm = false;
  readonly #faults: StormFaults;

  constructor(faults: StormFaults) {
    this.#faults = faults;
  }

  prepare(): Promise<void> {
    return Promise.resolve();
  }

  publish(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  drop(): Promise<void> {
    this.points.clear();
    return Promise.resolve();
  }

  count(): Promise<number> {
    return Promise.resolve(this.points.size);
  }

  async fetchStates(_collection: unknown, ids: readonly string[]): Promise<ReadonlyMap<string, PointState>> {
    await this.#pause();
    return new Map(ids.flatMap((id) => (this.points.has(id) ? [[id, { ...this.#state(id) }] as const] : [])));
  }

  async upsert(_collection: unknown, points: readonly IndexPointWithVector[]): Promise<readonly string[]> {
    await this.#write(() => points.forEach((point) => this.points.set(point.memory.id, stateOf(point))));
    return points.map((point) => point.memory.id);
  }

  async setPayload(_collection: unknown, points: readonly IndexPoint[]): Promise<readonly string[]> {
    const done: string[] = [];
    await this.#write(() => {
      for (const point of points)
        if (this.points.has(point.memory.id)) {
          this.points.set(point.memory.id, { ...this.#state(point.memory.id), version: point.memory.version });
          done.push(point.memory.id);
        }
    });
    return done;
  }

  async delete(_collection: unknown, ids: readonly string[]): Promise<void> {
    await this.#write(() => ids.forEach((id) => this.points.delete(id)));
  }

  scan(): Promise<never> {
    return Promise.reject(new Error("the storm does not scan"));
  }

  inspect(): Promise<never> {
    return Promise.reject(new Error("the storm does not inspect"));
  }

  listTenant(): Promise<never> {
    return Promise.reject(new Error("the storm knows no tenants"));
  }

  search(): Promise<never> {
    return Promise.reject(new Error("the storm does not search"));
  }

  ping(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #write(effect: () => void): Promise<void> {
    await this.#pause();
    if (this.calm || this.#faults.random() >= this.#faults.cut) {
      effect();
      return;
    }
    if (this.#faults.random() < 0.5) {
      this.lateEffects += 1;
      setTimeout(effect, this.#faults.random() * this.#faults.lateMs);
    }
    throw new MemoryError("unavailable", "cut", { outcomeUnknown: true });
  }

  async #pause(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, this.#faults.random() * 5));
  }

  #state(id: string): PointState {
    return this.points.get(id) ?? { version: 0, hash: "" };
  }
}

function stateOf({ memory, hash }: IndexPoint): PointState {
  return { version: memory.version, hash };
}
