import { MemoryError } from "./errors.ts";
import type { Arm, SearchDeps, SearchRequest } from "./search-request.ts";

/** Candidates of an arm that may have to answer alone: as many repetitions as answers leave the limit filled. */
export const poolOf = (min: number, { limit }: Pick<SearchRequest, "limit">): number => Math.max(min, 2 * limit);

/** Rejects at the deadline even when the call underneath does not listen to its signal. */
export function beforeDeadline<T>(promise: Promise<T>, deadline: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = (): void => reject(new MemoryError("unavailable", "deadline passed"));
    if (deadline.aborted) late();
    deadline.addEventListener("abort", late, { once: true });
    promise.then(resolve, reject).finally(() => deadline.removeEventListener("abort", late));
  });
}

/** Tells what an arm took, from before its work begins. */
export async function timed<T>(deps: Pick<SearchDeps, "onArm">, arm: Arm, work: () => Promise<T>): Promise<T> {
  const started = performance.now();
  const report = (outcome: "ok" | "failed"): void => deps.onArm?.(arm, outcome, (performance.now() - started) / 1000);
  try {
    const value = await work();
    report("ok");
    return value;
  } catch (error) {
    report("failed");
    throw error;
  }
}
