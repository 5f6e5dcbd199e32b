import { createHash } from "node:crypto";
import { MemoryError } from "./errors.ts";
import type { KeptAnswer, KeptAnswers, KeptResult } from "./kept-answers.ts";
import type { KeyedWrite } from "./memory.ts";

/** How long an answer is kept for whoever asks again. */
export const ANSWER_HOURS = 24;

/** What a write gave, and whether that was an earlier request's doing. */
export interface Answered<T> {
  readonly result: T;
  readonly replayed: boolean;
}

/**
 * Runs `write` unless its key has been used, and then gives what `replay` makes of the answer that is kept. Without a
 * key it is `write` alone. `write` must keep the answer in the statement of its effect (`MemoryStore` does, when handed
 * the key); any other goes through `inSteps`. A write that throws keeps nothing.
 *
 * Throws `key_reused` when the key was used for something else, `not_found` when the memory of the kept answer has been
 * deleted since, `conflict` when the key is neither free nor answered for.
 */
export type Once = <T>(
  keyed: KeyedWrite | undefined,
  write: () => Promise<T>,
  replay: (kept: KeptResult) => T,
) => Promise<Answered<T>>;

/** A key that is taken is answered for at the next look, but for one that runs out between the two. */
const ATTEMPTS_MAX = 3;
const RETRY_AFTER_SECONDS = 1;

/** Equal requests at once are one in each process: the later ones wait for the first one and share what it got. */
export function createOnce(answers: KeptAnswers): Once {
  const underWay = new Map<string, { request: string; outcome: Promise<Answered<unknown>> }>();

  async function run<T>(keyed: KeyedWrite, write: () => Promise<T>, replay: (kept: KeptResult) => T) {
    for (let attempt = 1; ; attempt++) {
      const kept = (await answers.find([keyed.key])).get(keyed.key);
      if (kept !== undefined && (checkSame(kept.request, keyed), kept.state !== "begun"))
        return { result: replay(resultOf(kept)), replayed: true };
      try {
        return { result: await write(), replayed: false };
      } catch (error) {
        if (!isKeyTaken(error) || attempt >= ATTEMPTS_MAX) throw error;
      }
    }
  }

  return async <T>(
    keyed: KeyedWrite | undefined,
    write: () => Promise<T>,
    replay: (kept: KeptResult) => T,
  ): Promise<Answered<T>> => {
    if (keyed === undefined) return { result: await write(), replayed: false };
    const first = underWay.get(keyed.key);
    if (first !== undefined) {
      checkSame(first.request, keyed);
      return { result: ((await first.outcome) as Answered<T>).result, replayed: true };
    }
    const outcome = run(keyed, write, replay);
    underWay.set(keyed.key, { request: keyed.request, outcome });
    try {
      return await outcome;
    } finally {
      underWay.delete(keyed.key);
    }
  };
}

/**
 * A write of several statements, or one that cannot keep its answer by itself, for `once`: takes the key, runs, keeps what
 * came of it as `KeptResult.value`. `run` must converge when it is run again, after a crash or beside another process;
 * `resumed` says that it may be such a run. What it gives must be plain JSON.
 */
export async function inSteps<T>(
  answers: KeptAnswers,
  keyed: KeyedWrite | undefined,
  projectId: string,
  run: (resumed: boolean) => Promise<T>,
): Promise<T> {
  if (keyed === undefined) return run(false);
  const result = await run(!(await answers.begin(keyed, projectId)));
  await answers.finish(keyed, result);
  return result;
}

/** The result that is kept; throws `not_found` when what it told of is gone. */
export function resultOf(kept: KeptAnswer): KeptResult {
  if (kept.state === "gone")
    throw keyError("not_found", "What was written under this Idempotency-Key has been deleted since");
  return kept.result;
}

function checkSame(request: string, keyed: KeyedWrite): void {
  if (request !== keyed.request)
    throw keyError("key_reused", "Idempotency-Key: it was used for another request; a new write needs a new key");
}

/** Of each item of a bulk its own key, so that a bulk which died half-way goes on where it stopped. */
export function keyOfItem({ key, request }: KeyedWrite, index: number): KeyedWrite {
  return { key: createHash("sha256").update(`${key}:${index}`).digest("hex"), request, idOnly: true };
}

/** What a store throws when it has written nothing because another write holds the key. */
export function keyTaken(cause: unknown): MemoryError {
  return keyError("conflict", "Idempotency-Key: a request with this key is under way; send it again in a moment", {
    cause,
    retryAfterSeconds: RETRY_AFTER_SECONDS,
  });
}

/** True for a `conflict` over the key itself, as against one over a text or a slot. */
export function isKeyTaken(error: unknown): boolean {
  return (
    error instanceof MemoryError && error.code === "conflict" && error.details.some((one) => one.field === KEY_FIELD)
  );
}

const KEY_FIELD = "Idempotency-Key";

function keyError(
  code: "conflict" | "key_reused" | "not_found",
  message: string,
  options: { cause?: unknown; retryAfterSeconds?: number } = {},
): MemoryError {
  return new MemoryError(code, message, { ...options, details: [{ field: KEY_FIELD, message }] });
}
