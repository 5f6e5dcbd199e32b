import type { KeptFact, MemoryDraft } from "@engram/memory";
import type { Executor } from "@engram/sql";
import { putMemories } from "../put-memories.ts";

/** What became of one fact: the memory that holds it, and the messages that told it. */
export interface Kept {
  readonly id: string;
  readonly event: "ADD" | "SUPERSEDE" | "SAME";
  readonly messages: readonly string[];
}

/**
 * First what is new, then the end of what it replaces: nothing is ever retired for nothing. One fact after the other, as
 * far as they are about one another: what one of them has ended may be told anew by the next.
 */
export async function keepFacts(tx: Executor, facts: readonly KeptFact[]): Promise<readonly Kept[]> {
  const kept: Kept[] = [];
  const memoryOf = new Map<string, string>();
  const idOf = (id: string): string => memoryOf.get(id) ?? id;
  for (const run of runsOf(facts)) {
    const [{ draft, sameAs } = {}] = run;
    if (draft !== undefined && sameAs !== undefined) {
      const id = await tellAgain(tx, idOf(sameAs), draft);
      if (id !== undefined) kept.push({ id, event: "SAME", messages: messagesOf(draft) });
      continue;
    }
    const put = await putMemories(
      tx,
      run.map((fact) => fact.draft),
    );
    for (const [i, { draft, retires }] of run.entries()) {
      const result = put[i];
      if (result === undefined) continue;
      const { memory, created } = result;
      memoryOf.set(draft.id, memory.id);
      const isReplacing = (await retire(tx, memory.id, retires.map(idOf))) > 0;
      kept.push({
        id: memory.id,
        event: isReplacing ? "SUPERSEDE" : created ? "ADD" : "SAME",
        messages: messagesOf(draft),
      });
    }
  }
  return kept;
}

/** What is about another by itself, the rest together. */
function runsOf(facts: readonly KeptFact[]): readonly (readonly KeptFact[])[] {
  const isAlone = ({ retires, sameAs }: KeptFact): boolean => retires.length > 0 || sameAs !== undefined;
  const runs: KeptFact[][] = [];
  for (const fact of facts) {
    const last = runs.at(-1);
    if (last === undefined || isAlone(fact) || last.some(isAlone)) runs.push([fact]);
    else last.push(fact);
  }
  return runs;
}

function messagesOf(draft: MemoryDraft): readonly string[] {
  return draft.source?.messageIds ?? [];
}

/*
 * By its id and while it stands: what a person has deleted, ended or rewritten while the model was thinking stays so. What
 * was set by hand (importance, an end) is not the model's to change.
 */
const TELL_AGAIN = `UPDATE public.memories m SET seen_count = m.seen_count + 1, last_seen_at = now(), metadata = m.metadata || $2::jsonb,
  session_id = coalesce($3::text, m.session_id), session_ids = engram.union_in_order(m.session_ids, array_remove(ARRAY[$3::text], NULL)),
  agent_id = coalesce($4::text, m.agent_id), agent_ids = engram.union_in_order(m.agent_ids, array_remove(ARRAY[$4::text], NULL)),
  source_message_ids = engram.union_in_order(m.source_message_ids, $5::uuid[]), importance = coalesce(m.importance, $6::real),
  request_id = $7::text
WHERE m.id = $1::uuid AND m.valid_to IS NULL AND (m.expires_at IS NULL OR m.expires_at > now())
  AND m.project_id = $8::uuid AND m.user_id IS NOT DISTINCT FROM $9::text AND m.level = $10::text AND (m.level <> 'agent' OR m.agent_id = $4::text)
RETURNING m.id`;

/** Undefined: it does not stand any more. */
async function tellAgain(tx: Executor, id: string, draft: MemoryDraft): Promise<string | undefined> {
  const [row] = await tx.query<{ id: string }>(TELL_AGAIN, [
    id,
    JSON.stringify(draft.metadata),
    draft.sessionId,
    draft.agentId,
    messagesOf(draft),
    draft.importance,
    draft.requestId,
    draft.projectId,
    draft.userId,
    draft.level,
  ]);
  return row?.id;
}

/*
 * What was said later holds. Where the talk comes late (an import of last year's), the new memory is the one that has
 * ended, with the beginning of the earliest that followed it.
 */
const RETIRE = `WITH new AS (SELECT id, valid_from, project_id, user_id, level, agent_id FROM public.memories WHERE id = $1::uuid),
old AS (
  SELECT m.id, m.valid_from FROM public.memories m, new
  WHERE m.id = ANY ($2::uuid[]) AND m.id <> new.id AND m.valid_to IS NULL AND m.project_id = new.project_id AND m.user_id IS NOT DISTINCT FROM new.user_id
    AND m.level = new.level AND (m.level <> 'agent' OR m.agent_id = new.agent_id)),
ended AS (
  UPDATE public.memories m SET valid_to = new.valid_from, superseded_by = new.id FROM new, old
  WHERE m.id = old.id AND old.valid_from <= new.valid_from RETURNING 1),
followed AS (
  UPDATE public.memories m SET valid_to = o.valid_from, superseded_by = o.id
  FROM new, (SELECT id, valid_from FROM old ORDER BY valid_from, id LIMIT 1) o
  WHERE m.id = new.id AND m.valid_to IS NULL AND o.valid_from > new.valid_from RETURNING 1)
SELECT (SELECT count(*) FROM ended)::int + (SELECT count(*) FROM followed)::int AS retired`;

async function retire(tx: Executor, id: string, retires: readonly string[]): Promise<number> {
  if (retires.length === 0) return 0;
  const [row] = await tx.query<{ retired: number }>(RETIRE, [id, retires]);
  return row?.retired ?? 0;
}
