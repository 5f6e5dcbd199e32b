import { quantityOf, quantityPattern } from "./day-numbers.ts";
import { needing, phrase, span, spans, type Groups, type Phrase } from "./day-phrase.ts";
import { lexemesOfSpan, startOfDay, type DaySpan } from "./day-span.ts";
import { LATEST, MONTH, PAST, SEASON, stepOf, UNIT, UNITS_COUNTED, WEEKDAY, WEEKEND, WHICH } from "./day-words.ts";
import type { DayTerm } from "./ports/index.ts";
import {
  agoSpan,
  daySpan,
  weekdaysNear,
  monthNear,
  recentSpan,
  seasonNear,
  unitSpan,
  weekendsNear,
  weekendsAbout,
} from "./relative-span.ts";

const AGO = "(?:ago|(?:тому )?назад)";
/** One that is not counted: in the accusative, or in the genitive of what it is more or less than. */
const UNIT_AGO = "день|сутки|неделю|месяц|год|(?<=(?:около|больше|более|меньше|менее) )(?:дня|недели|месяца|года)";
const BEFORE_WEEKDAY = "on|в|во|со?|до|от|после|к|перед";
const COUNTED = quantityPattern(UNITS_COUNTED);

/** "The last …", "this …", "the next …", and "the … before last". */
const near = (source: string, read: (groups: Groups, now: Date, step: number) => readonly DaySpan[]): Phrase[] =>
  [`${WHICH} ${source}`, `${source} (?<before>before last)`].map((either) =>
    spans(either, (groups, now) => read(groups, now, stepOf(groups))),
  );

/** Days that are named by how far they are from the one of the question. */
export const RELATIVE_DAYS: readonly Phrase[] = [
  ...needing("yesterday|today|tonight|tomorrow|night|this |вчера|завтра|сегодня|ночью|утром|вечером", [
    span("day before yesterday|позавчера(?:шн\\p{L}+)?", (_, now) => daySpan(now, -2)),
    span("day after tomorrow|послезавтра(?:шн\\p{L}+)?", (_, now) => daySpan(now, 2)),
    // Before midnight or after it.
    span("last night|(?:прошлой|минувшей|этой|сегодня) ночью", (_, now) => ({
      from: startOfDay(now, -1),
      to: startOfDay(now, 1),
    })),
    span("yesterday|вчера(?:шн\\p{L}+)?|прошлым вечером", (_, now) => daySpan(now, -1)),
    span("today|tonight|this (?:morning|afternoon|evening)|сегодня(?:шн\\p{L}+)?|этим (?:утром|вечером)", (_, now) =>
      daySpan(now, 0),
    ),
    span("tomorrow|завтра(?:шн\\p{L}+)?", (_, now) => daySpan(now, 1)),
  ]),

  ...needing(AGO, [
    span(`${COUNTED} ${AGO}`, (groups, now) => agoSpan(quantityOf(groups), groups.unit ?? "", now)),
    // "How many days ago" and "сколько лет назад" count nothing.
    span(`(?<unit>${UNIT_AGO}) ${AGO}`, ({ unit }, now) => agoSpan(1, unit ?? "", now)),
  ]),
  ...needing("через|from (?:now|today)", [
    ...[`через ${COUNTED}`, `${COUNTED} from (?:now|today)`].map((source) =>
      span(source, (groups, now) => agoSpan(-quantityOf(groups), groups.unit ?? "", now)),
    ),
    span("через (?<unit>неделю|месяц|год)", ({ unit }, now) => agoSpan(-1, unit ?? "", now)),
  ]),
  ...needing(`${PAST}|${LATEST}`, [
    span(`(?:${PAST}|${LATEST}) ${COUNTED}`, (groups, now) => recentSpan(quantityOf(groups), groups.unit ?? "", now)),
    span(`${LATEST} (?<unit>${UNIT})`, ({ unit }, now) => recentSpan(1, unit ?? "", now)),
  ]),

  ...needing(`${WHICH}|before last`, [
    ...near(`(?<unit>${UNIT})`, ({ unit }, now, step) => [unitSpan(unit ?? "", now, step)]),
    ...near(`(?<season>${SEASON})`, ({ season }, now, step) => [seasonNear(season ?? "", now, step)]),
    // "This may" is hardly a month where something is said of it.
    ...near(`(?<!this (?=may \\p{L}))(?<month>${MONTH})`, ({ month }, now, step) => [
      monthNear(month ?? "", now, step),
    ]),
    ...near(`(?:${WEEKEND})`, (_, now, step) => weekendsNear(now, step)),
  ]),
  ...needing("weekend|выходн", [
    spans("(?:on|at|over|during|for) the weekend|(?:на|в|за) выходн(?:ые|ых)", (_, now) => weekendsAbout(now)),
  ]),

  ...needing(WEEKDAY, [
    phrase(`(?:(?<preposition>${BEFORE_WEEKDAY}) )?${WHICH} (?<weekday>${WEEKDAY})`, readWeekday),
    phrase(`(?<weekday>${WEEKDAY}) (?<before>before last)`, readWeekday),
    phrase(`(?<preposition>on|в|во) (?<weekday>${WEEKDAY})(?! before last)`, readWeekday),
  ]),
];

/** A weekday without more is the last one. "Среда" is the surroundings, too: what is no accusative needs a preposition of time. */
function readWeekday(groups: Groups, now: Date, words: string): readonly DayTerm[] {
  const { preposition = "", weekday = "" } = groups;
  if (/^сред(?!у)/u.test(weekday) && !/^(?:со?|до|от|после|к|перед)$/u.test(preposition)) return [];
  const isNamed = [groups.past, groups.earlier, groups.present, groups.future, groups.before].some(
    (word) => word !== undefined,
  );
  const days = weekdaysNear(weekday, now, isNamed ? stepOf(groups) : -1);
  return [{ words, lexemes: days.flatMap((day) => lexemesOfSpan(day)) }];
}
