/** The words of time in English and Russian, for regular expressions over lower-case text with е for ё. */

const MONTHS = [
  "january|jan|январ[ьяею]|январем",
  "february|feb|феврал[ьяею]|февралем",
  "march|mar|март(?:а|е|у|ом)?",
  "april|apr|апрел[ьяею]|апрелем",
  "may|ма[йяею]|маем",
  "june|jun|июн[ьяею]|июнем",
  "july|jul|июл[ьяею]|июлем",
  "august|aug|август(?:а|е|у|ом)?",
  "september|sept|sep|сентябр[ьяею]|сентябрем",
  "october|oct|октябр[ьяею]|октябрем",
  "november|nov|ноябр[ьяею]|ноябрем",
  "december|dec|декабр[ьяею]|декабрем",
] as const;
/** From Monday on. */
const WEEKDAYS = [
  "monday|понедельник(?:а|у)?",
  "tuesday|вторник(?:а|у)?",
  "wednesday|сред[ауые]",
  "thursday|четверг(?:а|у)?",
  "friday|пятниц[ауые]",
  "saturday|суббот[ауые]",
  "sunday|воскресень[яею]",
] as const;
/** Each with the month that it begins in. */
const SEASONS = [
  { words: "winter|зим(?:а|ой|у|е|ы)", month: 12 },
  { words: "spring|весн(?:а|ой|у|е|ы)", month: 3 },
  { words: "summer|лет(?:о|ом|а)", month: 6 },
  { words: "autumn|fall|осень(?:ю)?|осени", month: 9 },
] as const;
const NUMBERS: Readonly<Record<string, number>> = {
  ...{ a: 1, an: 1, one: 1, two: 2, three: 3, four: 4, five: 5, six: 6, seven: 7, eight: 8, nine: 9, ten: 10 },
  ...{
    один: 1,
    одну: 1,
    два: 2,
    две: 2,
    три: 3,
    четыре: 4,
    пять: 5,
    шесть: 6,
    семь: 7,
    восемь: 8,
    девять: 9,
    десять: 10,
  },
  ...{ couple: 2, "a couple of": 2, few: 3, "a few": 3, пару: 2, несколько: 3 },
};
const UNITS = {
  day: "days?|дн(?:я|ей|и)|день",
  week: "weeks?|недел[юьяие]",
  month: "months?|месяц(?:а|ев|ы)?",
  year: "years?|год(?:а|у|ом)?|лет",
} as const;
export type Unit = keyof typeof UNITS;

export const MONTH = MONTHS.join("|");
export const WEEKDAY = WEEKDAYS.join("|");
export const SEASON = SEASONS.map(({ words }) => words).join("|");
export const UNIT = Object.values(UNITS).join("|");
export const NUMBER = `\\d{1,3}|${Object.keys(NUMBERS)
  .toSorted((one, other) => other.length - one.length)
  .join("|")}`;

const isOne = (words: string, word: string): boolean => new RegExp(`^(?:${words})$`, "u").test(word);

/** 1 to 12; 0: none. */
export const monthOf = (word: string): number => MONTHS.findIndex((words) => isOne(words, word)) + 1;
/** 0 is Monday. */
export const weekdayOf = (word: string): number => WEEKDAYS.findIndex((words) => isOne(words, word));
export const seasonStart = (word: string): number => SEASONS.find(({ words }) => isOne(words, word))?.month ?? 1;
export const numberOf = (word: string | undefined): number =>
  word === undefined ? 1 : (NUMBERS[word] ?? Number(word));
export function unitOf(word: string): Unit {
  if (isOne(UNITS.day, word)) return "day";
  if (isOne(UNITS.week, word)) return "week";
  return isOne(UNITS.month, word) ? "month" : "year";
}
