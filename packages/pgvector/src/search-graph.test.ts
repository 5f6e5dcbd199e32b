import { describe, expect, test } from "@jest/globals";
import { walkOf } from "./search-graph.ts";

describe("walkOf", () => {
  test.each([
    ["all rows are the tenant's", 1, 100_000, 200, 800],
    ["a third is", 0.3, 100_000, 200, 1_334],
    ["a walk would take longer than a look at each", 0.05, 90_000, 200, undefined],
    ["it would be longer than any may be", 0.04, 1_000_000, 200, undefined],
    ["the tenant has few", 1, 9_000, 200, undefined],
    ["more hits are wanted", 1, 100_000, 2_000, 8_000],
  ])("%s: share %p of %p vectors, %p hits: %p rows", (_, share, vectors, limit, walk) => {
    expect(walkOf({ share, vectors }, limit)).toBe(walk);
  });
});
