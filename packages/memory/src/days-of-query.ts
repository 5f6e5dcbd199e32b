import { DATES, PARTS_OF_DATES } from "./date-phrases.ts";
import type { Groups } from "./day-phrase.ts";
import { daysInUtc } from "./day-span.ts";
import type { DayTerm } from "./ports/index.ts";
import { RELATIVE_DAYS } from "./relative-phrases.ts";

/** A query of more words than this names days in its beginning, if at all. */
const LENGTH_MAX = 2_000;

/** From the most telling to the least; what one has read, the next does not see. */
const PHRASES = [...DATES, ...RELATIVE_DAYS, ...PARTS_OF_DATES];

/**
 * The days that a question names, each with the words that name it: dates, months and years, and phrases such as "last
 * week" or "в прошлом году" as they are meant at `time` by a clock that is `offsetMinutes` ahead of UTC. The parts of a date are days of their own, so that a
 * memory of the right month is nearer than one of none (retrieval.md 4: date words +1.9 recall@10, against +1.0 of an exact
 * match).
 */
export function daysOfQuery(query: string, time: Date, offsetMinutes = 0): readonly DayTerm[] {
  const now = new Date(time.getTime() + offsetMinutes * 60_000);
  let rest = query.slice(0, LENGTH_MAX).toLowerCase().replaceAll("ё", "е");
  const days: DayTerm[] = [];
  const missing = new Set<RegExp>();
  for (const { needs, pattern, read } of PHRASES) {
    if (needs !== undefined && (missing.has(needs) || !needs.test(rest))) {
      missing.add(needs);
      continue;
    }
    rest = rest.replace(pattern, (words: string, ...found: unknown[]) => {
      const groups = found.at(-1);
      const terms = read(typeof groups === "object" && groups !== null ? (groups as Groups) : {}, now, words);
      days.push(...terms);
      return terms.length === 0 ? words : " ".repeat(words.length);
    });
  }
  return days.map(({ words, lexemes }) => ({ words, lexemes: daysInUtc(lexemes, offsetMinutes) }));
}
