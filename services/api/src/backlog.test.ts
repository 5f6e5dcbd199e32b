import { describe, expect, test } from "@jest/globals";
import { Backlog } from "./backlog.ts";

const limits = {
  bulk: { pending: 100, ageSeconds: 60 },
  single: { pending: 1_000, ageSeconds: 600 },
};
const depth = (given: { pending?: number; pendingSingle?: number; oldestSeconds?: number }) => ({
  topic: "index:main",
  pending: 0,
  pendingSingle: 0,
  parked: 0,
  oldestSeconds: 0,
  ...given,
});

describe("Backlog", () => {
  test("bulk is refused first, single writes at their own, higher limit", () => {
    const backlog = new Backlog(limits);
    backlog.measured([depth({ pending: 100, pendingSingle: 100 })]);
    expect(() => backlog.admit("bulk", 1)).toThrow(/100 memories.*limits are 100 and 60 s.*bulk writes are refused/);
    expect(() => backlog.admit("single", 1)).not.toThrow();
    backlog.measured([depth({ pending: 1_000, pendingSingle: 1_000 })]);
    expect(() => backlog.admit("single", 1)).toThrow(expect.objectContaining({ code: "rate_limited" }));
  });

  test("what was bulk or a rebuild does not shut out single writes", () => {
    const backlog = new Backlog(limits);
    backlog.measured([depth({ pending: 5_000_000, pendingSingle: 3 })]);
    expect([backlog.isPast("bulk"), backlog.isPast("single")]).toEqual([true, false]);
  });

  test("age counts too; unset it never does", () => {
    const backlog = new Backlog(limits);
    backlog.measured([depth({ pending: 1, oldestSeconds: 61 })]);
    expect([backlog.isPast("bulk"), backlog.isPast("single")]).toEqual([true, false]);
    backlog.measured([depth({ pending: 1, oldestSeconds: 601 })]);
    expect(backlog.isPast("single")).toBe(true);
    const ageless = new Backlog({
      bulk: { pending: 100, ageSeconds: undefined },
      single: { pending: 100, ageSeconds: undefined },
    });
    ageless.measured([depth({ pending: 1, oldestSeconds: 1e9 })]);
    expect([ageless.isPast("bulk"), ageless.isPast("single")]).toEqual([false, false]);
  });

  test("a flood between two looks is seen, and forgotten at the next look", () => {
    const backlog = new Backlog(limits);
    backlog.admit("bulk", 60);
    backlog.admit("bulk", 60);
    expect(() => backlog.admit("bulk", 1)).toThrow();
    expect(backlog.isPast("single")).toBe(false);
    backlog.measured([depth({ pending: 20 })]);
    expect(() => backlog.admit("bulk", 1)).not.toThrow();
  });

  test("one memory in two queues counts once", () => {
    const backlog = new Backlog(limits);
    backlog.measured([depth({ pending: 60 }), depth({ pending: 60 })]);
    expect(backlog.isPast("bulk")).toBe(false);
  });

  test("an operator is told while it is past, with the cure", () => {
    const backlog = new Backlog(limits);
    expect(backlog.problem("bulk")).toBeUndefined();
    backlog.measured([depth({ pending: 100 })]);
    expect(backlog.problem("bulk")).toMatchObject({
      code: "backlog_bulk",
      cure: expect.stringContaining("BACKLOG_BULK_LIMIT"),
    });
  });
});
