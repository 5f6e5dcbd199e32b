import { DEFAULT_PROJECT_ID, uuidv7, type Conditioned, type Level } from "@engram/memory";
import type { Executor } from "@engram/sql";
import { ownWord, VOCABULARY } from "./meaning.ts";
import { pick, some, type Random } from "./random.ts";

/** Projects, sessions and agents share their names among all users, so that nothing but the scope tells them apart. */
export const PROJECTS = [DEFAULT_PROJECT_ID, "00000000-0000-7000-8000-0000000000b2"];
export const USERS = ["anna", "boris", "clara", "dmitri", "emil"];
/** So many more memories than others: of this user more lie in the index than one pool takes. */
export const CROWDED = { project: DEFAULT_PROJECT_ID, user: "anna", times: 6 };
export const isCrowded = ({ projectId, userId }: Pick<Conditioned, "projectId" | "userId">): boolean =>
  projectId === CROWDED.project && userId === CROWDED.user;
export const SESSIONS = ["s1", "s2", "s3"];
export const AGENTS = ["g1", "g2"];
export const TYPES = ["fact", "preference", "interaction", "note"];
export const CATEGORIES = ["home", "work", "food"];
export const COLORS = ["red", "green", "blue", "grey"];
export const KEYS = ["theme", "city"];
const LEVELS: readonly Level[] = ["user", "user", "user", "session", "agent"];
/** Of memories without a user; a lasting one of nobody comes from raw SQL. */
const NOBODYS_LEVELS: readonly Level[] = ["agent", "agent", "user"];
const DAY_MS = 24 * 60 * 60 * 1000;
/** Whole days, so that bounds of requests fall on them. */
export const DAYS = Array.from({ length: 20 }, (_, day) => new Date(Date.UTC(2026, 0, 1) + day * DAY_MS));

/** What is written of a memory; the database adds the rest. */
export type NewRow = Omit<Conditioned, "updatedAt" | "supersededBy" | "seenCount" | "version" | "indexStatus"> &
  Partial<Pick<Conditioned, "seenCount">>;

/** Memories of two projects, `perUser` of each user, some retired, expired, repeated, or shared by the users of an agent. */
export function makeRows(random: Random, perUser: number): readonly NewRow[] {
  const rows: NewRow[] = [];
  for (const projectId of PROJECTS) {
    for (const userId of USERS) {
      const count = perUser * (isCrowded({ projectId, userId }) ? CROWDED.times : 1);
      for (let i = 0; i < count; i++) rows.push(makeRow(random, rows, { projectId, userId }));
    }
    for (let i = 0; i < perUser / 4; i++) rows.push(makeRow(random, rows, { projectId, userId: null }));
  }
  return rows;
}

function makeRow(
  random: Random,
  before: readonly NewRow[],
  owner: { projectId: string; userId: string | null },
): NewRow {
  const level = pick(random, owner.userId === null ? NOBODYS_LEVELS : LEVELS);
  const sessionIds = level === "session" ? [pick(random, SESSIONS)] : some(random, SESSIONS, 0.2);
  const agentIds = level === "agent" ? [pick(random, AGENTS)] : some(random, AGENTS, 0.2);
  const createdAt = pick(random, DAYS);
  const twin = random() < 0.05 ? before.at(-1) : undefined;
  const content =
    twin === undefined
      ? `${pick(random, VOCABULARY)} ${pick(random, VOCABULARY)} ${ownWord(before.length)}`
      : `${twin.content}.`;
  // A slot holds one state; a key of retired rows and events is no slot.
  const isRetired = random() < 0.12;
  const type = pick(random, TYPES);
  return {
    ...owner,
    id: uuidv7(),
    level,
    sessionIds,
    agentIds,
    sessionId: sessionIds.at(-1) ?? null,
    agentId: agentIds.at(-1) ?? null,
    // A repetition is another memory by its type: it must not be the same state.
    type: twin === undefined ? type : "interaction",
    key: (isRetired || type === "interaction") && random() < 0.5 ? pick(random, KEYS) : null,
    content,
    metadata: { color: pick(random, COLORS), n: Math.floor(random() * 10), deep: { tags: some(random, COLORS, 0.3) } },
    importance: pick(random, [null, 0.1, 0.5, 0.9]),
    categories: some(random, CATEGORIES, 0.3),
    occurredAt: createdAt,
    createdAt,
    expiresAt: pick(random, [null, null, null, null, hours(24), hours(24), hours(-24)]),
    validFrom: createdAt,
    validTo: isRetired ? new Date(createdAt.getTime() + pick(random, [1, 3, 9]) * DAY_MS) : null,
  };
}

const hours = (count: number): Date => new Date(Date.now() + count * 60 * 60 * 1000);

const CHUNK = 500;

/** As a restore would put them, their times and retirements with them. */
export async function writeRows(db: Executor, rows: readonly NewRow[]): Promise<void> {
  for (let from = 0; from < rows.length; from += CHUNK)
    await db.query(
      `INSERT INTO public.memories (id, project_id, user_id, agent_id, session_id, level, type, key, content, metadata, importance, categories,
         session_ids, agent_ids, occurred_at, created_at, updated_at, expires_at, valid_from, valid_to, seen_count)
       SELECT r."id", r."projectId", r."userId", r."agentId", r."sessionId", r."level", r."type", r."key", r."content", r."metadata", r."importance", r."categories",
         r."sessionIds", r."agentIds", r."occurredAt", r."createdAt", r."createdAt", r."expiresAt", r."validFrom", r."validTo", coalesce(r."seenCount", 1)
       FROM json_to_recordset($1::json) AS r ("id" uuid, "projectId" uuid, "userId" text, "agentId" text, "sessionId" text, "level" text, "type" text,
         "key" text, "content" text, "metadata" jsonb, "importance" real, "categories" text[], "sessionIds" text[], "agentIds" text[],
         "occurredAt" timestamptz, "createdAt" timestamptz, "expiresAt" timestamptz, "validFrom" timestamptz, "validTo" timestamptz, "seenCount" integer)`,
      [JSON.stringify(rows.slice(from, from + CHUNK))],
    );
}

/** Every row as it stands, whatever its state. */
export async function readRows(db: Executor): Promise<readonly Conditioned[]> {
  const rows = await db.query(
    `SELECT id, project_id AS "projectId", user_id AS "userId", agent_id AS "agentId", session_id AS "sessionId", level, type, key, content, metadata,
       importance, categories, session_ids AS "sessionIds", agent_ids AS "agentIds", occurred_at AS "occurredAt", created_at AS "createdAt",
       updated_at AS "updatedAt", expires_at AS "expiresAt", valid_from AS "validFrom", valid_to AS "validTo", superseded_by AS "supersededBy",
       seen_count AS "seenCount", version, 'indexed' AS "indexStatus" FROM public.memories`,
  );
  return rows as unknown as readonly Conditioned[];
}
