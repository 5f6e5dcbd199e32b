import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { textHitsOf, type Document } from "../test/text-hits.ts";
import { bm25 } from "./bm25.ts";

const document = (id: string, words: string): Document => ({ id, lexemes: words.split(" ") });
const score = (query: string, documents: readonly Document[], id: string): number =>
  bm25(textHitsOf(query.split(" "), documents)).get(id) ?? 0;

const email = document("email", "пользовател предпочита получа уведомлен email");
const push = document("push", "пользовател хочет получа push уведомлен");
const stack = document("stack", "проект x использ стек технолог react node.js postgresql");
const others = Array.from({ length: 100 }, (_, at) =>
  document(`other${at}`, `пользовател слово${at} дело${at} мест${at}`),
);

describe("bm25", () => {
  test("gives hits alone, and nothing for a query without words", () => {
    const scores = bm25(textHitsOf(["уведомлен"], [email, push, stack]));
    expect([...scores.keys()]).toEqual(["email", "push"]);
    expect(bm25(textHitsOf([], [email])).size).toBe(0);
    expect(bm25(textHitsOf(["уведомлен"], [])).size).toBe(0);
  });

  test("means the same to a user with three memories and to one with a hundred", () => {
    const query = "как предпочтен уведомлен пользовател";
    const few = score(query, [email, push, stack], "email");
    const many = score(query, [email, push, stack, ...others], "email");
    expect(few).toBeGreaterThan(0.17);
    expect(many).toBeGreaterThan(0.17);
    expect(Math.abs(few - many)).toBeLessThan(0.05);
  });

  test("takes the subject that all memories share for next to nothing, also where there is one memory", () => {
    expect(score("пользовател групп кров", [email], "email")).toBeLessThan(0.05);
    expect(score("user blood group", [document("one", "user like tea")], "one")).toBeLessThan(0.05);
  });

  test("values rare words over common ones, and short rows over long ones", () => {
    const common = Array.from({ length: 30 }, (_, at) => document(`c${at}`, `tea word${at}`));
    const rare = document("rare", "samovar word");
    expect(score("tea samovar", [...common, rare], "rare")).toBeGreaterThan(
      score("tea samovar", [...common, rare], "c1"),
    );
    const long = document("long", "samovar a b c d e f g h i j k l m n");
    expect(score("samovar", [rare, long], "rare")).toBeGreaterThan(score("samovar", [rare, long], "long"));
  });

  test("reads names of Object's own methods as words", () => {
    const scores = bm25(textHitsOf(["constructor", "tostring"], [document("a", "constructor"), document("b", "tea")]));
    expect([...scores.keys()]).toEqual(["a"]);
    expect(score("constructor", [document("b", "tea")], "b")).toBe(0);
  });

  const words = fc.array(fc.constantFrom("user", "tea", "cat", "samovar", "как", "__proto__"), {
    minLength: 1,
    maxLength: 12,
  });
  const store = fc.array(words, { minLength: 1, maxLength: 20 });

  test("stays within 0 and 1, and does not depend on any order", () => {
    fc.assert(
      fc.property(words, store, (query, rows) => {
        const documents = rows.map((lexemes, at) => ({ id: String(at), lexemes }));
        const scores = bm25(textHitsOf(query, documents));
        for (const value of scores.values()) {
          expect(value).toBeGreaterThan(0);
          expect(value).toBeLessThan(1);
        }
        const turned = bm25(textHitsOf(query.toReversed(), documents.toReversed()));
        expect([...turned.keys()].toSorted()).toEqual([...scores.keys()].toSorted());
        for (const [id, value] of turned) expect(value).toBeCloseTo(scores.get(id) ?? -1, 12);
      }),
    );
  });
});
