/** The vectors as the stores themselves hold them, read past the service. */
import pg from "pg";
import { Connection } from "./connection.ts";
import { tenantOf } from "./erasure-stores.ts";
import { callQdrant, findCollection } from "./qdrant-call.ts";
import { findVectorsTable } from "./vectors-table.ts";

export interface StoredVectors {
  /** Of all memories of a user, by the bare id. */
  ofUser(userId: string): Promise<ReadonlyMap<string, readonly number[]>>;
  ofMemory(id: string): Promise<readonly number[]>;
  /** The store's own query for the nearest of a user's, without the service; absent: it has none but SQL. */
  readonly nearest?: (userId: string, vector: readonly number[], limit: number) => Promise<readonly string[]>;
  /** How many vectors stand in a graph that the search takes; the others are scanned. */
  inGraph(): Promise<number>;
  close(): Promise<void>;
}

/** Some megabytes an answer. */
const PAGE = 100;

export async function openPostgresVectors(databaseUrl: string): Promise<StoredVectors> {
  const db = new pg.Client({ connectionString: databaseUrl });
  await db.connect();
  const table = await findVectorsTable(db);
  const read = async (condition: string, value: string): Promise<ReadonlyMap<string, readonly number[]>> => {
    const { rows } = await db.query<{ id: string; embedding: string }>(
      `SELECT m.id, v.embedding::text FROM public.memories m JOIN ${table} v ON v.id = m.id WHERE ${condition}`,
      [value],
    );
    return new Map(rows.map((row) => [row.id, JSON.parse(row.embedding) as number[]]));
  };
  return {
    ofUser: (userId) => read("m.user_id = $1", userId),
    ofMemory: async (id) => only(await read("m.id = $1", id)),
    // Its search scans a user's vectors and takes no graph.
    inGraph: () => Promise.resolve(0),
    close: () => db.end(),
  };
}

export async function openQdrantVectors(url: string): Promise<StoredVectors> {
  const line = await Connection.open(url);
  const collection = await findCollection(line);
  const ofOwner = (userId: string) => ({ must: [{ key: "tenant", match: { value: tenantOf(userId) } }] });
  return {
    async ofUser(userId) {
      const vectors = new Map<string, readonly number[]>();
      for (let offset: string | null | undefined; offset !== null;) {
        const page: { points: Point[]; next_page_offset: string | null } = await callQdrant(
          line,
          `${collection}/points/scroll`,
          { filter: ofOwner(userId), limit: PAGE, with_vector: true, with_payload: false, offset },
        );
        for (const { id, vector } of page.points) vectors.set(id, vector);
        offset = page.next_page_offset;
      }
      return vectors;
    },
    async ofMemory(id) {
      const points = await callQdrant<Point[]>(line, `${collection}/points`, { ids: [id], with_vector: true });
      return only(new Map(points.map((point) => [point.id, point.vector])));
    },
    async nearest(userId, query, limit) {
      const asked = { query, filter: ofOwner(userId), limit };
      const { points } = await callQdrant<{ points: { id: string }[] }>(line, `${collection}/points/query`, asked);
      return points.map(({ id }) => id);
    },
    inGraph: async () => (await callQdrant<{ indexed_vectors_count: number }>(line, collection)).indexed_vectors_count,
    close: () => Promise.resolve(line.close()),
  };
}

interface Point {
  readonly id: string;
  readonly vector: number[];
}

function only(vectors: ReadonlyMap<string, readonly number[]>): readonly number[] {
  const [vector] = vectors.values();
  if (vector === undefined) throw new Error("a memory without a vector");
  return vector;
}
