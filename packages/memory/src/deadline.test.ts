import { describe, expect, test } from "@jest/globals";
import { assertInTime, deadlineAfter } from "./deadline.ts";

describe("deadlineAfter", () => {
  test("before its time nothing is late", () => {
    const deadline = deadlineAfter(60);
    expect(deadline.isPast()).toBe(false);
    expect(() => assertInTime(deadline)).not.toThrow();
  });

  test("a process that could not run its timers knows all the same that it is late", () => {
    const deadline = deadlineAfter(0.002);
    const wake = performance.now() + 3;
    while (performance.now() < wake); // stopped: no timer fires
    expect(deadline.signal.aborted).toBe(false);
    expect(deadline.isPast()).toBe(true);
    expect(() => assertInTime(deadline)).toThrow(
      expect.objectContaining({ code: "unavailable", outcomeUnknown: false }),
    );
  });

  test("what is under way is ended", async () => {
    const { signal } = deadlineAfter(0.001);
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    expect(signal.aborted).toBe(true);
  });
});
