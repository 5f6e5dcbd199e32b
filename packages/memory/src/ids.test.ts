import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { formatErasureId, formatMemoryId, parseErasureId, parseMemoryId, uuidv7 } from "./ids.ts";

describe("uuidv7", () => {
  test("is a version 7 UUID of the RFC's variant", () => {
    expect(uuidv7()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  test("ids of one process are distinct and sort in the order they were made", () => {
    const ids = Array.from({ length: 20_000 }, uuidv7);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.toSorted()).toEqual(ids);
  });
});

describe("memory ids of the wire", () => {
  test("every UUID survives the way out and back", () => {
    fc.assert(fc.property(fc.uuid(), (uuid) => parseMemoryId(formatMemoryId(uuid)) === uuid));
  });

  test("sort as their UUIDs do", () => {
    fc.assert(fc.property(fc.uuid(), fc.uuid(), (a, b) => a < b === formatMemoryId(a) < formatMemoryId(b)));
  });

  test("what is not one is refused", () => {
    const good = formatMemoryId(uuidv7());
    for (const bad of [
      "",
      "mem_",
      "mem_1234567890",
      `${good}0`,
      good.toUpperCase(),
      `mem_z${good.slice(5)}`,
      "mem_'; --",
    ])
      expect(parseMemoryId(bad)).toBeUndefined();
  });
});

describe("erasure ids of the wire", () => {
  test("go out and back, and are no memory's", () => {
    const id = formatErasureId("019f0000-0000-7000-8000-0000000000ff");
    expect(parseErasureId(id)).toBe("019f0000-0000-7000-8000-0000000000ff");
    expect(parseMemoryId(id)).toBeUndefined();
    expect(parseErasureId(formatMemoryId(uuidv7()))).toBeUndefined();
  });
});
