// CONTRACT.md 3: filters over columns and metadata, before the candidates are taken.
import { beforeAll, describe, expect, test } from "@jest/globals";
import { api } from "../client.ts";
import { expectError, names } from "../errors.ts";
import { create, unique, type Found } from "../memories.ts";

describe("filters", () => {
  const userId = unique("filters");
  const search = async (filters: unknown, given: object = {}) => {
    const { status, body } = await api<Found>("POST", "/api/memories/search", {
      body: { user_id: userId, query: "чай", limit: 100, filters, ...given },
    });
    expect(status).toBe(200);
    return body.memories.map((one) => one.content).sort();
  };
  beforeAll(async () => {
    const told = [
      {
        content: "чай раз",
        importance: 0.9,
        metadata: { source: "n8n", n: 1, deep: { a: "Ёлка" } },
        categories: ["drink"],
      },
      {
        content: "чай два",
        importance: 0.2,
        metadata: { source: "flowise", n: 2, tags: ["x", 5] },
        type: "preference",
      },
      { content: "чай три", metadata: { n: "2" }, session_id: "s" },
    ];
    for (const one of told) await create({ user_id: userId, wait: true, ...one });
    await create({ user_id: unique("filters"), content: "чай чужой", metadata: { source: "n8n" } });
    // More of the same words than any pool holds, so that a filter that came after the pools would find nothing.
    const crowd = Array.from({ length: 400 }, (_, n) => ({
      user_id: userId,
      content: `чай чай чай ${n}`,
      metadata: { crowd: true },
    }));
    expect((await api("POST", "/api/memories/bulk", { body: { memories: crowd } })).status).toBe(200);
  }, 60_000);

  test.each<[unknown, string[]]>([
    [{ source: "n8n" }, ["чай раз"]],
    [{ "metadata.source": { in: ["n8n", "flowise"] } }, ["чай два", "чай раз"]],
    [{ metadata: { deep: { a: { icontains: "ёлк" } } } }, ["чай раз"]],
    [{ AND: [{ crowd: { ne: true } }, { importance: { gte: 0.5 } }] }, ["чай раз"]],
    [{ NOT: [{ crowd: true }, { source: "*" }] }, ["чай три"]],
    [{ n: 2 }, ["чай два"]],
    [{ n: "2" }, ["чай три"]],
    [{ tags: { contains: 5 } }, ["чай два"]],
    [{ categories: ["drink"] }, ["чай раз"]],
    [{ type: { ne: "fact" } }, ["чай два"]],
    [{ run_id: "s" }, ["чай три"]],
    [{ crowd: null, created_at: { lt: "2000-01-01" } }, []],
    [{ source: "' OR true --" }, []],
  ])("%j", async (filters, expected) => {
    expect(await search(filters)).toEqual(expected);
    expect(await search(filters, { query: undefined })).toEqual(expected);
  });

  test("one of many ids that are let through is still found by its words", async () => {
    expect(await search({ crowd: true }, { limit: 400 })).toHaveLength(400);
  });

  test.each([
    [{ AND: [{ importance: { gt: "much" } }] }, "filters.AND.0.importance.gt"],
    [{ type: { like: "x" } }, "filters.type.like"],
    ["text", "filters"],
    [{ OR: {} }, "filters.OR"],
  ])("400 that names the path: %j", async (filters, path) => {
    const answer = await api("POST", "/api/memories/search", { body: { user_id: userId, filters } });
    expectError(answer, 400);
    expect(names(answer.body, path)).toBe(true);
  });
});
