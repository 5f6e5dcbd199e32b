import type { Memory } from "./memory.ts";

/** An article of running text: before a word, and small unless a sentence begins with it. "Vitamin A" and "flat 5 A" have none. */
const ARTICLE = /(?<![\p{L}\p{N}])(?:an?|the|(?<=^|[.!?]\s+)(?:An?|The))\s+(?=\p{Script=Latin}{2})/gu;

/** NFKC would make 102 of 10². */
const SUPERSCRIPT = /(?<=[\p{L}\p{N}])[²³¹⁰⁴-⁹]/gu;

/**
 * Marks that say nothing where they stand, and what is left of them, in this order. A mark that touches a digit may be part of
 * a number, and one that stands alone may be all that is said (":)", ":("): those stay.
 */
const SILENT: readonly (readonly [marks: RegExp, left: string])[] = [
  // At the end of a clause.
  [/(?<=[^\s.,:;!?。、])[.,:;!?。、]+(?=[\s"»”)\]*`']|$)/gu, " "],
  [/[‘’]/gu, "'"],
  [/(?<!\d)["«»“”„`](?!\d)|(?<![\p{L}\d])'(?=\p{L})|(?<=\p{L})'(?!\p{L})/gu, " "],
  // Pairs around words.
  [/(?<![\p{L}\p{N}])[([](?=\p{L})([^()[\]]*\p{L})\s*[)\]](?![\p{L}\p{N}])/gu, " $1 "],
  [/(?<![\p{L}\p{N}*])(\*{1,3})(?=\p{L})([^*]*\p{L})\s*\1(?![\p{L}\p{N}*])/gu, " $2 "],
  // A dash between words; any other is a minus or joins what is beside it.
  [/(?<=[^\d\s]\s+)[—–](?=\s)/gu, " "],
  [/[—–‐‑‒−]/gu, "-"],
];

/**
 * Equal for memories of one user that say the same in the same words: case, white space, width, marks between clauses and
 * words, ё and English articles aside. No more than that: one word else, a "not", a number, a sign or another order may be
 * another memory. It is made anew wherever memories are compared, and stored nowhere.
 */
export function fingerprintOf({ userId, content }: Pick<Memory, "userId" | "content">): string {
  const words = content.replaceAll(SUPERSCRIPT, "^$&").normalize("NFKC").replaceAll(ARTICLE, "");
  const text = SILENT.reduce(
    (rest, [marks, left]) => rest.replaceAll(marks, left),
    words.toLowerCase().replaceAll("ё", "е"),
  );
  const said = text.replaceAll(/\s{2,}|[^\S ]/gu, " ").trim();
  // Nothing but marks: only equal texts are equal.
  return JSON.stringify([userId, said === "" ? content : said]);
}
