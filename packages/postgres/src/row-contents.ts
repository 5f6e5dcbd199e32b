import type { KeptRow, Level, Memory, Metadata, Standing } from "@engram/memory";
import { toMemory } from "./rows.ts";

/** Longer texts, in bytes, are read where they are: a few of them would take the room of all others. */
const LENGTH_MAX = 4_000;

/** Milliseconds since 1970, as a date keeps them of six decimals; exact, since `extract` gives no floating point. */
const TIMES = ["occurred_at", "created_at", "updated_at", "expires_at", "valid_from"]
  .map((column) => `floor(extract(epoch FROM m.${column}) * 1000)`)
  .join(", ");
const LIST = `json_build_array(m.agent_id, m.session_id, m.level, m.type, m.key, m.content, m.metadata, m.importance, m.categories, m.superseded_by,
  m.provenance ->> 'trust', ${TIMES})`;
/**
 * What a live memory of the alias `m` is beside a `RowVersion`, as one text: a list, since names would be half of it. NULL: it is
 * too long.
 */
export const CONTENTS = `CASE WHEN octet_length(m.content) <= ${LENGTH_MAX} THEN
  (SELECT CASE WHEN octet_length(l.list) <= ${LENGTH_MAX} THEN l.list END FROM (SELECT ${LIST}::text AS list OFFSET 0) l) END`;

type ContentsJson = readonly [
  agentId: string | null,
  sessionId: string | null,
  level: Level,
  type: string,
  key: string | null,
  content: string,
  metadata: Metadata,
  importance: number | null,
  categories: string[],
  supersededBy: string | null,
  trust: string | null,
  occurredAt: Milliseconds,
  createdAt: Milliseconds,
  updatedAt: Milliseconds,
  expiresAt: Milliseconds | null,
  validFrom: Milliseconds,
];

/** A time without an end is a text in JSON. */
type Milliseconds = number | string;

/** The memory that `CONTENTS` was made of. */
export function readContents(row: KeptRow, { seenCount, indexStatus }: Standing): Memory {
  const [
    agent_id,
    session_id,
    level,
    type,
    key,
    content,
    metadata,
    importance,
    categories,
    superseded_by,
    trust,
    ...times
  ] = JSON.parse(row.contents) as ContentsJson;
  const [occurredAt, createdAt, updatedAt, expiresAt, validFrom] = times;
  return toMemory({
    // As it is held, not as it is written: a text that was looked up before is found sooner than an equal one.
    id: row.id,
    project_id: row.projectId,
    user_id: row.userId,
    agent_id,
    session_id,
    level,
    type,
    key,
    content,
    metadata,
    importance,
    categories,
    occurred_at: toDate(occurredAt),
    created_at: toDate(createdAt),
    updated_at: toDate(updatedAt),
    expires_at: expiresAt === null ? null : toDate(expiresAt),
    valid_from: toDate(validFrom),
    valid_to: null,
    superseded_by,
    seen_count: seenCount,
    version: row.version,
    index_status: indexStatus,
    trust,
  });
}

const toDate = (time: Milliseconds): Date => new Date(Number(time));
