// POST /api/memories/search with `explain: true`, whose shape docs/search.md tells.
import { beforeAll, describe, expect, test } from "@jest/globals";
import { api } from "../client.ts";
import { create, indexed, unique, type Memory } from "../memories.ts";

interface Part {
  readonly rank: number | null;
  readonly evidence: number;
}
interface Parts {
  readonly vector: Part & { readonly cosine: number | null };
  readonly text: Part & { readonly score: number | null };
}
interface Explained {
  readonly memories: readonly (Memory & { readonly relevance_score: number; readonly explain: Parts })[];
  readonly explain?: {
    readonly terms: readonly (readonly string[])[];
    readonly candidates: { readonly text: number; readonly vectors: number | null };
    readonly calibration: { readonly background: number; readonly related: number } | null;
    readonly dropped: readonly (Parts & {
      readonly id: string;
      readonly relevance_score: number;
      readonly reason: string;
    })[];
    readonly unseen: number;
    readonly stale: number;
  };
}

describe("explain", () => {
  const [userId, other] = [unique("explain"), unique("explain")];
  const own: Memory[] = [];
  beforeAll(async () => {
    for (const content of ["Любит зелёный чай с мятой", "Пьёт зелёный чай по утрам", "Купил новый велосипед"])
      own.push(await create({ user_id: userId, content }));
    await indexed(...own, await create({ user_id: other, content: "Любит зелёный чай с лимоном" }));
  });

  const ask = async (given: object): Promise<Explained> => {
    const { status, body } = await api<Explained>("POST", "/api/memories/search", {
      body: { user_id: userId, explain: true, ...given },
    });
    expect(status).toBe(200);
    return body;
  };

  test("each memory says what both arms make of it, and both together are its score", async () => {
    const { memories, explain } = await ask({ query: "Какой чай любит, зелёный?" });
    expect(memories[0]?.id).toBe(own[0]?.id);
    expect(memories[0]?.explain).toMatchObject({ vector: { rank: 1 }, text: { rank: 1 } });
    for (const memory of memories) {
      const evidence = memory.explain.vector.evidence + memory.explain.text.evidence;
      const logit = (share: number): number => Math.log(share / (1 - share));
      const score = logit(0.15) + evidence * (logit(0.7) - logit(0.15));
      expect(memory.relevance_score).toBeCloseTo(1 / (1 + Math.exp(-score)), 2);
    }
    expect(explain?.terms.flat()).toContain("ча");
    expect(explain?.candidates).toEqual({ text: 2, vectors: 3 });
    expect(explain?.calibration).toEqual({ background: expect.any(Number), related: expect.any(Number) });
  });

  test("what was left out has its reason, and another user's memory is not among it", async () => {
    const few = await ask({ query: "зелёный чай", limit: 1 });
    expect(few.explain?.dropped.map((one) => one.reason)).toEqual(["beyond_limit", "beyond_limit"]);
    const ids = [...few.memories, ...(few.explain?.dropped ?? [])].map((one) => one.id);
    expect(ids.toSorted()).toEqual(own.map((memory) => memory.id).toSorted());
    const strict = await ask({ query: "Где куплен мотоцикл и чай?", relevance_threshold: 0.999 });
    expect(strict.memories).toEqual([]);
    expect(new Set(strict.explain?.dropped.map((one) => one.reason))).toEqual(new Set(["below_threshold"]));
  });

  test("is not there unless it is asked for, nor without a query", async () => {
    const plain = await ask({ query: "чай", explain: false });
    expect(plain.explain).toBeUndefined();
    expect(plain.memories[0]).not.toHaveProperty("explain");
    expect((await ask({})).explain).toBeUndefined();
  });

  test("a value that is neither true nor false is refused by its name", async () => {
    const { status, body } = await api<{ message: string }>("POST", "/api/memories/search", {
      body: { user_id: userId, query: "чай", explain: "maybe" },
    });
    expect(status).toBe(400);
    expect(body.message).toContain("explain");
  });
});
