import { describe, expect, test } from "@jest/globals";
import { draft as makeDraft } from "@engram/memory/contracts/draft";
import { MemoryError } from "./errors.ts";
import type { Memory, MemoryDraft, PutResult } from "./memory.ts";
import type { MemoryStore } from "./ports/index.ts";
import { createPutQueue, GROUP_SIZE_MAX, splitGroups } from "./put.ts";

const draft = (content: string, given: Partial<MemoryDraft> = {}): MemoryDraft => makeDraft({ content, ...given });

/** A store that only puts, and remembers in which groups. */
function storeOf(put: (drafts: readonly MemoryDraft[]) => Promise<void>): { store: MemoryStore; groups: string[][] } {
  const groups: string[][] = [];
  const putMemories = async (drafts: readonly MemoryDraft[]): Promise<readonly PutResult[]> => {
    groups.push(drafts.map((one) => one.content));
    await put(drafts);
    return drafts.map((one) => ({ memory: { id: one.id } as Memory, created: true }));
  };
  return { store: { putMemories } as unknown as MemoryStore, groups };
}

describe("splitGroups", () => {
  test("one content per slot and group, in order", () => {
    const drafts = [draft("a", { key: "k" }), draft("b"), draft("c", { key: "k" }), draft("d", { key: "k" })];
    expect(splitGroups(drafts, 10).map((group) => group.map((one) => one.content))).toEqual([["a", "b"], ["c"], ["d"]]);
  });

  test("equal contents of one slot go together; events have no slot", () => {
    const drafts = [draft("a", { key: "k" }), draft("a", { key: "k" }), draft("b", { key: "k", type: "interaction" })];
    expect(splitGroups(drafts, 10)).toHaveLength(1);
  });

  test("no group is larger than asked for", () => {
    expect(
      splitGroups(
        Array.from({ length: 25 }, (_, i) => draft(String(i))),
        10,
      ).map((group) => group.length),
    ).toEqual([10, 10, 5]);
  });
});

describe("createPutQueue", () => {
  test("what arrives together is written together, and everyone gets their own", async () => {
    const { store, groups } = storeOf(() => Promise.resolve());
    const queue = createPutQueue(store);
    const drafts = Array.from({ length: 100 }, (_, i) => draft(String(i)));
    const results = await Promise.all(drafts.map((one) => queue.put(one)));
    expect(results.map((one) => one.memory.id)).toEqual(drafts.map((one) => one.id));
    expect(groups.map((group) => group.length)).toEqual([GROUP_SIZE_MAX, 100 - GROUP_SIZE_MAX]);
    expect(queue.depth).toBe(0);
  });

  test("a row that is refused fails alone", async () => {
    const { store } = storeOf((drafts) =>
      drafts.some((one) => one.content === "bad")
        ? Promise.reject(new MemoryError("invalid", "no"))
        : Promise.resolve(),
    );
    const queue = createPutQueue(store);
    const [good, bad, other] = await Promise.allSettled(["a", "bad", "b"].map((content) => queue.put(draft(content))));
    expect([good?.status, bad?.status, other?.status]).toEqual(["fulfilled", "rejected", "fulfilled"]);
  });

  test("a database that is away fails everyone at once, without trying each", async () => {
    const { store, groups } = storeOf(() => Promise.reject(new MemoryError("unavailable", "away")));
    const queue = createPutQueue(store);
    const settled = await Promise.allSettled(["a", "b", "c"].map((content) => queue.put(draft(content))));
    expect(settled.map((one) => one.status)).toEqual(["rejected", "rejected", "rejected"]);
    expect(groups).toHaveLength(1);
  });

  test("a lost race is run again", async () => {
    let attempts = 0;
    const { store } = storeOf(() =>
      ++attempts < 3 ? Promise.reject(new MemoryError("conflict", "race")) : Promise.resolve(),
    );
    await createPutQueue(store).put(draft("a"));
    expect(attempts).toBe(3);
  });
});
