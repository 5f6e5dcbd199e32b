import {
  bestOf,
  frequenciesOf,
  groupTerms,
  NO_HITS,
  NO_NEIGHBOURS,
  tenantOf,
  type KeptMessage,
  type Person,
  visibleTo,
  type Message,
  type MemoryFilter,
  type Role,
  type Speaker,
  type TextHits,
  type TextQuery,
} from "@engram/memory";
import { Values, type Executor } from "@engram/sql";
import { analyseIn, anyOf } from "../lexemes.ts";
import { candidatesSql, toCandidates, type CandidateColumns } from "../text-candidates.ts";

export interface MessageRow extends Record<string, unknown> {
  readonly id: string;
  readonly project_id: string;
  readonly user_id: string | null;
  readonly agent_id: string | null;
  readonly session_id: string | null;
  readonly role: Role;
  readonly name: string | null;
  readonly content: string;
  readonly said_at: Date;
  readonly created_at: Date;
}

export const MESSAGE_COLUMNS =
  "m.id, m.project_id, m.user_id, m.agent_id, m.session_id, m.role, m.name, m.content, m.said_at, m.created_at";

export function toMessage(row: MessageRow): Message {
  return {
    id: row.id,
    projectId: row.project_id,
    userId: row.user_id,
    agentId: row.agent_id,
    sessionId: row.session_id,
    role: row.role,
    name: row.name,
    content: row.content,
    saidAt: row.said_at,
    createdAt: row.created_at,
  };
}

/** See `Conversations.turns`. */
export async function turns(db: Executor, speaker: Speaker, limit: number): Promise<readonly Message[]> {
  const values = new Values();
  const owner = values.add(tenantOf(speaker));
  const session =
    speaker.sessionId === null ? "m.session_id IS NULL" : `m.session_id = ${values.add(speaker.sessionId)}::text`;
  const rows = await db.query<MessageRow>(
    `SELECT ${MESSAGE_COLUMNS} FROM engram.messages m WHERE m.owner = ${owner}::uuid AND ${session} AND m.content <> ''
     ORDER BY m.id DESC LIMIT ${values.add(limit)}::int`,
    values.list,
  );
  return rows.map(toMessage).toReversed();
}

/** Rows of one page of an export. */
const PAGE = 500;

/** Every message of a person in pages; see `Users.exportMessages`. */
export async function* exportMessages(
  db: Executor,
  { projectId, userId }: Person,
): AsyncGenerator<readonly KeptMessage[]> {
  const owner = tenantOf({ projectId, userId, agentId: null });
  let last: string | null = null;
  for (;;) {
    const rows: readonly (MessageRow & { readonly extracted_at: Date | null })[] = await db.query(
      `SELECT ${MESSAGE_COLUMNS}, m.extracted_at FROM engram.messages m
       WHERE m.owner = $1::uuid AND ($2::uuid IS NULL OR m.id > $2::uuid) ORDER BY m.id LIMIT ${PAGE}`,
      [owner, last],
    );
    if (rows.length > 0) yield rows.map((row) => ({ ...toMessage(row), extractedAt: row.extracted_at }));
    last = rows.at(-1)?.id ?? null;
    if (rows.length < PAGE) return;
  }
}

/**
 * Messages are the user's, as lasting memories are: seen from every session, narrowed by ids where these are plain
 * filters. As of a time they are what had been said by then, and they expire as the memories that would come of them.
 * Undefined: a filter that no message can pass.
 */
function messageFilter(
  { scope, types, key, condition, createdAfter, createdBefore, asOf }: MemoryFilter,
  values: Values,
): string | undefined {
  if (types !== undefined || key !== undefined || condition !== undefined) return undefined;
  const visible = visibleTo(scope).find(({ level }) => level === undefined || level === "user");
  if (visible === undefined || (visible.userId === undefined && !scope.exact)) return undefined;
  const conditions = [
    `m.project_id = ${values.add(scope.projectId)}::uuid`,
    "m.extracted_at IS NULL",
    "m.content <> ''",
    "m.role <> 'system'",
    "NOT EXISTS (SELECT FROM engram.events e WHERE e.id = m.event_id AND e.memory_expires_at <= statement_timestamp())",
  ];
  if (typeof visible.userId === "string") conditions.push(`m.user_id = ${values.add(visible.userId)}::text`);
  if (visible.sessionId !== undefined) conditions.push(`m.session_id = ${values.add(visible.sessionId)}::text`);
  if (visible.agentId !== undefined) conditions.push(`m.agent_id = ${values.add(visible.agentId)}::text`);
  if (createdAfter !== undefined) conditions.push(`m.created_at >= ${values.add(createdAfter)}::timestamptz`);
  if (createdBefore !== undefined) conditions.push(`m.created_at < ${values.add(createdBefore)}::timestamptz`);
  if (asOf !== undefined) conditions.push(`date_trunc('milliseconds', m.said_at) <= ${values.add(asOf)}::timestamptz`);
  return conditions.join(" AND ");
}

interface TextRow extends Record<string, unknown> {
  readonly documents: number;
  readonly average_length: number;
  readonly found: CandidateColumns;
}

/** So many of the newest are gone through; a few wait as a rule, a day's talk while a model is away. */
const WAITING_MAX = 4_000;

/**
 * As of memories (`search-text.ts`), over what waits. Without neighbours: what was said beside it is found by its own words,
 * and all of it is memory soon.
 */
export async function searchMessages(
  db: Executor,
  readQuery: () => TextQuery,
  filter: MemoryFilter,
  limit: number,
): Promise<TextHits> {
  const values = new Values();
  const condition = messageFilter(filter, values);
  if (condition === undefined || !(await mayWait(db, filter))) return NO_HITS;
  const query = readQuery();
  const { terms, alike, dayWords } = await analyseIn(db)(query);
  const wanted = new Set([...terms, ...query.days.flatMap((day) => day.lexemes)]);
  if (wanted.size === 0) return NO_HITS;
  const [row] = await db.query<TextRow>(
    `WITH waiting AS MATERIALIZED (
       SELECT m.id, length(m.search) AS length, CASE WHEN m.search @@ ${values.add(anyOf(wanted))}::tsquery THEN m.search END AS found
       FROM engram.messages m WHERE ${condition} ORDER BY m.id DESC LIMIT ${WAITING_MAX}),
     hits AS MATERIALIZED (SELECT row_number() OVER () AS n, id, length, false AS is_event, found FROM waiting WHERE found IS NOT NULL)
     SELECT count(*)::int AS documents, coalesce(avg(length), 0)::float8 AS average_length, ${candidatesSql("hits", [...wanted], [], values)} AS found
     FROM waiting`,
    values.list,
  );
  if (row === undefined || row.documents === 0) return NO_HITS;
  const candidates = toCandidates(row.found);
  const statistics = {
    documents: row.documents,
    averageLength: row.average_length,
    documentFrequencies: frequenciesOf(candidates.postings),
  };
  return {
    ...bestOf(candidates, wanted, { ...statistics, limit }),
    neighbours: NO_NEIGHBOURS,
    terms: groupTerms({ lexemes: terms, alike }, query.days, dayWords),
    ...statistics,
  };
}

/** False: no talk of the user waits, as nearly always; only to plan the search of its words costs many times this question. */
async function mayWait(db: Executor, { scope: { projectId, userId } }: MemoryFilter): Promise<boolean> {
  if (userId === undefined) return true;
  const tenant = tenantOf({ projectId, userId, agentId: null });
  const [row] = await db.query<{ waits: boolean }>("SELECT engram.talk_waits($1::uuid) AS waits", [tenant]);
  return row?.waits === true;
}

export async function findMessages(
  db: Executor,
  ids: readonly string[],
  filter: MemoryFilter,
): Promise<readonly Message[]> {
  const values = new Values();
  const condition = messageFilter(filter, values);
  if (condition === undefined || ids.length === 0) return [];
  const rows = await db.query<MessageRow>(
    `SELECT ${MESSAGE_COLUMNS} FROM engram.messages m WHERE m.id = ANY (${values.add(ids)}::uuid[]) AND ${condition}`,
    values.list,
  );
  return rows.map(toMessage);
}
