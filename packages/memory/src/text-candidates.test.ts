import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { bestOf, NEIGHBOURED_MAX, type TextCandidate } from "./text-candidates.ts";

/** Few counts, so that many are equal. */
const counts = fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 400 });
const candidateOf = (count: number, at: number): TextCandidate => ({
  id: `id ${(at * 7_919) % 1_000}`,
  length: 5,
  isTurn: false,
  isMarked: false,
  frequencies: count === 0 ? {} : { чай: count },
});
const statistics = { documents: 1_000, averageLength: 5, documentFrequencies: { чай: 10 } };

test("the best are chosen, equal ones by id, and the first of them stand in order", () => {
  fc.assert(
    fc.property(counts, fc.integer({ min: 1, max: 450 }), (given, limit) => {
      const candidates = given.map(candidateOf);
      const sorted = candidates.toSorted(
        (left, right) =>
          (right.frequencies["чай"] ?? 0) - (left.frequencies["чай"] ?? 0) || (left.id < right.id ? -1 : 1),
      );
      const best = bestOf(candidates, new Set(["чай"]), { ...statistics, limit });
      expect(new Set(best)).toEqual(new Set(sorted.slice(0, limit)));
      expect(best.slice(0, NEIGHBOURED_MAX)).toEqual(sorted.slice(0, Math.min(limit, NEIGHBOURED_MAX)));
    }),
  );
});
