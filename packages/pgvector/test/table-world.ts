import {
  contentHash,
  DEFAULT_PROJECT_ID,
  tenantOf,
  type CollectionRef,
  type IndexPointWithVector,
  type VectorIndex,
} from "@engram/memory";
import type { Executor } from "@engram/sql";
import { createPgvectorIndex } from "../src/index.ts";
import { openServer } from "./servers.ts";

export const OLD = { name: "mem0_memories__old__4", model: "old", dims: 4 };
export const NEW = { name: "mem0_memories__new__3", model: "new", dims: 3 };
export const GUIDE = {
  name: "mem0_memories__text_embedding_3_small__1536",
  model: "text-embedding-3-small",
  dims: 1536,
};

export interface Row extends Record<string, unknown> {
  readonly id: string;
  readonly version: number;
  readonly content: string;
}

/** A database whose vectors people read in `public.mem0_memories`. */
export interface TableWorld {
  readonly db: Executor;
  readonly index: VectorIndex;
  connect(user?: string): Executor;
  /** As a start does it: what stands in the way of the public name. */
  place(collection: CollectionRef): Promise<string | undefined>;
  /** Memories and their points, the id of each by its content. */
  remember(collection: CollectionRef, contents: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** Points of the memories that there are; the ids that were written. */
  fill(collection: CollectionRef): Promise<readonly string[]>;
  /** A column, sorted. */
  read(relation: string, column: string): Promise<readonly string[]>;
  memories(): Promise<readonly string[]>;
  close(): Promise<void>;
}

export async function openTableWorld(options?: { migrated: boolean }): Promise<TableWorld> {
  const server = await openServer(options);
  const { db } = server;
  const index = createPgvectorIndex(db, { publishAs: "mem0_memories" });
  const { signal } = new AbortController();
  const read = async (relation: string, column: string): Promise<readonly string[]> =>
    (await db.query<{ c: string }>(`SELECT ${column} AS c FROM ${relation} ORDER BY 1`)).map(({ c }) => c);
  const write = (collection: CollectionRef, rows: readonly Row[]): Promise<readonly string[]> =>
    index.upsert(
      collection,
      rows.map((row) =>
        pointOf(
          row,
          Array.from({ length: collection.dims }, (_, i) => (i === 0 ? 1 : 0)),
        ),
      ),
      signal,
    );
  return {
    db,
    index,
    connect: (user) => server.connect(user),
    close: () => server.close(),
    read,
    memories: () => read("memories", "content"),
    async place(collection) {
      await index.prepare(collection);
      return index.publish(collection);
    },
    async remember(collection, contents) {
      const rows = await db.query<Row>(
        `INSERT INTO memories (user_id, content, metadata) SELECT 'u', c, '{"source":"test"}' FROM unnest($1::text[]) AS c RETURNING id, version, content`,
        [contents],
      );
      const written = await write(collection, rows);
      if (written.length !== rows.length) throw new Error(`${written.length} of ${rows.length} points were written`);
      return new Map(rows.map(({ id, content }) => [content, id]));
    },
    fill: async (collection) => write(collection, await db.query<Row>("SELECT id, version, content FROM memories")),
  };
}

/** What the adapter asks of a memory; the rest stands in the row. */
export function pointOf({ id, version, content }: Row, vector: readonly number[]): IndexPointWithVector {
  const tenant = tenantOf({ projectId: DEFAULT_PROJECT_ID, userId: "u", agentId: null });
  return {
    memory: { id, version, tenant, content } as IndexPointWithVector["memory"],
    hash: contentHash(content),
    vector,
  };
}
