import { formatMemoryId, type KeptMemory, type KeptVersion, type Person, type Users } from "@engram/memory";
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

async function* asJson(users: Users, person: Person, head: object): AsyncGenerator<string> {
  yield `${JSON.stringify(head).slice(0, -1)},"memories":[`;
  let memories = 0;
  for await (const page of users.exportMemories(person))
    for (const memory of page) yield (memories++ === 0 ? "" : ",") + JSON.stringify(keptMemoryJson(memory));
  yield `],"history":[`;
  let versions = 0;
  for await (const page of users.exportHistory(person))
    for (const version of page) yield (versions++ === 0 ? "" : ",") + JSON.stringify(keptVersionJson(version));
  yield `],${JSON.stringify({ counts: { memories, history: versions }, complete: true }).slice(1)}\n`;
}

async function* asLines(users: Users, person: Person, head: object): AsyncGenerator<string> {
  const line = (kind: string, value: object): string => `${JSON.stringify({ kind, ...value })}\n`;
  yield line("export", head);
  let memories = 0;
  for await (const page of users.exportMemories(person))
    for (const memory of page) {
      memories += 1;
      yield line("memory", keptMemoryJson(memory));
    }
  let versions = 0;
  for await (const page of users.exportHistory(person))
    for (const version of page) {
      versions += 1;
      yield line("version", keptVersionJson(version));
    }
  yield line("end", { counts: { memories, history: versions }, complete: true });
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
