import type { Memory } from "./memory.ts";

/** Marks that say nothing: quotes, brackets, dashes, and points and colons that stand in no number. */
const SILENT = /(?<!\d)[.,:]|[.,:](?!\d)|[!?;«»"“”„‘’()[\]…—–*`]/gu;
const ARTICLES: ReadonlySet<string> = new Set(["a", "an", "the"]);

/**
 * Equal for memories of one user that say the same in the same words: case, white space, punctuation, ё and English
 * articles aside. No more than that: one word else, a "not", a number or another order may be another memory.
 */
export function fingerprintOf({ userId, content }: Pick<Memory, "userId" | "content">): string {
  const text = content.normalize("NFKC").toLowerCase().replaceAll("ё", "е").replace(SILENT, " ");
  const words = text.split(/\s+/u).filter((word) => word !== "" && !ARTICLES.has(word));
  // Nothing but marks: only equal texts are equal.
  return JSON.stringify([userId, words.length === 0 ? content : words.join(" ")]);
}
