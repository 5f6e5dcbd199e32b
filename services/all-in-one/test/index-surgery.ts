import type { Sockets } from "@engram/sockets";

/** What a point says of itself; Qdrant's may name another tenant too. */
export interface Lie {
  readonly version?: number;
  readonly h?: string;
  readonly tenant?: string;
}

/** Does to an index, behind the service's back, what crashes, restores and strangers do. */
export interface Surgery {
  remove(ids: readonly string[]): Promise<void>;
  lie(id: string, lie: Lie): Promise<void>;
  /** Copies of a point under other ids, with its payload but for the lie. */
  copy(from: string, to: readonly string[], lie?: Lie): Promise<void>;
  /** All points as they are now; the answer puts them back and takes away whatever came since. */
  keep(): Promise<() => Promise<void>>;
}

interface Point {
  readonly id: string;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly vector: readonly number[];
}

const POINTS_MAX = 1_000;

/** On a Qdrant, over HTTP. */
export function qdrantSurgery(url: string, collection: string): Surgery {
  const ask = async <T>(method: string, path: string, body: object): Promise<T> => {
    const answer = await fetch(`${url}/collections/${collection}/points${path}`, {
      method,
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return ((await answer.json()) as { result: T }).result;
  };
  const put = (points: readonly Point[]) => ask("PUT", "?wait=true", { points });
  const remove = (ids: readonly string[]) => ask("POST", "/delete?wait=true", { points: ids });
  const read = async (): Promise<readonly Point[]> =>
    (await ask<{ points: Point[] }>("POST", "/scroll", { limit: POINTS_MAX, with_payload: true, with_vector: true }))
      .points;
  return {
    async remove(ids) {
      await remove(ids);
    },
    async lie(id, lie) {
      await ask("POST", "/payload?wait=true", { points: [id], payload: lie });
    },
    async copy(from, to, lie = {}) {
      const found = (await read()).find(({ id }) => id === from);
      if (found === undefined) throw new Error(`no point ${from}`);
      await put(to.map((id) => ({ ...found, id, payload: { ...found.payload, ...lie } })));
    },
    async keep() {
      const kept = await read();
      return async () => {
        await remove((await read()).map(({ id }) => id));
        await put(kept);
      };
    },
  };
}

/** On a table of pgvector. */
export function pgvectorSurgery(db: Sockets["db"], table: string): Surgery {
  return {
    async remove(ids) {
      await db.script(asAuthor(`DELETE FROM ${table} WHERE id IN (${ids.map((id) => `'${id}'`).join(", ")})`));
    },
    async lie(id, { version, h }) {
      await db.query(
        `UPDATE ${table} SET version = coalesce($2::bigint, version), fingerprint = coalesce($3, fingerprint) WHERE id = $1::uuid`,
        [id, version ?? null, h ?? null],
      );
    },
    async copy(from, to, { version, h } = {}) {
      await db.query(
        `INSERT INTO ${table} (id, user_id, memory, hash, version, fingerprint, embedding)
         SELECT t.id, v.user_id, v.memory, t.id, coalesce($3::bigint, v.version), coalesce($4, v.fingerprint), v.embedding FROM ${table} v, unnest($2::uuid[]) AS t (id) WHERE v.id = $1::uuid`,
        [from, to, version ?? null, h ?? null],
      );
    },
    async keep() {
      await db.script(`CREATE TABLE kept AS SELECT * FROM ${table}`);
      return () =>
        db.script(asAuthor(`DELETE FROM ${table}; INSERT INTO ${table} SELECT * FROM kept; DROP TABLE kept`));
    },
  };
}

/** Without it, what goes from the table that people read takes its memory along. */
function asAuthor(sql: string): string {
  return `BEGIN; SET LOCAL engram.index_author = 'on'; ${sql}; COMMIT`;
}
