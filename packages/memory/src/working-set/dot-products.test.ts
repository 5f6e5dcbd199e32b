import { expect, test } from "@jest/globals";
import { toUnit } from "../vector.ts";
import { cosinesOf } from "./dot-products.ts";
import { ONE, toFixedPoint } from "./fixed-point.ts";

/** A direction with numbers of either sign, the same in every run. */
function direction(dims: number, seed: number): Float32Array {
  let state = seed + 1;
  const numbers = Float32Array.from({ length: dims }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state / 2 ** 31 - 1;
  });
  return toUnit(numbers) ?? numbers;
}

function vectorsOf(rows: number, dims: number): Int16Array {
  const vectors = new Int16Array(rows * dims);
  for (let row = 0; row < rows; row++) vectors.set(toFixedPoint(direction(dims, row)), row * dims);
  return vectors;
}

const dot = (left: ArrayLike<number>, right: ArrayLike<number>): number =>
  Array.from(left).reduce((sum, number, at) => sum + number * (right[at] ?? Number.NaN), 0);

// Lengths that go in steps and others, and more rows than find room at once.
test.each([
  [0, 16],
  [1, 16],
  [3, 4],
  [5, 1],
  [7, 13],
  [9, 24],
  [700, 384],
  [513, 512],
  [300, 1_536],
  [9, 32_768],
  [2, 32_784],
])("%i vectors of %i numbers", (rows, dims) => {
  const [vectors, query] = [vectorsOf(rows, dims), toFixedPoint(direction(dims, 77))];
  const cosines = Array.from(cosinesOf(vectors, query));
  expect(cosines).toHaveLength(rows);
  cosines.forEach((cosine, row) => {
    const exact = dot(vectors.subarray(row * dims, (row + 1) * dims), query) / ONE ** 2;
    expect(Math.abs(cosine - exact)).toBeLessThan(1e-7);
  });
});

test.each([8, 384, 1_536, 4_096])("a cosine in 16 bits is what single precision gives, of %i numbers", (dims) => {
  const query = direction(dims, 77);
  const cosines = cosinesOf(vectorsOf(200, dims), toFixedPoint(query));
  for (const [row, cosine] of cosines.entries())
    expect(Math.abs(cosine - dot(direction(dims, row), query))).toBeLessThan(6e-5);
});

test("neither a vector that lies along one number nor its opposite overflows", () => {
  const one = toFixedPoint([1, ...new Array<number>(15).fill(0)]);
  const vectors = new Int16Array(32);
  vectors.set(one);
  vectors.set(toFixedPoint([-1, ...new Array<number>(15).fill(0)]), 16);
  expect(Array.from(cosinesOf(vectors, one))).toEqual([1, -1]);
});

test("a query leaves nothing behind for the next one", () => {
  const second = vectorsOf(10, 16);
  const query = toFixedPoint(direction(16, 5));
  const alone = cosinesOf(second, query);
  cosinesOf(vectorsOf(10, 64), toFixedPoint(direction(64, 6)));
  expect(cosinesOf(second, query)).toEqual(alone);
});
