import { contentHash, MemoryError, type Embedder } from "@engram/memory";

export const FAKE_MODEL = "fake";

/** Dimensions of a fake vector. */
export const FAKE_DIMS = 4;

export interface FakeEmbedderOptions {
  /** Each has directions of its own. */
  readonly model?: string;
  /** A text that the provider refuses, whenever it is part of a call. */
  readonly refuses?: (text: string) => boolean;
  /** True: the provider cannot be reached at this moment. */
  readonly isAway?: () => boolean;
}

/** An embedder without a model: equal texts have equal vectors, and other texts others, in a direction of no meaning. */
export function createFakeEmbedder({ model = FAKE_MODEL, refuses, isAway }: FakeEmbedderOptions = {}): Embedder {
  return {
    model,
    requestedDims: null,
    lexical: true,
    async embed(texts, signal) {
      if (signal.aborted) throw new MemoryError("unavailable", "not asked: too late", { cause: signal.reason });
      if (isAway?.() === true) throw new MemoryError("unavailable", "the provider is away");
      if (refuses !== undefined && texts.some(refuses)) throw new MemoryError("invalid", "the provider refuses a text");
      return { vectors: texts.map((text) => direction(`${model} ${text}`)), tokens: 0 };
    },
  };
}

function direction(text: string): readonly number[] {
  const bytes = [...Buffer.from(contentHash(text), "hex")].slice(0, FAKE_DIMS).map((byte) => byte - 127.5);
  const length = Math.hypot(...bytes);
  return bytes.map((byte) => byte / length);
}
