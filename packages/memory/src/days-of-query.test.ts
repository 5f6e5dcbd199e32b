import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { lexemesOfSpan, startOfDay } from "./day-span.ts";
import { daysOfQuery } from "./days-of-query.ts";
import { textQueryOf } from "./text-query.ts";

/** A Wednesday. */
const NOW = new Date("2026-11-25T12:00:00Z");
const read = (query: string): string[] =>
  daysOfQuery(query, NOW).map(({ words, lexemes }) => `${words}: ${lexemes.join(" ")}`);
const days = (...numbers: number[]): string =>
  numbers.map((day) => `@2026-11-${String(day).padStart(2, "0")}`).join(" ");

describe("daysOfQuery", () => {
  test.each([
    ["What happened on 8 May 2023?", ["2023: @2023", "may: @2023-05", "8: @2023-05-08"]],
    ["on May 8th, 2023", ["2023: @2023", "may: @2023-05", "8: @2023-05-08"]],
    ["Что было 8 мая 2023 года?", ["2023: @2023", "мая: @2023-05", "8: @2023-05-08"]],
    ["12.05.2024", ["2024: @2024", "05: @2024-05", "12: @2024-05-12"]],
    ["2024-05-12", ["2024: @2024", "05: @2024-05", "12: @2024-05-12"]],
    ["in March 2023", ["2023: @2023", "march: @2023-03"]],
    ["Что я делал в марте?", ["марте: @-03"]],
    ["5 ноября", ["ноября: @-11", "5: @-11-05"]],
    ["а в 2021 году?", ["2021: @2021"]],
    ["Летом 2023", ["летом 2023: @2023-06 @2023-07 @2023-08"]],
    ["зимой 2023", ["зимой 2023: @2022-12 @2023-01 @2023-02 @2023-12 @2024-01 @2024-02"]],
    ["in the winter of 2023", ["winter of 2023: @2022-12 @2023-01 @2023-02 @2023-12 @2024-01 @2024-02"]],
    ["зимой 2022/2023", ["зимой 2022/2023: @2022-12 @2023-01 @2023-02"]],
    ["winter 2022-23", ["winter 2022-23: @2022-12 @2023-01 @2023-02"]],
    ["last summer", ["last summer: @2026-06 @2026-07 @2026-08"]],
    ["прошлой зимой", ["прошлой зимой: @2025-12 @2026-01 @2026-02"]],
  ])("dates: %p", (query, expected) => expect(read(query)).toEqual(expected));

  test.each([
    ["yesterday", [`yesterday: ${days(24)}`]],
    ["Вчера и позавчера", [`позавчера: ${days(23)}`, `вчера: ${days(24)}`]],
    ["сегодня", [`сегодня: ${days(25)}`]],
    ["last week", [`last week: ${days(16, 17, 18, 19, 20, 21, 22)}`]],
    ["на прошлой неделе", [`прошлой неделе: ${days(16, 17, 18, 19, 20, 21, 22)}`]],
    ["last month", ["last month: @2026-10"]],
    ["в прошлом году", ["прошлом году: @2025"]],
    ["last Monday", [`last monday: ${days(23)}`]],
    ["в прошлую среду", [`в прошлую среду: ${days(18)}`]],
  ])("phrases: %p", (query, expected) => expect(read(query)).toEqual(expected));

  const spring = ["@2026-04", "@2026-05", "@2026-06"];
  const springBefore = ["@2025-04", "@2025-05", "@2025-06"];
  test.each([
    ["3 days ago", "22"],
    ["a week ago", "15 16 17 18 19 20 21"],
    ["две недели назад", "8 9 10 11 12 13 14"],
    ["неделю тому назад", "15 16 17 18 19 20 21"],
    ["двое суток назад", "23"],
    ["сутки назад", "24"],
    ["год назад", ["@2025"]],
    ["больше года назад", ["@2025"]],
    ["месяц назад", ["@2026-10"]],
    ["12 лет назад", ["@2014"]],
    ["half a year ago", spring],
    ["полгода назад", spring],
    ["пол года назад", spring],
    ["0.5 years ago", spring],
    ["полтора года назад", springBefore],
    ["1.5 years ago", springBefore],
    ["1,5 года назад", springBefore],
    ["a year and a half ago", springBefore],
    ["one and a half years ago", springBefore],
    ["2,5 года назад", ["@2024-04", "@2024-05", "@2024-06"]],
    ["два с половиной года назад", ["@2024-04", "@2024-05", "@2024-06"]],
    ["half a month ago", "2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17"],
    ["полдня назад", "24 25"],
    ["за последние 3 дня", "22 23 24 25"],
    ["за последние двое суток", "23 24 25"],
    ["за последние полторы недели", "14 15 16 17 18 19 20 21 22 23 24 25"],
    ["в течение последних двух недель", "11 12 13 14 15 16 17 18 19 20 21 22 23 24 25"],
    ["in the past half a week", "21 22 23 24 25"],
  ])("amounts: %p", (query, expected) =>
    expect(daysOfQuery(query, NOW).flatMap(({ lexemes }) => lexemes)).toEqual(
      typeof expected === "string" ? days(...expected.split(" ").map(Number)).split(" ") : expected,
    ),
  );

  test.each([
    "How many days ago did I visit?",
    "How many weeks ago was it?",
    "сколько месяцев назад мы ездили",
    "сколько лет назад это было",
    "3 с лишним года назад",
  ])("%p counts nothing", (query) => expect(read(query)).toEqual([]));

  test.each(["May I go? She may march on", "order INV-2024-0093", "40 of them", "в среднем", "маятник", "a@2023.org"])(
    "%p names no day",
    (query) => expect(read(query)).toEqual([]),
  );

  test("a phrase is read as at the time that is given, over the turn of a year too", () => {
    const [yesterday] = daysOfQuery("yesterday", new Date("2024-01-01T00:00:00Z"));
    expect(yesterday?.lexemes).toEqual(["@2023-12-31"]);
    const [month] = daysOfQuery("last month", new Date("2024-01-15T00:00:00Z"));
    expect(month?.lexemes).toEqual(["@2023-12"]);
  });

  test("reads anything without a fault, and in time", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 300 }), (text) => {
        for (const { lexemes } of daysOfQuery(`${text} last week ${text}`, NOW))
          expect(lexemes.length).toBeGreaterThan(0);
      }),
    );
    expect(daysOfQuery("last ".repeat(20_000), NOW)).toEqual([]);
  });
});

describe("lexemesOfSpan", () => {
  test("covers every day of a span once, in the fewest lexemes", () => {
    const day = fc.date({ min: new Date("2000-01-01"), max: new Date("2035-12-31"), noInvalidDate: true });
    fc.assert(
      fc.property(day, fc.integer({ min: 1, max: 1500 }), (start, length) => {
        const from = startOfDay(start);
        const lexemes = lexemesOfSpan({ from, to: startOfDay(from, length) });
        expect(new Set(lexemes).size).toBe(lexemes.length);
        for (let at = -2; at < length + 2; at++) {
          const iso = startOfDay(from, at).toISOString();
          const carried = [`@${iso.slice(0, 4)}`, `@${iso.slice(0, 7)}`, `@${iso.slice(0, 10)}`];
          const inside = at >= 0 && at < length;
          expect(lexemes.filter((lexeme) => carried.includes(lexeme))).toHaveLength(inside ? 1 : 0);
        }
      }),
      { numRuns: 50 },
    );
  });
});

describe("textQueryOf", () => {
  test.each(["When did she leave?", "Когда он приехал?", "В каком году это было?", "how long has he played"])(
    "%p asks when",
    (text) => expect(textQueryOf(text, NOW).marks).not.toBe(""),
  );
  test.each(["Whenever", "Что он ест?", "Иногда"])("%p does not", (text) =>
    expect(textQueryOf(text, NOW).marks).toBe(""),
  );
});
