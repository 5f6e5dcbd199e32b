import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { Scratch } from "./scratch.ts";

test("whatever is taken, within each other too, holds its own numbers, and is all zeros at first", () => {
  const list = fc.record({
    kind: fc.constantFrom("float64", "int32", "uint8"),
    // Beyond what is kept, too.
    length: fc.oneof(
      { weight: 9, arbitrary: fc.integer({ min: 0, max: 5_000 }) },
      { weight: 1, arbitrary: fc.constant(400_000) },
    ),
  });
  const works = fc.array(fc.record({ outer: list, inner: fc.array(list, { maxLength: 4 }) }), { maxLength: 4 });
  const scratch = new Scratch();
  let number = 0;
  const take = ({ kind, length }: List) => {
    const taken = scratch[kind](length);
    expect(taken.every((one) => one === 0)).toBe(true);
    number = (number % 250) + 1;
    return { taken: taken.fill(number), own: number };
  };
  const check = (all: readonly ReturnType<typeof take>[]): void => {
    for (const { taken, own } of all) expect(taken.every((one) => one === own)).toBe(true);
  };
  fc.assert(
    fc.property(works, (all) =>
      scratch.use(() =>
        check(
          all.map(({ outer, inner }) => {
            const taken = take(outer);
            scratch.use(() => check(inner.map(take)));
            return taken;
          }),
        ),
      ),
    ),
    { numRuns: 60 },
  );
});

interface List {
  readonly kind: "float64" | "int32" | "uint8";
  readonly length: number;
}

test("what a work took is free after it, though it failed", () => {
  const scratch = new Scratch();
  const fail = (): never => {
    scratch.float64(10);
    throw new Error("no");
  };
  expect(() => scratch.use(fail)).toThrow("no");
  expect(scratch.use(() => scratch.float64(10).byteOffset)).toBe(0);
});

test("more than is ever needed is not kept", () => {
  const scratch = new Scratch();
  const room = (length: number) => scratch.use(() => scratch.uint8(length).buffer.byteLength);
  expect(room(2 ** 22)).toBeGreaterThanOrEqual(2 ** 22);
  expect(room(1)).toBeLessThanOrEqual(2 ** 16);
});

test("nothing is taken outside of a work", () => {
  expect(() => new Scratch().int32(1)).toThrow("outside of a work");
});
