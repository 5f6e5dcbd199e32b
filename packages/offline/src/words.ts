/** One word of a text, ready for features. */
export interface Word {
  readonly text: string;
  /** `code`: holds a digit or is a compound such as `node.js`, and is matched whole. `ideograms`: written without spaces. */
  readonly kind: "word" | "code" | "ideograms";
}

// Letters and digits, joined by the marks that stand inside names, versions, addresses and paths; `c++`, `c#`.
const CHUNK = /[\p{L}\p{M}\p{N}]+(?:[._:/@'’-][\p{L}\p{M}\p{N}]+)*[+#]*/gu;
const PARTS = /[\p{L}\p{M}\p{N}]+/gu;
const POSSESSIVE = /['’]s$/u;
const IDEOGRAMS = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]+/gu;
const DIGIT = /\p{N}/u;

/** One spelling for what is read alike: NFKC, lower case, ё as е. */
export const normalize = (text: string): string => text.normalize("NFKC").toLowerCase().replaceAll("ё", "е");

/** The words of a normalised text in their order; a compound gives itself and its parts. */
export function* wordsOf(normalized: string): Generator<Word> {
  for (const [chunk] of normalized.matchAll(CHUNK)) {
    const whole = chunk.replace(POSSESSIVE, "");
    const parts = whole.match(PARTS) ?? [];
    const [only] = parts;
    if (parts.length !== 1 || only !== whole) yield { text: whole, kind: "code" };
    for (const part of parts) yield* splitIdeograms(part);
  }
}

function* splitIdeograms(part: string): Generator<Word> {
  let end = 0;
  for (const match of part.matchAll(IDEOGRAMS)) {
    if (match.index > end) yield plain(part.slice(end, match.index));
    yield { text: match[0], kind: "ideograms" };
    end = match.index + match[0].length;
  }
  if (end < part.length) yield plain(part.slice(end));
}

const plain = (text: string): Word => ({ text, kind: DIGIT.test(text) ? "code" : "word" });
