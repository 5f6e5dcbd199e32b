import { beforeAll, expect, test } from "@jest/globals";
import { DEFAULT_PROJECT_ID } from "@engram/memory";
import type { Executor } from "@engram/sql";
import { createConversations } from "../src/index.ts";
import { describeOnDatabases } from "./databases.ts";
import { addOf, said } from "./add-call.ts";

/*
 * What is new and what is known is told by indexes. Where the planner takes a list for longer than it is, it reads all messages
 * that are kept instead, for every call; and what it takes for dear enough it compiles first (jit).
 */

/** Well below `jit_above_cost` as it comes (100,000); a call of 500 messages is taken for 45,000. */
const COST_MAX = 60_000;

const SENTENCE = "Я помню, что это было давно";

describeOnDatabases("the plan of an add", (db) => {
  beforeAll(async () => {
    await createConversations(db, { debounceMs: 0 }).add(addOf(said(SENTENCE)));
    await db.script(`INSERT INTO engram.messages (id, project_id, user_id, session_id, owner, event_id, role, content, said_at, text_hash, sameness, due_at)
      SELECT gen_random_uuid(), '${DEFAULT_PROJECT_ID}', 'u' || n % 50, 's', md5((n % 50)::text)::uuid, gen_random_uuid(), 'user', 'факт', now(), gen_random_uuid(), gen_random_uuid(), now()
      FROM generate_series(1, 5000) n; ANALYZE engram.messages`);
  });

  /** The plans of all that a call asks. */
  async function plansOf(contents: readonly string[]): Promise<readonly string[]> {
    const plans: string[] = [];
    const explaining: Executor = {
      ...db,
      query: async (text, values) => {
        const rows = await db.query<{ "QUERY PLAN": string }>(`EXPLAIN ${text}`, values);
        plans.push(rows.map((row) => row["QUERY PLAN"]).join("\n"));
        return db.query(text, values);
      },
    };
    await createConversations(explaining, { debounceMs: 0 }).add(addOf(said(...contents)));
    return plans;
  }

  test.each([
    ["that is new", ["Меня зовут Антон, я программист", "да"], 1],
    ["that is new and short", ["Привет"], 1],
    ["that is known", [SENTENCE], 2],
    ["of many messages", Array.from({ length: 500 }, (_, n) => `${SENTENCE}, ${n}`), 1],
  ])("reads no table whole: a call %s", async (_, contents, statements) => {
    const plans = await plansOf(contents);
    expect(plans).toHaveLength(statements);
    for (const plan of plans) {
      expect(plan).toMatch(/Index Scan using messages_sameness_key/);
      expect(plan).not.toMatch(/Seq Scan on messages/);
      expect(Number(/cost=[\d.]+\.\.([\d.]+)/.exec(plan)?.[1])).toBeLessThan(COST_MAX);
    }
  });
});
