import { describe, expect, test } from "@jest/globals";
import { filterSql } from "./filter-sql.ts";
import { Values } from "./values.ts";

const projectId = "00000000-0000-7000-8000-000000000001";

describe("filterSql", () => {
  test("every value is a parameter, whatever it holds", () => {
    const values = new Values();
    const evil = "x'; DROP TABLE memories; --";
    const sql = filterSql(
      { scope: { projectId, userId: evil, sessionId: evil, agentId: evil, exact: false }, types: [evil], key: evil },
      values,
    );
    expect(sql).not.toContain("DROP");
    expect(sql.match(/\$\d+/g)).toHaveLength(values.list.length);
  });

  test("the project is always part of it", () => {
    const values = new Values();
    expect(filterSql({ scope: { projectId, exact: true } }, values)).toContain("m.project_id = $1::uuid");
  });
});
