import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { cosineOf, toDecimals, toUnit } from "./vector.ts";

const numbers = fc.float32Array({ minLength: 1, maxLength: 64, noNaN: true, min: -1, max: 1 });

describe("toUnit", () => {
  test("keeps the direction and gives unit length, or nothing for what has no direction", () => {
    expect(toUnit([3, 4])).toEqual(Float32Array.of(0.6, 0.8));
    for (const none of [[], [0, 0], [Number.NaN, 1], [Number.POSITIVE_INFINITY, 1]])
      expect(toUnit(none)).toBeUndefined();
  });
});

describe("toDecimals", () => {
  test("moves no number of a unit vector by more than half of a ninth decimal, and prints no more than that", () => {
    fc.assert(
      fc.property(numbers, (vector) => {
        toDecimals(vector).forEach((value, at) => {
          expect(Math.abs(value - (vector[at] ?? 0))).toBeLessThanOrEqual(0.5e-9 + Number.EPSILON);
          expect(value.toString()).toMatch(/^-?[01](\.\d{1,9})?$|^-?\d(\.\d+)?e-\d$/);
        });
      }),
    );
  });

  test("of plain arrays too", () => {
    expect(toDecimals([0.123456789123, -1])).toEqual([0.123456789, -1]);
  });
});

describe("cosineOf", () => {
  test("is that of the angle, whatever the lengths", () => {
    expect(cosineOf([2, 0], Float32Array.of(3, 3))).toBeCloseTo(Math.SQRT1_2);
    expect(cosineOf([1, 0], [-5, 0])).toBe(-1);
    expect(cosineOf([0, 0], [1, 0])).toBe(0);
  });
});
