import { monthSpan, startOfDay, yearSpan, type DaySpan } from "./day-span.ts";
import { monthOf, seasonStart, unitOf, weekdayOf } from "./day-words.ts";

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

const weekendSpan = (now: Date, weeks: number): DaySpan => {
  const monday = startOfDay(mondayOf(now), 7 * weeks);
  return { from: startOfDay(monday, 5), to: startOfDay(monday, 7) };
};
const isWeekend = (now: Date): boolean => sinceMonday(now) >= 5;

/** The next weekend is the coming one, or the one of the next week: either may be meant. */
export function weekendsNear(now: Date, step: number): readonly DaySpan[] {
  return (step === 1 && !isWeekend(now) ? [0, 1] : [step]).map((weeks) => weekendSpan(now, weeks));
}

/** "The weekend": the present one, else the last or the coming one. */
export function weekendsAbout(now: Date): readonly DaySpan[] {
  return (isWeekend(now) ? [0] : [-1, 0]).map((weeks) => weekendSpan(now, weeks));
}

/**
 * The last such weekday lies before today. Of this week's one that is over the coming one may be meant as well, and the next
 * one is the coming one, or the one of the next week.
 */
export function weekdaysNear(word: string, now: Date, step: number): readonly DaySpan[] {
  const ahead = weekdayOf(word) - sinceMonday(now);
  const [last, coming] = [ahead < 0 ? ahead : ahead - 7, ahead > 0 ? ahead : ahead + 7];
  const days =
    step < 0 ? [last + 7 * (step + 1)] : step > 0 ? [coming, ahead + 7] : ahead < 0 ? [ahead, coming] : [ahead];
  return [...new Set(days)].map((day) => daySpan(now, day));
}

/** A winter is named by the year that it begins in, or ends in: either may be meant. */
export function seasonSpans(word: string, year: number): readonly DaySpan[] {
  const month = seasonStart(word);
  return (month === 12 ? [year - 1, year] : [year]).map((start) => monthSpan(start, month, 3));
}

/** The season of that name: this year's, for a winter the nearest one, or how many before or after now. */
export function seasonNear(word: string, now: Date, step: number): DaySpan {
  const month = seasonStart(word);
  const isPassed = month === 12 && now.getUTCMonth() + 1 < 9;
  return annualSpan({ month, months: 3, present: now.getUTCFullYear() - (isPassed ? 1 : 0) }, now, step);
}

/** The month of that name: this year's, or how many before or after now. */
export function monthNear(word: string, now: Date, step: number): DaySpan {
  return annualSpan({ month: monthOf(word), months: 1, present: now.getUTCFullYear() }, now, step);
}

function annualSpan(
  { month, months, present }: { readonly month: number; readonly months: number; readonly present: number },
  now: Date,
  step: number,
): DaySpan {
  if (step === 0) return monthSpan(present, month, months);
  const year = now.getUTCFullYear();
  const spanOf = (start: number): DaySpan => monthSpan(start, month, months);
  // A winter ends in the year after the one that it begins in.
  const last = [year, year - 1].find((start) => spanOf(start).to <= now) ?? year - 2;
  const coming = spanOf(year).from > now ? year : year + 1;
  return spanOf(step < 0 ? last + step + 1 : coming + step - 1);
}
