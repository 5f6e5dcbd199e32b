import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { SearchableRow } from "../ports/index.ts";
import { cosineOf } from "../vector.ts";
import { strideOf } from "./dot-products.ts";
import { toFixedPoint } from "./fixed-point.ts";
import { searchVectors } from "./search-vectors.ts";
import { emptySet, patch } from "./working-set.ts";

const rowOf = (number: number): SearchableRow => ({
  id: `row ${number}`,
  version: 1,
  level: "user",
  type: "fact",
  sessionId: null,
  sessionIds: [],
  agentIds: [],
  createdAt: number,
  expiresAt: Infinity,
  lexemes: [],
  counts: [],
  contents: undefined,
});

function cosinesOf(vectors: readonly (readonly number[])[], query: readonly number[]) {
  const dims = query.length;
  const arrivals = vectors.map((vector, at) => ({ row: rowOf(at), vector: toFixedPoint(vector, strideOf(dims)) }));
  const set = patch(emptySet(dims), new Set(), arrivals);
  const { hits } = searchVectors(set, new Uint8Array(vectors.length).fill(1), query, vectors.length);
  return new Map(hits.map(({ id, cosine }) => [id, cosine]));
}

const dims = 48;
/** Of few equal numbers too, whose roundings have one sign. */
const number = fc.oneof(fc.double({ min: -1, max: 1, noNaN: true }), fc.constantFrom(0, 0, 1, 1, 0.5, -1, 1e-3));
const vector = fc.array(number, { minLength: dims, maxLength: dims });

test("cosines are those of the vectors, whatever their length and direction", () => {
  fc.assert(
    fc.property(fc.array(vector, { minLength: 1, maxLength: 8 }), vector, (vectors, query) => {
      const cosines = cosinesOf(vectors, query);
      for (const [at, one] of vectors.entries())
        expect(Math.abs((cosines.get(`row ${at}`) ?? Number.NaN) - cosineOf(one, query))).toBeLessThan(1e-4);
    }),
    { numRuns: 500 },
  );
});

test("a version has as many digits as a sequence of the database gives", () => {
  const version = 2 ** 40 + 1;
  const set = patch(emptySet(dims), new Set(), [
    { row: { ...rowOf(0), version }, vector: toFixedPoint(new Array<number>(dims).fill(1), strideOf(dims)) },
  ]);
  const { hits, placed } = searchVectors(set, new Uint8Array([1]), new Array<number>(dims).fill(1), 1);
  expect([hits[0]?.version, placed.versions[0]]).toEqual([version, version]);
});

test.each([312, 512, 1_536, 4_096])("equal parts of %i numbers are equal, and opposite, to the last digits", (size) => {
  const parts = new Array<number>(size).fill(1 / Math.sqrt(size));
  const cosines = cosinesOf([parts, parts.map((part) => -part), new Array<number>(size).fill(0)], parts);
  expect(cosines.get("row 0")).toBeCloseTo(1, 10);
  expect(cosines.get("row 1")).toBeCloseTo(-1, 10);
  expect(cosines.get("row 2")).toBe(0);
});
