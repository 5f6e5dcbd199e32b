import type { ExtractDeps } from "@engram/memory";
import pLimit from "p-limit";

type Ports = Pick<ExtractDeps, "outbox" | "store" | "extractions">;

/**
 * The same ports with one call under way at a time. Conversations wait for the model side by side; what they ask of the
 * database before and after takes turns, so that answers which come at the same moment leave a core to the readers:
 * eight at once made a search's p95 a third longer (`npm run bench:add`).
 */
export function inTurn({ outbox, store, extractions }: Ports): Ports {
  const turn = pLimit(1);
  return {
    outbox: {
      claim: (...given) => turn(() => outbox.claim(...given)),
      fail: (...given) => turn(() => outbox.fail(...given)),
      release: (...given) => turn(() => outbox.release(...given)),
    },
    store: {
      searchText: (...given) => turn(() => store.searchText(...given)),
      findMemories: (...given) => turn(() => store.findMemories(...given)),
      recentMemories: (...given) => turn(() => store.recentMemories(...given)),
    },
    extractions: {
      read: (...given) => turn(() => extractions.read(...given)),
      settle: (...given) => turn(() => extractions.settle(...given)),
      narrow: (...given) => turn(() => extractions.narrow(...given)),
      refuse: (...given) => turn(() => extractions.refuse(...given)),
      done: (...given) => turn(() => extractions.done(...given)),
    },
  };
}
