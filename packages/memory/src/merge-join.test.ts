import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { differenceOf, mergeJoin, type Page } from "./merge-join.ts";
import type { RowState, ScannedPoint } from "./ports/index.ts";

const row = (given: Partial<RowState> = {}): RowState => ({
  id: "a",
  version: 3,
  tenant: "ann",
  hash: "h",
  expired: false,
  ...given,
});
const point = (given: Partial<ScannedPoint> = {}): ScannedPoint => ({
  id: "a",
  version: 3,
  tenant: "ann",
  hash: "h",
  ...given,
});

describe("differenceOf", () => {
  test.each([
    ["both the same", row(), point(), undefined],
    ["neither is there", undefined, undefined, undefined],
    ["an index that keeps no tenants", row(), { version: 3, hash: "h" }, undefined],
    ["no point", row(), undefined, "missing"],
    ["no row", undefined, point(), "orphan"],
    ["an older point", row(), point({ version: 2 }), "stale"],
    ["a newer point: the database was restored", row(), point({ version: 4 }), "stale"],
    ["the same number, another text", row(), point({ hash: "other" }), "stale"],
    ["a point without a version", row(), point({ version: Number.NaN }), "stale"],
    ["somebody else's point", row(), point({ tenant: "bob" }), "wrong_tenant"],
    ["a point that says nobody", row(), point({ tenant: "", version: 2 }), "wrong_tenant"],
    ["an expired row, its point there", row({ expired: true }), point({ version: 1 }), "expired"],
    ["an expired row without a point", row({ expired: true }), undefined, undefined],
  ])("%s", (_, given, beside, expected) => {
    expect(differenceOf(given, beside)).toBe(expected);
  });
});

describe("mergeJoin", () => {
  test("what only one page covers waits for the other", () => {
    const joined = mergeJoin(
      { items: [row({ id: "a" }), row({ id: "b" }), row({ id: "d" })], isLast: false },
      { items: [point({ id: "b" }), point({ id: "c" })], isLast: false },
    );
    expect(joined).toMatchObject({ differing: ["a", "c"], rows: 2, points: 2, through: "c" });
    expect(joined.restOfRows.map(({ id }) => id)).toEqual(["d"]);
    expect(joined.restOfPoints).toEqual([]);
  });

  test("at the end of both everything is compared", () => {
    const last = { items: [], isLast: true };
    expect(mergeJoin(last, last)).toMatchObject({ differing: [], through: undefined });
    expect(mergeJoin({ items: [row({ id: "z" })], isLast: true }, last)).toMatchObject({ differing: ["z"], rows: 1 });
  });

  test("page by page, with any sizes of pages, it finds what a comparison of the whole finds", () => {
    const ids = fc.uniqueArray(fc.integer({ min: 0, max: 60 }).map((n) => String(n).padStart(3, "0")));
    const size = fc.integer({ min: 1, max: 9 });
    fc.assert(
      fc.property(
        ids,
        ids,
        fc.uniqueArray(fc.constantFrom(...Array.from({ length: 61 }, (_, n) => String(n).padStart(3, "0")))),
        size,
        size,
        (rowIds, pointIds, stale, rowsOfPage, pointsOfPage) => {
          const rows = rowIds.toSorted().map((id) => row({ id }));
          const points = pointIds.toSorted().map((id) => point({ id, version: stale.includes(id) ? 1 : 3 }));
          const expected = [...new Set([...rowIds, ...pointIds])]
            .toSorted()
            .filter((id) => !rowIds.includes(id) || !pointIds.includes(id) || stale.includes(id));
          expect(joinAll(rows, points, rowsOfPage, pointsOfPage)).toEqual({
            differing: expected,
            rows: rows.length,
            points: points.length,
          });
        },
      ),
    );
  });
});

/** As `reconcileStep` does it, but every second round begins anew from where the one before ended. */
function joinAll(rows: readonly RowState[], points: readonly ScannedPoint[], rowsOfPage: number, pointsOfPage: number) {
  const all = { differing: [] as string[], rows: 0, points: 0 };
  const pageOf = <T extends { readonly id: string }>(items: readonly T[], after: string, size: number): Page<T> => {
    const rest = items.filter(({ id }) => id > after);
    return { items: rest.slice(0, size), isLast: rest.length < size };
  };
  let after = "";
  for (;;) {
    const first = mergeJoin(pageOf(rows, after, rowsOfPage), pageOf(points, after, pointsOfPage));
    all.differing.push(...first.differing);
    all.rows += first.rows;
    all.points += first.points;
    if (first.through === undefined) return all;
    expect(first.through > after).toBe(true);
    after = first.through;
  }
}
