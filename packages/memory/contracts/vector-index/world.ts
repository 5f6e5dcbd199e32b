import { expect } from "@jest/globals";
import {
  contentHash,
  DEFAULT_PROJECT_ID,
  tenantOf,
  type CollectionRef,
  type IndexableMemory,
  type IndexPointWithVector,
  type Scope,
  type Vector,
  type VectorIndex,
  type VectorQuery,
} from "@engram/memory";
import { indexable } from "../indexable.ts";

export interface VectorIndexUnderTest {
  readonly index: VectorIndex;
  readonly collection: CollectionRef;
  /** True: a point carries its tenant; else a search asks the row. */
  readonly keepsTenants: boolean;
  /** Makes the rows that the points belong to, where the index checks them. */
  seed(memories: readonly SeededMemory[]): Promise<void>;
  close(): Promise<void>;
}

/** A point's memory with what only its row knows. */
export interface SeededMemory extends IndexableMemory {
  readonly projectId: string;
  readonly userId: string | null;
  readonly validFrom: Date;
}

export const projectId = DEFAULT_PROJECT_ID;
export const signal: AbortSignal = new AbortController().signal;

/** Directions in four dimensions, so that a cosine can be told by eye. */
export const NORTH = Float32Array.of(1, 0, 0, 0);
export const NORTH_EAST = Float32Array.of(Math.SQRT1_2, Math.SQRT1_2, 0, 0);
export const EAST = Float32Array.of(0, 1, 0, 0);

/** An index with its memories, for the tests of the contract: versions and users are new whenever one is asked for. */
export class VectorIndexWorld {
  latestVersion = 1000;
  #users = 0;
  #under: VectorIndexUnderTest | undefined;
  readonly #create: () => Promise<VectorIndexUnderTest>;

  constructor(create: () => Promise<VectorIndexUnderTest>) {
    this.#create = create;
  }

  async open(): Promise<void> {
    this.#under = await this.#create();
    await this.index.prepare(this.collection);
  }

  async close(): Promise<void> {
    await this.#under?.close();
  }

  get under(): VectorIndexUnderTest {
    if (this.#under === undefined) throw new Error("the index is not open yet");
    return this.#under;
  }

  get index(): VectorIndex {
    return this.under.index;
  }

  get collection(): CollectionRef {
    return this.under.collection;
  }

  seed(memories: readonly SeededMemory[]): Promise<void> {
    return this.under.seed(memories);
  }

  freshUser(): string {
    this.#users += 1;
    return `user-${this.#users}`;
  }

  nextVersion(): number {
    this.latestVersion += 1;
    return this.latestVersion;
  }

  memory(given: Partial<SeededMemory> = {}): SeededMemory {
    const userId = given.userId === undefined ? "nobody-else" : given.userId;
    const tenant = tenantOf({ projectId, userId, agentId: given.agentIds?.[0] ?? null });
    const memory = indexable({ version: this.nextVersion(), tenant, ...given });
    return { projectId, userId, validFrom: given.validFrom ?? memory.createdAt, ...memory };
  }

  point(memory: SeededMemory, vector: Vector = NORTH): IndexPointWithVector {
    return { memory, hash: contentHash(memory.content), vector };
  }

  /** The tenant is told by an index that keeps it. */
  stateOf({ version, content, tenant }: SeededMemory): object {
    return { version, hash: contentHash(content), ...(this.under.keepsTenants ? { tenant } : {}) };
  }

  /** Rows, and their points. */
  async store(...points: readonly [SeededMemory, Vector?][]): Promise<void> {
    await this.seed(points.map(([one]) => one));
    const done = await this.index.upsert(
      this.collection,
      points.map(([one, vector]) => this.point(one, vector)),
      signal,
    );
    expect(done.toSorted()).toEqual(points.map(([one]) => one.id).toSorted());
  }

  /** What is nearest to the north of what the scope sees. */
  async find(
    scope: Omit<Scope, "projectId">,
    filter: object = {},
    query: Partial<Pick<VectorQuery, "limit" | "ids">> = {},
  ): Promise<readonly string[]> {
    const tenants = [
      tenantOf({ projectId, userId: scope.userId ?? null, agentId: scope.agentId ?? null }),
      ...(scope.agentId === undefined ? [] : [tenantOf({ projectId, userId: null, agentId: scope.agentId })]),
    ];
    const hits = await this.index.search(
      this.collection,
      {
        vector: NORTH,
        filter: { scope: { projectId, ...scope }, ...filter },
        tenants,
        limit: 10,
        now: new Date(),
        ...query,
      },
      signal,
    );
    return hits.map((hit) => hit.id);
  }
}
