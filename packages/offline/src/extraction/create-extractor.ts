import type { ExtractedFact, ExtractionRequest, Extractor } from "@engram/memory";
import { stem } from "../stem.ts";
import { normalize, wordsOf } from "../words.ts";
import { entitiesOf, importanceOf, occurredOn, takesPlaceOf, typeOf } from "./classify.ts";
import { statementsOf, type Statement } from "./statements.ts";

/** Of one turn: a person who says more of themselves at once is pasting a document. */
const STATEMENTS_MAX = 20;
const VERSION = "rules-3";

/**
 * Extraction without a model: the user's own plain statements as they were said, in Russian and English. What the assistant
 * says is left out (no rule tells a promise from a phrase), and so is what has to be understood to be found. Notes are kept as
 * they stand: no rule tells what of them should last, and what is left out of them would be lost.
 */
export function createOfflineExtractor(): Extractor {
  return {
    model: "offline-rules",
    offline: true,
    extract: (request) => Promise.resolve({ facts: factsOf(request), promptVersion: VERSION }),
  };
}

/** What stands at a moment of the talk: a known memory, or a fact before by its place. */
interface Standing {
  readonly content: string;
  readonly as: { readonly known: number } | { readonly earlier: number };
}

function factsOf(request: ExtractionRequest): readonly ExtractedFact[] {
  const facts: ExtractedFact[] = [];
  let standing: readonly Standing[] = request.known.map(({ number, content }) => ({ content, as: { known: number } }));
  for (const turn of request.turns.filter(({ role }) => role === "user"))
    for (const statement of request.wishes.areNotes === true ? [asItStands(turn)] : statementsIn(turn)) {
      const { text } = statement;
      if (!isWished(text, request)) continue;
      const same = standing.find(({ content }) => fold(content) === fold(text));
      const replaced = same === undefined ? standing.filter(({ content }) => takesPlaceOf(content, text)) : [];
      const place = facts.push({ ...toFact(statement, turn), relation: relationOf(same, replaced) });
      if (same === undefined)
        standing = [...standing.filter((one) => !replaced.includes(one)), { content: text, as: { earlier: place } }];
    }
  return facts;
}

function statementsIn({ content }: ExtractionRequest["turns"][number]): readonly Statement[] {
  return statementsOf(content).slice(0, STATEMENTS_MAX);
}

function asItStands({ content }: ExtractionRequest["turns"][number]): Statement {
  return { text: content, isWanted: false };
}

function relationOf(same: Standing | undefined, replaced: readonly Standing[]): ExtractedFact["relation"] {
  if (same !== undefined) return { kind: "same", ...same.as };
  if (replaced.length === 0) return { kind: "new" };
  const known = replaced.flatMap(({ as }) => ("known" in as ? [as.known] : []));
  const earlier = replaced.flatMap(({ as }) => ("earlier" in as ? [as.earlier] : []));
  return { kind: "replaces", known, ...(earlier.length === 0 ? {} : { earlier }) };
}

function toFact(
  { text, isWanted }: Statement,
  { number, saidAt }: ExtractionRequest["turns"][number],
): Omit<ExtractedFact, "relation"> {
  const occurredAt = occurredOn(text, saidAt);
  const type = typeOf(text, occurredAt);
  return {
    content: text,
    type,
    importance: importanceOf(text, { type, isWanted }),
    entities: entitiesOf(text),
    occurredAt,
    from: [number],
  };
}

/** Equal but for case and punctuation. */
function fold(text: string): string {
  return words(text).join(" ");
}

/** Wishes are taken by their words: rules do not understand a sentence about what to look for. */
function isWished(text: string, { wishes: { includes, excludes } }: ExtractionRequest): boolean {
  const stems = new Set(words(text).map(stem));
  const shares = (wish: string): boolean => words(wish).some((word) => word.length > 2 && stems.has(stem(word)));
  return (includes === null || shares(includes)) && (excludes === null || !shares(excludes));
}

function words(text: string): readonly string[] {
  return Array.from(wordsOf(normalize(text)), (word) => word.text);
}
