import type { Random } from "./random.ts";

/** In every phrase, so that a search for it has more hits than it may return. */
export const COMMON_WORD = "пользователь";

const SAYINGS = [
  "любит кофе с молоком",
  "не ест мясо по пятницам",
  "просит отвечать коротко",
  "works late on Thursdays",
  "prefers the dark theme",
  "едет в Казань весной",
  "учит испанский язык",
  "keeps notes about sailing",
  "переносит встречи на вечер",
  "слушает джаз за работой",
];

/** A short statement in which `word` stands, and nowhere else. */
export function phrase(random: Random, word: string): string {
  return `${COMMON_WORD} ${random.pick(SAYINGS)} ${word}`;
}

/** The word that tells a phrase from all others. */
export function wordOf(content: string): string {
  return content.split(" ").at(-1) ?? "";
}

/** All but its own word. */
export function sayingOf(content: string): string {
  return content.split(" ").slice(0, -1).join(" ");
}
