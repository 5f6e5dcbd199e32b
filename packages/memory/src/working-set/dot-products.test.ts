import { expect, test } from "@jest/globals";
import { dotProducts as putDotProducts, strideOf } from "./dot-products.ts";
import { toFixedPoint } from "./fixed-point.ts";

/** A direction with numbers of either sign, the same in every run. */
function direction(dims: number, seed: number): Int16Array {
  let state = seed + 1;
  const numbers = Float32Array.from({ length: dims }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state / 2 ** 31 - 1;
  });
  return toFixedPoint(numbers, strideOf(dims));
}

function dotProducts(vectors: Int16Array, query: Int16Array): Float64Array {
  const dots = new Float64Array(vectors.length / query.length);
  putDotProducts(vectors, query, dots);
  return dots;
}

function vectorsOf(rows: number, dims: number): Int16Array {
  const stride = strideOf(dims);
  const vectors = new Int16Array(rows * stride);
  for (let row = 0; row < rows; row++) vectors.set(direction(dims, row), row * stride);
  return vectors;
}

// Lengths that go in steps and others, more rows than find room at once, and more numbers than any.
test.each([
  [0, 16],
  [1, 16],
  [3, 4],
  [5, 1],
  [7, 13],
  [9, 24],
  [600, 312],
  [700, 384],
  [513, 512],
  [300, 1_536],
  [9, 32_768],
  [2, 32_784],
])("%i vectors of %i numbers", (rows, dims) => {
  const [vectors, query] = [vectorsOf(rows, dims), direction(dims, 77)];
  const expected = Array.from({ length: rows }, (_, row) =>
    direction(dims, row).reduce((sum, number, at) => sum + number * (query[at] ?? Number.NaN), 0),
  );
  expect(Array.from(dotProducts(vectors, query))).toEqual(expected);
});

test.each([1, 2, 16, 512])("%i equal numbers overflow neither with themselves nor with their opposite", (count) => {
  const numbers = Array.from({ length: 512 }, (_, at) => (at < count ? 1 : 0));
  const query = toFixedPoint(numbers, 512);
  const vectors = new Int16Array(2 * 512);
  vectors.set(query);
  vectors.set(
    query.map((number) => -number),
    512,
  );
  const square = query.reduce((sum, number) => sum + number ** 2, 0);
  expect(Array.from(dotProducts(vectors, query))).toEqual([square, -square]);
});

test("a query leaves nothing behind for the next one", () => {
  const alone = dotProducts(vectorsOf(10, 16), direction(16, 5));
  dotProducts(vectorsOf(10, 64), direction(64, 6));
  expect(dotProducts(vectorsOf(10, 16), direction(16, 5))).toEqual(alone);
});
