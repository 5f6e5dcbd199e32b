import { isKeyTaken, MemoryError, type IndexStatus, type MemoryDraft, type PutResult } from "@engram/memory";
import type { Executor } from "@engram/sql";
import { INDEX_STATUS_AFTER, MEMORY_COLUMNS, toMemory, type MemoryRow } from "./rows.ts";

/**
 * Puts a group of drafts in one statement and one commit: equal states merge into the memory that stands, a newer state
 * of a slot retires the older one. The INSERT depends on the retiring CTE's count, else the order of the two is open.
 * Ordered by dedupe key, so that two groups meet without a deadlock. The answers of keyed drafts are kept by the same
 * statement; when one of the keys is taken, nothing of the group is written (`keyTaken`).
 */
export async function putMemories(db: Executor, drafts: readonly MemoryDraft[]): Promise<readonly PutResult[]> {
  const folded = foldEqual(drafts);
  const withSlots = folded.some((one) => one.draft.key !== null);
  const keys = folded.flatMap(toKeys);
  const input = [JSON.stringify(folded.map(toInput)), ...(keys.length === 0 ? [] : [JSON.stringify(keys)])];
  const text = STATEMENTS[withSlots ? "slots" : "plain"][keys.length > 0 ? "keyed" : "unkeyed"];
  const rows = await (withSlots ? putSlots(db, text, input) : db.query<PutRow>(text, input));
  const byOrdinal = new Map(rows.map((row) => [row.ord, row]));
  const statuses = await statusesOfMerged(db, rows);

  const results = new Map<MemoryDraft, PutResult>();
  folded.forEach(({ drafts: equal }, ord) => {
    const row = byOrdinal.get(ord);
    if (row === undefined)
      throw new MemoryError("internal", "Internal error", { cause: new Error("a put returned no row") });
    const memory = toMemory({ ...row, index_status: row.index_status ?? statuses.get(row.id) ?? "pending" });
    equal.forEach((draft, i) => results.set(draft, { memory, created: row.created && i === 0 }));
  });
  return drafts.flatMap((draft) => results.get(draft) ?? []);
}

/**
 * One statement as a rule. Its snapshot is older than its wait for another writer of the slot, so of two at once one gets
 * 23505: the loser queues on the slot and then looks anew, else newcomers could be first for ever.
 */
async function putSlots(db: Executor, text: string, input: readonly string[]): Promise<readonly PutRow[]> {
  try {
    return await db.query<PutRow>(text, input);
  } catch (error) {
    if (!(error instanceof MemoryError) || error.code !== "conflict" || isKeyTaken(error)) throw error;
  }
  return db.transaction(async (tx) => {
    await tx.query(LOCK_SLOTS, input.slice(0, 1));
    return tx.query<PutRow>(text, input);
  });
}

interface PutRow extends MemoryRow {
  readonly ord: number;
  readonly created: boolean;
}

/** Equal states of one group, told together. */
interface Folded {
  readonly draft: MemoryDraft;
  readonly drafts: readonly MemoryDraft[];
}

/** ON CONFLICT may touch a row once only, so equal drafts become one before the statement (else 21000). */
function foldEqual(drafts: readonly MemoryDraft[]): readonly Folded[] {
  const groups = new Map<string, MemoryDraft[]>();
  for (const draft of drafts) {
    const same =
      draft.type === "interaction"
        ? draft.id
        : JSON.stringify([
            draft.projectId,
            draft.userId,
            draft.level,
            draft.type,
            levelId(draft),
            draft.key,
            draft.content,
          ]);
    const group = groups.get(same);
    if (group === undefined) groups.set(same, [draft]);
    else group.push(draft);
  }
  return [...groups.values()].map((equal) => ({ draft: equal.reduce(mergeDrafts), drafts: equal }));
}

function mergeDrafts(older: MemoryDraft, newer: MemoryDraft): MemoryDraft {
  return {
    ...older,
    sessionId: newer.sessionId ?? older.sessionId,
    agentId: newer.agentId ?? older.agentId,
    metadata: { ...older.metadata, ...newer.metadata },
    importance: newer.importance ?? older.importance,
    categories: [...new Set([...older.categories, ...newer.categories])],
    expiresAt:
      older.expiresAt === null || newer.expiresAt === null
        ? null
        : new Date(Math.max(older.expiresAt.getTime(), newer.expiresAt.getTime())),
    requestId: newer.requestId,
  };
}

function levelId(draft: MemoryDraft): string | null {
  return draft.level === "session" ? draft.sessionId : draft.level === "agent" ? draft.agentId : null;
}

function toInput({ draft, drafts }: Folded, ord: number) {
  return {
    ord,
    id: draft.id,
    project_id: draft.projectId,
    user_id: draft.userId,
    agent_id: draft.agentId,
    session_id: draft.sessionId,
    session_ids: tellers(drafts, (one) => one.sessionId),
    agent_ids: tellers(drafts, (one) => one.agentId),
    level: draft.level,
    type: draft.type,
    key: draft.key,
    content: draft.content,
    metadata: draft.metadata,
    importance: draft.importance,
    categories: draft.categories,
    occurred_at: draft.occurredAt,
    expires_at: draft.expiresAt,
    seen_count: drafts.length,
    request_id: draft.requestId,
    ...(draft.source === undefined
      ? {}
      : {
          source_message_ids: [...new Set(drafts.flatMap((one) => one.source?.messageIds ?? []))],
          provenance: draft.source.provenance,
          valid_from: draft.source.validFrom,
        }),
  };
}

/** The keys of a folded draft: the first of its tellers made the memory, the others found it. */
function toKeys({ drafts }: Folded, ord: number) {
  return drafts.flatMap(({ keyed }, i) => (keyed === undefined ? [] : [{ ...keyed, ord, first: i === 0 }]));
}

function tellers(drafts: readonly MemoryDraft[], idOf: (draft: MemoryDraft) => string | null): readonly string[] {
  return [...new Set(drafts.flatMap((draft) => idOf(draft) ?? []))];
}

const DEDUPE =
  "engram.dedupe_key(i.project_id, i.user_id, i.level, i.type, i.session_id, i.agent_id, i.key, i.content)";
const SLOT = "engram.slot_key(i.project_id, i.user_id, i.level, i.type, i.session_id, i.agent_id, i.key)";

const INPUT = `input AS MATERIALIZED (
  SELECT i.*, ${DEDUPE} AS dedupe_key FROM json_to_recordset($1::json) AS i(ord int, id uuid, project_id uuid, user_id text, agent_id text, session_id text,
    session_ids text[], agent_ids text[], level text, type text, key text, content text, metadata jsonb, importance real, categories text[],
    occurred_at timestamptz, expires_at timestamptz, seen_count int, request_id text, source_message_ids uuid[], provenance jsonb, valid_from timestamptz)
)`;

/** The latest telling last; nobody twice. */
function union(column: string): string {
  return `engram.union_in_order(m.${column}, excluded.${column})`;
}

const INSERT = (from: string) => `put AS (
  INSERT INTO public.memories AS m (id, project_id, user_id, agent_id, session_id, session_ids, agent_ids, level, type, key, content, metadata,
    importance, categories, occurred_at, expires_at, seen_count, request_id, source_message_ids, provenance, valid_from)
  SELECT i.id, i.project_id, i.user_id, i.agent_id, i.session_id, i.session_ids, i.agent_ids, i.level, i.type, i.key, i.content, i.metadata,
    i.importance, i.categories, coalesce(i.occurred_at, now()), i.expires_at, i.seen_count, i.request_id,
    coalesce(i.source_message_ids, '{}'), coalesce(i.provenance, '{}'), least(i.valid_from, now())
  FROM ${from} ORDER BY i.dedupe_key
  ON CONFLICT (dedupe_key) DO UPDATE SET
    seen_count = m.seen_count + excluded.seen_count, last_seen_at = now(),
    metadata = m.metadata || excluded.metadata,
    importance = coalesce(excluded.importance, m.importance),
    categories = ${union("categories")},
    session_id = coalesce(excluded.session_id, m.session_id), session_ids = ${union("session_ids")},
    agent_id = coalesce(excluded.agent_id, m.agent_id), agent_ids = ${union("agent_ids")},
    expires_at = CASE WHEN m.expires_at IS NULL OR excluded.expires_at IS NULL THEN NULL ELSE GREATEST(m.expires_at, excluded.expires_at) END,
    source_message_ids = ${union("source_message_ids")},
    request_id = excluded.request_id
  RETURNING ${MEMORY_COLUMNS}, m.dedupe_key, (m.xmax = 0) AS created
)`;

// Back to every input: a new row has the input's id, a merged one its dedupe key.
const ANSWER = `SELECT i.ord, ${MEMORY_COLUMNS}, m.created FROM input i JOIN put m ON m.id = i.id OR m.dedupe_key = i.dedupe_key`;

// The same with the index status as of this commit, which the answers that are kept show. In the order of the keys, so
// that two groups meet without a deadlock; of an item of a bulk the id, which may outlive the memory.
const KEYED_ANSWER = `answer AS (
  SELECT i.ord, ${MEMORY_COLUMNS}, m.created, ${INDEX_STATUS_AFTER}
  FROM input i JOIN put m ON m.id = i.id OR m.dedupe_key = i.dedupe_key LEFT JOIN public.memories old ON old.id = m.id
),
kept AS (
  INSERT INTO engram.idempotency (key_hash, request_hash, project_id, user_id, memory_id, result)
  SELECT decode(k.key, 'hex'), decode(k.request, 'hex'), a.project_id, a.user_id, CASE WHEN k."idOnly" THEN NULL ELSE a.id END,
    CASE WHEN k."idOnly" THEN json_build_object('id', a.id, 'created', a.created AND k.first)
         ELSE json_build_object('memory', to_json(a), 'created', a.created AND k.first) END
  FROM json_to_recordset($2::json) AS k(key text, request text, "idOnly" bool, ord int, first bool) JOIN answer a ON a.ord = k.ord ORDER BY k.key
)
SELECT * FROM answer`;

const PUT = `WITH ${INPUT}, ${INSERT("input i")}`;

const PUT_WITH_SLOTS = `WITH ${INPUT}, slots AS MATERIALIZED (SELECT i.*, ${SLOT} AS slot_key FROM input i),
retired AS (
  UPDATE public.memories m SET valid_to = now(), superseded_by = s.id, request_id = s.request_id
  FROM slots s WHERE m.slot_key = s.slot_key AND m.dedupe_key <> s.dedupe_key RETURNING m.id
),
n AS MATERIALIZED (SELECT count(*) AS retired FROM retired),
${INSERT("input i, n WHERE n.retired >= 0")}`;

const STATEMENTS = {
  plain: { unkeyed: `${PUT} ${ANSWER}`, keyed: `${PUT}, ${KEYED_ANSWER}` },
  slots: { unkeyed: `${PUT_WITH_SLOTS} ${ANSWER}`, keyed: `${PUT_WITH_SLOTS}, ${KEYED_ANSWER}` },
} as const;

// In one order, so that two groups that share slots do not wait for each other.
const LOCK_SLOTS = `WITH ${INPUT}, slots AS MATERIALIZED (SELECT DISTINCT ${SLOT} AS slot_key FROM input i)
SELECT pg_advisory_xact_lock(hashtextextended(s.slot_key::text, 0)) FROM (SELECT slot_key FROM slots WHERE slot_key IS NOT NULL ORDER BY 1) s`;

/** A new row is pending; of a merged one the outbox knows, by primary key, unless the statement has asked already. */
async function statusesOfMerged(db: Executor, rows: readonly PutRow[]): Promise<ReadonlyMap<string, IndexStatus>> {
  const merged = rows.filter((row) => !row.created && row.index_status === undefined).map((row) => row.id);
  return merged.length === 0 ? new Map() : findIndexStatuses(db, merged);
}

/** The index status of each id. */
export async function findIndexStatuses(
  db: Executor,
  ids: readonly string[],
): Promise<ReadonlyMap<string, IndexStatus>> {
  const rows = await db.query<{ id: string; index_status: IndexStatus }>(
    "SELECT id, engram.index_status(id) AS index_status FROM unnest($1::uuid[]) AS id",
    [ids],
  );
  return new Map(rows.map((row) => [row.id, row.index_status]));
}
