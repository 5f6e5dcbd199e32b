import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { nthGreatest } from "./nth-greatest.ts";

test("as sorting gives it", () => {
  const few = fc.array(fc.integer({ min: -3, max: 3 }), { maxLength: 60 });
  const many = fc.array(fc.float({ noNaN: true }), { maxLength: 60 });
  fc.assert(
    fc.property(fc.oneof(few, many), fc.integer({ min: 1, max: 70 }), (values, n) => {
      const sorted = Float32Array.from(values).toSorted((left, right) => right - left);
      expect(nthGreatest(Float32Array.from(values), n)).toBe(n > sorted.length ? -Infinity : sorted[n - 1]);
    }),
  );
});
