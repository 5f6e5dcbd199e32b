import { MemoryError, toMemoryError } from "./errors.ts";
import type { KeptAnswers } from "./kept-answers.ts";
import type { MemoryDraft } from "./memory.ts";
import { isKeyTaken, resultOf } from "./once.ts";
import type { MemoryStore } from "./ports/index.ts";
import { putRacing } from "./put.ts";

export interface PutItemsDeps {
  readonly store: MemoryStore;
  readonly answers: KeptAnswers;
}

/** What became of an item of a bulk. */
export interface PutItem {
  readonly id: string;
  readonly created: boolean;
}

/**
 * Puts a group (`splitGroups`) in one statement; when a row of it is refused, each by itself, so that one bad item spoils
 * no other. A keyed item that an earlier run has put is not put again, and gives what it gave then; `resumed` says that
 * there may be such. Throws `unavailable` when the truth is away.
 */
export async function putItems(
  deps: PutItemsDeps,
  drafts: readonly MemoryDraft[],
  { resumed }: { resumed: boolean },
): Promise<readonly (PutItem | MemoryError)[]> {
  const items = new Map<MemoryDraft, PutItem | MemoryError>();
  if (resumed) for (const [draft, item] of await findPut(deps.answers, drafts)) items.set(draft, item);
  const open = drafts.filter((draft) => !items.has(draft));
  const put = open.length === 0 ? [] : await putGroup(deps, open);
  open.forEach((draft, i) => items.set(draft, put[i] ?? noRow()));
  return drafts.map((draft) => items.get(draft) ?? noRow());
}

async function putGroup(
  deps: PutItemsDeps,
  drafts: readonly MemoryDraft[],
): Promise<readonly (PutItem | MemoryError)[]> {
  try {
    const results = await putRacing(deps.store, drafts);
    return results.map(({ memory, created }) => ({ id: memory.id, created }));
  } catch (error) {
    if (toMemoryError(error).code === "unavailable") throw error;
  }
  const items: (PutItem | MemoryError)[] = [];
  for (const draft of drafts) items.push(await putOne(deps, draft));
  return items;
}

async function putOne(deps: PutItemsDeps, draft: MemoryDraft): Promise<PutItem | MemoryError> {
  try {
    const [result] = await putRacing(deps.store, [draft]);
    return result === undefined ? noRow() : { id: result.memory.id, created: result.created };
  } catch (error) {
    if (!isKeyTaken(error)) return toMemoryError(error);
    // The same bulk runs in another process too, which was first with this item.
    return (await findPut(deps.answers, [draft])).get(draft) ?? toMemoryError(error);
  }
}

/** What earlier runs have put. */
async function findPut(
  answers: KeptAnswers,
  drafts: readonly MemoryDraft[],
): Promise<ReadonlyMap<MemoryDraft, PutItem | MemoryError>> {
  const kept = await answers.find(drafts.flatMap((draft) => draft.keyed?.key ?? []));
  const items = new Map<MemoryDraft, PutItem | MemoryError>();
  for (const draft of drafts) {
    const answer = draft.keyed === undefined ? undefined : kept.get(draft.keyed.key);
    if (answer !== undefined)
      items.set(
        draft,
        toItem(() => resultOf(answer)),
      );
  }
  return items;
}

function toItem(read: () => ReturnType<typeof resultOf>): PutItem | MemoryError {
  try {
    const { id, created } = read();
    return id === undefined || created === undefined ? noRow() : { id, created };
  } catch (error) {
    return toMemoryError(error);
  }
}

function noRow(): MemoryError {
  return new MemoryError("internal", "Internal error", { cause: new Error("a put returned no row") });
}
