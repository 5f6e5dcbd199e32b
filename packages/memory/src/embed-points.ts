import { MemoryError, toMemoryError } from "./errors.ts";
import type { Embedder, IndexPoint, IndexPointWithVector } from "./ports.ts";

/** What became of some of the points: vectors, or why there are none. */
export type Embedded =
  | { readonly vectors: readonly IndexPointWithVector[] }
  | {
      readonly failed: readonly IndexPoint[];
      readonly error: MemoryError;
      /** True: the text was refused by itself, so that it alone is at fault. */
      readonly alone: boolean;
    };

/** No embedder has a reason to refuse it: where it is refused too, no text is at fault. */
const HARMLESS_TEXT = "memory";

/**
 * Embeds points in one call. Where the texts are refused as `invalid`, they are halved until each refused one stands by
 * itself, so that the others are not held up by it; vectors come as soon as they are there. Of 64 texts with one poison
 * among them that takes eleven calls in the mean.
 *
 * A fault of another kind is the embedder's and ends it: what is left fails with it. An embedder that refuses whatever it
 * is asked (a setting, an unpaid bill) is told from one that refuses a text, and is such a fault.
 */
export async function* embedPoints(
  embedder: Embedder,
  points: readonly IndexPoint[],
  signal: AbortSignal,
): AsyncGenerator<Embedded> {
  yield* new Bisection(embedder, signal).embed(points);
}

class Bisection {
  readonly #embedder: Embedder;
  readonly #signal: AbortSignal;
  /** Why nothing more is asked. */
  #fault: MemoryError | undefined;
  #refusals = 0;
  /** The embedder has taken a text, so it does not refuse all of them. */
  #takesTexts = false;

  constructor(embedder: Embedder, signal: AbortSignal) {
    this.#embedder = embedder;
    this.#signal = signal;
  }

  /** Returns whether all of them were embedded. */
  async *embed(points: readonly IndexPoint[]): AsyncGenerator<Embedded, boolean> {
    const { vectors, error } = await this.#ask(points);
    if (vectors !== undefined) {
      yield { vectors };
      return true;
    }
    const refused = error.code === "invalid";
    if (refused && points.length > 1) yield* this.#halve(points);
    else yield { failed: points, error, alone: refused };
    return false;
  }

  /** `points` are known to be refused together: where the first half is taken, the fault is in the second. */
  async *#halve(points: readonly IndexPoint[]): AsyncGenerator<Embedded> {
    const middle = Math.ceil(points.length / 2);
    const [first, second] = [points.slice(0, middle), points.slice(middle)];
    const isFirstTaken = yield* this.embed(first);
    if (isFirstTaken && second.length > 1) yield* this.#halve(second);
    else yield* this.embed(second);
  }

  async #ask(
    points: readonly IndexPoint[],
  ): Promise<{ vectors: readonly IndexPointWithVector[]; error?: never } | { vectors?: never; error: MemoryError }> {
    if (this.#fault !== undefined) return { error: this.#fault };
    try {
      const vectors = await this.#call(points);
      this.#takesTexts = true;
      return { vectors };
    } catch (thrown) {
      const error = toMemoryError(thrown);
      if (error.code !== "invalid") this.#fault = error;
      else if (!this.#takesTexts && (++this.#refusals > 1 || points.length === 1)) await this.#tryHarmless(error);
      return { error: this.#fault ?? error };
    }
  }

  async #call(points: readonly IndexPoint[]): Promise<readonly IndexPointWithVector[]> {
    if (this.#signal.aborted) throw new MemoryError("unavailable", "Not embedded before the deadline");
    const texts = points.map((point) => point.memory.content);
    const { vectors } = await this.#embedder.embed(texts, this.#signal);
    return points.map((point, i) => {
      const vector = vectors[i];
      if (vector === undefined) throw new MemoryError("unavailable", "The embedder gave too few vectors");
      return { ...point, vector };
    });
  }

  async #tryHarmless(refusal: MemoryError): Promise<void> {
    try {
      await this.#embedder.embed([HARMLESS_TEXT], this.#signal);
      this.#takesTexts = true;
    } catch (thrown) {
      const error = toMemoryError(thrown);
      this.#fault =
        error.code === "invalid"
          ? new MemoryError("unavailable", `No text is embedded: ${refusal.message}`, { cause: refusal })
          : error;
    }
  }
}
