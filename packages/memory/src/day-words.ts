/** The words of time in English and in every case of Russian, for regular expressions over lower-case text with е for ё. */

const MONTHS = [
  "january|jan|январ(?:ь|я|ю|ем|е)",
  "february|feb|феврал(?:ь|я|ю|ем|е)",
  "march|mar|март(?:а|у|ом|е)?",
  "april|apr|апрел(?:ь|я|ю|ем|е)",
  "may|ма(?:й|я|ю|ем|е)",
  "june|jun|июн(?:ь|я|ю|ем|е)",
  "july|jul|июл(?:ь|я|ю|ем|е)",
  "august|aug|август(?:а|у|ом|е)?",
  "september|sept|sep|сентябр(?:ь|я|ю|ем|е)",
  "october|oct|октябр(?:ь|я|ю|ем|е)",
  "november|nov|ноябр(?:ь|я|ю|ем|е)",
  "december|dec|декабр(?:ь|я|ю|ем|е)",
] as const;
/** From Monday on. */
const WEEKDAYS = [
  "monday|понедельник(?:а|у|ом|е)?",
  "tuesday|вторник(?:а|у|ом|е)?",
  "wednesday|сред(?:а|ы|е|у|ой|ою)",
  "thursday|четверг(?:а|у|ом|е)?",
  "friday|пятниц(?:а|ы|е|у|ей|ею)",
  "saturday|суббот(?:а|ы|е|у|ой|ою)",
  "sunday|воскресень(?:е|я|ю|ем)",
] as const;
export const WINTER = "winter|зим(?:а|ы|е|у|ой|ою)";
/** Each with the month that it begins in. */
const SEASONS = [
  { words: WINTER, month: 12 },
  { words: "spring|весн(?:а|ы|е|у|ой|ою)", month: 3 },
  { words: "summer|лет(?:о|а|у|ом|е)", month: 6 },
  { words: "autumn|fall|осен(?:ь|и|ью)", month: 9 },
] as const;
/** One of a kind, and what is counted. */
const UNITS = {
  day: { one: "day|день|дн(?:я|ю|ем|е)", several: "days|дн(?:и|ей|ям|ями|ях)|сут(?:ки|ок|кам|ками|ках)" },
  week: { one: "week|недел(?:я|и|е|ю|ей|ею)", several: "weeks|недел(?:ь|ям|ями|ях)" },
  month: { one: "month|месяц(?:а|у|ем|е)?", several: "months|месяц(?:ы|ев|ам|ами|ах)" },
  year: { one: "year|год(?:а|у|ом|е)?", several: "years|год(?:ы|ов|ам|ами|ах)|лет" },
} as const;
export type Unit = keyof typeof UNITS;

export const MONTH = MONTHS.join("|");
export const WEEKDAY = WEEKDAYS.join("|");
export const SEASON = SEASONS.map(({ words }) => words).join("|");
export const UNIT = Object.values(UNITS)
  .map(({ one }) => one)
  .join("|");
export const UNITS_COUNTED = `${UNIT}|${Object.values(UNITS)
  .map(({ several }) => several)
  .join("|")}`;
export const WEEKEND = "weekend|выходн(?:ые|ых|ым|ыми)";

/** The endings of adjectives; after щ the vowels of the soft ones are the hard ones'. */
const HARD = "(?:ый|ого|ому|ым|ом|ая|ой|ую|ою|ое|ые|ых|ыми)";
const SOFT = "(?:ий|его|ему|им|ем|яя|ей|юю|ею|ее|ие|их|ими)";
const MIXED = "(?:ий|его|ему|им|ем|ая|ей|ую|ею|ее|ие|их|ими)";
const THIS = "эт(?:от|ого|ому|им|ом|а|ой|у|ою|о|и|их|ими)";
export const LATEST = `последн${SOFT}`;
export const PAST = `last|past|previous|прошл${HARD}|предыдущ${MIXED}|минувш${MIXED}`;
/** Before a unit, a season, a weekday; `stepOf` tells which is meant. */
export const WHICH = `(?:(?<past>${PAST})|(?<present>this|current|${THIS}|текущ${MIXED})|next|coming|следующ${MIXED}|будущ${MIXED})`;

/** How many units, seasons or weekdays on from the present one: -1, 0 or 1. */
export function stepOf({ past, present }: Readonly<Record<string, string | undefined>>): -1 | 0 | 1 {
  if (past !== undefined) return -1;
  return present === undefined ? 1 : 0;
}

const isOne = (words: string, word: string): boolean => new RegExp(`^(?:${words})$`, "u").test(word);

/** 1 to 12; 0: none. */
export const monthOf = (word: string): number => MONTHS.findIndex((words) => isOne(words, word)) + 1;
/** 0 is Monday. */
export const weekdayOf = (word: string): number => WEEKDAYS.findIndex((words) => isOne(words, word));
export const seasonStart = (word: string): number => SEASONS.find(({ words }) => isOne(words, word))?.month ?? 1;
export function unitOf(word: string): Unit {
  const isUnit = (unit: Unit): boolean => isOne(`${UNITS[unit].one}|${UNITS[unit].several}`, word);
  return (["day", "week", "month"] as const).find(isUnit) ?? "year";
}
