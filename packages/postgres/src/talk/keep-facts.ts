import { TRUSTS, type KeptFact, type MemoryDraft } from "@engram/memory";
import { Values, type Executor } from "@engram/sql";
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
      if (!created) await raiseTrust(tx, memory.id, draft);
      const isReplacing = (await retire(tx, { id: memory.id, draft, retires: retires.map(idOf) })) > 0;
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

/**
 * By its id and while it stands: what a person has deleted, ended or rewritten while the model was thinking stays so. What
 * was set by hand (importance, an end) is not the model's to change. Undefined: it does not stand any more.
 */
async function tellAgain(tx: Executor, id: string, draft: MemoryDraft): Promise<string | undefined> {
  const values = new Values();
  const session = `${values.add(draft.sessionId)}::text`;
  const agent = `${values.add(draft.agentId)}::text`;
  const provenance = `${values.add(JSON.stringify(draft.source?.provenance ?? {}))}::jsonb`;
  const [row] = await tx.query<{ id: string }>(
    `UPDATE public.memories m SET seen_count = m.seen_count + 1, last_seen_at = now(),
       metadata = m.metadata || ${values.add(JSON.stringify(draft.metadata))}::jsonb, importance = coalesce(m.importance, ${values.add(draft.importance)}::real),
       session_id = coalesce(${session}, m.session_id), session_ids = engram.union_in_order(m.session_ids, array_remove(ARRAY[${session}], NULL)),
       agent_id = coalesce(${agent}, m.agent_id), agent_ids = engram.union_in_order(m.agent_ids, array_remove(ARRAY[${agent}], NULL)),
       source_message_ids = engram.union_in_order(m.source_message_ids, ${values.add(messagesOf(draft))}::uuid[]),
       provenance = CASE WHEN ${trustSql("m.provenance")} < ${trustSql(provenance)} THEN ${provenance} ELSE m.provenance END,
       request_id = ${values.add(draft.requestId)}::text
     WHERE m.id = ${values.add(id)}::uuid AND ${ownedSql(draft, values)} AND m.valid_to IS NULL AND (m.expires_at IS NULL OR m.expires_at > now())
     RETURNING m.id`,
    values.list,
  );
  return row?.id;
}

/** What is told again by one who is trusted more is trusted as much. */
async function raiseTrust(tx: Executor, id: string, draft: MemoryDraft): Promise<void> {
  await tx.query(
    `UPDATE public.memories m SET provenance = $2::jsonb WHERE m.id = $1::uuid AND ${trustSql("m.provenance")} < ${trustSql("$2::jsonb")}`,
    [id, JSON.stringify(draft.source?.provenance ?? {})],
  );
}

/** How far a provenance is trusted, from 1; what a client wrote itself has none and is trusted most. */
function trustSql(provenance: string): string {
  const trusts = TRUSTS.map((trust) => `'${trust}'`).join(", ");
  return `coalesce(array_position(ARRAY[${trusts}], ${provenance} ->> 'trust'), ${TRUSTS.length})`;
}

/** The memories of whose the draft is: only they are told again, or ended by it. */
function ownedSql({ projectId, userId, agentId }: MemoryDraft, values: Values): string {
  const project = `m.project_id = ${values.add(projectId)}::uuid`;
  return userId === null
    ? `${project} AND m.user_id IS NULL AND m.level = 'agent' AND m.agent_id = ${values.add(agentId)}::text`
    : `${project} AND m.user_id = ${values.add(userId)}::text AND m.level = 'user'`;
}

/**
 * Ends what the draft, kept as the memory `id`, takes the place of, where the draft begins; gives how many have ended. What
 * was said later holds: where talk comes late (an import of last year's), the new memory is the one that has ended, with
 * the beginning of the next, and what had ended there ends with it. Since when it is so the draft says, not the memory,
 * which may have been told long before. None is ended by what is trusted less.
 */
async function retire(
  tx: Executor,
  { id, draft, retires }: { readonly id: string; readonly draft: MemoryDraft; readonly retires: readonly string[] },
): Promise<number> {
  if (retires.length === 0) return 0;
  const values = new Values();
  const since = `${values.add(draft.source?.validFrom ?? new Date())}::timestamptz`;
  const trust = trustSql(`${values.add(JSON.stringify(draft.source?.provenance ?? {}))}::jsonb`);
  const own = `${values.add(id)}::uuid`;
  // What was undone has no time of its own.
  const related = `${ownedSql(draft, values)} AND m.id <> ${own} AND (m.valid_to IS NULL OR m.valid_to > m.valid_from)`;
  const columns = `m.id, m.valid_from, m.valid_to, m.superseded_by, ${trustSql("m.provenance")} AS trust`;
  const [row] = await tx.query<{ retired: number }>(
    `WITH RECURSIVE line AS (
       SELECT ${columns} FROM public.memories m WHERE m.id = ANY (${values.add(retires)}::uuid[]) AND ${related}
       UNION
       SELECT m.* FROM line l, LATERAL (
         SELECT ${columns} FROM public.memories m WHERE l.valid_from > ${since} AND m.superseded_by = l.id AND ${related}
         UNION ALL
         SELECT ${columns} FROM public.memories m
         WHERE l.valid_from <= ${since} AND l.valid_to > ${since} AND m.id = l.superseded_by AND m.valid_from > ${since} AND ${related}) m),
     ended AS (
       UPDATE public.memories m SET valid_to = ${since}, superseded_by = ${own} FROM line l
       WHERE m.id = l.id AND l.valid_from <= ${since} AND (l.valid_to IS NULL OR l.valid_to > ${since}) AND l.trust <= ${trust} RETURNING 1),
     followed AS (
       UPDATE public.memories m SET valid_to = l.valid_from, superseded_by = l.id
       FROM (SELECT l.id, l.valid_from FROM line l, public.memories n
         WHERE n.id = ${own} AND l.valid_from > ${since} AND ${trustSql("n.provenance")} <= LEAST(l.trust, ${trust})
         ORDER BY l.valid_from, l.id LIMIT 1) l
       WHERE m.id = ${own} AND m.valid_to IS NULL RETURNING 1)
     SELECT (SELECT count(*) FROM ended)::int + (SELECT count(*) FROM followed)::int AS retired`,
    values.list,
  );
  return row?.retired ?? 0;
}
