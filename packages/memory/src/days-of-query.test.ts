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
    ["08.05.23", ["23 2023: @2023", "05: @2023-05", "08: @2023-05-08"]],
    ["Что было 8.05?", ["05: @-05", "8: @-05-08"]],
    ["с 01.12", ["12: @-12", "01: @-12-01"]],
    ["2024/05/12", ["2024: @2024", "05: @2024-05", "12: @2024-05-12"]],
    ["at 2024-05-12T10:00:00Z", ["2024: @2024", "05: @2024-05", "12: @2024-05-12"]],
    ["on 5/8/2023", ["2023: @2023", ": @2023-08 @2023-05", "5 8: @2023-08-05 @2023-05-08"]],
    ["13/8/2023", ["2023: @2023", ": @2023-08", "13 8: @2023-08-13"]],
    ["8/8/2023", ["2023: @2023", ": @2023-08", "8 8: @2023-08-08"]],
    ["5 янв", ["янв: @-01", "5: @-01-05"]],
    ["5 янв. 2023", ["2023: @2023", "янв: @2023-01", "5: @2023-01-05"]],
    ["5 сент 2023", ["2023: @2023", "сент: @2023-09", "5: @2023-09-05"]],
    ["in Dec", ["dec: @-12"]],
    ["пятого мая", ["мая: @-05", "пятого: @-05-05"]],
    ["К третьему мая", ["мая: @-05", "третьему: @-05-03"]],
    ["двадцать первого мая 2023", ["2023: @2023", "мая: @2023-05", "двадцать первого: @2023-05-21"]],
    ["тридцать первое декабря", ["декабря: @-12", "тридцать первое: @-12-31"]],
    ["the fifth of May", ["may: @-05", "fifth: @-05-05"]],
    ["twenty-first of May, 2023", ["2023: @2023", "may: @2023-05", "twenty-first: @2023-05-21"]],
    ["8-ого мая", ["мая: @-05", "8: @-05-08"]],
    ["к 8-му мая", ["мая: @-05", "8: @-05-08"]],
    ["с 3 по 5 мая", ["мая: @-05", "3 5: @-05-03 @-05-04 @-05-05"]],
    ["3–5 мая 2023", ["2023: @2023", "мая: @2023-05", "3 5: @2023-05-03 @2023-05-04 @2023-05-05"]],
    ["between 3 and 5 May", ["may: @-05", "3 5: @-05-03 @-05-04 @-05-05"]],
    ["3 и 5 мая", ["мая: @-05", "3 5: @-05-03 @-05-05"]],
    ["May 3-5, 2023", ["2023: @2023", "may: @2023-05", "3 5: @2023-05-03 @2023-05-04 @2023-05-05"]],
    ["с 10 до 5 мая", ["мая: @-05", "5: @-05-05"]],
    ["5 марта прошлого года", ["прошлого года: @2025", "марта: @2025-03", "5: @2025-03-05"]],
    ["in March of last year", ["last year: @2025", "march: @2025-03"]],
    ["летом прошлого года", ["летом прошлого года: @2025-06 @2025-07 @2025-08"]],
    ["прошлого марта", ["прошлого марта: @2026-03"]],
    ["last December", ["last december: @2025-12"]],
    ["в следующем мае", ["следующем мае: @2027-05"]],
    ["What did we plan for next May?", ["next may: @2027-05"]],
    ["in this March", ["this march: @2026-03"]],
    ["летом", ["летом: @-06 @-07 @-08"]],
    ["зимой", ["зимой: @-12 @-01 @-02"]],
    ["in the fall", ["fall: @-09 @-10 @-11"]],
    ["in summer", ["summer: @-06 @-07 @-08"]],
    ["этим летом", ["этим летом: @2026-06 @2026-07 @2026-08"]],
    ["this winter", ["this winter: @2026-12 @2027-01 @2027-02"]],
    ["next spring", ["next spring: @2027-03 @2027-04 @2027-05"]],
    ["позапрошлой зимой", ["позапрошлой зимой: @2024-12 @2025-01 @2025-02"]],
    ["the summer before last", ["summer before last: @2025-06 @2025-07 @2025-08"]],
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
    ["позапрошлый год", ["позапрошлый год: @2024"]],
    ["the week before last", [`week before last: ${days(9, 10, 11, 12, 13, 14, 15)}`]],
    ["послезавтра", [`послезавтра: ${days(27)}`]],
    ["the day after tomorrow", [`day after tomorrow: ${days(27)}`]],
    ["завтра", [`завтра: ${days(26)}`]],
    ["вчерашняя встреча", [`вчерашняя: ${days(24)}`]],
    ["this morning", [`this morning: ${days(25)}`]],
    ["last night", [`last night: ${days(24, 25)}`]],
    ["прошлой ночью", [`прошлой ночью: ${days(24, 25)}`]],
    ["через 3 дня", [`через 3 дня: ${days(28)}`]],
    ["через месяц", ["через месяц: @2026-12"]],
    ["two days from now", [`two days from now: ${days(27)}`]],
    ["this Friday", [`this friday: ${days(27)}`]],
    ["в эту пятницу", [`в эту пятницу: ${days(27)}`]],
    ["this Monday", [`this monday: ${days(23, 30)}`]],
    ["next Friday", [`next friday: ${days(27)} @2026-12-04`]],
    ["в следующий понедельник", [`в следующий понедельник: ${days(30)}`]],
    ["the Friday before last", [`friday before last: ${days(13)}`]],
    ["позапрошлую пятницу", [`позапрошлую пятницу: ${days(13)}`]],
    ["next weekend", [`next weekend: ${days(28, 29)} @2026-12-05 @2026-12-06`]],
    ["на выходных", [`на выходных: ${days(21, 22, 28, 29)}`]],
    ["за последние выходные", [`последние выходные: ${days(21, 22)}`]],
    ["в последнюю пятницу", [`в последнюю пятницу: ${days(20)}`]],
    ["за последние сутки", [`последние сутки: ${days(24, 25)}`]],
    ["on Wednesday", [`on wednesday: ${days(18)}`]],
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

  test.each([
    "May I go? She may march on",
    "this may be wrong",
    "written by Jan",
    "order INV-2024-0093",
    "40 of them",
    "в среднем",
    "маятник",
    "a@2023.org",
    "Python 3.12",
    "upgrade to 3.12",
    "миграция с 3.11 на 3.12",
    "1,250 days ago",
    "с версии 1.05 до 2.05",
    "release 24.04.01",
    "from Ubuntu 22.04",
    "IntelliJ 2023.1",
    "v1.2.3",
    "1.2.3",
    "10.12.20.23",
    "https://example.com/2023/05/08/1",
    "24/7",
    "$8.05",
    "на 8.05 рублей",
    "до 8.05 км",
    "2000 рублей",
    "$2000",
    "#2023",
    "8.05",
    "в spring boot",
    "сколько лет",
    "каждый день",
    "через день",
  ])("%p names no day", (query) => expect(read(query)).toEqual([]));

  test("a phrase is read as at the time that is given, over the turn of a year too", () => {
    const [yesterday] = daysOfQuery("yesterday", new Date("2024-01-01T00:00:00Z"));
    expect(yesterday?.lexemes).toEqual(["@2023-12-31"]);
    const [month] = daysOfQuery("last month", new Date("2024-01-15T00:00:00Z"));
    expect(month?.lexemes).toEqual(["@2023-12"]);
  });

  test.each([
    ["2027-01-15", "прошлой зимой", "@2025-12 @2026-01 @2026-02"],
    ["2027-01-15", "этой зимой", "@2026-12 @2027-01 @2027-02"],
    ["2027-01-15", "next winter", "@2027-12 @2028-01 @2028-02"],
    ["2027-03-01", "last winter", "@2026-12 @2027-01 @2027-02"],
    ["2027-03-01", "позапрошлой зимой", "@2025-12 @2026-01 @2026-02"],
    ["2027-07-15", "last summer", "@2026-06 @2026-07 @2026-08"],
    ["2027-07-15", "this summer", "@2027-06 @2027-07 @2027-08"],
    ["2027-03-15", "last March", "@2026-03"],
    ["2027-03-15", "next March", "@2028-03"],
    ["2027-03-15", "этим мартом", "@2027-03"],
    ["2026-11-28", "this weekend", "@2026-11-28 @2026-11-29"],
    ["2026-11-28", "next weekend", "@2026-12-05 @2026-12-06"],
    ["2026-11-29", "on the weekend", "@2026-11-28 @2026-11-29"],
    ["2026-11-29", "this Friday", "@2026-11-27 @2026-12-04"],
    ["2026-11-27", "this Friday", "@2026-11-27"],
    ["2026-11-27", "on Friday", "@2026-11-20"],
  ])("at %p %p is %p", (at, query, expected) =>
    expect(daysOfQuery(query, new Date(at)).flatMap(({ lexemes }) => lexemes)).toEqual(expected.split(" ")),
  );

  /** Half past midnight on the 26th in Moscow, half past four in the afternoon of the 25th in New York. */
  const LATE = new Date("2026-11-25T21:30:00Z");
  test.each([
    ["сегодня", 180, days(26, 25)],
    ["вчера", 180, days(25, 24)],
    ["today", -300, days(25, 26)],
    ["yesterday", -300, days(24, 25)],
    ["сегодня", 0, days(25)],
    ["last week", 180, days(16, 17, 18, 19, 20, 21, 22, 15)],
    ["last month", 180, "@2026-10"],
    ["в прошлом году", 600, "@2025"],
    ["8 May 2023", 180, "@2023 @2023-05 @2023-05-08 @2023-05-07"],
    ["1 марта", 180, "@-03 @-03-01 @-02-28"],
    ["December 31", -300, "@-12 @-12-31 @-01-01"],
    ["1 January 2024", 600, "@2024 @2024-01 @2024-01-01 @2023-12-31"],
    ["in the last 2 months", 180, `@2026-09 @2026-10 ${days(...Array.from({ length: 26 }, (_, at) => at + 1))}`],
  ])("%p by a clock that is %p minutes ahead of UTC: the days of UTC that they lie in", (query, offset, expected) =>
    expect(daysOfQuery(query, LATE, offset).flatMap(({ lexemes }) => lexemes)).toEqual(expected.split(" ")),
  );

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

  test("a question that is asked again is read as of its own day, by its own clock", () => {
    const day = (time: string, offsetMinutes = 0) =>
      textQueryOf("Что было вчера?", new Date(time), offsetMinutes).days.flatMap(({ lexemes }) => lexemes);
    expect(day("2026-03-10T00:00:00Z")).toEqual(["@2026-03-09"]);
    expect(day("2026-03-10T23:59:59.999Z")).toEqual(["@2026-03-09"]);
    expect(day("2026-03-11T00:00:00Z")).toEqual(["@2026-03-10"]);
    expect(day("2026-03-10T23:30:00Z", 60)).toEqual(expect.arrayContaining(["@2026-03-10"]));
    expect(day("2026-03-10T00:30:00Z", -60)).toEqual(expect.arrayContaining(["@2026-03-08"]));
  });

  test("a thousand other questions later it is read as before", () => {
    const read = () => textQueryOf("когда я был в Казани вчера", NOW);
    const before = read();
    for (let n = 0; n < 1_500; n++) textQueryOf(`вопрос ${n}`, NOW);
    expect(read()).toEqual(before);
    expect(read()).not.toBe(before);
  });

  test("one that names very many days is not remembered", () => {
    const [few, many] = ["last 99 days", "last 99 days or last 98 days or last 97 days"];
    expect(textQueryOf(few, NOW)).toBe(textQueryOf(few, NOW));
    expect(textQueryOf(many, NOW)).not.toBe(textQueryOf(many, NOW));
    expect(textQueryOf(many, NOW)).toEqual(textQueryOf(many, NOW));
  });
});
