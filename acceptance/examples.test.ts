import { describe, expect, test } from "@jest/globals";
import { findDifferences, lastJson, readBlocks, readExamples } from "./examples.ts";

const fence = "```";

describe("readExamples", () => {
  test("takes the marked blocks, each with its answer", () => {
    const page = [
      "# Page",
      `${fence}bash`,
      "not me",
      fence,
      "<!-- run -->",
      "",
      `${fence}bash`,
      "echo 1",
      "echo 2",
      fence,
      "It says:",
    ];
    page.push(
      "<!-- answer -->",
      `${fence}json`,
      '{"a": "…"}',
      fence,
      "<!-- run -->",
      `${fence}bash`,
      "true",
      fence,
      "",
    );
    expect(readExamples(page.join("\n"))).toEqual([
      { line: 6, script: "echo 1\necho 2", answer: { a: "…" } },
      { line: 17, script: "true" },
    ]);
  });

  test("refuses a mark that marks nothing", () => {
    expect(() => readExamples("<!-- run -->\ntext")).toThrow("expected a bash block");
  });
});

describe("readBlocks", () => {
  test("takes every block of the language, with its mark if it has one", () => {
    const page = `${fence}bash\na\n${fence}\n<!-- engine -->\n\n${fence}bash\nb\n${fence}\n<!-- file x.cjs -->\n${fence}js\nc\n${fence}`;
    expect(readBlocks(page, "bash")).toEqual([
      { line: 1, mark: undefined, script: "a" },
      { line: 6, mark: "engine", script: "b" },
    ]);
    expect(readBlocks(page, "js")).toEqual([{ line: 10, mark: "file x.cjs", script: "c" }]);
  });
});

describe("lastJson", () => {
  test.each([
    ['{"a":1}{"b":{"c":[2]}}', { b: { c: [2] } }],
    ['HTTP/1.1 200 OK\n\n{\n  "a": 1\n}\n', { a: 1 }],
    ["[1, 2]", [1, 2]],
    ["nothing", undefined],
  ])("%s", (text, value) => {
    expect(lastJson(text)).toEqual(value);
  });
});

describe("findDifferences", () => {
  test("more than is shown is fine", () => {
    expect(findDifferences({ a: [{ b: 1 }] }, { a: [{ b: 1, c: 2 }], d: 3 })).toEqual([]);
  });

  test("… stands for anything, alone and within a text", () => {
    expect(findDifferences({ id: "mem_…", any: "…" }, { id: "mem_1a", any: { b: 1 } })).toEqual([]);
    expect(findDifferences({ id: "mem_…", any: "…" }, { id: "x" })).toHaveLength(2);
  });

  test("a score may differ a little, another number may not", () => {
    expect(findDifferences({ relevance_score: 0.9 }, { relevance_score: 0.8 })).toEqual([]);
    expect(findDifferences({ relevance_score: 0.9 }, { relevance_score: 0.6 })).toHaveLength(1);
    expect(findDifferences({ total: 2 }, { total: 2.1 })).toHaveLength(1);
  });

  test("lists are compared element by element", () => {
    expect(findDifferences([1], [1, 2])).toHaveLength(1);
    expect(findDifferences([{ a: 1 }], [{ a: 2 }])).toEqual(["$[0].a: expected 1, found 2"]);
  });
});
