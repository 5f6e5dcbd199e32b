import { randomUUID } from "node:crypto";
import { backoffSeconds } from "./backoff.ts";
import type { Message } from "./conversation.ts";
import { toMemoryError, type MemoryError } from "./errors.ts";
import { toKeptFacts } from "./kept-facts.ts";
import { findKnown, type KnownStore } from "./known-memories.ts";
import {
  EXTRACT_TOPIC,
  type Claimed,
  type ExtractionBatch,
  type Extractions,
  type Extractor,
  type KeptFact,
  type Outbox,
} from "./ports/index.ts";

/** Of one call: some exchanges, about 4,000 tokens of talk. */
const LIMITS = { messagesMax: 40, bytesMax: 16_384, beforeMax: 4 };
const FACTS_MAX = 64;
/** An answer about one message that cannot be read so often will not be. */
const ATTEMPTS_MAX = 3;

export interface ExtractDeps {
  readonly outbox: Pick<Outbox, "claim" | "fail" | "release">;
  readonly store: KnownStore;
  readonly extractions: Extractions;
  readonly extractor: Extractor;
  /** Undefined: go on. A text: why the project's money is spent for now, and when to look again. */
  readonly heldBack?: (projectId: string) => Promise<{ readonly reason: string; readonly seconds: number } | undefined>;
  /** There was something to do, so there may be more: another hand may look. */
  readonly onClaimed?: () => void;
  readonly random?: () => number;
}

export interface ExtractOptions {
  readonly leaseSeconds: number;
  readonly horizonSeconds: number;
}

/** What one claim came to, for the log and the metrics. */
export interface ExtractReport {
  readonly outcome: "done" | "failed" | "lost" | "held_back";
  readonly messages: number;
  readonly facts: number;
  readonly seconds: number;
  readonly requestIds: readonly string[];
  readonly error?: MemoryError;
}

/**
 * Claims one owner whose talk waits and extracts its next batch with one call. Undefined: nothing is due.
 *
 * Repeating it is safe: facts, marks and the answer for the claim are one commit that stands only while the lease does,
 * and a message that is extracted is never read again. An answer that cannot be read halves the batch, down to a message
 * that is tried by itself and then set aside: nothing is lost, and nothing holds up what comes after it.
 */
export async function workExtraction(
  deps: ExtractDeps,
  options: ExtractOptions,
  stop: AbortSignal,
): Promise<ExtractReport | undefined> {
  const started = performance.now();
  const token = randomUUID();
  const [claimed] = await deps.outbox.claim({ topic: EXTRACT_TOPIC, limit: 1, token, ...options });
  if (claimed === undefined) return undefined;
  deps.onClaimed?.();
  const claim = { owner: claimed.key, token };
  const told = (report: Partial<ExtractReport> & Pick<ExtractReport, "outcome">): ExtractReport => ({
    messages: 0,
    facts: 0,
    requestIds: [],
    ...report,
    seconds: (performance.now() - started) / 1000,
  });

  // Half of the lease, as for every claim: what is under way then is cut, and the work comes back.
  const deadline = AbortSignal.any([stop, AbortSignal.timeout((options.leaseSeconds * 1000) / 2)]);
  try {
    const batch = await deps.extractions.read(claim.owner, LIMITS);
    if (batch === undefined) return told({ outcome: (await deps.extractions.done(claim)) ? "done" : "lost" });
    const held = await deps.heldBack?.(batch.speaker.projectId);
    if (held !== undefined) {
      await fail(deps, { token, claimed }, { error: `budget: ${held.reason}`, retryInSeconds: held.seconds }, options);
      return told({ outcome: "held_back", requestIds: batch.requestIds });
    }
    const { messages, facts, error } = await extractReadable(deps, batch, deadline);
    const isSettled =
      error === undefined
        ? await deps.extractions.settle(
            claim,
            messages.map((message) => message.id),
            facts,
          )
        : await deps.extractions.refuse(claim, messages[0]?.id ?? "", ATTEMPTS_MAX);
    const outcome = !isSettled ? "lost" : error === undefined ? "done" : "failed";
    return told({
      outcome,
      messages: messages.length,
      facts: facts.length,
      requestIds: batch.requestIds,
      ...(error === undefined ? {} : { error }),
    });
  } catch (thrown) {
    if (stop.aborted) {
      await deps.outbox.release(EXTRACT_TOPIC, token, [claimed]);
      return told({ outcome: "lost" });
    }
    const error = toMemoryError(thrown);
    const retryInSeconds = backoffSeconds(claimed.attempts, {
      retryAfterSeconds: error.retryAfterSeconds,
      ...(deps.random === undefined ? {} : { random: deps.random }),
    });
    await fail(deps, { token, claimed }, { error: `${error.code}: ${error.message}`, retryInSeconds }, options);
    return told({ outcome: "failed", error });
  }
}

async function fail(
  { outbox }: ExtractDeps,
  { token, claimed }: { token: string; claimed: Claimed },
  failure: { readonly error: string; readonly retryInSeconds: number },
  { horizonSeconds }: ExtractOptions,
): Promise<void> {
  const { key, generation } = claimed;
  await outbox.fail(EXTRACT_TOPIC, token, [{ key, generation, ...failure, doubt: false, park: false }], horizonSeconds);
}

/** The first part of the batch about which the answer can be read; `error` where not even one message's can. */
async function extractReadable(
  deps: ExtractDeps,
  batch: ExtractionBatch,
  signal: AbortSignal,
): Promise<{ messages: readonly Message[]; facts: readonly KeptFact[]; error?: MemoryError }> {
  let messages = batch.messages;
  for (;;) {
    try {
      const facts = await extractFacts(deps, { ...batch, messages }, signal);
      return { messages, facts };
    } catch (thrown) {
      const error = toMemoryError(thrown);
      if (error.code !== "invalid") throw error;
      if (messages.length === 1) return { messages, facts: [], error };
      messages = messages.slice(0, Math.ceil(messages.length / 2));
    }
  }
}

async function extractFacts(
  deps: ExtractDeps,
  batch: ExtractionBatch,
  signal: AbortSignal,
): Promise<readonly KeptFact[]> {
  const known = await findKnown(deps.store, batch, deps.extractor);
  const { facts, promptVersion } = await deps.extractor.extract(
    {
      projectId: batch.speaker.projectId,
      turns: batch.messages.map(({ role, name, content, saidAt }, i) => ({
        number: i + 1,
        role,
        name,
        content,
        saidAt,
      })),
      before: batch.before.map(({ role, name, content, saidAt }) => ({ role, name, content, saidAt })),
      known: known.map(({ type, content, validFrom }, i) => ({ number: i + 1, type, content, validFrom })),
      wishes: batch.wishes,
      requestIds: batch.requestIds,
    },
    signal,
  );
  return toKeptFacts(facts.slice(0, FACTS_MAX), batch, known, { promptVersion, model: deps.extractor.model });
}
