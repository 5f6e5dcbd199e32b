import { beforeAll, describe, expect, test } from "@jest/globals";
import type { ClaimOptions } from "@engram/memory";
import type { Executor } from "@engram/sql";
import { createOutbox } from "../src/index.ts";
import { describeOnDatabases } from "./databases.ts";

interface PlanNode {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly Plans?: readonly PlanNode[];
}

const CLAIM = {
  topic: "index:main",
  limit: 64,
  token: "00000000-0000-4000-8000-00000000000a",
  leaseSeconds: 60,
  horizonSeconds: 300,
};

/* A claim that sorts the backlog takes as long as the backlog is, for each user; in the order of an index it reads what it takes. */
describeOnDatabases("the plan of a claim", (db) => {
  const CLEAR = "DELETE FROM memories; DELETE FROM engram.outbox";
  const SCHEDULES =
    "INSERT INTO engram.outbox (topic, key) SELECT 'schedule', gen_random_uuid() FROM generate_series(1, 3)";
  const BULK = "INSERT INTO memories (user_id, content) SELECT n % 50, 'факт ' || n FROM generate_series(1, 5000) n";
  const ANALYZE = "ANALYZE engram.outbox";

  async function explain(only: NonNullable<ClaimOptions["only"]>): Promise<PlanNode> {
    const asked: { text: string; values: readonly unknown[] | undefined }[] = [];
    const listening: Executor = {
      ...db,
      query: (text, values) => {
        asked.push({ text, values });
        return Promise.resolve([]);
      },
    };
    await createOutbox(listening).claim({ ...CLAIM, only });
    const [claim] = asked;
    const [row] = await db.query<{ "QUERY PLAN": [{ Plan: PlanNode }] }>(
      `EXPLAIN (FORMAT JSON) ${claim?.text}`,
      claim?.values,
    );
    if (row === undefined) throw new Error("EXPLAIN gave no plan");
    return row["QUERY PLAN"][0].Plan;
  }

  describe.each([
    ["that were never gathered", [BULK]],
    ["of an outbox of schedules alone", [CLEAR, SCHEDULES, ANALYZE, BULK]],
    ["of all that waits", [CLEAR, BULK, ANALYZE]],
  ])("with statistics %s", (_statistics, script) => {
    beforeAll(() => db.script(script.join(";")));

    test.each(["all", "absent"] as const)("sorts no backlog (%s)", async (only) => {
      const nodes = nodesOf(await explain(only));
      expect(nodes.some((node) => node["Relation Name"] === "outbox")).toBe(true);
      const sorted = nodes.filter((node) => /sort/i.test(node["Node Type"])).flatMap(nodesOf);
      expect(sorted.filter((node) => node["Relation Name"] === "outbox")).toEqual([]);
    });
  });
});

function nodesOf(plan: PlanNode): readonly PlanNode[] {
  return [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];
}
