import { beforeAll, expect, test } from "@jest/globals";
import { matches, type Condition } from "@engram/memory";
import { conditioned, conditions, memories, type ConditionedDraft } from "@engram/memory/contracts/conditions";
import { conditionSql, Values } from "@engram/sql";
import fc from "fast-check";
import { describeOnDatabases } from "./databases.ts";

/** Conditions of one statement: their texts grow, and PGlite plans each of them. */
const AT_ONCE = 25;
const SEED = Number(process.env["CONDITIONS_SEED"] ?? 20_261_125);

describeOnDatabases("conditions", (db, name) => {
  const rows: readonly ConditionedDraft[] = fc.sample(memories, { seed: SEED, numRuns: 40 });
  /** Ten thousand on PostgreSQL, in some twenty seconds; the embedded database runs the same SQL, and takes a part. */
  const runs = Number(process.env["CONDITIONS_RUNS"] ?? (name === "PostgreSQL" ? 10_000 : 2_000));

  beforeAll(async () => {
    await db.script("TRUNCATE public.memories; ALTER TABLE public.memories DISABLE TRIGGER USER");
    for (const row of rows) {
      const {
        id,
        userId,
        level,
        seenCount,
        content,
        type,
        key,
        metadata,
        importance,
        categories,
        sessionIds,
        agentIds,
      } = row;
      await db.query(
        `INSERT INTO public.memories (id, content, type, key, metadata, importance, categories, session_id, session_ids, agent_id,
           agent_ids, occurred_at, created_at, updated_at, expires_at, valid_from, valid_to, user_id, level, seen_count)
         VALUES ($1::uuid, $2, $3, $4, $5::jsonb, $6::real, $7::text[], $8, $9::text[], $10, $11::text[], $12, $13, $13, $14, $13, $13, $15, $16, $17)`,
        [
          id,
          content,
          type,
          key,
          JSON.stringify(metadata),
          importance,
          categories,
          sessionIds.at(-1) ?? null,
          sessionIds,
          agentIds.at(-1) ?? null,
          agentIds,
          row.occurredAt,
          row.createdAt,
          row.expiresAt,
          userId,
          level,
          seenCount,
        ],
      );
    }
  }, 60_000);

  test("the database and `matches` agree on every condition", async () => {
    const all = fc.sample(conditions, { seed: SEED, numRuns: runs });
    for (let from = 0; from < all.length; from += AT_ONCE) {
      const batch = all.slice(from, from + AT_ONCE);
      const found = await evaluate(batch);
      batch.forEach((condition, i) => {
        const expected = rows.filter((row) => matches(condition, conditioned(row))).map((row) => row.id);
        expect({ condition, ids: found[i] }).toEqual({ condition, ids: expected.toSorted() });
      });
    }
  }, 240_000);

  async function evaluate(batch: readonly Condition[]): Promise<readonly (readonly string[])[]> {
    const values = new Values();
    const columns = batch.map(
      (condition, i) =>
        `array_agg(m.id::text ORDER BY m.id) FILTER (WHERE ${conditionSql(condition, values)}) AS c${i}`,
    );
    const [row] = await db.query<Record<string, string[] | null>>(
      `SELECT ${columns.join(", ")} FROM public.memories m`,
      values.list,
    );
    return batch.map((_, i) => row?.[`c${i}`] ?? []);
  }
});
