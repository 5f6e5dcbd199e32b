import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { bestOf, NEIGHBOURED_MAX, type TextCandidates } from "./text-candidates.ts";

/** Few counts, so that many are equal. */
const counts = fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 400 });
const statistics = { documents: 1_000, documentFrequencies: new Map([["чай", 10]]) };

function candidatesOf(given: readonly number[]): TextCandidates {
  const places = [...given.keys()].filter((place) => (given[place] ?? 0) > 0);
  return {
    ids: given.map((_, at) => `id ${(at * 7_919) % 1_000}`),
    hits: [...given.keys()],
    lengths: given.map(() => 5),
    turns: given.map(() => 0),
    marked: given.map(() => 0),
    postings: new Map([["чай", { places, counts: places.map((place) => given[place] ?? 0) }]]),
  };
}

test("the best are chosen, equal ones by id, the best of them first, and the words of others are left out", () => {
  fc.assert(
    fc.property(counts, fc.integer({ min: 1, max: 450 }), (given, limit) => {
      const candidates = candidatesOf(given);
      const sorted = [...given.keys()].sort(
        (left, right) =>
          (given[right] ?? 0) - (given[left] ?? 0) ||
          ((candidates.ids[left] ?? "") < (candidates.ids[right] ?? "") ? -1 : 1),
      );
      const chosen = sorted.slice(0, limit);
      const { hits, postings } = bestOf(candidates, new Set(["чай"]), { ...statistics, limit });
      expect(new Set(Array.from(hits))).toEqual(new Set(chosen));
      const first = Math.min(limit, NEIGHBOURED_MAX);
      expect(new Set(Array.from(hits).slice(0, first))).toEqual(new Set(sorted.slice(0, first)));
      const said = chosen.filter((place) => (given[place] ?? 0) > 0).sort((left, right) => left - right);
      expect(Array.from(postings.get("чай")?.places ?? [])).toEqual(said);
      expect(Array.from(postings.get("чай")?.counts ?? [])).toEqual(said.map((place) => given[place]));
    }),
  );
});
