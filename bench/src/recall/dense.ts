/** What the vectors alone find: cosines of the embedder itself, no service. */
import type { Dialogue } from "./yardstick.ts";

const TEXTS_PER_CALL = 256;
const KEPT = 50;

/** Of each question, by its qid, the dia_ids nearest to it. */
export async function rankDense(
  embeddingsUrl: string,
  model: string,
  dialogues: readonly Dialogue[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const ranked = new Map<string, readonly string[]>();
  for (const { memories, questions } of dialogues) {
    const vectors = await embed(embeddingsUrl, model, [
      ...memories.map((memory) => memory.content),
      ...questions.map((question) => question.question),
    ]);
    questions.forEach(({ qid }, at) => {
      const asked = vectors[memories.length + at] ?? [];
      const near = memories.map(({ dia_id }, place) => ({ dia_id, cosine: dot(asked, vectors[place] ?? []) }));
      const best = near.toSorted((one, other) => other.cosine - one.cosine).slice(0, KEPT);
      ranked.set(
        qid,
        best.map(({ dia_id }) => dia_id),
      );
    });
  }
  return ranked;
}

/** The provider's vectors are of unit length. */
const dot = (one: readonly number[], other: readonly number[]): number =>
  one.reduce((sum, value, at) => sum + value * (other[at] ?? 0), 0);

async function embed(url: string, model: string, texts: readonly string[]): Promise<readonly (readonly number[])[]> {
  const vectors: (readonly number[])[] = [];
  for (let from = 0; from < texts.length; from += TEXTS_PER_CALL) {
    const answer = await fetch(`${url}/embeddings`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model, input: texts.slice(from, from + TEXTS_PER_CALL) }),
    });
    if (!answer.ok) throw new Error(`${url}/embeddings: ${answer.status} ${await answer.text()}`);
    const { data } = (await answer.json()) as { data: { embedding: number[] }[] };
    vectors.push(...data.map((one) => one.embedding));
  }
  return vectors;
}
