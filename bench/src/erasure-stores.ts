import { createHash } from "node:crypto";
import type pg from "pg";

/** What the stores hold of a person, asked of each of them and not of the service. */
export interface Held {
  readonly rows: number;
  readonly history: number;
  readonly jobs: number;
  readonly vectors: number;
  /** Rows of any table with the person's id or the id of one of the memories in it. */
  readonly mentions: number;
}

export const NOTHING: Held = { rows: 0, history: 0, jobs: 0, vectors: 0, mentions: 0 };

const DEFAULT_PROJECT = "00000000-0000-7000-8000-000000000001";
const PAGE = 10_000;

/** Both stores, as an auditor with their passwords asks them. */
export class Stores {
  readonly #db: pg.Client;
  readonly #qdrantUrl: string;

  constructor(db: pg.Client, qdrantUrl: string) {
    this.#db = db;
    this.#qdrantUrl = qdrantUrl;
  }

  /** The bare ids of all that a user ever had, so that it can be asked for when the rows are gone. */
  async idsOf(userId: string): Promise<readonly string[]> {
    const { rows } = await this.#db.query<{ id: string }>(
      "SELECT id FROM memories WHERE user_id = $1 UNION SELECT memory_id FROM engram.history WHERE tenant = $2::uuid",
      [userId, tenantOf(userId)],
    );
    return rows.map((row) => row.id);
  }

  /** Whether a request for an erasure has left all as it was, or done all that it promises: never a part of it. */
  async isWhole(userId: string, rowsBefore: number): Promise<boolean> {
    const { rows } = await this.#db.query<{ rows: number; erasures: number }>(
      `SELECT (SELECT count(*) FROM memories WHERE user_id = $1)::int AS rows,
        (SELECT count(*) FROM engram.erasures WHERE tenant = $2::uuid)::int AS erasures`,
      [userId, tenantOf(userId)],
    );
    const [now] = rows;
    return now !== undefined && (now.erasures === 0 ? now.rows === rowsBefore : now.rows === 0);
  }

  /** Of a person who has not come back. */
  async heldOf(userId: string, ids: readonly string[]): Promise<Held> {
    const ofIds = await this.held(ids);
    return {
      rows: ofIds.rows + (await this.#count("memories WHERE user_id = $1", [userId])),
      history: ofIds.history + (await this.#count("engram.history WHERE tenant = $1::uuid", [tenantOf(userId)])),
      jobs: ofIds.jobs,
      vectors: ofIds.vectors + (await this.vectorsOf(userId)).length,
      mentions: ofIds.mentions + (await this.#mentions([userId])),
    };
  }

  /** Of certain memories. */
  async held(ids: readonly string[]): Promise<Held> {
    return {
      rows: await this.#count("memories WHERE id = ANY($1::uuid[])", [ids]),
      history: await this.#count("engram.history WHERE memory_id = ANY($1::uuid[])", [ids]),
      jobs: await this.#count("engram.outbox WHERE key = ANY($1::uuid[])", [ids]),
      vectors: await this.#pointsAmong(ids),
      mentions: await this.#mentions(ids),
    };
  }

  /** Work for the index that is still to be done, of anybody. */
  work(): Promise<number> {
    return this.#count("engram.outbox WHERE topic LIKE 'index:%'", []);
  }

  async vectorsOf(userId: string): Promise<readonly string[]> {
    const filter = { must: [{ key: "tenant", match: { value: tenantOf(userId) } }] };
    const found: string[] = [];
    for (const name of await this.#collections()) {
      const body = { filter, limit: PAGE, with_payload: false, with_vector: false };
      const { points } = await this.#ask<{ points: { id: string }[] }>(`/collections/${name}/points/scroll`, body);
      found.push(...points.map((point) => point.id));
    }
    return found;
  }

  async #pointsAmong(ids: readonly string[]): Promise<number> {
    let found = 0;
    for (const name of await this.#collections())
      found += (await this.#ask<unknown[]>(`/collections/${name}/points`, { ids, with_payload: false })).length;
    return found;
  }

  async #collections(): Promise<readonly string[]> {
    const { collections } = await this.#ask<{ collections: { name: string }[] }>("/collections");
    return collections.map((one) => one.name);
  }

  async #ask<T>(path: string, body?: object): Promise<T> {
    const answer = await fetch(`${this.#qdrantUrl}${path}`, {
      ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
      headers: { "content-type": "application/json" },
    });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return ((await answer.json()) as { result: T }).result;
  }

  async #count(from: string, values: readonly unknown[]): Promise<number> {
    const { rows } = await this.#db.query<{ n: number }>(`SELECT count(*)::int AS n FROM ${from}`, [...values]);
    return rows[0]?.n ?? -1;
  }

  async #mentions(texts: readonly string[]): Promise<number> {
    const tables = await this.#db.query<{ name: string }>(
      "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname IN ('public', 'engram')",
    );
    let found = 0;
    for (const { name } of tables.rows) {
      // As words of the row's text, so that a table is read once whatever the number of ids.
      const words = "regexp_split_to_table(to_jsonb(t)::text, '[^a-z0-9-]+')";
      found += await this.#count(`${name} t WHERE EXISTS (SELECT FROM ${words} w WHERE w = ANY($1::text[]))`, [texts]);
    }
    return found;
  }
}

/** As the service makes it (packages/memory, `tenantOf`). */
export function tenantOf(userId: string): string {
  return createHash("sha256")
    .update(JSON.stringify([DEFAULT_PROJECT, "user", userId]))
    .digest("hex")
    .slice(0, 32);
}
