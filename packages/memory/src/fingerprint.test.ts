import { describe, expect, test } from "@jest/globals";
import { fingerprintOf } from "./fingerprint.ts";

const same = (one: string, other: string): boolean =>
  fingerprintOf({ userId: "u", content: one }) === fingerprintOf({ userId: "u", content: other });

describe("fingerprintOf", () => {
  test.each([
    ["User likes tea", "The user likes tea."],
    ["Ёлка — зелёная", "елка  зеленая!"],
    ["She said “yes”", 'she said "yes"'],
  ])("%p says the same as %p", (one, other) => expect(same(one, other)).toBe(true));

  test.each([
    ["User likes tea", "User does not like tea"],
    ["Order 12", "Order 13"],
    ["Version 1.5", "Version 15"],
    ["Pays 10:30", "Pays 1030"],
    ["Dog bites man", "Man bites dog"],
    ["C++", "C"],
    ["-5 degrees", "5 degrees"],
    ["…", "—"],
  ])("%p does not say the same as %p", (one, other) => expect(same(one, other)).toBe(false));

  test("two users' words are never one memory", () => {
    expect(fingerprintOf({ userId: "a", content: "tea" })).not.toBe(fingerprintOf({ userId: "b", content: "tea" }));
    expect(fingerprintOf({ userId: null, content: "tea" })).not.toBe(fingerprintOf({ userId: "b", content: "tea" }));
  });
});
