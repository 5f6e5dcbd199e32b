import { expect, test } from "@jest/globals";
import { dotProducts } from "./dot-products.ts";

/** Numbers of either sign, the same in every run. */
function numbers(count: number): Float32Array {
  let state = count + 1;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

// Lengths that go in steps and others, and more rows than find room at once.
test.each([
  [0, 8],
  [1, 8],
  [3, 4],
  [5, 1],
  [7, 13],
  [300, 384],
  [257, 512],
  [130, 1_536],
  [9, 16_384],
  [2, 16_392],
])("%i vectors of %i numbers", (rows, dims) => {
  const [vectors, query] = [numbers(rows * dims), numbers(dims)];
  const expected = Array.from({ length: rows }, (_, row) =>
    query.reduce((sum, number, at) => sum + number * (vectors[row * dims + at] ?? Number.NaN), 0),
  );
  const products = Array.from(dotProducts(vectors, query));
  expect(products).toHaveLength(rows);
  products.forEach((product, row) =>
    expect(Math.abs(product - (expected[row] ?? Number.NaN))).toBeLessThan(1e-5 * dims),
  );
});

test("a query leaves nothing behind for the next one", () => {
  const [first, second] = [numbers(10 * 64), numbers(10 * 8)];
  const alone = dotProducts(second, numbers(8));
  dotProducts(first, numbers(64));
  expect(dotProducts(second, numbers(8))).toEqual(alone);
});
