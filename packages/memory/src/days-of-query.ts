import { quantityOf, quantityPattern } from "./day-numbers.ts";
import { dayLexeme, lexemesOfSpan, monthLexeme, monthSpan, yearLexeme, type DaySpan } from "./day-span.ts";
import {
  LATEST,
  MONTH,
  monthOf,
  PAST,
  SEASON,
  seasonStart,
  stepOf,
  UNIT,
  UNITS_COUNTED,
  WEEKDAY,
  WEEKEND,
  WHICH,
  WINTER,
} from "./day-words.ts";
import type { DayTerm } from "./ports/index.ts";
import {
  agoSpan,
  daySpan,
  lastSeason,
  lastWeekday,
  recentSpan,
  seasonSpans,
  unitSpan,
  weekendSpan,
} from "./relative-span.ts";

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
  pattern: new RegExp(`(?<![\\p{L}\\p{N}@.-]|\\d,)(?:${source})(?![\\p{L}\\p{N}]|-\\d)`, "gu"),
  read,
});
/** Of several spans any is meant. */
const spans = (source: string, read: (groups: Groups, now: Date) => readonly DaySpan[]): Phrase =>
  phrase(source, (groups, now, words) => [{ words, lexemes: read(groups, now).flatMap(lexemesOfSpan) }]);
const span = (source: string, read: (groups: Groups, now: Date) => DaySpan): Phrase =>
  spans(source, (groups, now) => [read(groups, now)]);

const ORDINAL = "(?:st|nd|rd|th|-?го|-?е)?";
const YEAR = "(?<year>(?:19|20)\\d\\d)(?: ?(?:года?у?|гг?\\.?))?";
const AGO = "(?:ago|(?:тому )?назад)";
/** One that is not counted: in the accusative, or in the genitive of what it is more or less than. */
const UNIT_AGO = "день|сутки|неделю|месяц|год|(?<=(?:около|больше|более|меньше|менее) )(?:дня|недели|месяца|года)";

/** From the most telling to the least; what one has read, the next does not see. */
const PHRASES: readonly Phrase[] = [
  phrase("(?<year>(?:19|20)\\d\\d)-(?<month>\\d\\d)-(?<day>\\d\\d)", readDate),
  phrase("(?<day>\\d{1,2})\\.(?<month>\\d{1,2})\\.(?<year>(?:19|20)\\d\\d)", readDate),
  phrase(`(?<day>\\d{1,2})${ORDINAL} (?:of )?(?<month>${MONTH})(?:,? ${YEAR})?`, readDate),
  phrase(`(?<month>${MONTH}) (?<day>\\d{1,2})${ORDINAL}(?:, ?| )${YEAR}`, readDate),
  phrase(`(?<month>${MONTH}) (?<day>\\d{1,2})${ORDINAL}(?! ?:)`, readDate),
  phrase(`(?<month>${MONTH}),? (?:of )?${YEAR}`, readDate),
  span(`(?<season>${WINTER})(?: of)? (?<year>(?:19|20)\\d\\d) ?[-–/] ?(?:19|20)?\\d\\d`, ({ season, year }) =>
    monthSpan(Number(year), seasonStart(season ?? ""), 3),
  ),
  spans(`(?<season>${SEASON})(?: of)? ${YEAR}`, ({ season, year }) => seasonSpans(season ?? "", Number(year))),
  span(`(?:${PAST}) (?<season>${SEASON})`, ({ season }, now) => lastSeason(season ?? "", now)),

  span("day before yesterday|позавчера", (_, now) => daySpan(now, -2)),
  span("yesterday|вчера", (_, now) => daySpan(now, -1)),
  span("today|tonight|сегодня", (_, now) => daySpan(now, 0)),
  span("tomorrow|завтра", (_, now) => daySpan(now, 1)),
  span(`${quantityPattern(UNITS_COUNTED)} ${AGO}`, (groups, now) =>
    agoSpan(quantityOf(groups), groups.unit ?? "", now),
  ),
  // "How many days ago" and "сколько лет назад" count nothing.
  span(`(?<unit>${UNIT_AGO}) ${AGO}`, ({ unit }, now) => agoSpan(1, unit ?? "", now)),
  span(`(?:${PAST}|${LATEST}) ${quantityPattern(UNITS_COUNTED)}`, (groups, now) =>
    recentSpan(quantityOf(groups), groups.unit ?? "", now),
  ),
  span(`${LATEST} (?<unit>${UNIT})`, ({ unit }, now) => recentSpan(1, unit ?? "", now)),
  span(`${WHICH} (?<unit>${UNIT})`, (groups, now) => unitSpan(groups.unit ?? "", now, stepOf(groups))),
  span(`${WHICH} (?:${WEEKEND})`, (groups, now) => weekendSpan(now, stepOf(groups))),
  phrase(`(?:(?<before>on|в|во|со?|до|от|после|к|перед) )?(?:${PAST}) (?<weekday>${WEEKDAY})`, readWeekday),
  phrase(`(?<before>on|в|во) (?<weekday>${WEEKDAY})`, readWeekday),

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

/** The last such day. "Среда" is the surroundings too: a Wednesday is told by its accusative, or by what is said of times. */
function readWeekday({ before = "", weekday = "" }: Groups, now: Date, words: string): readonly DayTerm[] {
  const isSurroundings = /^сред(?!у)/u.test(weekday) && !/^(?:со?|до|от|после|к|перед)$/u.test(before);
  return isSurroundings ? [] : [{ words, lexemes: lexemesOfSpan(lastWeekday(weekday, now)) }];
}
