import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { MemoryError } from "@engram/memory";
import { Availability } from "./availability.ts";

const away = () => Promise.reject(new MemoryError("unavailable", "The database cannot be reached"));
const never = () => new Promise<never>(() => undefined);

describe("Availability", () => {
  let answers: boolean;
  let probes: number;
  let told: string[];
  let availability: Availability;
  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ["queueMicrotask", "nextTick"] });
    [answers, probes, told] = [true, 0, []];
    availability = new Availability({
      probe() {
        probes += 1;
        return answers ? Promise.resolve() : Promise.reject(new Error("refused"));
      },
      onAway: () => void told.push("away"),
      onBack: () => void told.push("back"),
    });
  });
  afterEach(() => {
    availability.close();
    jest.useRealTimers();
  });

  test("while it answers, work runs and nobody probes", async () => {
    expect(await availability.guard(() => Promise.resolve(1))).toBe(1);
    await expect(availability.guard(() => Promise.reject(new MemoryError("conflict", "c")))).rejects.toThrow("c");
    await jest.advanceTimersByTimeAsync(5_000);
    expect([probes, told]).toEqual([0, []]);
  });

  test("after a refusal that a probe confirms, work is not even begun, until a probe is answered", async () => {
    answers = false;
    await expect(availability.guard(away)).rejects.toMatchObject({ code: "unavailable" });
    await jest.advanceTimersByTimeAsync(1);
    let begun = 0;
    const work = () => Promise.resolve((begun += 1));
    for (let i = 0; i < 3; i++)
      await expect(availability.guard(work)).rejects.toMatchObject({
        code: "unavailable",
        retryAfterSeconds: 2,
        outcomeUnknown: false,
      });
    expect([begun, told]).toEqual([0, ["away"]]);
    await jest.advanceTimersByTimeAsync(5_000);
    expect(probes).toBeGreaterThan(5);
    answers = true;
    await jest.advanceTimersByTimeAsync(1_000);
    expect(await availability.guard(work)).toBe(1);
    expect(told).toEqual(["away", "back"]);
  });

  test("a refusal that no probe confirms is the caller's alone", async () => {
    await expect(availability.guard(away)).rejects.toMatchObject({ code: "unavailable" });
    await jest.advanceTimersByTimeAsync(1);
    expect(await availability.guard(() => Promise.resolve(1))).toBe(1);
    expect([probes, told]).toEqual([1, []]);
  });

  test("silence: what waits is answered as soon as a probe fails, its outcome unknown", async () => {
    answers = false;
    const waiting = Promise.allSettled([availability.guard(never), availability.guard(never)]);
    await jest.advanceTimersByTimeAsync(1_500);
    expect(await waiting).toMatchObject([
      { reason: { code: "unavailable", outcomeUnknown: true } },
      { reason: { code: "unavailable", outcomeUnknown: true } },
    ]);
  });

  test("a long statement alone is no silence: the probe is answered", async () => {
    let settled = false;
    void availability.guard(never).finally(() => (settled = true));
    await jest.advanceTimersByTimeAsync(10_000);
    expect(probes).toBeGreaterThan(0);
    expect([settled, told]).toEqual([false, []]);
  });

  test("busy is not away: a probe that fails while others are answered counts for nothing", async () => {
    let fail = (): void => undefined;
    const slow = new Availability({
      probe: () => new Promise((_, reject) => (fail = () => reject(new Error("late")))),
      onAway: () => void told.push("away"),
      onBack: () => void told.push("back"),
    });
    slow.suspect();
    await jest.advanceTimersByTimeAsync(100);
    await slow.guard(() => Promise.resolve(1));
    fail();
    await jest.advanceTimersByTimeAsync(100);
    expect(told).toEqual([]);
    slow.close();
  });
});
