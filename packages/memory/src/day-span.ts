/** A run of whole days of the calendar in UTC: from the first up to, but not with, the last. */
export interface DaySpan {
  readonly from: Date;
  readonly to: Date;
}

/** More days than a quarter has are named by no phrase that is not made of whole months. */
const DAYS_MAX = 100;

/** Midnight of a day; months from 1, and what overflows moves on, as JavaScript's dates do. */
export const dayOf = (year: number, month: number, day: number): Date => new Date(Date.UTC(year, month - 1, day));

/** Midnight of the day that an instant lies in, `days` later. */
export function startOfDay(time: Date, days = 0): Date {
  return dayOf(time.getUTCFullYear(), time.getUTCMonth() + 1, time.getUTCDate() + days);
}

export const yearSpan = (year: number): DaySpan => ({ from: dayOf(year, 1, 1), to: dayOf(year + 1, 1, 1) });

/** `months` months from the given one on; months from 1, and what overflows moves into other years. */
export const monthSpan = (year: number, month: number, months = 1): DaySpan => ({
  from: dayOf(year, month, 1),
  to: dayOf(year, month + months, 1),
});

const two = (number: number): string => String(number).padStart(2, "0");

/** The lexemes of a memory's date (engram.search_days in the migrations): year, month and day, the last two also without year. */
export const isDateLexeme = (lexeme: string): boolean => lexeme.startsWith("@");
export const yearLexeme = (year: number): string => `@${year}`;
export const monthLexeme = (year: number | undefined, month: number): string => `@${year ?? ""}-${two(month)}`;
export const dayLexeme = (year: number | undefined, month: number, day: number): string =>
  `${monthLexeme(year, month)}-${two(day)}`;

/** The fewest lexemes that every day of a span carries one of: whole years, whole months, days. */
export function lexemesOfSpan({ from, to }: DaySpan): readonly string[] {
  const lexemes: string[] = [];
  let at = from;
  while (at < to && lexemes.length < DAYS_MAX) {
    const [year, month, day] = [at.getUTCFullYear(), at.getUTCMonth() + 1, at.getUTCDate()];
    const [nextYear, nextMonth] = [dayOf(year + 1, 1, 1), dayOf(year, month + 1, 1)];
    if (month === 1 && day === 1 && nextYear <= to) {
      lexemes.push(yearLexeme(year));
      at = nextYear;
    } else if (day === 1 && nextMonth <= to) {
      lexemes.push(monthLexeme(year, month));
      at = nextMonth;
    } else {
      lexemes.push(dayLexeme(year, month, day));
      at = dayOf(year, month, day + 1);
    }
  }
  return lexemes;
}

/**
 * The days of UTC that the given days lie in, by a clock that is so many minutes ahead of it: beside each day the one before
 * it, or the one after it where the clock is behind. Months and years stay as they are: hours are little of them, and a single
 * day is so much rarer that it would outweigh them.
 */
export function daysInUtc(lexemes: readonly string[], offsetMinutes: number): readonly string[] {
  const known = new Set(lexemes);
  for (const lexeme of offsetMinutes === 0 ? [] : lexemes) {
    const [, year = "", month, day] = /^@(\d*)-(\d\d)-(\d\d)$/.exec(lexeme) ?? [];
    if (day === undefined) continue;
    const beside = dayOf(Number(year || COMMON_YEAR), Number(month), Number(day) - Math.sign(offsetMinutes));
    const ofYear = year === "" ? undefined : beside.getUTCFullYear();
    const [inMonth, inYear] = [monthLexeme(ofYear, beside.getUTCMonth() + 1), yearLexeme(beside.getUTCFullYear())];
    if (!known.has(inMonth) && !known.has(inYear))
      known.add(dayLexeme(ofYear, beside.getUTCMonth() + 1, beside.getUTCDate()));
  }
  return [...known];
}

/** A day of any year lies beside those that it lies beside in most years. */
const COMMON_YEAR = 2001;
