/** The words of time in English and in every case of Russian, for regular expressions over lower-case text with е for ё. */

const MONTHS = [
  { full: "january|январ(?:ь|я|ю|ем|е)", short: "jan|янв" },
  { full: "february|феврал(?:ь|я|ю|ем|е)", short: "feb|февр?" },
  { full: "march|март(?:а|у|ом|е)?", short: "mar|мар" },
  { full: "april|апрел(?:ь|я|ю|ем|е)", short: "apr|апр" },
  { full: "may|ма(?:й|я|ю|ем|е)", short: "may" },
  { full: "june|июн(?:ь|я|ю|ем|е)", short: "jun" },
  { full: "july|июл(?:ь|я|ю|ем|е)", short: "jul" },
  { full: "august|август(?:а|у|ом|е)?", short: "aug|авг" },
  { full: "september|сентябр(?:ь|я|ю|ем|е)", short: "sept?|сент?" },
  { full: "october|октябр(?:ь|я|ю|ем|е)", short: "oct|окт" },
  { full: "november|ноябр(?:ь|я|ю|ем|е)", short: "nov|нояб?" },
  { full: "december|декабр(?:ь|я|ю|ем|е)", short: "dec|дек" },
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
export const YEAR_UNIT = "year|год(?:а|у|ом|е)?";
/** One of a kind, and what is counted. */
const UNITS = {
  day: { one: "day|день|дн(?:я|ю|ем|е)|сут(?:ки|ок|кам|ками|ках)", several: "days|дн(?:и|ей|ям|ями|ях)" },
  week: { one: "week|недел(?:я|и|е|ю|ей|ею)", several: "weeks|недел(?:ь|ям|ями|ях)" },
  month: { one: "month|месяц(?:а|у|ем|е)?", several: "months|месяц(?:ы|ев|ам|ами|ах)" },
  year: { one: YEAR_UNIT, several: "years|год(?:ы|ов|ам|ами|ах)|лет" },
} as const;
export type Unit = keyof typeof UNITS;

/** Alternations of all words of a kind. */
export const MONTH = MONTHS.map(({ full, short }) => `${full}|${short}`).join("|");
/** Without those that are words of their own. */
export const MONTH_ALONE = `(?!ma(?:y|rch)(?!\\p{L}))(?:${MONTHS.map(({ full }) => full).join("|")})`;
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
/** A week before now, where the last one is the one before this. */
export const LATEST = `последн${SOFT}`;
export const PAST = `last|past|previous|прошл${HARD}|предыдущ${MIXED}|минувш${MIXED}`;
/** Before a unit, a season, a weekday; `stepOf` tells which is meant. */
export const WHICH = `(?:(?<past>${PAST}|${LATEST})|(?<earlier>позапрошл${HARD})|(?<present>this|current|${THIS}|текущ${MIXED})|(?<future>next|coming|следующ${MIXED}|будущ${MIXED}|ближайш${MIXED}))`;

/** How many units, seasons or weekdays on from the present one: -2 ("before last") to 1; 0 where none is said. */
export function stepOf({ past, earlier, before, future }: Readonly<Record<string, string | undefined>>): number {
  if (earlier !== undefined || before !== undefined) return -2;
  if (past !== undefined) return -1;
  return future === undefined ? 0 : 1;
}

const isOne = (words: string, word: string): boolean => new RegExp(`^(?:${words})$`, "u").test(word);

/** 1 to 12; 0: none. */
export const monthOf = (word: string): number =>
  MONTHS.findIndex(({ full, short }) => isOne(`${full}|${short}`, word)) + 1;
/** 0 is Monday; -1: none. */
export const weekdayOf = (word: string): number => WEEKDAYS.findIndex((words) => isOne(words, word));
/** The month that it begins in, 1 to 12. */
export const seasonStart = (word: string): number => SEASONS.find(({ words }) => isOne(words, word))?.month ?? 1;
export function unitOf(word: string): Unit {
  const isUnit = (unit: Unit): boolean => isOne(`${UNITS[unit].one}|${UNITS[unit].several}`, word);
  return (["day", "week", "month"] as const).find(isUnit) ?? "year";
}
