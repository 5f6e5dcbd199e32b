import { TRUSTS, type Message, type Role, type Trust } from "./conversation.ts";
import { uuidv7 } from "./ids.ts";
import { EVENT_TYPE, type Memory, type MemoryDraft } from "./memory.ts";
import type { ExtractedFact, ExtractionBatch, KeptFact } from "./ports/index.ts";
import { normalizeContent } from "./text.ts";

/** What has read the talk. */
export interface Reader {
  readonly model: string;
  readonly promptVersion: string;
}

/**
 * The facts of an answer, ready to be kept in their order; without those that say nothing. A fact may be about one before
 * it: so a talk that changes its mind, or a day's backlog, ends as it would have if it had been read turn by turn.
 */
export function toKeptFacts(
  facts: readonly ExtractedFact[],
  batch: ExtractionBatch,
  known: readonly Memory[],
  reader: Reader,
): readonly KeptFact[] {
  /** By the fact's place in the answer. */
  const kept: (KeptFact | undefined)[] = [];
  const replacedBy = new Map<string, string>();
  const replacedPlaces = new Set(
    facts.flatMap(({ relation }) => (relation.kind === "replaces" ? (relation.earlier ?? []) : [])),
  );
  const trustOf = new Map(known.map(({ id, trust = "said_by_user" }) => [id, TRUSTS.indexOf(trust)]));
  for (const [place, fact] of facts.entries()) {
    const { draft, trust } = toDraft(fact, batch, reader) ?? {};
    if (draft === undefined || trust === undefined) {
      kept.push(undefined);
      continue;
    }
    const rank = TRUSTS.indexOf(trust);
    trustOf.set(draft.id, rank);
    const { relation } = fact;
    // Said in the very words of what is known: the same, whatever the model calls it.
    const twin = relation.kind === "new" ? known.find(({ content }) => content === draft.content) : undefined;
    const isSame = relation.kind === "same" || twin !== undefined;
    const numbers = numbersOf(relation);
    const named = [
      ...(twin === undefined ? [] : [twin.id]),
      ...numbers.known.flatMap((number) => known[number - 1]?.id ?? []),
      ...numbers.earlier.flatMap((number) => kept[number - 1] ?? []).map((one) => one.sameAs ?? one.draft.id),
    ];
    const [same] = named;
    if (isSame && same !== undefined && !replacedBy.has(same)) {
      kept.push({ draft: { ...draft, metadata: batch.metadata }, retires: [], sameAs: same });
      continue;
    }
    // "Kazan", "Moscow", "Kazan again": what is the same as what was replaced meanwhile takes the replacing one's place.
    const retires = isSame ? named.map((id) => lastOf(replacedBy, id)) : named;
    for (const id of retires) if ((trustOf.get(id) ?? 0) <= rank) replacedBy.set(id, draft.id);
    // An event has happened and is kept; what ends, or ends another, is a state, whatever the model calls it.
    const isState = retires.length > 0 || replacedPlaces.has(place + 1);
    kept.push({ draft: { ...draft, type: draft.type === EVENT_TYPE && isState ? "fact" : draft.type }, retires });
  }
  return kept.filter((one) => one !== undefined);
}

function numbersOf(relation: ExtractedFact["relation"]): {
  readonly known: readonly number[];
  readonly earlier: readonly number[];
} {
  if (relation.kind === "new") return { known: [], earlier: [] };
  if (relation.kind === "replaces") return { known: relation.known, earlier: relation.earlier ?? [] };
  return "known" in relation ? { known: [relation.known], earlier: [] } : { known: [], earlier: [relation.earlier] };
}

/** What stands at the end of those that have replaced it. */
function lastOf(replacedBy: ReadonlyMap<string, string>, id: string): string {
  let last = id;
  for (let next = replacedBy.get(last); next !== undefined; next = replacedBy.get(last)) last = next;
  return last;
}

/** Undefined where the fact says nothing that can be kept. */
function toDraft(
  fact: ExtractedFact,
  batch: ExtractionBatch,
  { model, promptVersion }: Reader,
): { readonly draft: MemoryDraft; readonly trust: Trust } | undefined {
  const cited = batch.messages.filter((_, i) => fact.from.includes(i + 1));
  const sources = cited.length === 0 ? batch.messages : cited;
  const latest = sources.at(-1);
  const content = readable(fact.content);
  if (latest === undefined || content === undefined) return undefined;
  const said = saidBy(sources, { isCited: cited.length > 0 });
  const draft: MemoryDraft = {
    id: uuidv7(),
    ...batch.speaker,
    level: batch.speaker.userId === null ? "agent" : "user",
    type: fact.type,
    key: null,
    content,
    metadata: {
      ...batch.metadata,
      ...(fact.entities.length === 0 ? {} : { entities: fact.entities }),
    },
    importance: fact.importance,
    categories: [],
    occurredAt: fact.occurredAt ?? latest.saidAt,
    expiresAt: batch.expiresAt,
    requestId: batch.requestIds.at(-1) ?? null,
    source: {
      messageIds: sources.map((message) => message.id),
      provenance: { ...said, model, prompt: promptVersion },
      validFrom: latest.saidAt,
    },
  };
  return { draft, trust: said.trust };
}

function readable(text: string): string | undefined {
  try {
    return normalizeContent(text);
  } catch {
    return undefined;
  }
}

/**
 * The user's own words weigh most, a tool's least: what a web page says is nobody's word, and does not become the user's by
 * being cited beside the question for it. Where the answer does not say who has said it, it was the least trusted of all.
 */
function saidBy(sources: readonly Message[], { isCited }: { isCited: boolean }): { role: Role; trust: Trust } {
  const roles = new Set(sources.map((message) => message.role));
  if (roles.has("tool") || roles.has("system")) return { role: "tool", trust: "from_tool" };
  // "Do you like tea?" "Yes": that is the user's word.
  const isUsers = isCited ? roles.has("user") : !roles.has("assistant");
  return isUsers ? { role: "user", trust: "said_by_user" } : { role: "assistant", trust: "said_by_assistant" };
}
