import { expect, test } from "@jest/globals";
import { lastTurns } from "./last-turns.ts";

const turn = (content: string, role: "user" | "tool" = "user") => ({ role, content });
const countTokens = (text: string) => text.length;

test("the last turns that fit, without what tools have reported", () => {
  const turns = [turn("a"), turn("b".repeat(3_000)), turn("c".repeat(9_000), "tool"), turn("d".repeat(999)), turn("e")];
  expect(lastTurns(turns, countTokens).map(({ content }) => content[0])).toEqual(["b", "d", "e"]);
});

test("of a turn that is too long nothing, and nothing before it", () => {
  expect(lastTurns([turn("a"), turn("b".repeat(4_001)), turn("c")], countTokens)).toEqual([turn("c")]);
  expect(lastTurns([], countTokens)).toEqual([]);
});
