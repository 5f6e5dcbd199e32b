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
const NUMBERS: ReadonlyMap<string, number> = new Map(
  [
    "a|an|one|один|одну",
    "two|couple|a couple of|два|две|пару",
    "three|few|a few|три|несколько",
    "four|четыре",
    "five|пять",
    "six|шесть",
    "seven|семь",
    "eight|восемь",
    "nine|девять",
    "ten|десять",
  ].flatMap((words, at) => words.split("|").map((word) => [word, at + 1] as const)),
);
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
export const NUMBER = `\\d{1,3}|${[...NUMBERS.keys()].toSorted((one, other) => other.length - one.length).join("|")}`;

const isOne = (words: string, word: string): boolean => new RegExp(`^(?:${words})$`, "u").test(word);

/** 1 to 12; 0: none. */
export const monthOf = (word: string): number => MONTHS.findIndex((words) => isOne(words, word)) + 1;
/** 0 is Monday. */
export const weekdayOf = (word: string): number => WEEKDAYS.findIndex((words) => isOne(words, word));
export const seasonStart = (word: string): number => SEASONS.find(({ words }) => isOne(words, word))?.month ?? 1;
export const numberOf = (word: string | undefined): number =>
  word === undefined ? 1 : (NUMBERS.get(word) ?? Number(word));
export function unitOf(word: string): Unit {
  if (isOne(UNITS.day, word)) return "day";
  if (isOne(UNITS.week, word)) return "week";
  return isOne(UNITS.month, word) ? "month" : "year";
}
