import { DAY_ORDINAL, DAY_ORDINAL_OF, dayNumberOf } from "./day-numbers.ts";
import { needing, phrase, span, spans, type Groups, type Phrase } from "./day-phrase.ts";
import { dayLexeme, monthLexeme, monthSpan, yearLexeme } from "./day-span.ts";
import { MONTH, MONTH_ALONE, monthOf, SEASON, seasonStart, stepOf, WHICH, WINTER, YEAR_UNIT } from "./day-words.ts";
import type { DayTerm } from "./ports/index.ts";
import { seasonSpans } from "./relative-span.ts";

const FIGURES = "(?<year>(?:19|20)\\d\\d)";
/** In figures, or as in "March of last year". */
const YEAR = `(?:${FIGURES}(?: ?(?:года?|году|гг?\\.?))?|(?<namedYear>${WHICH} (?:${YEAR_UNIT})))`;
const ENDING = "(?:st|nd|rd|th|-?(?:ого|его|го|ое|е|ому|му))?";
const DAY = `(?<day>\\d{1,2}|${DAY_ORDINAL})${ENDING}`;
const LAST_DAY = `(?<lastDay>\\d{1,2}|${DAY_ORDINAL})${ENDING}`;
const DAYS = `(?:(?<both>between|между) )?${DAY}(?<to> ?[-–—] ?| (?:по|до|to|through|until|till) | ?, ?| (?:и|and|&) )${LAST_DAY}`;
/** No part of a path. */
const START = "(?<!/)";
/** No part of a longer number. */
const END = "(?: ?г(?:ода?|\\.)?)?(?!\\.\\d)";
const NO_MONEY = "(?! ?(?:[$€£₽%]|руб|долл|usd|eur|rub|dollar))";
const NO_MEASURE =
  "(?! ?(?:[кмсд]?м|к?г|м?л|[кмгт]б|ч|мин|сек|раза?|тыс|млн|[kmc]?m|k?g|m?l|[kmgt]b|hours?|times|x)(?!\\p{L}))";
/** Two numbers alone are a date where a date may stand, and one of them begins with a zero: "3.12" is a version. */
const DAY_IN_MONTH =
  "(?<=(?<!\\p{L})(?:с|со|до|от|на|к|по|был[аои]?|on|since|until|till|from|by|before|after) )(?<day>[0-3]?\\d)\\.(?<month>0[1-9]|(?<=0\\d\\.)1[0-2])";
const NO_VERSION = "(?<!(?:верси|релиз|version|release|ubuntu).{0,30})";

/** Days, months and seasons of a year, and days of a month. */
export const DATES: readonly Phrase[] = [
  ...needing("\\d", [
    phrase(
      `${START}${FIGURES}(?<mark>[-./])(?<month>\\d\\d)\\k<mark>(?<day>\\d\\d)(?:t\\d\\d:[\\d:.]+(?:z|[+-]\\d\\d:?\\d\\d)?)?${END}`,
      readDate,
    ),
    phrase(`${START}(?<day>\\d{1,2})\\.(?<month>\\d{1,2})\\.${FIGURES}${END}`, readDate),
    phrase(`${START}${NO_VERSION}(?<day>\\d\\d)\\.(?<month>\\d\\d)\\.(?<shortYear>\\d\\d)${END}`, readDate),
    phrase(`${START}(?<first>\\d{1,2})/(?<second>\\d{1,2})/${FIGURES}(?!/)`, readEitherOrder),
    phrase(`${START}${NO_VERSION}${DAY_IN_MONTH}${END}${NO_MONEY}${NO_MEASURE}`, readDate),
  ]),
  ...needing(MONTH, [
    phrase(`${DAYS} (?:of )?(?<month>${MONTH})\\.?(?:,? ${YEAR})?`, readDays),
    phrase(
      `(?<month>${MONTH}) (?<day>\\d{1,2})${ENDING}(?<to> ?[-–—] ?)(?<lastDay>\\d{1,2})${ENDING}(?:,? ${YEAR})?`,
      readDays,
    ),
    phrase(`${DAY} (?:of )?(?<month>${MONTH})\\.?(?:,? ${YEAR})?`, readDate),
    phrase(`(?<day>${DAY_ORDINAL_OF}) of (?<month>${MONTH})(?:,? ${YEAR})?`, readDate),
    phrase(`(?<month>${MONTH})\\.? (?<day>\\d{1,2})${ENDING}(?:, ?| )${YEAR}`, readDate),
    phrase(`(?<month>${MONTH})\\.? (?<day>\\d{1,2})${ENDING}(?! ?:)`, readDate),
    phrase(`(?<month>${MONTH})\\.?,? (?:of |in )?${YEAR}`, readDate),
  ]),
  ...needing(SEASON, [
    span(`(?<season>${WINTER})(?: of)? ${FIGURES} ?[-–/] ?(?:19|20)?\\d\\d`, ({ season, year }) =>
      monthSpan(Number(year), seasonStart(season ?? ""), 3),
    ),
    spans(`(?<season>${SEASON})(?: of)? ${YEAR}`, (groups, now) =>
      seasonSpans(groups.season ?? "", yearOf(groups, now) ?? now.getUTCFullYear()),
    ),
  ]),
];

/** What is left of dates: alone, `may`, `march`, `spring`, `fall` and the short names of months are words of their own. */
export const PARTS_OF_DATES: readonly Phrase[] = [
  ...needing(MONTH, [
    phrase(`(?<=(?:in|during|since|until) )(?<month>${MONTH})`, readDate),
    phrase("(?<=(?:of|by) )(?<month>may|march)", readDate),
    phrase(`(?<month>${MONTH_ALONE})`, readDate),
  ]),
  ...needing(SEASON, [
    phrase(`(?<=(?:in|during|over) (?:the )?)(?<season>summer|winter|autumn)`, readSeason),
    phrase(`(?<=(?:in|during|over) the )(?<season>spring|fall)`, readSeason),
    phrase(`(?<season>летом|осенью|(?:зим|весн)(?:ой|ою))`, readSeason),
  ]),
  ...needing("\\d", [phrase(`${START}${FIGURES}(?: ?(?:год|года|году|годом|г\\.?))?(?!\\.\\d)${NO_MONEY}`, readDate)]),
];

/** Of two figures of a year the centuries are open: no further ahead than this, else the last one. */
const YEARS_AHEAD_MAX = 5;

function yearOf(groups: Groups, now: Date): number | undefined {
  const { year, shortYear, namedYear } = groups;
  const thisYear = now.getUTCFullYear();
  if (year !== undefined) return Number(year);
  if (namedYear !== undefined) return thisYear + stepOf(groups);
  if (shortYear === undefined) return undefined;
  const inThisCentury = 2000 + Number(shortYear);
  return inThisCentury > thisYear + YEARS_AHEAD_MAX ? inThisCentury - 100 : inThisCentury;
}

const monthNumberOf = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : /^\d/.test(text) ? Number(text) : monthOf(text);
const isDate = (month: number | undefined, day: number | undefined): boolean =>
  (month === undefined || (month >= 1 && month <= 12)) && (day === undefined || (day >= 1 && day <= 31));

/** A term for each part of a date that is given; none where a part is out of range. */
function readDate(groups: Groups, now: Date): readonly DayTerm[] {
  const [year, month] = [yearOf(groups, now), monthNumberOf(groups.month)];
  const day = groups.day === undefined ? undefined : dayNumberOf(groups.day);
  if (!isDate(month, day)) return [];
  const terms = partsOf(groups, year, month);
  if (month === undefined || day === undefined) return terms;
  return [...terms, { words: groups.day ?? "", lexemes: [dayLexeme(year, month, day)] }];
}

function partsOf(groups: Groups, year: number | undefined, month: number | undefined): readonly DayTerm[] {
  const terms: DayTerm[] = [];
  const words = groups.year ?? groups.namedYear ?? `${groups.shortYear} ${year}`;
  if (year !== undefined) terms.push({ words, lexemes: [yearLexeme(year)] });
  if (month !== undefined) terms.push({ words: groups.month ?? "", lexemes: [monthLexeme(year, month)] });
  return terms;
}

/** Days of one month, one term: from the first to the last, or both. */
function readDays(groups: Groups, now: Date): readonly DayTerm[] {
  const [year, month] = [yearOf(groups, now), monthNumberOf(groups.month)];
  const [day, lastDay] = [dayNumberOf(groups.day ?? ""), dayNumberOf(groups.lastDay ?? "")];
  if (month === undefined || !isDate(month, day) || !isDate(month, lastDay) || lastDay <= day) return [];
  const isList = groups.both === undefined && /[,&]|и|and/u.test(groups.to ?? "");
  const days = isList ? [day, lastDay] : Array.from({ length: lastDay - day + 1 }, (_, at) => day + at);
  const words = `${groups.day} ${groups.lastDay}`;
  return [...partsOf(groups, year, month), { words, lexemes: days.map((one) => dayLexeme(year, month, one)) }];
}

/** 5/8 is in August, or in May in the United States: where both can be, either may be meant. */
function readEitherOrder({ first = "", second = "", year = "" }: Groups): readonly DayTerm[] {
  const [one, other] = [Number(first), Number(second)];
  const dates = [
    { day: one, month: other },
    { day: other, month: one },
  ].filter(({ day, month }) => isDate(month, day));
  if (dates.length === 0) return [];
  const lexemesOf = (read: (date: { day: number; month: number }) => string): readonly string[] => [
    ...new Set(dates.map(read)),
  ];
  return [
    { words: year, lexemes: [yearLexeme(Number(year))] },
    { words: "", lexemes: lexemesOf(({ month }) => monthLexeme(Number(year), month)) },
    { words: `${first} ${second}`, lexemes: lexemesOf(({ day, month }) => dayLexeme(Number(year), month, day)) },
  ];
}

/** Of any year. */
function readSeason({ season = "" }: Groups): readonly DayTerm[] {
  const months = [0, 1, 2].map((after) => ((seasonStart(season) + after - 1) % 12) + 1);
  return [{ words: season, lexemes: months.map((month) => monthLexeme(undefined, month)) }];
}
