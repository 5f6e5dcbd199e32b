import { fingerprintOf } from "./fingerprint.ts";
import type { Ranked } from "./fuse.ts";
import { isUuid } from "./ids.ts";
import type { Memory } from "./memory.ts";
import type { CosineScale, MemoryStore, TextHits, TextTerm, VectorHit } from "./ports/index.ts";
import type { SearchRequest } from "./search-request.ts";

/** So many of what is not in the answer are explained. */
const DROPPED_MAX = 20;

/** What one arm says of a memory. */
export interface ArmPart {
  /** 1: the best of this arm. Null: this arm did not find it. */
  readonly rank: number | null;
  /** The cosine, or the lexical score of 0..1 (`lexicalScores`); null: not found. */
  readonly raw: number | null;
  /** What that is worth: 1 is a right answer, 0 nothing, less than 0 speaks against it. */
  readonly evidence: number;
}

export interface Parts {
  readonly vector: ArmPart;
  readonly text: ArmPart;
}

export type DropReason = "below_threshold" | "same_text" | "beyond_limit";

/** Why a search answered as it did. */
export interface Explanation {
  /** What was looked for in the words of memories. */
  readonly terms: readonly TextTerm[];
  /** Candidates of each arm; null: the arm did not answer. */
  readonly candidates: { readonly text: number; readonly vectors: number | null };
  readonly calibration: CosineScale | null;
  /** Of each memory in the answer, by id. */
  readonly parts: ReadonlyMap<string, Parts>;
  /** The best of those that the caller sees and the answer has not. */
  readonly dropped: readonly {
    readonly id: string;
    readonly score: number;
    readonly reason: DropReason;
    readonly parts: Parts;
  }[];
  /** Candidates, of those looked at, that are gone or not the caller's to see. */
  readonly unseen: number;
  /** Vectors, of those looked at, that were made of another version of their memory. */
  readonly stale: number;
}

export interface Ranking {
  /** All candidates, best first. */
  readonly fused: readonly Ranked[];
  /** Ids of the answer. */
  readonly answered: ReadonlySet<string>;
  /** Joined rows, and candidates that have none. */
  readonly rows: ReadonlyMap<string, Memory>;
  readonly gone: ReadonlySet<string>;
  /** As the index gave them, and those of them that stand. */
  readonly vectorHits: readonly VectorHit[] | undefined;
  readonly standing: readonly VectorHit[] | undefined;
  readonly text: TextHits;
  readonly scale: CosineScale | null;
}

/** Joins the best of what is not in the answer as well, so that nothing is told of what the caller may not see. */
export async function explain(
  store: Pick<MemoryStore, "findMemories">,
  { filter, threshold }: Pick<SearchRequest, "filter" | "threshold">,
  ranking: Ranking,
): Promise<Explanation> {
  const partsOf = partsIn(ranking);
  const { fused, answered, gone } = ranking;
  const others = fused.filter(({ id }) => !answered.has(id) && !gone.has(id)).slice(0, DROPPED_MAX);
  const unknown = others.map(({ id }) => id).filter((id) => !ranking.rows.has(id) && isUuid(id));
  const rows = new Map(ranking.rows);
  if (unknown.length > 0) for (const row of await store.findMemories(unknown, filter)) rows.set(row.id, row);

  const said = new Set([...answered].flatMap((id) => rows.get(id) ?? []).map(fingerprintOf));
  const dropped = others.flatMap((one) => {
    const memory = rows.get(one.id);
    if (memory === undefined) return [];
    const reason: DropReason =
      one.score < threshold ? "below_threshold" : said.has(fingerprintOf(memory)) ? "same_text" : "beyond_limit";
    return [{ id: one.id, score: one.score, reason, parts: partsOf(one) }];
  });
  return {
    terms: ranking.text.terms,
    candidates: { text: ranking.text.hits.length, vectors: ranking.vectorHits?.length ?? null },
    calibration: ranking.scale,
    parts: new Map(fused.filter(({ id }) => answered.has(id)).map((one) => [one.id, partsOf(one)])),
    dropped,
    unseen: gone.size + others.length - dropped.length,
    stale: (ranking.vectorHits ?? []).filter(({ id, version }) => (rows.get(id)?.version ?? version) !== version)
      .length,
  };
}

/** The explanation of an answer that these of its memories, best first, had to leave for something else that was found. */
export function withDisplaced(
  explanation: Explanation,
  displaced: readonly { readonly id: string; readonly score: number }[],
): Explanation {
  const parts = new Map(explanation.parts);
  const left = displaced.flatMap(({ id, score }) => {
    const own = parts.get(id);
    parts.delete(id);
    return own === undefined ? [] : [{ id, score, reason: "beyond_limit" as const, parts: own }];
  });
  const dropped = [...left, ...explanation.dropped].toSorted((one, other) => other.score - one.score);
  return { ...explanation, parts, dropped: dropped.slice(0, DROPPED_MAX) };
}

function partsIn({ standing, fused }: Pick<Ranking, "standing" | "fused">): (one: Ranked) => Parts {
  const byCosine = (standing ?? [])
    .toSorted((left, right) => right.cosine - left.cosine || (left.id < right.id ? -1 : 1))
    .map(({ id }) => id);
  const byText = fused
    .filter((one) => one.lexical !== undefined)
    .toSorted((left, right) => (right.lexical ?? 0) - (left.lexical ?? 0))
    .map(({ id }) => id);
  const [vectorRanks, textRanks] = [byCosine, byText].map((ids) => new Map(ids.map((id, at) => [id, at + 1])));
  return ({ id, cosine, lexical, vectorEvidence, textEvidence }) => ({
    vector: { rank: vectorRanks?.get(id) ?? null, raw: cosine ?? null, evidence: vectorEvidence },
    text: { rank: textRanks?.get(id) ?? null, raw: lexical ?? null, evidence: textEvidence },
  });
}
