import {
  formatMemoryId,
  formatMessageId,
  type KeptMemory,
  type KeptMessage,
  type KeptVersion,
  type Person,
  type Users,
} from "@engram/memory";
import { memoryJson, storedJson } from "./memory-json.ts";

export const EXPORT_FORMATS = ["json", "ndjson"] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** Text of one write: large enough to be worth a system call, small enough to be held for every slow client. */
const PIECE_LENGTH = 65_536;

/**
 * Everything that is kept on a person, as pieces of one document; a page is read when its turn comes. Only a document
 * that is whole says `complete`, so that one which was cut is known for it, whatever stands between here and its reader.
 */
export function exportDocument(
  users: Users,
  person: Person,
  { format, exportedAt }: { format: ExportFormat; exportedAt: Date },
): AsyncGenerator<string> {
  const head = { user_id: person.userId, exported_at: exportedAt };
  return inPieces(format === "json" ? asJson(users, person, head) : asLines(users, person, head));
}

/** One kind of what is kept: its name in the document, in a line, and its pages on the wire. */
interface Part {
  readonly name: "memories" | "history" | "messages";
  readonly kind: "memory" | "version" | "message";
  readonly pages: () => AsyncIterable<readonly object[]>;
}

function partsOf(users: Users, person: Person): readonly Part[] {
  return [
    { name: "memories", kind: "memory", pages: () => mapped(users.exportMemories(person), keptMemoryJson) },
    { name: "history", kind: "version", pages: () => mapped(users.exportHistory(person), keptVersionJson) },
    { name: "messages", kind: "message", pages: () => mapped(users.exportMessages(person), keptMessageJson) },
  ];
}

async function* mapped<T>(pages: AsyncIterable<readonly T[]>, toJson: (one: T) => object): AsyncGenerator<object[]> {
  for await (const page of pages) yield page.map(toJson);
}

async function* asJson(users: Users, person: Person, head: object): AsyncGenerator<string> {
  const counts: Record<string, number> = {};
  yield JSON.stringify(head).slice(0, -1);
  for (const { name, pages } of partsOf(users, person)) {
    let count = 0;
    yield `,"${name}":[`;
    for await (const page of pages()) for (const one of page) yield (count++ === 0 ? "" : ",") + JSON.stringify(one);
    yield "]";
    counts[name] = count;
  }
  yield `,${JSON.stringify({ counts, complete: true }).slice(1)}\n`;
}

async function* asLines(users: Users, person: Person, head: object): AsyncGenerator<string> {
  const line = (kind: string, value: object): string => `${JSON.stringify({ kind, ...value })}\n`;
  const counts: Record<string, number> = {};
  yield line("export", head);
  for (const { name, kind, pages } of partsOf(users, person)) {
    let count = 0;
    for await (const page of pages())
      for (const one of page) {
        count += 1;
        yield line(kind, one);
      }
    counts[name] = count;
  }
  yield line("end", { counts, complete: true });
}

async function* inPieces(texts: AsyncIterable<string>): AsyncGenerator<string> {
  let piece = "";
  for await (const text of texts) {
    piece += text;
    if (piece.length < PIECE_LENGTH) continue;
    yield piece;
    piece = "";
  }
  yield piece;
}

function keptMemoryJson(memory: KeptMemory) {
  return {
    ...memoryJson(memory),
    session_ids: memory.sessionIds,
    agent_ids: memory.agentIds,
    source_message_ids: memory.sourceMessageIds,
    provenance: memory.provenance,
    last_seen_at: memory.lastSeenAt,
    request_id: memory.requestId,
  };
}

function keptVersionJson(version: KeptVersion) {
  return {
    memory_id: formatMemoryId(version.memoryId),
    version: version.version,
    ended_by: version.endedBy,
    actor: version.actor,
    request_id: version.requestId,
    at: version.at,
    memory: version.memory === null ? null : storedJson(version.memory),
  };
}

function keptMessageJson(message: KeptMessage) {
  return {
    id: formatMessageId(message.id),
    agent_id: message.agentId,
    session_id: message.sessionId,
    role: message.role,
    name: message.name,
    content: message.content,
    said_at: message.saidAt,
    created_at: message.createdAt,
    extracted_at: message.extractedAt,
  };
}
