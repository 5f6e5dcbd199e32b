import { MemoryError, toMemoryError } from "./errors.ts";
import type { Embedder, IndexPoint, IndexPointWithVector } from "./ports/index.ts";

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

export interface EmbedLimits {
  /** No call outlives it. */
  readonly deadline: AbortSignal;
  /** Once it fires, no further call is made. */
  readonly stop: AbortSignal;
}

/**
 * Embeds points in one call. Where the texts are refused as `invalid`, they are halved until each refused one stands by
 * itself, so that the others are not held up by it; vectors come as soon as they are there. Of 64 texts with one poison
 * among them that takes eleven calls in the mean.
 *
 * A fault of another kind is the embedder's and ends it, as do deadline and stop: what is left fails with it, or as
 * `invalid` where it is part of a refusal that is not explained yet, so that the next claim works it one by one and gets
 * on. An embedder that refuses whatever it is asked (a setting, an unpaid bill) is told from one that refuses a text.
 */
export async function* embedPoints(
  embedder: Embedder,
  points: readonly IndexPoint[],
  limits: EmbedLimits,
): AsyncGenerator<Embedded> {
  yield* new Bisection(embedder, limits).embed(points, undefined);
}

class Bisection {
  readonly #embedder: Embedder;
  readonly #limits: EmbedLimits;
  /** Why nothing more is asked. */
  #fault: MemoryError | undefined;
  #refusals = 0;
  /** The embedder has taken a text, so it does not refuse all of them. */
  #takesTexts = false;
  #refusesAll = false;

  constructor(embedder: Embedder, limits: EmbedLimits) {
    this.#embedder = embedder;
    this.#limits = limits;
  }

  /** `refusal`: of these together with others, and none of those is known to be the cause. */
  async *embed(
    points: readonly IndexPoint[],
    refusal: MemoryError | undefined,
  ): AsyncGenerator<Embedded, "taken" | "refused" | "unknown"> {
    const { vectors, error } = await this.#ask(points);
    if (vectors !== undefined) {
      yield { vectors };
      return "taken";
    }
    if (error.code !== "invalid") {
      yield { failed: points, error: this.#refusesAll ? error : (refusal ?? error), alone: false };
      return "unknown";
    }
    if (points.length > 1) yield* this.#halve(points, error);
    else yield { failed: points, error, alone: true };
    return "refused";
  }

  /** `points` are refused together: where the first half is taken, the cause is in the second. */
  async *#halve(points: readonly IndexPoint[], refusal: MemoryError): AsyncGenerator<Embedded> {
    const middle = Math.ceil(points.length / 2);
    const [first, second] = [points.slice(0, middle), points.slice(middle)];
    const found = yield* this.embed(first, refusal);
    if (found === "taken" && second.length > 1) yield* this.#halve(second, refusal);
    else yield* this.embed(second, found === "refused" ? undefined : refusal);
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
    if (this.#limits.deadline.aborted) throw new MemoryError("unavailable", "Not embedded before the deadline");
    if (this.#limits.stop.aborted) throw new MemoryError("unavailable", "Not embedded before the stop");
    const texts = points.map((point) => point.memory.content);
    const { vectors } = await this.#embedder.embed(texts, this.#limits.deadline);
    return points.map((point, i) => {
      const vector = vectors[i];
      if (vector === undefined) throw new MemoryError("unavailable", "The embedder gave too few vectors");
      return { ...point, vector };
    });
  }

  async #tryHarmless(refusal: MemoryError): Promise<void> {
    try {
      await this.#embedder.embed([HARMLESS_TEXT], this.#limits.deadline);
      this.#takesTexts = true;
    } catch (thrown) {
      const error = toMemoryError(thrown);
      this.#refusesAll = error.code === "invalid";
      this.#fault =
        error.code === "invalid"
          ? new MemoryError("unavailable", `No text is embedded: ${refusal.message}`, { cause: refusal })
          : error;
    }
  }
}
