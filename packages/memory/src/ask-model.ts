import { MemoryError, toMemoryError } from "./errors.ts";
import type { Extraction, ExtractionBatch, ExtractionRequest, Extractor } from "./ports/index.ts";

export interface AskDeps {
  readonly extractor: Extractor;
  /** Undefined: go on. A text: why the project's money is spent for now, and when to look again. */
  readonly heldBack?: (projectId: string) => Promise<{ readonly reason: string; readonly seconds: number } | undefined>;
}

/** Thrown instead of a call: the project's money is spent for now. */
export class HeldBack extends Error {
  readonly seconds: number;

  constructor({ reason, seconds }: { readonly reason: string; readonly seconds: number }) {
    super(reason);
    this.seconds = seconds;
  }
}

/** The model cannot read anything, or what stands before it lets nothing through: `unavailable`, and nobody's talk is at fault. */
export class ModelAtFault extends MemoryError {
  constructor(cause: MemoryError) {
    super("unavailable", `The model cannot read even a harmless sentence (${cause.message})`, { cause });
  }
}

/** The one way to the model: looks at the day's limit before every call. Throws as the extractor does, and HeldBack. */
export async function ask(
  { extractor, heldBack }: AskDeps,
  request: ExtractionRequest,
  signal: AbortSignal,
): Promise<Extraction> {
  const held = await heldBack?.(request.projectId);
  if (held !== undefined) throw new HeldBack(held);
  return extractor.extract(request, signal);
}

/** What every model can read. */
const HARMLESS = "My name is Anna and I live in Paris.";

/**
 * Asked when the answer about some talk cannot be used, to know whose fault that is: of wrong settings, a gateway that refuses
 * everything or a model that gives no JSON, the answers about every talk are alike. Throws ModelAtFault, and what `ask` throws.
 */
export async function askHarmless(deps: AskDeps, { speaker, requestIds }: ExtractionBatch, signal: AbortSignal) {
  const turn = { number: 1, role: "user", name: null, content: HARMLESS, saidAt: new Date() } as const;
  const wishes = { instructions: null, includes: null, excludes: null };
  const request = { projectId: speaker.projectId, turns: [turn], before: [], known: [], wishes, requestIds };
  try {
    await ask(deps, request, signal);
  } catch (thrown) {
    const { code } = toMemoryError(thrown);
    throw code === "invalid" || code === "too_large" ? new ModelAtFault(toMemoryError(thrown)) : thrown;
  }
}
