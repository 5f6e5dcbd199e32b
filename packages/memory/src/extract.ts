import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { ask, askHarmless, HeldBack, ModelAtFault, type AskDeps } from "./ask-model.ts";
import { backoffSeconds } from "./backoff.ts";
import type { Message } from "./conversation.ts";
import { MemoryError, toMemoryError } from "./errors.ts";
import { toKeptFacts } from "./kept-facts.ts";
import { findKnown, type KnownStore } from "./known-memories.ts";
import {
  EXTRACT_TOPIC,
  type Claimed,
  type ExtractionBatch,
  type ExtractionClaim,
  type Extractions,
  type KeptFact,
  type Outbox,
} from "./ports/index.ts";
import { tellOutbox } from "./tell-outbox.ts";

/** Of one call: some exchanges, about 4,000 tokens of talk. */
const LIMITS = { messagesMax: 40, bytesMax: 16_384, beforeMax: 4 };
const FACTS_MAX = 64;
/** An answer about one message that cannot be read so often will not be. */
const ATTEMPTS_MAX = 3;

export interface ExtractDeps extends AskDeps {
  readonly outbox: Pick<Outbox, "claim" | "fail" | "release">;
  readonly store: KnownStore;
  readonly extractions: Extractions;
  /** There was something to do, so there may be more: another hand may look. */
  readonly onClaimed?: () => void;
  /** For a chance and a clock other than the process's own. */
  readonly random?: () => number;
  readonly pause?: (ms: number) => Promise<unknown>;
}

export interface ExtractOptions {
  readonly leaseSeconds: number;
  readonly horizonSeconds: number;
  /** What is under way then is cut, and the work comes back: as long as two calls may take. Absent: half of the lease. */
  readonly deadlineSeconds?: number;
}

/** What one claim came to, for the log and the metrics. */
export interface ExtractReport {
  /** `narrowed`: the batch was too much for the model, and is read in smaller parts from now on. */
  readonly outcome: "done" | "narrowed" | "failed" | "lost" | "held_back";
  readonly messages: number;
  readonly facts: number;
  readonly seconds: number;
  readonly requestIds: readonly string[];
  readonly error?: MemoryError;
  /** True: the model, or what stands before it, cannot read anything; the talk is not at fault. */
  readonly isModelAtFault: boolean;
}

/**
 * Claims one owner whose talk waits and extracts its next batch with one call. Undefined: nothing is due.
 *
 * Repeating it is safe: facts, marks and the answer for the claim are one commit that stands only while the lease does,
 * and a message that is extracted is never read again. A batch whose answer cannot be read, is cut or does not come in time is
 * halved by the next claims (the size stands with the messages, so nothing is tried twice), down to a message that is tried by
 * itself and then set aside: nothing is lost, and nothing holds up what comes after it. But first a harmless sentence is read:
 * a model that cannot read that either, or a provider that refuses everything, is at fault itself. Then the talk waits as it is.
 */
export async function workExtraction(
  deps: ExtractDeps,
  options: ExtractOptions,
  stop: AbortSignal,
): Promise<ExtractReport | undefined> {
  const started = performance.now();
  const token = randomUUID();
  const { leaseSeconds, horizonSeconds, deadlineSeconds = leaseSeconds / 2 } = options;
  const [claimed] = await deps.outbox.claim({ topic: EXTRACT_TOPIC, limit: 1, token, leaseSeconds, horizonSeconds });
  if (claimed === undefined) return undefined;
  deps.onClaimed?.();
  const claim = { owner: claimed.key, token };
  let requestIds: readonly string[] = [];
  const told = (report: Partial<ExtractReport> & Pick<ExtractReport, "outcome">): ExtractReport => ({
    messages: 0,
    facts: 0,
    requestIds,
    isModelAtFault: false,
    ...report,
    seconds: (performance.now() - started) / 1000,
  });

  const deadline = AbortSignal.any([stop, AbortSignal.timeout(deadlineSeconds * 1000)]);
  try {
    const batch = await deps.extractions.read(claim.owner, LIMITS);
    if (batch === undefined) return told({ outcome: (await deps.extractions.done(claim)) ? "done" : "lost" });
    const { messages } = batch;
    requestIds = batch.requestIds;
    const reading = await readBatch(deps, batch, deadline);
    const outcome = await conclude(deps.extractions, claim, messages, reading);
    const facts = outcome === "done" && "facts" in reading ? reading.facts.length : 0;
    return told({ outcome, messages: messages.length, facts, ...("error" in reading ? reading : {}) });
  } catch (thrown) {
    if (stop.aborted) {
      await deps.outbox.release(EXTRACT_TOPIC, token, [claimed]);
      return told({ outcome: "lost" });
    }
    if (thrown instanceof HeldBack) {
      const { message, seconds: retryInSeconds } = thrown;
      await fail(deps, { token, claimed }, { error: `budget: ${message}`, retryInSeconds }, options);
      return told({ outcome: "held_back" });
    }
    const error = toMemoryError(thrown);
    const retryInSeconds = backoffSeconds(claimed.attempts, {
      retryAfterSeconds: error.retryAfterSeconds,
      ...(deps.random === undefined ? {} : { random: deps.random }),
    });
    await fail(deps, { token, claimed }, { error: `${error.code}: ${error.message}`, retryInSeconds }, options);
    return told({ outcome: "failed", error, isModelAtFault: thrown instanceof ModelAtFault });
  }
}

async function fail(
  { outbox, pause = sleep }: ExtractDeps,
  { token, claimed }: { token: string; claimed: Claimed },
  failure: { readonly error: string; readonly retryInSeconds: number },
  { horizonSeconds }: ExtractOptions,
): Promise<void> {
  const { key, generation } = claimed;
  const failures = [{ key, generation, ...failure, doubt: false, park: false }];
  // Whoever says more just then holds the row.
  await tellOutbox(pause, 1, () => outbox.fail(EXTRACT_TOPIC, token, failures, horizonSeconds));
}

type Reading = { readonly facts: readonly KeptFact[]; readonly isCut: boolean } | { readonly error: MemoryError };

/** What the model makes of the batch, or what is wrong with the batch; throws what is wrong with anything else. */
async function readBatch(deps: ExtractDeps, batch: ExtractionBatch, signal: AbortSignal): Promise<Reading> {
  try {
    return await extractFacts(deps, batch, signal);
  } catch (thrown) {
    const error = toMemoryError(thrown);
    if (error.code === "too_large") return { error }; // there was an answer, and it was of the talk
    if (signal.aborted || (error.code !== "invalid" && !error.timedOut)) throw thrown;
    await askHarmless(deps, batch, signal);
    return { error };
  }
}

async function conclude(
  extractions: Extractions,
  claim: ExtractionClaim,
  messages: readonly Message[],
  reading: Reading,
): Promise<"done" | "narrowed" | "failed" | "lost"> {
  const ids = messages.map((message) => message.id);
  if ("facts" in reading) {
    const { facts, isCut } = reading;
    return (await extractions.settle(claim, ids, facts, { isCut })) ? "done" : "lost";
  }
  const [first, ...others] = ids;
  if (first !== undefined && others.length === 0)
    return (await extractions.refuse(claim, first, ATTEMPTS_MAX)) ? "failed" : "lost";
  const narrowed = { messagesMax: Math.ceil(ids.length / 2), isOfSize: reading.error.timedOut };
  return (await extractions.narrow(claim, ids, narrowed)) ? "narrowed" : "lost";
}

async function extractFacts(
  deps: ExtractDeps,
  batch: ExtractionBatch,
  signal: AbortSignal,
): Promise<{ facts: readonly KeptFact[]; isCut: boolean }> {
  const known = await findKnown(deps.store, batch, deps.extractor);
  const { facts, promptVersion, isCut } = await ask(
    deps,
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
  const isTooMuch = facts.length > FACTS_MAX;
  if (isTooMuch && batch.messages.length > 1)
    throw new MemoryError("too_large", "The model's answer has too many facts");
  const kept = toKeptFacts(facts.slice(0, FACTS_MAX), batch, known, { promptVersion, model: deps.extractor.model });
  return { facts: kept, isCut: isCut === true || isTooMuch };
}
