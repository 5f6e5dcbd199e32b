import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { createOfflineEmbedder, OFFLINE_DIMS } from "./embedder.ts";

const embedder = createOfflineEmbedder();

async function embed(...texts: readonly string[]): Promise<readonly (readonly number[])[]> {
  const { vectors } = await embedder.embed(texts, new AbortController().signal);
  return vectors.map((vector) => Array.from(vector));
}

async function cosine(one: string, other: string): Promise<number> {
  const [left = [], right = []] = await embed(one, other);
  return left.reduce((sum, value, at) => sum + value * (right[at] ?? 0), 0);
}

describe("createOfflineEmbedder", () => {
  test("says what it is, and costs no tokens", async () => {
    expect(embedder).toMatchObject({ model: "offline-lexical-v1", lexical: true });
    expect(await embedder.embed([], new AbortController().signal)).toEqual({ vectors: [], tokens: 0 });
  });

  test.each([
    ["предпочтения по уведомлениям", "предпочитает получать уведомления"],
    ["notification settings", "notify me about settings"],
    ["Когда он бегает?", "Занимается бегом по утрам"],
    ["When does she swim?", "Goes swimming on Tuesdays"],
    ["ошибка ERR-4312", "Заказ упал с кодом err-4312"],
    ["версия node.js", "Стек: Node.js и Redis"],
    ["東京に住んでいる", "東京に住む人"],
  ])("finds %j near %j", async (one, other) => {
    expect(await cosine(one, other)).toBeGreaterThan(0.3);
  });

  test.each([
    ["Где живёт пользователь?", "Пользователь не ест мясо"],
    ["What does the user drink?", "The user has a dog and it is what it is"],
    ["Пользователь любит чай", "User wears size M shirts"],
  ])("keeps %j away from %j", async (one, other) => {
    expect(await cosine(one, other)).toBeLessThan(0.25);
  });

  test("reads ё as е, any case and any width alike", async () => {
    expect(await cosine("ЁЛКА Ａpple", "елка apple")).toBeCloseTo(1);
  });

  test("is not drowned by a word that is said again and again", async () => {
    expect(await cosine(`${"чай ".repeat(50)} самовар`, "самовар")).toBeGreaterThan(0.15);
  });

  test.each(["", "   ", "?!…", "и не как в", "the of and", "👍🏽"])("gives %j a unit vector of its own", async (text) => {
    expect(await cosine(text, text)).toBeCloseTo(1);
  });

  test("gives every text the same unit vector each time", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary", maxLength: 60 }), async (text) => {
        const [first = [], second] = await embed(text, text);
        expect(first).toHaveLength(OFFLINE_DIMS);
        expect(Math.hypot(...first)).toBeCloseTo(1, 6);
        expect(second).toEqual(first);
      }),
    );
  });

  test("keeps its vectors from version to version: another text model needs another name", async () => {
    const [vector = []] = await embed("Пользователь предпочитает получать уведомления по email");
    const strongest = vector
      .map((value, at) => ({ at, value }))
      .toSorted((a, b) => Math.abs(b.value) - Math.abs(a.value));
    expect(strongest.slice(0, 4).map(({ at, value }) => [at, value.toFixed(6)])).toMatchInlineSnapshot(`
     [
       [
         15,
         "-0.200504",
       ],
       [
         23,
         "-0.179767",
       ],
       [
         59,
         "-0.179767",
       ],
       [
         61,
         "-0.179767",
       ],
     ]
    `);
  });
});
