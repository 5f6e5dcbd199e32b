import { describe, expect, test } from "@jest/globals";
import { MemoryError, type ExtractionRequest } from "@engram/memory";
import fc from "fast-check";
import { readAnswer } from "./read-answer.ts";

const saidAt = new Date("2026-05-18T10:30:00Z");
const request = (turns = 2): ExtractionRequest => ({
  projectId: "p",
  turns: Array.from({ length: turns }, (_, i) => ({ number: i + 1, role: "user", name: null, content: "x", saidAt })),
  before: [],
  known: [{ number: 1, type: "fact", content: "k", validFrom: saidAt }],
  wishes: { instructions: null, includes: null, excludes: null },
  requestIds: [],
});
const read = (content: string | null, { turns = 2, isCut = false } = {}) =>
  readAnswer({ content, refusal: null, isCut }, request(turns));
const texts = (content: string) => read(content).map((fact) => fact.content);
const whole = {
  text: "Живёт в Казани",
  type: "fact",
  importance: 0.8,
  date: "2026-05-17",
  entities: ["Казань"],
  from: [2],
  relation: "replaces",
  known: [1],
};

describe("an answer of a model", () => {
  test("as it was asked for", () => {
    expect(read(JSON.stringify({ facts: [whole] }))).toEqual([
      {
        content: "Живёт в Казани",
        type: "fact",
        importance: 0.8,
        entities: ["Казань"],
        occurredAt: new Date("2026-05-17T12:00:00Z"),
        from: [2],
        relation: { kind: "replaces", known: [1] },
      },
    ]);
  });

  test.each([
    ["a fence", '```json\n{"facts":[{"text":"a"}]}\n```'],
    ["words around it", 'Here you are: {"facts":[{"text":"a"}]} Anything else?'],
    ["a bare list", '[{"text":"a"}]'],
    ["plain texts", '{"facts":["a"]}'],
    ["another name of the list", '{"memories":[{"memory":"a"}]}'],
    ["commas behind", '{"facts":[{"text":"a",},],}'],
    ["cut in the middle of the second fact", '{"facts":[{"text":"a"},{"text":"b'],
    ["braces in the text", '{"facts":[{"text":"a"},{"text":'],
    ["a lone fact", '{"text":"a"}'],
  ])("put right: %s", (_name, content) => {
    expect(texts(content)).toEqual(["a"]);
  });

  test.each([
    null,
    "",
    "no",
    "{}",
    '{"facts":"a"}',
    '{"facts":[{}]}',
    '{"facts":[{"text":"  "}]}',
    '{"facts":[null, 5]}',
  ])("cannot be read: %s", (content) => {
    expect(() => read(content)).toThrow(MemoryError);
  });

  test("of nothing worth keeping is not one that cannot be read", () => {
    expect(read('{"facts":[]}')).toEqual([]);
  });

  test("that was cut is taken only of a lone turn", () => {
    const cut = '{"facts":[{"text":"a"},{"text":"b';
    expect(() => read(cut, { isCut: true })).toThrow(MemoryError);
    expect(read(cut, { isCut: true, turns: 1 }).map((fact) => fact.content)).toEqual(["a"]);
  });

  test.each([
    [{ from: [7] }, { from: [] }],
    [{ from: [7, 2] }, { from: [2] }],
    [{ from: "2" }, { from: [2] }],
    [{ known: ["K1"], relation: "same" }, { relation: { kind: "same", known: 1 } }],
    [{ known: ["K1"], relation: "replaces" }, { relation: { kind: "replaces", known: [1] } }],
    [{ known: ["F1"], relation: "replaces" }, { relation: { kind: "new" } }],
    [{ known: [9], relation: "replaces" }, { relation: { kind: "new" } }],
    [{ known: [], relation: "replaces" }, { relation: { kind: "new" } }],
    [{ importance: 8 }, { importance: 0.8 }],
    [{ importance: "high" }, { importance: null }],
    [{ date: "2026-02-30" }, { occurredAt: null }],
    [{ date: "yesterday" }, { occurredAt: null }],
    [{ type: "opinion" }, { type: "fact" }],
    [{ entities: ["a", 5, "a", " "] }, { entities: ["a"] }],
  ])("a fact with %j is kept, as %j", (given, expected) => {
    expect(read(JSON.stringify({ facts: [{ ...whole, ...given }] }))[0]).toMatchObject(expected);
  });

  test("a fact is told by its place in the answer, whatever of that can be read; never one after it", () => {
    const facts = [
      { text: "a", relation: "replaces", known: ["F3"] },
      { text: " " },
      { text: "b", relation: "same", known: ["F1"] },
      { text: "c", relation: "replaces", known: ["K1", "F3", "F2", "F4"] },
      { text: "d", relation: "replaces", known: [" f4 "] },
    ];
    expect(read(JSON.stringify({ facts })).map((fact) => fact.relation)).toEqual([
      { kind: "new" },
      { kind: "same", earlier: 1 },
      { kind: "replaces", known: [1], earlier: [2] },
      { kind: "replaces", known: [], earlier: [3] },
    ]);
  });

  test("whatever it is, facts that can be kept come out, or `invalid`", () => {
    const json = fc.json().map((text) => `{"facts":[${text}]}`);
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), json, fc.json()), (content) => {
        try {
          for (const fact of read(content)) {
            expect(fact.content).not.toBe("");
            expect(fact.content).not.toContain("\0");
            expect(fact.from.every((number) => number === 1 || number === 2)).toBe(true);
          }
        } catch (error) {
          expect(error).toMatchObject({ code: "invalid" });
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
