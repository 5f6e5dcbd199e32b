import { calibrationFrom, PROBE_TEXTS } from "./calibration-probe.ts";
import { MemoryError } from "./errors.ts";
import type { Embedder, EmbedderProbe } from "./ports/index.ts";

/** Asks an embedder what it gives: its dimensions, and where its cosines lie. One call of some 600 tokens. */
export async function probeEmbedder(embedder: Embedder, signal: AbortSignal): Promise<EmbedderProbe> {
  const { vectors } = await embedder.embed(PROBE_TEXTS, signal);
  const dims = vectors[0]?.length ?? 0;
  if (dims === 0 || vectors.length !== PROBE_TEXTS.length)
    throw new MemoryError("unavailable", `${embedder.model} gave no vectors when it was probed`);
  return {
    model: embedder.model,
    dims,
    requestedDims: embedder.requestedDims,
    calibration: calibrationFrom(vectors),
  };
}
