import { describe, expect, test } from "@jest/globals";
import { toMessages } from "./to-messages.ts";

const invalid = (field: string) =>
  expect.objectContaining({ code: "invalid", details: [expect.objectContaining({ field })] });

describe("toMessages", () => {
  test.each(["constructor", "__proto__", "toString", "hasOwnProperty", "king", 5, {}])("%j is no role", (role) => {
    expect(() => toMessages([{ role, content: "x" }])).toThrow(invalid("messages.0.role"));
  });

  test.each([
    ["user", "user"],
    ["Human", "user"],
    ["model", "assistant"],
    ["function", "tool"],
  ])("%s is the role %s", (given, role) => {
    expect(toMessages([{ role: given, content: "x" }]).messages).toMatchObject([{ role }]);
  });

  const timeOf = (timestamp: unknown) => toMessages([{ role: "user", content: "x", timestamp }]).messages[0]?.saidAt;
  const inHours = (hours: number) => new Date(Date.now() + hours * 3_600_000);

  test.each([
    ["2026-05-18T10:30:00+03:00", "2026-05-18T07:30:00.000Z"],
    [1_779_100_200, "2026-05-18T10:30:00.000Z"],
    [1_779_100_200_000, "2026-05-18T10:30:00.000Z"],
  ])("%j is when it was said", (given, time) => {
    expect(timeOf(given)?.toISOString()).toBe(time);
  });

  test("a clock of a zone ahead of UTC that says it is UTC is taken for one that is ahead", () => {
    expect(timeOf(inHours(14).toISOString())).toBeInstanceOf(Date);
  });

  test.each([
    ["microseconds", 1_779_100_200_000_000],
    ["a year ahead", inHours(8_760).toISOString()],
    ["two days ahead, in seconds", inHours(48).getTime() / 1000],
    ["before our era", -1e14],
    ["no time at all", 1e30],
  ])("%s: invalid, naming the field", (_what, given) => {
    expect(() => timeOf(given)).toThrow(invalid("messages.0.timestamp"));
  });
});
