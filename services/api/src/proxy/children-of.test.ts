import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { childrenOf } from "./children-of.ts";

const parsed = (json: string) =>
  Array.from(childrenOf(json, json.search(/[[{]/u)), ({ name, start, end }) => [
    name,
    JSON.parse(json.slice(start, end)) as unknown,
  ]);

describe("childrenOf", () => {
  test.each([
    ["{}", []],
    [" [ ]", []],
    [
      '{"a" : 1 , "b":[1,{"c":"]"}]}',
      [
        ["a", 1],
        ["b", [1, { c: "]" }]],
      ],
    ],
    [
      '[1,"a,b",{"x":1}]',
      [
        [undefined, 1],
        [undefined, "a,b"],
        [undefined, { x: 1 }],
      ],
    ],
    [String.raw`{"q\"u\\":"\\\"{"}`, [['q"u\\', '\\"{']]],
    [
      '{"a":1,"a":2}',
      [
        ["a", 1],
        ["a", 2],
      ],
    ],
  ])("of %s", (json, children) => {
    expect(parsed(json)).toEqual(children);
  });

  test("finds what JSON.parse finds, in any object and list, written in any way", () => {
    const indent = fc.constantFrom("", "  ", "\t");
    fc.assert(
      fc.property(
        fc.oneof(fc.dictionary(fc.string(), fc.jsonValue()), fc.array(fc.jsonValue())),
        indent,
        (value, space) => {
          const names = Array.isArray(value) ? value.map(() => undefined) : Object.keys(value);
          const json = JSON.stringify(value, null, space);
          expect(parsed(json)).toEqual(Object.values(JSON.parse(json) as object).map((one, i) => [names[i], one]));
        },
      ),
      { numRuns: 300 },
    );
  });

  test("of any depth", () => {
    const deep = "[".repeat(100_000) + "]".repeat(100_000);
    expect([...childrenOf(`{"a":${deep}}`, 0)]).toEqual([{ name: "a", start: 5, end: 200_005 }]);
  });
});
