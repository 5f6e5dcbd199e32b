import {
  groupTerms,
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
 * filters. Undefined: a filter that no message can pass.
 */
function messageFilter(
  { scope, types, key, condition, createdAfter, createdBefore }: MemoryFilter,
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
  ];
  if (typeof visible.userId === "string") conditions.push(`m.user_id = ${values.add(visible.userId)}::text`);
  if (visible.sessionId !== undefined) conditions.push(`m.session_id = ${values.add(visible.sessionId)}::text`);
  if (visible.agentId !== undefined) conditions.push(`m.agent_id = ${values.add(visible.agentId)}::text`);
  if (createdAfter !== undefined) conditions.push(`m.created_at >= ${values.add(createdAfter)}::timestamptz`);
  if (createdBefore !== undefined) conditions.push(`m.created_at < ${values.add(createdBefore)}::timestamptz`);
  return conditions.join(" AND ");
}

const NOTHING: TextHits = {
  hits: [],
  terms: [],
  documents: 0,
  averageLength: 0,
  documentFrequencies: {},
};

interface TextRow extends Record<string, unknown> {
  readonly terms: string[];
  readonly day_words: string[][];
  readonly documents: number;
  readonly average_length: number;
  readonly frequencies: Record<string, number> | null;
  readonly hits: { id: string; length: number; frequencies: Record<string, number> }[] | null;
}

/**
 * As of memories (`search-text.ts`), over what waits: a few rows of a user as a rule, a day's talk while a model is away.
 * Without neighbours: what was said beside it is found by its own words, and all of it is memory soon.
 */
export async function searchMessages(
  db: Executor,
  query: TextQuery,
  filter: MemoryFilter,
  limit: number,
): Promise<TextHits> {
  const values = new Values();
  const condition = messageFilter(filter, values);
  if (condition === undefined) return NOTHING;
  const days = values.add(query.days.flatMap((day) => day.lexemes));
  const [row] = await db.query<TextRow>(
    `WITH asked AS MATERIALIZED (
       SELECT a.*, a.terms || ${days}::text[] AS wanted, (SELECT string_agg(quote_literal(t), ' | ') FROM unnest(a.terms || ${days}::text[]) t)::tsquery AS query
       FROM (SELECT engram.search_terms(${values.add(query.text)}::text) AS terms,
         (SELECT coalesce(jsonb_agg(engram.search_terms(w.words) ORDER BY w.n), '[]')
          FROM unnest(${values.add(query.days.map((day) => day.words))}::text[]) WITH ORDINALITY AS w (words, n)) AS day_words) a),
     waiting AS MATERIALIZED (SELECT m.id, m.search FROM engram.messages m WHERE ${condition}),
     seen AS (SELECT count(*)::int AS documents, coalesce(avg(length(search)), 0)::float8 AS average_length FROM waiting),
     matching AS MATERIALIZED (SELECT m.id, m.search FROM waiting m, asked a WHERE m.search @@ a.query),
     best AS (SELECT m.id, m.search FROM matching m, asked a ORDER BY ts_rank(m.search, a.query) DESC, m.id DESC LIMIT ${values.add(limit)}::int),
     df AS (SELECT jsonb_object_agg(lexeme, n) AS frequencies FROM (
       SELECT l.lexeme, count(*)::int AS n FROM matching m, asked a, unnest(m.search) l WHERE l.lexeme = ANY (a.wanted) GROUP BY 1) d),
     hits AS (SELECT jsonb_agg(jsonb_build_object('id', b.id, 'length', length(b.search), 'frequencies', (
       SELECT jsonb_object_agg(l.lexeme, coalesce(cardinality(l.positions), 1)) FROM asked a, unnest(b.search) l WHERE l.lexeme = ANY (a.wanted)))) AS list FROM best b)
     SELECT asked.terms, asked.day_words, seen.documents, seen.average_length, df.frequencies, hits.list AS hits FROM asked, seen, df, hits`,
    values.list,
  );
  if (row === undefined) return NOTHING;
  return {
    hits: (row.hits ?? []).map((hit) => ({ ...hit, isTurn: false, isMarked: false, before: [], after: [] })),
    terms: groupTerms(row.terms, query.days, row.day_words),
    documents: row.documents,
    averageLength: row.average_length,
    documentFrequencies: row.frequencies ?? {},
  };
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
