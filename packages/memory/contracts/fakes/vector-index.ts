import {
  cosineOf,
  MemoryError,
  visibleTo,
  type CollectionRef,
  type CollectionState,
  type IndexableMemory,
  type IndexPoint,
  type IndexPointWithVector,
  type PointState,
  type ScannedPoint,
  type VectorIndex,
  type VectorQuery,
} from "@engram/memory";

/**
 * A vector index in memory, held to the vector index contract as the real ones are. Nothing in it fails or is late:
 * tests put that between it and its caller.
 */
export class FakeVectorIndex implements VectorIndex {
  readonly #dims = new Map<string, number>();
  readonly #points = new Map<string, Map<string, IndexPointWithVector>>();

  /** The points of a collection by id, for a test to look at. */
  points({ name }: Pick<CollectionRef, "name">): Map<string, IndexPointWithVector> {
    const points = this.#points.get(name) ?? new Map<string, IndexPointWithVector>();
    this.#points.set(name, points);
    return points;
  }

  /** The names of the collections that stand. */
  get collections(): readonly string[] {
    return [...this.#dims.keys()];
  }

  async prepare({ name, dims }: CollectionRef): Promise<void> {
    const standing = this.#dims.get(name) ?? dims;
    if (standing !== dims)
      throw new MemoryError("invalid", `${name} holds ${standing} dimensions, not ${dims}: set EMBEDDING_DIMENSIONS`);
    this.#dims.set(name, dims);
  }

  /** Takes everything away, as nobody but a test may. */
  clear(): void {
    this.#dims.clear();
    this.#points.clear();
  }

  /** It has no names for outsiders. */
  publish(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  async drop({ name }: CollectionRef): Promise<void> {
    this.#dims.delete(name);
    this.#points.delete(name);
  }

  async inspect(collection: CollectionRef, signal: AbortSignal): Promise<CollectionState | undefined> {
    assertAsked(signal);
    const dims = this.#dims.get(collection.name);
    if (dims === undefined) return undefined;
    const versions = [...this.points(collection).values()].map(({ memory }) => memory.version);
    return { dims, greatestVersion: versions.length === 0 ? undefined : Math.max(...versions) };
  }

  async scan(
    collection: CollectionRef,
    page: { readonly after?: string; readonly limit: number },
    signal: AbortSignal,
  ): Promise<readonly ScannedPoint[]> {
    const points = pageOf([...this.#held(collection, signal).values()], page);
    return points.map((point) => ({ id: point.memory.id, ...stateOf(point) }));
  }

  async listTenant(
    collection: CollectionRef,
    { tenant, ...page }: { readonly tenant: string; readonly limit: number; readonly after?: string },
    signal: AbortSignal,
  ): Promise<readonly string[] | undefined> {
    assertAsked(signal);
    if (!this.#dims.has(collection.name)) return undefined;
    const points = [...this.points(collection).values()].filter(({ memory }) => memory.tenant === tenant);
    return pageOf(points, page).map(({ memory }) => memory.id);
  }

  async fetchStates(collection: CollectionRef, ids: readonly string[], signal: AbortSignal) {
    const points = this.#held(collection, signal);
    return new Map(
      ids.flatMap((id) => {
        const point = points.get(id);
        return point === undefined ? [] : [[id, stateOf(point)] as const];
      }),
    );
  }

  async upsert(collection: CollectionRef, given: readonly IndexPointWithVector[], signal: AbortSignal) {
    const points = this.#held(collection, signal);
    for (const point of given) points.set(point.memory.id, point);
    return given.map((point) => point.memory.id);
  }

  async setPayload(collection: CollectionRef, given: readonly IndexPoint[], signal: AbortSignal) {
    const points = this.#held(collection, signal);
    return given.flatMap((point) => {
      const standing = points.get(point.memory.id);
      if (standing === undefined) return [];
      points.set(point.memory.id, { ...standing, ...point });
      return [point.memory.id];
    });
  }

  async delete(collection: CollectionRef, ids: readonly string[], signal: AbortSignal) {
    const points = this.#held(collection, signal);
    for (const id of ids) points.delete(id);
  }

  async search(collection: CollectionRef, query: VectorQuery, signal: AbortSignal) {
    return [...this.#held(collection, signal).values()]
      .filter(({ memory }) => query.tenants.includes(memory.tenant) && isVisible(memory, query))
      .map(({ memory, vector }) => ({ id: memory.id, version: memory.version, cosine: cosineOf(vector, query.vector) }))
      .sort((a, b) => b.cosine - a.cosine)
      .slice(0, query.limit);
  }

  ping(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Nothing makes a collection but `prepare`: what is late for one that is gone comes to nothing. */
  #held(collection: CollectionRef, signal: AbortSignal): Map<string, IndexPointWithVector> {
    assertAsked(signal);
    if (!this.#dims.has(collection.name)) throw new MemoryError("unavailable", "there is no such collection");
    return this.points(collection);
  }
}

/** As the adapters put it: whoever comes too late is not asked. */
function assertAsked(signal: AbortSignal): void {
  if (signal.aborted) throw new MemoryError("unavailable", "not asked: too late", { cause: signal.reason });
}

function stateOf({ memory, hash }: IndexPoint): PointState {
  return { version: memory.version, hash, tenant: memory.tenant };
}

/** In the order of the ids, from beyond `after`. */
function pageOf(
  points: readonly IndexPointWithVector[],
  { after = "", limit }: { readonly after?: string; readonly limit: number },
): readonly IndexPointWithVector[] {
  return points
    .filter(({ memory }) => memory.id > after)
    .toSorted((a, b) => (a.memory.id < b.memory.id ? -1 : 1))
    .slice(0, limit);
}

/** Whose it is, the tenants say. */
function isVisible(memory: IndexableMemory, { filter, now, ids }: VectorQuery): boolean {
  const { scope, types, key, createdAfter, createdBefore, asOf } = filter;
  const isSeen = visibleTo(scope).some(
    ({ level, sessionId, agentId }) =>
      (level === undefined || memory.level === level) &&
      (sessionId === undefined || memory.sessionIds.includes(sessionId)) &&
      (agentId === undefined || memory.agentIds.includes(agentId)),
  );
  return (
    isSeen &&
    (memory.validTo === null || (asOf !== undefined && memory.validTo > asOf)) &&
    (ids === undefined || ids.includes(memory.id)) &&
    (memory.expiresAt === null || memory.expiresAt > now) &&
    (types === undefined || types.includes(memory.type)) &&
    (key === undefined || memory.key === key) &&
    (createdAfter === undefined || memory.createdAt >= createdAfter) &&
    (createdBefore === undefined || memory.createdAt < createdBefore)
  );
}
