/** Is the evidence among the first k? Binary relevance, as the yardstick's own scorer has it. */
import { CATEGORIES, type Category, type Question } from "./yardstick.ts";

const KEPT = 50;
const NDCG_AT = 10;

export interface Scores {
  readonly questions: number;
  readonly recall5: number;
  readonly recall10: number;
  readonly recall20: number;
  readonly mrr: number;
  readonly ndcg10: number;
}

/** In percent: over the questions of all categories but the adversarial ones, and for each category. */
export interface Result {
  readonly overall: Scores;
  readonly byCategory: Readonly<Record<Category, Scores>>;
}

/** `ranked`: of each question, by its qid, the dia_ids of what was found, best first. */
export function scoreAll(questions: readonly Question[], ranked: ReadonlyMap<string, readonly string[]>): Result {
  const each = questions.map((question) => ({
    category: question.category,
    scores: scoreOne(ranked.get(question.qid) ?? [], question.evidence),
  }));
  const meanOf = (categories: readonly Category[]): Scores =>
    mean(each.filter((one) => categories.includes(one.category)).map((one) => one.scores));
  return {
    overall: meanOf(CATEGORIES.filter((category) => category !== "adversarial")),
    byCategory: Object.fromEntries(CATEGORIES.map((category) => [category, meanOf([category])])) as Record<
      Category,
      Scores
    >,
  };
}

/** What was found first counts; a statement covers every turn that it was drawn from. */
function scoreOne(ranked: readonly string[], evidence: readonly string[]): Omit<Scores, "questions"> {
  const wanted = new Set(evidence);
  const found = new Set<string>();
  const steps = [...new Set(ranked)].slice(0, KEPT).map((id) => {
    const fresh = (id.split("=").at(-1) ?? id).split(",").filter((turn) => wanted.has(turn) && !found.has(turn));
    fresh.forEach((turn) => found.add(turn));
    return { isNew: fresh.length > 0, found: found.size };
  });
  const recall = (k: number): number => (steps[Math.min(k, steps.length) - 1]?.found ?? 0) / wanted.size;
  const first = steps.findIndex((step) => step.isNew);
  const gain = (isHit: (place: number) => boolean): number =>
    Array.from({ length: NDCG_AT }, (_, place) => (isHit(place) ? 1 / Math.log2(place + 2) : 0)).reduce(
      (a, b) => a + b,
    );
  return {
    recall5: recall(5),
    recall10: recall(10),
    recall20: recall(20),
    mrr: first < 0 ? 0 : 1 / (first + 1),
    ndcg10: gain((place) => steps[place]?.isNew ?? false) / gain((place) => place < wanted.size),
  };
}

function mean(rows: readonly Omit<Scores, "questions">[]): Scores {
  const of = (key: keyof Omit<Scores, "questions">): number =>
    (100 * rows.reduce((sum, row) => sum + row[key], 0)) / Math.max(1, rows.length);
  return {
    questions: rows.length,
    recall5: of("recall5"),
    recall10: of("recall10"),
    recall20: of("recall20"),
    mrr: of("mrr"),
    ndcg10: of("ndcg10"),
  };
}
