import { describe, expect, test } from "@jest/globals";
import { backoffSeconds } from "./backoff.ts";

describe("backoffSeconds", () => {
  test("doubles from half a second to a minute", () => {
    const at = (attempts: number) => backoffSeconds(attempts, { random: () => 1 });
    expect([0, 1, 2, 3, 10, 100].map(at)).toEqual([0.5, 1, 2, 4, 60, 60]);
  });

  test("jitters in the upper half", () => {
    expect(backoffSeconds(3, { random: () => 0 })).toBe(2);
  });

  test("obeys Retry-After at any length", () => {
    expect(backoffSeconds(0, { retryAfterSeconds: 600 })).toBe(600);
  });
});
