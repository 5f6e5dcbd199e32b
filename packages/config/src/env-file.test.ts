import { describe, expect, test } from "@jest/globals";
import { parseEnvFile, stripQuotes } from "./env-file.ts";

describe("parseEnvFile", () => {
  test.each([
    ["plain", "A=1", "1"],
    ["double quotes", 'A="x y"', "x y"],
    ["single quotes", "A='x \"y\"'", 'x "y"'],
    ["export", "export A=1", "1"],
    ["spaces around", "  A = 1  ", "1"],
    ["a comment behind", "A=1 # one", "1"],
    ["a comment behind quotes", 'A="1 # one" # two', "1 # one"],
    ["# inside a value", "A=pa#ss", "pa#ss"],
    ["= inside a value", "A=a=b==", "a=b=="],
    ["CRLF", "B=2\r\nA=1\r\n", "1"],
    ["byte order mark", "\uFEFFA=1", "1"],
    ["escapes in double quotes", String.raw`A="a\"b\\c\n\d"`, 'a"b\\c\n\\d'],
    ["empty", "A=", ""],
    ["only a comment", "A= # nothing yet", ""],
    ["the last one wins", "A=1\nA=2", "2"],
    ["Cyrillic", 'A="ключ"', "ключ"],
  ])("%s", (_name, text, value) => {
    expect(parseEnvFile(text)["A"]).toBe(value);
  });

  test("passes over comments, empty lines and what is no assignment", () => {
    expect(parseEnvFile("# A=1\n\nnonsense\n1A=2\n=3")).toEqual({});
  });
});

test("stripQuotes takes one pair away, and only a pair", () => {
  expect([`"a"`, `'a'`, `"a`, `a"b"`, ""].map(stripQuotes)).toEqual(["a", "a", `"a`, `a"b"`, ""]);
});
