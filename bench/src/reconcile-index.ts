/** The two kinds of index that `bench:reconcile` compares with the rows: how each is filled, scrolled and spoilt. */
import { createHash, randomUUID } from "node:crypto";
import type pg from "pg";

export interface Row {
  readonly id: string;
  readonly version: number;
  readonly userId: string;
  readonly content: string;
}

export interface BenchIndex {
  readonly kinds: readonly ("missing" | "stale" | "orphan" | "wrong_tenant")[];
  /** A point for each row, as a worker would have made it. */
  fill(rows: readonly Row[]): Promise<void>;
  /** All points in the order of their ids, page by page; returns how many. */
  scroll(pageSize: number): Promise<number>;
  spoil(kind: BenchIndex["kinds"][number], ids: readonly string[]): Promise<void>;
}

const FILL_CHUNK = 500;
const PROJECT = "00000000-0000-7000-8000-000000000001";

/** What the index keeps of a text and of an owner; any 16 and 32 hex characters would take as many bytes, but would be drift. */
const hashOf = (content: string): string => createHash("sha256").update(content).digest("hex").slice(0, 16);
const tenantOf = (userId: string): string =>
  createHash("sha256")
    .update(JSON.stringify([PROJECT, "user", userId]))
    .digest("hex")
    .slice(0, 32);

export function qdrantIndex(url: string, collection: string, dims: number): BenchIndex {
  const vector = Array.from({ length: dims }, (_, i) => (i === 0 ? 1 : 0));
  const ask = async <T>(method: string, path: string, body: object): Promise<T> => {
    const answer = await fetch(`${url}/collections/${collection}/points${path}`, {
      method,
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return ((await answer.json()) as { result: T }).result;
  };
  const put = async (points: readonly { id: string; payload: object }[]): Promise<void> => {
    for (let from = 0; from < points.length; from += FILL_CHUNK)
      await ask("PUT", "?wait=true", {
        points: points.slice(from, from + FILL_CHUNK).map((point) => ({ ...point, vector })),
      });
  };
  return {
    kinds: ["missing", "stale", "orphan", "wrong_tenant"],
    fill: (rows) =>
      put(
        rows.map(({ id, version, userId, content }) => ({
          id,
          payload: {
            tenant: tenantOf(userId),
            version,
            h: hashOf(content),
            level: "user",
            session: [],
            agent: [],
            type: "fact",
            categories: [],
            occurred_at: "2026-01-01T00:00:00Z",
            created_at: "2026-01-01T00:00:00Z",
          },
        })),
      ),
    async scroll(pageSize) {
      let points = 0;
      for (let offset: string | null = "00000000-0000-0000-0000-000000000000"; offset !== null;) {
        const page: { points: unknown[]; next_page_offset: string | null } = await ask("POST", "/scroll", {
          offset,
          limit: pageSize,
          with_payload: ["version", "h", "tenant"],
          with_vector: false,
        });
        points += page.points.length;
        offset = page.next_page_offset;
      }
      return points;
    },
    async spoil(kind, ids) {
      if (kind === "missing") await ask("POST", "/delete?wait=true", { points: ids });
      else if (kind === "stale") await ask("POST", "/payload?wait=true", { points: ids, payload: { version: 0 } });
      else if (kind === "wrong_tenant")
        await ask("POST", "/payload?wait=true", { points: ids, payload: { tenant: tenantOf("nobody") } });
      else
        await put(
          ids.map(() => ({
            id: randomUUID(),
            payload: { tenant: tenantOf("nobody"), version: 1, h: hashOf("nothing"), level: "user", type: "fact" },
          })),
        );
    },
  };
}

export function pgvectorIndex(db: pg.Client, table: string, dims: number): BenchIndex {
  const vector = `[${Array.from({ length: dims }, (_, i) => (i === 0 ? 1 : 0)).join(",")}]`;
  return {
    kinds: ["missing", "stale", "orphan"],
    async fill() {
      await db.query(
        `INSERT INTO ${table} (id, user_id, memory, hash, version, fingerprint, embedding)
         SELECT id, user_id, content, id, version, encode(substring(sha256(convert_to(content, 'UTF8')) FOR 8), 'hex'), $1::vector FROM memories`,
        [vector],
      );
    },
    async scroll(pageSize) {
      let points = 0;
      for (let after = "00000000-0000-0000-0000-000000000000"; ;) {
        const { rows } = await db.query<{ id: string }>(
          `SELECT id, version, fingerprint FROM ${table} WHERE id > $1::uuid ORDER BY id LIMIT ${pageSize}`,
          [after],
        );
        points += rows.length;
        after = rows.at(-1)?.id ?? after;
        if (rows.length < pageSize) return points;
      }
    },
    async spoil(kind, ids) {
      const statements = {
        // As the index itself does it: else a row that goes would take its memory along.
        missing: `WITH author AS MATERIALIZED (SELECT set_config('engram.index_author', 'on', true) AS is_set)
          DELETE FROM ${table} v USING author WHERE is_set = 'on' AND v.id = ANY($1::uuid[])`,
        stale: `UPDATE ${table} SET version = 0 WHERE id = ANY($1::uuid[])`,
        orphan: `INSERT INTO ${table} (id, user_id, memory, hash, version, fingerprint, embedding)
          SELECT o.id, '', 'x', o.id, 1, 'h', o.embedding FROM (SELECT gen_random_uuid() AS id, embedding FROM ${table} WHERE id = ANY($1::uuid[])) o`,
        wrong_tenant: "SELECT $1::uuid[]",
      };
      await db.query(statements[kind], [ids]);
    },
  };
}
