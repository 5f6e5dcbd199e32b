import { monthSpan, startOfDay, yearSpan, type DaySpan } from "./day-span.ts";
import { seasonStart, unitOf, weekdayOf } from "./day-words.ts";

/** What a phrase means on the day of `now`, whose calendar is read in UTC; weeks begin on Monday. */

export const daySpan = (now: Date, days: number): DaySpan => ({
  from: startOfDay(now, days),
  to: startOfDay(now, days + 1),
});
const sinceMonday = (now: Date): number => (now.getUTCDay() + 6) % 7;
const mondayOf = (now: Date): Date => startOfDay(now, -sinceMonday(now));

/** The day, week, month or year that lies `steps` after the one of `now`. */
export function unitSpan(word: string, now: Date, steps: number): DaySpan {
  const [year, month, monday] = [now.getUTCFullYear(), now.getUTCMonth() + 1, mondayOf(now)];
  const unit = unitOf(word);
  if (unit === "day") return daySpan(now, steps);
  if (unit === "week") return { from: startOfDay(monday, 7 * steps), to: startOfDay(monday, 7 * steps + 7) };
  return unit === "month" ? monthSpan(year, month + steps) : yearSpan(year + steps);
}

/**
 * "Three weeks ago" is said of any day about then; whole days alone are counted. "Half a year ago" is no month of its own,
 * and "a year and a half ago" no year: about then is meant.
 */
export function agoSpan(number: number, word: string, now: Date): DaySpan {
  const unit = unitOf(word);
  const isWhole = Number.isInteger(number);
  if (isWhole && unit !== "week") return unitSpan(word, now, -number);
  if (unit === "year") return monthSpan(now.getUTCFullYear(), now.getUTCMonth() - Math.round(12 * number), 3);
  const [center, slack] = [number * DAYS_IN[unit], SLACK_DAYS[unit]];
  return { from: startOfDay(now, -Math.ceil(center + slack)), to: startOfDay(now, 1 - Math.floor(center - slack)) };
}

const DAYS_IN = { day: 1, week: 7, month: 30.4 } as const;
/** How far from it what was "about then" may be. */
const SLACK_DAYS = { day: 0.5, week: 3, month: 7 } as const;

/** So many days, weeks, months or years up to and with today; of months and years all of the first one. */
export function recentSpan(number: number, word: string, now: Date): DaySpan {
  const to = startOfDay(now, 1);
  const unit = unitOf(word);
  if (unit === "year" || (unit === "month" && Number.isInteger(number))) {
    const months = unit === "year" ? Math.round(12 * number) : number;
    return { from: monthSpan(now.getUTCFullYear(), now.getUTCMonth() + 1 - months).from, to };
  }
  return { from: startOfDay(now, -Math.ceil(number * DAYS_IN[unit])), to };
}

/** The weekend of the week that lies `weeks` after the one of `now`. */
export function weekendSpan(now: Date, weeks: number): DaySpan {
  const monday = startOfDay(mondayOf(now), 7 * weeks);
  return { from: startOfDay(monday, 5), to: startOfDay(monday, 7) };
}

/** The last such weekday before today. */
export function lastWeekday(word: string, now: Date): DaySpan {
  const back = (sinceMonday(now) - weekdayOf(word) + 7) % 7;
  return daySpan(now, -(back === 0 ? 7 : back));
}

/** A winter is named by the year that it begins in, or ends in: either may be meant. */
export function seasonSpans(word: string, year: number): readonly DaySpan[] {
  const month = seasonStart(word);
  return (month === 12 ? [year - 1, year] : [year]).map((start) => monthSpan(start, month, 3));
}

/** The last season of that name that is over. */
export function lastSeason(word: string, now: Date): DaySpan {
  const month = seasonStart(word);
  const ofYear = (year: number): DaySpan => monthSpan(year, month, 3);
  return (
    [0, 1, 2].map((years) => ofYear(now.getUTCFullYear() - years)).find(({ to }) => to <= now) ??
    ofYear(now.getUTCFullYear() - 1)
  );
}
