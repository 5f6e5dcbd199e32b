import { expect, test } from "@jest/globals";
import { toTextHits } from "../test/text-hits.ts";
import { DEFAULT_PROJECT_ID } from "./ids.ts";
import { findKnown } from "./known-memories.ts";
import type { Memory } from "./memory.ts";

test("of those that say as much the same ones are shown, in whichever order the store finds them", async () => {
  const ids = Array.from({ length: 30 }, (_, at) => `00000000-0000-7000-8000-${String(at).padStart(12, "0")}`);
  const show = async (found: readonly string[]): Promise<readonly string[]> => {
    const text = toTextHits({
      hits: found.map((id) => ({
        id,
        length: 2,
        frequencies: { tea: 1 },
        isTurn: false,
        isMarked: false,
        before: [],
        after: [],
      })),
      terms: [{ lexemes: ["tea"], isDay: false }],
      documents: 30,
      averageLength: 2,
      documentFrequencies: new Map([["tea", 30]]),
    });
    const store = {
      searchText: () => Promise.resolve(text),
      findMemories: (wanted: readonly string[]) => Promise.resolve(wanted.map((id) => ({ id, content: id }) as Memory)),
      recentMemories: () => Promise.resolve([]),
    };
    const speaker = { projectId: DEFAULT_PROJECT_ID, userId: "u", agentId: null, sessionId: null };
    const messages = [{ role: "user", content: "I want tea" }] as unknown as Parameters<
      typeof findKnown
    >[1]["messages"];
    const known = await findKnown(store, { speaker, messages }, { offline: false });
    return known.map(({ id }) => id);
  };
  const shown = await show(ids);
  expect(shown).toEqual(ids.slice(0, 12));
  expect(await show(ids.toReversed())).toEqual(shown);
});
