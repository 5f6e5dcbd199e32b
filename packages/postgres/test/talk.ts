import { beforeEach } from "@jest/globals";
import { createFakeExtractor, factsOf, type FakeExtractor } from "@engram/memory/contracts/fakes/extractor";
import {
  DEFAULT_PROJECT_ID,
  workExtraction,
  type ExtractedFact,
  type ExtractionRequest,
  type MemoryDraft,
  type MessageDraft,
  type Role,
  type Speaker,
} from "@engram/memory";
import type { Executor } from "@engram/sql";
import { createConversations, createExtractions, createMemoryStore, createOutbox } from "../src/index.ts";
import { addOf, said } from "./add-call.ts";
import { draft } from "./draft.ts";

/* Talk that is said and read at once, with an extractor that answers as the test tells. */

export type Turn = string | Partial<MessageDraft>;
type Facts = readonly ExtractedFact[];

export const options = { leaseSeconds: 60, horizonSeconds: 300 };
const running = new AbortController().signal;

/** A turn of a day of 2026, `MM-DD`. */
export function on(day: string, content: string): Partial<MessageDraft> {
  return { content, saidAt: new Date(`2026-${day}T10:00:00Z`) };
}

export function by(role: Role, content: string): Partial<MessageDraft> {
  return { role, content };
}

export const fresh = { kind: "new" } as const;

/** The relation to facts before it in the same answer. */
export function replaces(...earlier: readonly number[]): ExtractedFact["relation"] {
  return { kind: "replaces", known: [], earlier };
}

/** Every turn of the user is a fact, related as told by its place. */
export function related(...relations: readonly ExtractedFact["relation"][]) {
  return (request: ExtractionRequest): Facts =>
    factsOf(request).map((fact, i) => ({ ...fact, relation: relations[i] ?? fact.relation }));
}

/** A fact that the turn of this number tells. */
export function newFact(content: string, turn = 1): ExtractedFact {
  return { content, type: "fact", importance: null, entities: [], occurredAt: null, from: [turn], relation: fresh };
}

/** The number under which a memory is shown. */
export function numberOf(request: ExtractionRequest, content: string): number {
  const one = request.known.find((memory) => memory.content === content);
  if (one === undefined) throw new Error(`"${content}" is not shown`);
  return one.number;
}

/** Emptied before each test of the file. */
export function createTalk(db: Executor) {
  const conversations = createConversations(db, { debounceMs: 0 });
  const extractions = createExtractions(db);
  const store = createMemoryStore(db);
  const outbox = createOutbox(db);
  let extractor = createFakeExtractor();
  beforeEach(async () => {
    extractor = createFakeExtractor();
    await db.script(
      "TRUNCATE public.memories; DELETE FROM engram.history; DELETE FROM engram.outbox; DELETE FROM engram.messages; DELETE FROM engram.events",
    );
  });

  const add = async (turns: readonly Turn[], whose: Partial<Speaker> = {}): Promise<string> => {
    const { id } = await conversations.add({
      ...addOf(said(...turns)),
      speaker: { projectId: DEFAULT_PROJECT_ID, userId: "u", agentId: null, sessionId: "s", ...whose },
    });
    return id;
  };

  return {
    store,
    outbox,
    extractions,
    add,
    /** Says it and has it read, answered as `answer` tells; gives what has become of it. */
    say: async (
      turns: readonly Turn[],
      answer: (request: ExtractionRequest) => Facts | Promise<Facts> = factsOf,
      { whose = {}, offline = false }: { whose?: Partial<Speaker>; offline?: boolean } = {},
    ): Promise<readonly string[]> => {
      extractor.answer = async (request) => ({ facts: await answer(request), promptVersion: "test" });
      const asked: FakeExtractor = { ...extractor, offline };
      const id = await add(turns, whose);
      while ((await workExtraction({ outbox, store, extractions, extractor: asked }, options, running)) !== undefined);
      return (await conversations.getEvent(DEFAULT_PROJECT_ID, id))?.results.map((one) => one.event) ?? [];
    },
    /** A memory of user `u` unless told otherwise, as a client writes it; gives its id. */
    put: async (given: Partial<MemoryDraft>): Promise<string> => {
      const [result] = await store.putMemories([draft(given)]);
      return result?.memory.id ?? "";
    },
    /** What stands, or what `where` says. */
    contents: async (where = "valid_to IS NULL"): Promise<readonly string[]> => {
      const rows = await db.query<{ content: string }>(
        `SELECT content FROM public.memories WHERE ${where} ORDER BY created_at, id`,
      );
      return rows.map((row) => row.content);
    },
    /** Every memory with the days on which it began and ended. */
    times: () =>
      db.query(
        `SELECT content, valid_from::date::text AS "from", valid_to::date::text AS "to" FROM public.memories ORDER BY valid_from, id`,
      ),
    /** What the last call was shown of what is known. */
    shown: (): readonly string[] => extractor.requests.at(-1)?.known.map((one) => one.content) ?? [],
  };
}
