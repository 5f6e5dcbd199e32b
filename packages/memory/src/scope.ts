import { hash } from "node:crypto";
import type { Condition } from "./condition.ts";
import type { Level } from "./memory.ts";

/**
 * Where a caller stands, and so what it may see.
 *
 * `exact: false` (searches): the user's lasting memories from every session, plus this session's and this agent's own.
 * `exact: true` (listings): the given ids are plain filters on where a memory came from.
 */
export interface Scope {
  readonly projectId: string;
  readonly userId?: string;
  readonly sessionId?: string;
  readonly agentId?: string;
  readonly level?: Level;
  readonly exact: boolean;
}

/** What a search or a listing is narrowed to, before any candidates are taken. Times are instants, bounds inclusive. */
export interface MemoryFilter {
  readonly scope: Scope;
  readonly types?: readonly string[];
  readonly key?: string;
  readonly createdAfter?: Date;
  readonly createdBefore?: Date;
  /**
   * What was valid then, retired since or not, and none that was first told later; as the record says today, since a change
   * of a memory corrects it for all of its time. Absent: what is valid now.
   */
  readonly asOf?: Date;
  /** What `filters` of the wire asks for, see `matches`. */
  readonly condition?: Condition;
  /** True: also what is retired or expired, so that a deletion leaves nothing. */
  readonly includeHidden?: boolean;
}

/**
 * One alternative of what a scope lets through: every given field must match. The compilers (SQL, Qdrant) turn a list
 * of them into an OR and add the project or tenant themselves, so that the rule of who sees what stands here alone.
 */
export interface Visible {
  readonly level?: Level;
  /** A string: that user's. Null: nobody's own (shared by all users of an agent). Absent: whosever. */
  readonly userId?: string | null;
  /** Matched against all sessions (agents) that told the memory. */
  readonly sessionId?: string;
  readonly agentId?: string;
}

/** The alternatives that a scope lets through; at least one, and each narrowed by at least one id. */
export function visibleTo(scope: Scope): readonly Visible[] {
  const { userId, sessionId, agentId, level } = scope;
  const user = userId === undefined ? {} : { userId };
  const session = sessionId === undefined ? {} : { sessionId };
  const agent = agentId === undefined ? {} : { agentId };
  if (scope.exact) return [{ ...user, ...session, ...agent, ...(level === undefined ? {} : { level }) }];

  const visible: Visible[] = [];
  if (userId !== undefined) visible.push({ level: "user", userId });
  if (sessionId !== undefined) visible.push({ level: "session", ...user, sessionId });
  if (agentId !== undefined) {
    if (userId !== undefined) visible.push({ level: "agent", userId, agentId });
    visible.push({ level: "agent", userId: null, agentId });
  }
  if (level === undefined) return visible;
  const ofLevel = visible.filter((alternative) => alternative.level === level);
  // A level asked for by name without its id means all of that level that is the user's own.
  return ofLevel.length > 0 ? ofLevel : [{ level, ...user, ...session, ...agent }];
}

/** Whose a memory is: its user's, else its agent's (null beside a user), else the project's. */
export interface Owner {
  readonly userId: string | null;
  readonly agentId: string | null;
}

/** The tenant of a memory: of its user, else of its agent, else of its project. 32 hex characters. */
export function tenantOf(owner: Owner & { readonly projectId: string }): string {
  const parts =
    owner.userId !== null ? ["user", owner.userId] : owner.agentId !== null ? ["agent", owner.agentId] : ["project"];
  return hash("sha256", JSON.stringify([owner.projectId, ...parts]), "hex").slice(0, 32);
}
