import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { plainHitsOf, textHitsOf, toTextHits, type Document } from "../test/text-hits.ts";
import { lexicalScores, turnShare } from "./lexical.ts";

const document = (id: string, words: string): Document => ({ id, lexemes: words.split(" ") });
const score = (query: string, documents: readonly Document[], id: string): number =>
  lexicalScores(textHitsOf(query.split(" "), documents)).get(id) ?? 0;

const email = document("email", "пользовател предпочита получа уведомлен email");
const push = document("push", "пользовател хочет получа push уведомлен");
const stack = document("stack", "проект x использ стек технолог react node.js postgresql");
/** A right answer's worth, as `fuse` has it. */
const RIGHT = 0.18;
const others = Array.from({ length: 100 }, (_, at) =>
  document(`other${at}`, `пользовател слово${at} дело${at} мест${at}`),
);

describe("lexicalScores", () => {
  test("gives hits alone, and nothing for a query without words", () => {
    const scores = lexicalScores(textHitsOf(["уведомлен"], [email, push, stack]));
    expect([...scores.keys()]).toEqual(["email", "push"]);
    expect(lexicalScores(textHitsOf([], [email])).size).toBe(0);
    expect(lexicalScores(textHitsOf(["уведомлен"], [])).size).toBe(0);
  });

  test("means the same to a user with three memories and to one with a hundred", () => {
    const query = "как предпочтен уведомлен пользовател";
    const few = score(query, [email, push, stack], "email");
    const many = score(query, [email, push, stack, ...others], "email");
    expect(few).toBeGreaterThan(RIGHT);
    expect(many).toBeGreaterThan(0.9 * RIGHT);
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
    const scores = lexicalScores(
      textHitsOf(["constructor", "tostring"], [document("a", "constructor"), document("b", "tea")]),
    );
    expect([...scores.keys()]).toEqual(["a"]);
    expect(score("constructor", [document("b", "tea")], "b")).toBe(0);
  });

  const turn = (id: string, speaker: string, words: string): Document => ({
    id,
    lexemes: [`@who:${speaker}`, speaker, ...words.split(" ")],
    session: "talk",
  });
  const talk = [
    turn("greeting", "ann", "hello"),
    turn("question", "bob", "camp trip mountain"),
    turn("answer", "ann", "saw meteor shower"),
    turn("later", "bob", "wow"),
    turn("much later", "ann", "bye"),
    turn("too late", "bob", "dinner"),
  ];

  test("a turn has what is said beside it, more of the turn before it than of the turn after it, and not beyond three", () => {
    const scores = lexicalScores(textHitsOf(["camp", "trip"], talk));
    const of = (id: string) => scores.get(id) ?? 0;
    expect(of("question")).toBeGreaterThan(of("answer"));
    expect(of("answer")).toBeGreaterThan(of("greeting"));
    expect(of("answer")).toBeGreaterThan(of("later"));
    expect(of("later")).toBeGreaterThan(of("much later"));
    expect(scores.has("too late")).toBe(false);
  });

  test("nothing is lent across sessions", () => {
    const apart = talk.map((one, at) => ({ ...one, session: `talk ${at}` }));
    expect([...lexicalScores(textHitsOf(["camp", "trip"], apart)).keys()]).toEqual(["question"]);
  });

  test("a statement is never a right answer for standing beside one, a turn may be", () => {
    const statements = [
      { id: "meant", lexemes: ["camp", "trip"], session: "s" },
      { id: "beside", lexemes: ["tea"], session: "s" },
    ];
    const scores = lexicalScores(textHitsOf(["camp", "trip"], statements));
    expect(scores.get("meant")).toBeGreaterThan(2 * RIGHT);
    expect(scores.get("beside")).toBeGreaterThan(0);
    expect(scores.get("beside")).toBeLessThan(RIGHT);
    expect(lexicalScores(textHitsOf(["camp", "trip"], talk)).get("answer")).toBeGreaterThan(RIGHT);
  });

  test("whom the question names, speaks: of two turns with the same words theirs is first", () => {
    const both = [turn("bob's", "bob", "love camp"), turn("ann's", "ann", "love camp")].map((one, at) => ({
      ...one,
      session: `s${at}`,
    }));
    const scores = lexicalScores(textHitsOf(["ann", "camp"], both));
    expect(scores.get("ann's")).toBeGreaterThan((scores.get("bob's") ?? 0) + 0.05);
    const ofBoth = lexicalScores(textHitsOf(["ann", "bob", "camp"], both));
    expect(ofBoth.get("ann's")).toBeCloseTo(ofBoth.get("bob's") ?? 0);
  });

  test("the label of a statement is no speaker: it is worth no more than its words", () => {
    const labelled = { id: "red", lexemes: ["@who:colour", "colour", "red"], isStatement: true };
    const hits = (isStatement: boolean) => textHitsOf(["colour", "car", "neighbour"], [{ ...labelled, isStatement }]);
    expect(lexicalScores(hits(true)).get("red")).toBeLessThan(RIGHT);
    expect(lexicalScores(hits(false)).get("red")).toBeGreaterThan(RIGHT);
  });

  test("a memory of the day that is asked for is found by its date, and by that alone is no right answer", () => {
    const dated = [
      { id: "then", lexemes: ["tea", "@2023-05-08"] },
      { id: "other", lexemes: ["tea", "@2023-06-01"] },
      { id: "said", lexemes: ["dentist", "may", "@2023-01-01"] },
    ];
    const days = [["may", "@2023-05-08"]];
    const alone = lexicalScores(textHitsOf([], dated, { days }));
    expect([...alone.keys()].toSorted()).toEqual(["said", "then"]);
    expect(alone.get("then")).toBeGreaterThan(2 * RIGHT);
    const beside = lexicalScores(textHitsOf(["dentist"], dated, { days }));
    expect(beside.get("then")).toBeLessThan(RIGHT);
    expect(beside.get("said")).toBeGreaterThan(1.5 * RIGHT);
  });

  test("a word of time is worth a little where it is asked when, and brings nothing in by itself", () => {
    const rows = [document("told", "tea yesterday"), document("plain", "tea today"), document("time", "yesterday")];
    const scores = lexicalScores(textHitsOf(["tea"], rows, { marks: ["yesterday"] }));
    expect(scores.get("told")).toBeGreaterThan(scores.get("plain") ?? 0);
    expect(scores.has("time")).toBe(false);
  });

  test("counts the turns among the hits", () => {
    expect(turnShare(textHitsOf(["camp"], talk))).toBe(1);
    expect(turnShare(textHitsOf(["tea"], [document("a", "tea")]))).toBe(0);
    expect(turnShare(textHitsOf(["tea"], []))).toBe(0);
  });

  const words = fc.array(fc.constantFrom("user", "tea", "cat", "samovar", "как", "__proto__"), {
    minLength: 1,
    maxLength: 12,
  });
  const session = fc.option(fc.constantFrom("one", "two"), { nil: undefined });
  const row = fc.record({ lexemes: words, isTurn: fc.boolean(), session });
  const store = fc.array(row, { minLength: 1, maxLength: 20 });
  const documentsOf = (rows: readonly { lexemes: string[]; isTurn: boolean; session: string | undefined }[]) =>
    rows.map(({ lexemes, isTurn, session: of }, at): Document => ({
      id: String(at),
      lexemes: isTurn ? [...lexemes, "@who:cat"] : lexemes,
      ...(of === undefined ? {} : { session: of }),
    }));

  test("stays within 0 and 1, and does not depend on any order of what the store answers", () => {
    fc.assert(
      fc.property(words, store, (query, rows) => {
        const hits = plainHitsOf(query, documentsOf(rows), { marks: ["samovar"], days: [["@2023"]] });
        const scores = lexicalScores(toTextHits(hits));
        for (const value of scores.values()) {
          expect(value).toBeGreaterThan(0);
          expect(value).toBeLessThanOrEqual(1);
        }
        const turned = lexicalScores(
          toTextHits({ ...hits, hits: hits.hits.toReversed(), terms: hits.terms.toReversed() }),
        );
        expect([...turned.keys()].toSorted()).toEqual([...scores.keys()].toSorted());
        for (const [id, value] of turned) expect(value).toBeCloseTo(scores.get(id) ?? -1, 12);
      }),
    );
  });

  test("never falls for saying a word of the question once more", () => {
    fc.assert(
      fc.property(words, store, fc.nat(), (query, rows, place) => {
        const hits = plainHitsOf(query, documentsOf(rows));
        const hit = hits.hits[place % Math.max(1, hits.hits.length)];
        const [word] = query;
        if (hit === undefined || word === undefined) return;
        const times = Object.hasOwn(hit.frequencies, word) ? (hit.frequencies[word] ?? 0) : 0;
        const louder = { ...hit, frequencies: { ...hit.frequencies, [word]: times + 1 } };
        const before = lexicalScores(toTextHits(hits));
        const after = lexicalScores(
          toTextHits({ ...hits, hits: hits.hits.map((one) => (one === hit ? louder : one)) }),
        );
        expect(after.get(hit.id) ?? 0).toBeGreaterThanOrEqual((before.get(hit.id) ?? 0) - 1e-12);
      }),
    );
  });
});
