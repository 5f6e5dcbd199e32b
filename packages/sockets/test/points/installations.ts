import { randomBytes } from "node:crypto";
import {
  createQueryVectors,
  type CollectionRef,
  type IndexPointWithVector,
  type IndexTarget,
  type SearchDeps,
} from "@engram/memory";
import { openPGlite } from "@engram/pglite";
import { createPgvectorIndex } from "@engram/pgvector";
import { createMemoryStore, createPool, migrate } from "@engram/postgres";
import { createQdrantIndex } from "@engram/qdrant";
import { toDecimals } from "@engram/memory";
import type { Executor } from "@engram/sql";
import { createTestDatabase } from "@engram/test-equipment";
import { DIMS, embedder } from "./meaning.ts";

const TIMEOUT_MS = 60_000;
const POOL_SIZE = 8;

/** A truth and an index, as they are put together for a service, with a way to write points past all guards. */
export interface Installation {
  readonly name: string;
  readonly db: Executor;
  readonly search: SearchDeps;
  readonly collection: CollectionRef;
  /** What a search takes from what was planted: all of the payload, or only whose a point is; for the rest it asks the row. */
  readonly keeps: "payload" | "tenant";
  /** Writes points as they are given, whatever their rows say. */
  plant(points: readonly IndexPointWithVector[]): Promise<void>;
  close(): Promise<void>;
}

/** Where the truth lives: PostgreSQL at an address, or PGlite in this process. */
export type Truth = string | "PGlite";

export async function openPgvector(truth: Truth): Promise<Installation> {
  const { db, close } = await openTruth(truth);
  const collection = collectionOf("points");
  const index = createPgvectorIndex(db);
  await index.prepare(collection);
  return {
    name: truth === "PGlite" ? "PGlite, pgvector" : "PostgreSQL, pgvector",
    db,
    collection,
    keeps: "tenant",
    search: searchDeps(db, index, collection),
    async plant(points) {
      const input = points.map(({ memory, hash, vector }) => ({
        id: memory.id,
        version: memory.version,
        tenant: memory.tenant,
        hash,
        embedding: `[${toDecimals(vector).join(",")}]`,
      }));
      await db.query(
        `INSERT INTO engram.${collection.name} (id, user_id, memory, hash, version, fingerprint, embedding, tenant)
         SELECT d.id, '', '', d.id::text, d.version, d.hash, d.embedding::vector, d.tenant
         FROM json_to_recordset($1::json) AS d(id uuid, version bigint, hash text, embedding text, tenant uuid)
         ON CONFLICT (id) DO UPDATE SET version = excluded.version, fingerprint = excluded.fingerprint, embedding = excluded.embedding, tenant = excluded.tenant`,
        [JSON.stringify(input)],
      );
    },
    close,
  };
}

export async function openQdrant(truth: Truth, url: string): Promise<Installation> {
  const { db, close } = await openTruth(truth);
  const alias = `points_${randomBytes(6).toString("hex")}`;
  const collection = collectionOf(alias);
  const index = createQdrantIndex({ url, alias, timeoutMs: TIMEOUT_MS });
  await index.prepare(collection);
  return {
    name: "PostgreSQL, Qdrant",
    db,
    collection,
    keeps: "payload",
    search: searchDeps(db, index, collection),
    // This index believes whatever it is told.
    async plant(points) {
      await index.upsert(collection, points, AbortSignal.timeout(TIMEOUT_MS));
    },
    async close() {
      await index.drop(collection);
      await index.close();
      await close();
    },
  };
}

async function openTruth(truth: Truth): Promise<{ db: Executor; close: () => Promise<void> }> {
  if (truth === "PGlite") {
    const db = await openPGlite();
    await migrate(db);
    return { db, close: () => db.close() };
  }
  const { url, drop } = await createTestDatabase(truth);
  const db = createPool({
    connectionString: url,
    size: POOL_SIZE,
    statementTimeoutMs: TIMEOUT_MS,
    onError: () => undefined,
  });
  await migrate(db);
  return {
    db,
    async close() {
      await db.close();
      await drop();
    },
  };
}

const collectionOf = (base: string): CollectionRef => ({
  name: `${base}__${embedder.model}__${DIMS}`,
  model: embedder.model,
  dims: DIMS,
});

/** No arm is left behind, so that an answer is less than whole only by a fault. */
function searchDeps(db: Executor, index: SearchDeps["index"], collection: CollectionRef): SearchDeps {
  const target: IndexTarget = {
    name: "main",
    state: "live",
    model: collection.model,
    dims: collection.dims,
    requestedDims: null,
    calibration: { background: 0.2, related: 0.8 },
    filledAt: new Date(),
    retireAt: null,
  };
  return {
    store: createMemoryStore(db),
    index,
    live: () => Promise.resolve({ target, collection, embedder }),
    queryVectors: createQueryVectors({ timeoutMs: TIMEOUT_MS }),
    deadlineMs: TIMEOUT_MS,
  };
}
