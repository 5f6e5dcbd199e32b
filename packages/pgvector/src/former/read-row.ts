import { createHash } from "node:crypto";

/** A row of a former mem0, whichever of its tables it stands in. */
export interface FormerRow {
  readonly id: string;
  /** Of the guide's table; else they stand in `details`. */
  readonly user_id?: string | null;
  readonly memory?: string | null;
  readonly created_at?: Date | null;
  readonly updated_at?: Date | null;
  /** `payload` or `metadata`. */
  readonly details: unknown;
  /** As PostgreSQL writes it; null: it was never embedded. */
  readonly embedding?: string | null;
}

/** What becomes a memory. */
export interface Told {
  /** The row's own where it is a UUID, else made of it: the same every time. */
  readonly id: string;
  /** For when a memory of other content has taken that id: made of the content too. */
  readonly otherId: string;
  readonly userId: string | null;
  readonly agentId: string | null;
  readonly sessionId: string | null;
  readonly content: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly createdAt: Date | null;
  readonly updatedAt: Date | null;
  readonly expiresAt: Date | null;
}

export type Unfit = "without text" | "without user and agent" | "with an id of more than 256 characters";

/** What mem0 keeps beside the metadata that its user gave; Python's names, then those of its TypeScript. */
const OWN_KEYS = new Set([
  "data",
  "hash",
  "text_lemmatized",
  "textLemmatized",
  "user_id",
  "userId",
  "agent_id",
  "agentId",
  "run_id",
  "runId",
  "created_at",
  "createdAt",
  "updated_at",
  "updatedAt",
  "expiration_date",
  "expirationDate",
]);
const ID_LENGTH_MAX = 256;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Reads a row, or says why it cannot be a memory. Pure. */
export function readFormerRow(relation: string, row: FormerRow): Told | Unfit {
  const details = isRecord(row.details) ? row.details : {};
  const isGuides = row.memory !== undefined;
  const content =
    textOf(isGuides ? row.memory : details["data"])
      ?.normalize("NFC")
      .trim() ?? "";
  if (content === "") return "without text";
  const userId = idOf(isGuides ? row.user_id : (details["user_id"] ?? details["userId"]));
  const agentId = idOf(details["agent_id"] ?? details["agentId"]);
  const sessionId = idOf(details["run_id"] ?? details["runId"]);
  if (userId === null && agentId === null) return "without user and agent";
  if ([userId, agentId, sessionId].some((id) => id !== null && id.length > ID_LENGTH_MAX))
    return "with an id of more than 256 characters";
  const createdAt = timeOf(details["created_at"] ?? details["createdAt"]) ?? row.created_at ?? null;
  return {
    id: UUID.test(row.id) ? row.id.toLowerCase() : uuidFrom(relation, row.id),
    otherId: uuidFrom(relation, row.id, content),
    userId,
    agentId,
    sessionId,
    content,
    metadata: isGuides
      ? isRecord(row.details) || row.details === null
        ? details
        : { value: row.details }
      : Object.fromEntries(Object.entries(details).filter(([key]) => !OWN_KEYS.has(key))),
    createdAt,
    updatedAt: timeOf(details["updated_at"] ?? details["updatedAt"]) ?? row.updated_at ?? createdAt,
    expiresAt: timeOf(details["expiration_date"] ?? details["expirationDate"]),
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** Empty is nobody; numbers are ids too. */
function idOf(value: unknown): string | null {
  const id = typeof value === "number" ? String(value) : textOf(value);
  return id === undefined || id === "" ? null : id;
}

function timeOf(value: unknown): Date | null {
  const time = new Date(textOf(value) ?? Number.NaN);
  return Number.isNaN(time.getTime()) ? null : time;
}

/** A UUIDv8 (RFC 9562) of the parts. */
function uuidFrom(...parts: readonly string[]): string {
  const hex = createHash("sha256").update(JSON.stringify(parts)).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
