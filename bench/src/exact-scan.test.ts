import { describe, expect, test } from "@jest/globals";
import { cosine, recallAt, scan } from "./exact-scan.ts";

describe("cosine", () => {
  test("is that of the angle, whatever the lengths", () => {
    expect(cosine([3, 0], [5, 0])).toBeCloseTo(1, 12);
    expect(cosine([2, 2], [7, 0])).toBeCloseTo(Math.SQRT1_2, 12);
    expect(cosine([1, 0], [-4, 0])).toBeCloseTo(-1, 12);
  });

  test("is 0 with a vector of zeros", () => {
    expect(cosine([0, 0], [1, 2])).toBe(0);
  });

  test("is refused between vectors of two models", () => {
    expect(() => cosine([1], [1, 2])).toThrow("vectors of 1 and of 2 numbers");
  });
});

describe("recallAt", () => {
  const cosines = scan(
    [1, 0],
    new Map([
      ["nearest", [1, 0]],
      ["near", [1, 0.1]],
      ["mirrored", [1, -0.1]],
      ["far", [0, 1]],
    ]),
  );

  test("counts what is found of the k nearest", () => {
    expect(recallAt(3, cosines, ["mirrored", "nearest", "near"])).toBe(1);
    expect(recallAt(3, cosines, ["nearest", "far", "near"])).toBeCloseTo(2 / 3, 12);
    expect(recallAt(3, cosines, [])).toBe(0);
  });

  test("looks at the first k of what is found alone", () => {
    expect(recallAt(1, cosines, ["near", "nearest"])).toBe(0);
  });

  test("takes what ties with the last of the nearest for as right", () => {
    expect(recallAt(2, cosines, ["nearest", "near"])).toBe(1);
    expect(recallAt(2, cosines, ["nearest", "mirrored"])).toBe(1);
  });

  test("knows what was found twice for one, and a stranger for none", () => {
    expect(recallAt(2, cosines, ["nearest", "nearest"])).toBe(0.5);
    expect(recallAt(2, cosines, ["nearest", "somebody else's"])).toBe(0.5);
  });

  test("wants no more than there is", () => {
    expect(recallAt(10, cosines, ["far", "near", "mirrored", "nearest"])).toBe(1);
    expect(recallAt(10, new Map(), [])).toBeNaN();
  });
});
