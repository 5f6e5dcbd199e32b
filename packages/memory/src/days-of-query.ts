import {
  dayLexeme,
  lexemesOfSpan,
  monthLexeme,
  monthSpan,
  startOfDay,
  yearLexeme,
  yearSpan,
  type DaySpan,
} from "./day-span.ts";
import {
  MONTH,
  monthOf,
  NUMBER,
  numberOf,
  SEASON,
  seasonStart,
  UNIT,
  unitOf,
  WEEKDAY,
  weekdayOf,
} from "./day-words.ts";
import type { DayTerm } from "./ports/index.ts";

/** A query of more words than this names days in its beginning, if at all. */
const LENGTH_MAX = 2_000;

type Groups = Readonly<Record<string, string | undefined>>;
interface Phrase {
  readonly pattern: RegExp;
  /** Empty: it is no day after all, and another phrase may have the words. */
  readonly read: (groups: Groups, now: Date, words: string) => readonly DayTerm[];
}

/** `\b` knows no Cyrillic. */
const phrase = (source: string, read: Phrase["read"]): Phrase => ({
  pattern: new RegExp(`(?<![\\p{L}\\p{N}@.-])(?:${source})(?![\\p{L}\\p{N}]|-\\d)`, "gu"),
  read,
});
const span = (source: string, read: (groups: Groups, now: Date) => DaySpan): Phrase =>
  phrase(source, (groups, now, words) => [{ words, lexemes: lexemesOfSpan(read(groups, now)) }]);

const ORDINAL = "(?:st|nd|rd|th|-?го|-?е)?";
const YEAR = "(?<year>(?:19|20)\\d\\d)(?: ?(?:года?у?|гг?\\.?))?";
const LAST =
  "last|past|previous|прошл(?:ый|ая|ое|ой|ую|ом|ым|ого)|предыдущ(?:ий|ая|ей|ую|ем|его)|минувш(?:ий|ая|ей|ую|ем|его)";
const THIS = "this|current|эт(?:от|а|о|ой|у|ом|им|ого)|текущ(?:ий|ая|ей|ую|ем|его)";
const NEXT = "next|coming|следующ(?:ий|ая|ей|ую|ем|его)|будущ(?:ий|ая|ей|ую|ем|его)";
const RECENT = "(?:last|past|previous|последн(?:ие|их|юю|ий|яя|ей|ем|его))";

/** From the most telling to the least; what one has read, the next does not see. */
const PHRASES: readonly Phrase[] = [
  phrase("(?<year>(?:19|20)\\d\\d)-(?<month>\\d\\d)-(?<day>\\d\\d)", readDate),
  phrase("(?<day>\\d{1,2})\\.(?<month>\\d{1,2})\\.(?<year>(?:19|20)\\d\\d)", readDate),
  phrase(`(?<day>\\d{1,2})${ORDINAL} (?:of )?(?<month>${MONTH})(?:,? ${YEAR})?`, readDate),
  phrase(`(?<month>${MONTH}) (?<day>\\d{1,2})${ORDINAL}(?:, ?| )${YEAR}`, readDate),
  phrase(`(?<month>${MONTH}) (?<day>\\d{1,2})${ORDINAL}(?! ?:)`, readDate),
  phrase(`(?<month>${MONTH}),? (?:of )?${YEAR}`, readDate),
  span(`(?<season>${SEASON})(?: of)? ${YEAR}`, ({ season, year }) => seasonSpan(season ?? "", Number(year))),
  span(`(?:${LAST}) (?<season>${SEASON})`, ({ season }, now) => lastSeason(season ?? "", now)),

  span("day before yesterday|позавчера", (_, now) => daySpan(now, -2)),
  span("yesterday|вчера", (_, now) => daySpan(now, -1)),
  span("today|tonight|сегодня", (_, now) => daySpan(now, 0)),
  span("tomorrow|завтра", (_, now) => daySpan(now, 1)),
  span(`(?:(?<number>${NUMBER}) )?(?<unit>${UNIT}) (?:ago|назад)`, ({ number, unit }, now) =>
    agoSpan(numberOf(number), unit ?? "", now),
  ),
  span(`${RECENT} (?<number>${NUMBER}) (?<unit>${UNIT})`, ({ number, unit }, now) =>
    recentSpan(numberOf(number), unit ?? "", now),
  ),
  span(`(?:${LAST}) (?<unit>${UNIT})`, ({ unit }, now) => unitSpan(unit ?? "", now, -1)),
  span(`(?:${THIS}) (?<unit>${UNIT})`, ({ unit }, now) => unitSpan(unit ?? "", now, 0)),
  span(`(?:${NEXT}) (?<unit>${UNIT})`, ({ unit }, now) => unitSpan(unit ?? "", now, 1)),
  span(`последн(?:юю|ий|яя|ей|ем|его) (?<unit>${UNIT})`, ({ unit }, now) => recentSpan(1, unit ?? "", now)),
  span(`(?:${LAST}) weekend|прошл(?:ые|ых) выходн(?:ые|ых)`, (_, now) => weekendSpan(now, -1)),
  span(`(?:${LAST}|on|в|во) (?:(?:${LAST}) )?(?<weekday>${WEEKDAY})`, ({ weekday }, now) =>
    weekdaySpan(weekday ?? "", now),
  ),

  // A month alone: `may` and `march` are words of their own.
  phrase(`(?<=(?:in|during|of|since|last|this|until|by) )(?<month>may|march)`, readDate),
  phrase(`(?!(?:may|march|mar|jan|dec|sep|nov|oct|jun|jul)(?!\\p{L}))(?<month>${MONTH})`, readDate),
  phrase("(?<year>(?:19|20)\\d\\d)(?: ?(?:год|года|году|годом|г\\.?))?", readDate),
];

/**
 * The days that a question names, each with the words that name it: dates, months and years, and phrases such as "last
 * week" or "в прошлом году" as they are meant at `now` (read in UTC: shift it by the asker's offset). The parts of a date
 * are days of their own, so that a memory of the right month is nearer than one of none (retrieval.md 4: date words +1.9
 * recall@10, against +1.0 of an exact match).
 */
export function daysOfQuery(query: string, now: Date): readonly DayTerm[] {
  let rest = query.slice(0, LENGTH_MAX).toLowerCase().replaceAll("ё", "е");
  const days: DayTerm[] = [];
  for (const { pattern, read } of PHRASES)
    rest = rest.replace(pattern, (words: string, ...found: unknown[]) => {
      const groups = found.at(-1);
      const terms = read(typeof groups === "object" && groups !== null ? (groups as Groups) : {}, now, words);
      days.push(...terms);
      return terms.length === 0 ? words : " ".repeat(words.length);
    });
  return days;
}

/** A term for each part of a date that is given; none where a part is out of range. */
function readDate(groups: Groups): readonly DayTerm[] {
  const { year: yearText, month: monthText, day: dayText } = groups;
  const year = yearText === undefined ? undefined : Number(yearText);
  const month = monthText === undefined ? undefined : /^\d/.test(monthText) ? Number(monthText) : monthOf(monthText);
  const day = dayText === undefined ? undefined : Number(dayText);
  if ((month !== undefined && (month < 1 || month > 12)) || (day !== undefined && (day < 1 || day > 31))) return [];
  const terms: DayTerm[] = [];
  if (year !== undefined) terms.push({ words: yearText ?? "", lexemes: [yearLexeme(year)] });
  if (month !== undefined) terms.push({ words: monthText ?? "", lexemes: [monthLexeme(year, month)] });
  if (month !== undefined && day !== undefined)
    terms.push({ words: dayText ?? "", lexemes: [dayLexeme(year, month, day)] });
  return terms;
}

const daySpan = (now: Date, days: number): DaySpan => ({ from: startOfDay(now, days), to: startOfDay(now, days + 1) });
const mondayOf = (now: Date): Date => startOfDay(now, -((now.getUTCDay() + 6) % 7));

/** The week, month or year that lies `steps` after the one of `now`; weeks begin on Monday. */
function unitSpan(word: string, now: Date, steps: number): DaySpan {
  const [year, month, monday] = [now.getUTCFullYear(), now.getUTCMonth() + 1, mondayOf(now)];
  const unit = unitOf(word);
  if (unit === "day") return daySpan(now, steps);
  if (unit === "week") return { from: startOfDay(monday, 7 * steps), to: startOfDay(monday, 7 * steps + 7) };
  return unit === "month" ? monthSpan(year, month + steps) : yearSpan(year + steps);
}

/** "Three weeks ago" is said of any day about then; days alone are counted. */
function agoSpan(number: number, word: string, now: Date): DaySpan {
  const unit = unitOf(word);
  if (unit === "day") return daySpan(now, -number);
  if (unit === "week") return { from: startOfDay(now, -7 * number - 3), to: startOfDay(now, -7 * number + 4) };
  return unitSpan(word, now, -number);
}

/** So many days, weeks, months or years up to and with today. */
function recentSpan(number: number, word: string, now: Date): DaySpan {
  const to = startOfDay(now, 1);
  const unit = unitOf(word);
  if (unit === "day" || unit === "week") return { from: startOfDay(now, -number * (unit === "day" ? 1 : 7)), to };
  const months = number * (unit === "month" ? 1 : 12);
  return { from: monthSpan(now.getUTCFullYear(), now.getUTCMonth() + 1 - months).from, to };
}

function weekendSpan(now: Date, weeks: number): DaySpan {
  const monday = startOfDay(mondayOf(now), 7 * weeks);
  return { from: startOfDay(monday, 5), to: startOfDay(monday, 7) };
}

/** The last such weekday before today. */
function weekdaySpan(word: string, now: Date): DaySpan {
  const back = (((now.getUTCDay() + 6) % 7) - weekdayOf(word) + 7) % 7;
  return daySpan(now, -(back === 0 ? 7 : back));
}

/** A winter is named by the year that it ends in, or begins in: both are meant. */
function seasonSpan(word: string, year: number): DaySpan {
  const month = seasonStart(word);
  return month === 12 ? { from: monthSpan(year - 1, 12).from, to: monthSpan(year, 12).to } : monthSpan(year, month, 3);
}

/** The last season of that name that is over. */
function lastSeason(word: string, now: Date): DaySpan {
  const month = seasonStart(word);
  const ofYear = (year: number): DaySpan => monthSpan(year, month, 3);
  return (
    [0, 1, 2].map((years) => ofYear(now.getUTCFullYear() - years)).find(({ to }) => to <= now) ??
    ofYear(now.getUTCFullYear() - 1)
  );
}
