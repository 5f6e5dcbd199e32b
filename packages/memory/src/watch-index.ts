import { toMemoryError } from "./errors.ts";
import type { VectorIndex } from "./ports/index.ts";

/**
 * The same index, which tells `onBack` when it answers again after it did not, and since when it did not: an index that
 * was away may have been restarted, and one that was restarted may have lost its last seconds (PROTOCOL.md).
 *
 * A call that its caller gave up says nothing of the index.
 */
export function watchIndex(index: VectorIndex, onBack: (awaySince: Date) => void): VectorIndex {
  let awaySince: Date | undefined;

  async function watched<T>(signal: AbortSignal, call: () => Promise<T>): Promise<T> {
    const asked = new Date();
    try {
      const answer = await call();
      if (awaySince !== undefined) onBack(awaySince);
      awaySince = undefined;
      return answer;
    } catch (error) {
      if (!signal.aborted && toMemoryError(error).code === "unavailable") awaySince ??= asked;
      throw error;
    }
  }

  return {
    ...index,
    fetchStates: (collection, ids, signal) => watched(signal, () => index.fetchStates(collection, ids, signal)),
    upsert: (collection, points, signal) => watched(signal, () => index.upsert(collection, points, signal)),
    setPayload: (collection, points, signal) => watched(signal, () => index.setPayload(collection, points, signal)),
    delete: (collection, ids, signal) => watched(signal, () => index.delete(collection, ids, signal)),
    ping: (signal) => watched(signal, () => index.ping(signal)),
  };
}
