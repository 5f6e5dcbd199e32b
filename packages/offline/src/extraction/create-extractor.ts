import type { ExtractedFact, ExtractionRequest, Extractor } from "@engram/memory";
import { stem } from "../stem.ts";
import { normalize, wordsOf } from "../words.ts";
import { entitiesOf, importanceOf, occurredOn, takesPlaceOf, typeOf } from "./classify.ts";
import { statementsOf, type Statement } from "./statements.ts";

/** Of one turn: a person who says more of themselves at once is pasting a document. */
const STATEMENTS_MAX = 20;
const VERSION = "rules-2";

/**
 * Extraction without a model: the user's own plain statements as they were said, in Russian and English. What the assistant
 * says is left out (no rule tells a promise from a phrase), and so is what has to be understood to be found. Notes are kept as
 * they stand: no rule tells what of them should last, and what is left out of them would be lost.
 */
export function createOfflineExtractor(): Extractor {
  return {
    model: "offline-rules",
    offline: true,
    extract: (request) =>
      Promise.resolve({
        facts: request.turns
          .filter((turn) => turn.role === "user")
          .flatMap((turn) =>
            (request.wishes.areNotes === true
              ? [asItStands(turn)]
              : statementsOf(turn.content).slice(0, STATEMENTS_MAX)
            )
              .filter((statement) => isWished(statement.text, request))
              .map((statement) => toFact(statement, turn, request)),
          ),
        promptVersion: VERSION,
      }),
  };
}

function asItStands({ content }: ExtractionRequest["turns"][number]): Statement {
  return { text: content, isWanted: false };
}

function toFact(
  { text, isWanted }: Statement,
  { number, saidAt }: ExtractionRequest["turns"][number],
  { known }: ExtractionRequest,
): ExtractedFact {
  const occurredAt = occurredOn(text, saidAt);
  const type = typeOf(text, occurredAt);
  const same = known.find((memory) => fold(memory.content) === fold(text));
  const replaced = known.filter((memory) => takesPlaceOf(memory.content, text)).map((memory) => memory.number);
  return {
    content: text,
    type,
    importance: importanceOf(text, { type, isWanted }),
    entities: entitiesOf(text),
    occurredAt,
    from: [number],
    relation:
      same !== undefined
        ? { kind: "same", known: same.number }
        : replaced.length > 0
          ? { kind: "replaces", known: replaced }
          : { kind: "new" },
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
