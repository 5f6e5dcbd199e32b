import { describe, expect, test } from "@jest/globals";
import { fingerprintOf } from "./fingerprint.ts";

const same = (one: string, other: string): boolean =>
  fingerprintOf({ userId: "u", content: one }) === fingerprintOf({ userId: "u", content: other });

describe("fingerprintOf", () => {
  test.each([
    ["User likes tea", "The user likes tea."],
    ["Ёлка — зелёная", "елка  зеленая!"],
    ["She said “yes”", 'she said "yes"'],
    ["She said ‘yes’.", "She said “yes.”"],
    ["User’s flat", "User's flat"],
    ["A user likes an apple. The apple is red", "user likes apple; apple is red"],
    ["Бюджет — 500 рублей", "Бюджет: 500 рублей."],
    ["Любит чай (зелёный)", "Любит чай зелёный!"],
    ["Это **важно**", "Это важно…"],
    ["Ａｐｐｌｅ", "apple"],
    ["−5 градусов", "-5 градусов"],
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
    ["Flat 5 A", "Flat 5"],
    ["Takes vitamin A", "Takes vitamin"],
    ["Plan A failed", "Plan failed"],
    ["Доза .5 мг", "Доза 5 мг"],
    ["–5 градусов", "5 градусов"],
    ["Матч 5 – 3", "Матч 5 3"],
    ["Доступ 5–10", "Доступ 5 10"],
    [":)", ":("],
    ["Привет :)", "Привет :("],
    ["Площадь 10² м", "Площадь 102 м"],
    ['Экран 5"', "Экран 5"],
    ["Рейтинг A*", "Рейтинг A"],
    ["Ответ (5)", "Ответ 5"],
    ["$5", "5"],
  ])("%p does not say the same as %p", (one, other) => expect(same(one, other)).toBe(false));

  test("two users' words are never one memory", () => {
    expect(fingerprintOf({ userId: "a", content: "tea" })).not.toBe(fingerprintOf({ userId: "b", content: "tea" }));
    expect(fingerprintOf({ userId: null, content: "tea" })).not.toBe(fingerprintOf({ userId: "b", content: "tea" }));
  });
});
