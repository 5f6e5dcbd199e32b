import { describe, expect, test } from "@jest/globals";
import { readVectors } from "./read-vectors.ts";

const base64 = (...numbers: readonly number[]): string =>
  Buffer.from(Float32Array.from(numbers).buffer).toString("base64");

describe("readVectors", () => {
  test("base64 and arrays give the same: single precision, unit length, in the order of the inputs", () => {
    const data = [
      { index: 1, embedding: base64(0, 2) },
      { index: 0, embedding: [3, 4] },
    ];
    expect(readVectors(data, 2)).toEqual([Float32Array.of(0.6, 0.8), Float32Array.of(0, 1)]);
  });

  test.each([
    ["no list", undefined],
    ["too few", []],
    ["nothing in it", [null]],
    ["another number", [{ index: 7, embedding: [1] }]],
    ["no embedding", [{ index: 0 }]],
    ["an empty one", [{ index: 0, embedding: "" }]],
    ["half a number", [{ index: 0, embedding: base64(1).slice(0, 4) }]],
    ["words", [{ index: 0, embedding: ["0.1"] }]],
    ["not a number", [{ index: 0, embedding: base64(Number.NaN) }]],
    ["infinity", [{ index: 0, embedding: base64(Number.POSITIVE_INFINITY) }]],
    ["zeros", [{ index: 0, embedding: base64(0, 0) }]],
  ])("%s is the provider's fault, not the text's", (_name, data) => {
    expect(() => readVectors(data, 1)).toThrow(expect.objectContaining({ code: "unavailable" }));
  });
});
