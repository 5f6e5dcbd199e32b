import type { DayTerm, TextTerm } from "./ports/index.ts";

/**
 * What a question asks for, one thing each: its lexemes, and its days, each with the lexemes of the words that name it, so
 * that a date is asked for once, whether a memory says it or was of that day. `alike` are groups of lexemes that are one
 * word, `dayWords` the lexemes of each day's words.
 */
export function groupTerms(
  { lexemes, alike }: { readonly lexemes: readonly string[]; readonly alike: readonly (readonly string[])[] },
  days: readonly DayTerm[],
  dayWords: readonly (readonly string[])[],
): readonly TextTerm[] {
  const free = new Set(lexemes);
  const dayTerms = days.map((day, at): TextTerm => {
    const own = (dayWords[at] ?? []).filter((lexeme) => free.delete(lexeme));
    return { lexemes: [...own, ...day.lexemes], isDay: true };
  });
  const words = alike
    .map((group) => group.filter((lexeme) => free.delete(lexeme)))
    .filter((group) => group.length > 0)
    .map((group): TextTerm => ({ lexemes: group, isDay: false }));
  return [...words, ...Array.from(free, (lexeme): TextTerm => ({ lexemes: [lexeme], isDay: false })), ...dayTerms];
}
