import { describe, expect, test } from "@jest/globals";
import { cosineOf, type Embedder, type Vector } from "@engram/memory";

const signal = new AbortController().signal;
const norm = (vector: Vector): number => Math.hypot(...Array.from(vector));
const cosine = (a: Vector = [], b: Vector = []): number => cosineOf(a, b);

/** What every embedder has to do, whichever it is. */
export function embedderContract(name: string, create: () => Embedder): void {
  describe(`embedder contract: ${name}`, () => {
    test("vectors come in the order of the texts, of one size and of unit length", async () => {
      const texts = ["Пользователь живёт в Казани", "User works as a teacher", "Пользователь живёт в Казани"];
      const { vectors } = await create().embed(texts, signal);
      expect(vectors).toHaveLength(3);
      expect(new Set(vectors.map((vector) => vector.length)).size).toBe(1);
      for (const vector of vectors) expect(norm(vector)).toBeCloseTo(1, 4);
      expect(cosine(vectors[0], vectors[2])).toBeCloseTo(1, 4);
      expect(cosine(vectors[0], vectors[1])).toBeLessThan(0.9);
    });

    test("a text that shares words is nearer than one that shares none", async () => {
      const { vectors } = await create().embed(
        ["Где живёт пользователь?", "Пользователь живёт в Казани", "Совсем другая история о погоде"],
        signal,
      );
      expect(cosine(vectors[0], vectors[1])).toBeGreaterThan(cosine(vectors[0], vectors[2]));
    });

    test("any text has a vector: a sign, a word of another script, 64 KiB", async () => {
      const { vectors } = await create().embed(["!", "東京", "и", "слово ".repeat(5_900)], signal);
      for (const vector of vectors) expect(norm(vector)).toBeCloseTo(1, 4);
    });

    test("no texts, no vectors", async () => {
      expect((await create().embed([], signal)).vectors).toEqual([]);
    });
  });
}
