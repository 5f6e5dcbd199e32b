import { randomUUID } from "node:crypto";
import { hashText } from "./hash-text.ts";
import type { Memory } from "./memory.ts";

/** What is taken out of a text and what is left of it. `needs` is cheap to look for, and without it nothing is found. */
interface Rule {
  readonly needs: RegExp;
  readonly pattern: RegExp;
  readonly left: string;
}

/** NFKC would make 102 of 10². */
const SUPERSCRIPT: Rule = { needs: /[²³¹⁰⁴-⁹]/, pattern: /(?<=[\p{L}\p{N}])[²³¹⁰⁴-⁹]/gu, left: "^$&" };

/** An article of running text: before a word, and small unless a sentence begins with it. "Vitamin A" and "flat 5 A" have none. */
const ARTICLE: Rule = {
  needs: /(?:an?|the)\s/i,
  pattern: /(?<![\p{L}\p{N}])(?:an?|the|(?<=^|[.!?]\s+)(?:An?|The))\s+(?=\p{Script=Latin}{2})/gu,
  left: "",
};

/**
 * Marks that say nothing where they stand, these and then the following in their order. A mark that touches a digit may be
 * part of a number, and one that stands alone may be all that is said (":)", ":("): those stay.
 */
const CLAUSE_END: Rule = {
  needs: /[.,:;!?。、]/,
  pattern: /(?<=[^\s.,:;!?。、])[.,:;!?。、]+(?=[\s"»”)\]*`']|$)/gu,
  left: " ",
};
const SILENT: readonly Rule[] = [
  { needs: /[‘’]/, pattern: /[‘’]/gu, left: "'" },
  {
    needs: /["«»“”„`']/,
    pattern: /(?<!\d)["«»“”„`](?!\d)|(?<![\p{L}\d])'(?=\p{L})|(?<=\p{L})'(?!\p{L})/gu,
    left: " ",
  },
  // Pairs around words.
  {
    needs: /[([]/,
    pattern: /(?<![\p{L}\p{N}])[([](?=\p{L})([^()[\]]*\p{L})\s*[)\]](?![\p{L}\p{N}])/gu,
    left: " $1 ",
  },
  {
    needs: /\*/,
    pattern: /(?<![\p{L}\p{N}*])(\*{1,3})(?=\p{L})([^*]*\p{L})\s*\1(?![\p{L}\p{N}*])/gu,
    left: " $2 ",
  },
  // A dash between words; any other is a minus or joins what is beside it.
  { needs: /[—–]/, pattern: /(?<=[^\d\s]\s+)[—–](?=\s)/gu, left: " " },
  { needs: /[—–‐‑‒−]/, pattern: /[—–‐‑‒−]/gu, left: "-" },
];

/** Without one of these none of `SILENT` finds anything. */
const ANY_SILENT = /["«»“”„`'‘’([*—–‐‑‒−]/;
/** NFKC leaves it as it is, and it has no ё. */
const ASCII = /^\p{ASCII}*$/u;

/** The patterns look behind at every character, and a search makes a dozen fingerprints: most texts need one or two. */
const apply = (text: string, { needs, pattern, left }: Rule): string =>
  needs.test(text) ? text.replaceAll(pattern, left) : text;

/**
 * Equal for memories of one user that say the same in the same words: case, white space, width, marks between clauses and
 * words, ё and English articles aside. No more than that: one word else, a "not", a number, a sign or another order may be
 * another memory. It is made where memories are compared, and stored in no database.
 */
export function fingerprintOf({ userId, content }: Pick<Memory, "userId" | "content">): string {
  const isAscii = ASCII.test(content);
  const words = apply(isAscii ? content : apply(content, SUPERSCRIPT).normalize("NFKC"), ARTICLE).toLowerCase();
  const text = apply(isAscii ? words : words.replaceAll("ё", "е"), CLAUSE_END);
  const said = (ANY_SILENT.test(text) ? SILENT.reduce(apply, text) : text).replaceAll(/\s{2,}|[^\S ]/gu, " ").trim();
  // Nothing but marks: only equal texts are equal.
  return `${userId?.length ?? "nobody"} ${userId ?? ""}${said === "" ? content : said}`;
}

/** Another one in each process, so that nobody can think up two memories that have one hash. */
const SALT = randomUUID();

/** A number that stands for it in this process. */
export const hashFingerprint = (memory: Pick<Memory, "userId" | "content">): number =>
  hashText(SALT + fingerprintOf(memory));
