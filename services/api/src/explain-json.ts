import { formatMemoryId, TEXT_OF_RIGHT, type ArmPart, type Explanation, type Found, type Parts } from "@engram/memory";

/** What both arms say of one memory in the answer; undefined: it is there for its age alone. */
export function partsJson(one: Found, explanation: Explanation | undefined) {
  if (one.kind === "message")
    return {
      vector: null,
      text: { rank: null, score: round(one.lexical), evidence: round(one.lexical / TEXT_OF_RIGHT) },
    };
  const parts = explanation?.parts.get(one.memory.id);
  return parts === undefined ? undefined : toJson(parts);
}

/** The whole of a search; its shape is told in docs/search.md. */
export function explanationJson({ terms, candidates, calibration, dropped, unseen, stale }: Explanation) {
  return {
    terms: terms.map((term) => term.lexemes),
    candidates,
    calibration,
    dropped: dropped.map(({ id, score, reason, parts }) => ({
      id: formatMemoryId(id),
      relevance_score: round(score),
      reason,
      ...toJson(parts),
    })),
    unseen,
    stale,
  };
}

function toJson({ vector, text }: Parts) {
  return {
    vector: { rank: vector.rank, cosine: rawOf(vector), evidence: round(vector.evidence) },
    text: { rank: text.rank, score: rawOf(text), evidence: round(text.evidence) },
  };
}

const rawOf = ({ raw }: ArmPart): number | null => (raw === null ? null : round(raw));
const round = (value: number): number => Math.round(value * 1e4) / 1e4;
