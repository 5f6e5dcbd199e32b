import { describe, expect, test } from "@jest/globals";
import { walkOf } from "./search-graph.ts";

describe("walkOf", () => {
  test.each([
    ["a quarter of what an exact scan costs", 1, 100_000, 200, 2_083],
    ["and with a third of the rows", 0.3, 100_000, 200, 2_083],
    ["a share is so small that it does not suffice", 0.05, 90_000, 200, undefined],
    ["and suffices of very many", 0.05, 400_000, 200, 8_000],
    ["it would be longer than any may be", 0.04, 1_000_000, 200, undefined],
    ["the tenant has few", 1, 38_000, 200, undefined],
    ["more hits are wanted", 1, 1_000_000, 2_000, 8_000],
  ])("%s: share %p of %p vectors, %p hits: %p rows", (_, share, vectors, limit, walk) => {
    expect(walkOf({ share, vectors }, limit)).toBe(walk);
  });
});
