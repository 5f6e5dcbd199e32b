import { lexemesOfSpan, type DaySpan } from "./day-span.ts";
import type { DayTerm } from "./ports/index.ts";

export type Groups = Readonly<Record<string, string | undefined>>;

/** A way to name days, and what is meant by it on the day of `now`, whose calendar is read in UTC. */
export interface Phrase {
  /** What stands in all that the pattern finds, alone or in a word; it is sooner looked for. Absent: nothing of the kind. */
  readonly needs?: RegExp;
  readonly pattern: RegExp;
  /** Empty: it is no day after all, and another phrase may have the words. */
  readonly read: (groups: Groups, now: Date, words: string) => readonly DayTerm[];
}

/** Words and figures that stand alone: no part of a code, a version, a price or an address (`\b` knows no Cyrillic). */
export const phrase = (source: string, read: Phrase["read"]): Phrase => ({
  pattern: new RegExp(`(?<![\\p{L}\\p{N}@.$€£₽#№_-]|\\d,)(?:${source})(?![\\p{L}\\p{N}_]|-\\d)`, "gu"),
  read,
});

/** Of several spans any is meant. */
export const spans = (source: string, read: (groups: Groups, now: Date) => readonly DaySpan[]): Phrase =>
  phrase(source, (groups, now, words) => [
    { words, lexemes: [...new Set(read(groups, now).flatMap((span) => lexemesOfSpan(span)))] },
  ]);

export const span = (source: string, read: (groups: Groups, now: Date) => DaySpan): Phrase =>
  spans(source, (groups, now) => [read(groups, now)]);

/** Phrases with something in common that most questions have not. */
export function needing(source: string, phrases: readonly Phrase[]): readonly Phrase[] {
  const needs = new RegExp(source, "u");
  return phrases.map((one) => ({ ...one, needs }));
}
