import { matches, type Conditioned, type MemoryFilter, type Scope } from "@engram/memory";

/** Whether a search may show the row, told in plain words and by nothing that a search is made of but `matches`. */
export function mayShow(row: Conditioned, filter: MemoryFilter, now: Date): boolean {
  const { scope, types, key, createdAfter, createdBefore, asOf, condition } = filter;
  return (
    row.projectId === scope.projectId &&
    (scope.exact ? isOf(row, scope) : isSeenFrom(row, scope)) &&
    isValid(row, asOf) &&
    (row.expiresAt === null || row.expiresAt > now) &&
    (types === undefined || types.includes(row.type)) &&
    (key === undefined || row.key === key) &&
    (createdAfter === undefined || row.createdAt >= createdAfter) &&
    (createdBefore === undefined || row.createdAt < createdBefore) &&
    (condition === undefined || matches(condition, row))
  );
}

function isValid({ validFrom, validTo }: Conditioned, asOf: Date | undefined): boolean {
  if (asOf === undefined) return validTo === null;
  return validFrom <= asOf && (validTo === null || validTo > asOf);
}

/** Ids as plain filters. */
function isOf(row: Conditioned, { userId, sessionId, agentId, level }: Scope): boolean {
  return (
    (userId === undefined || row.userId === userId) &&
    (sessionId === undefined || row.sessionIds.includes(sessionId)) &&
    (agentId === undefined || row.agentIds.includes(agentId)) &&
    (level === undefined || row.level === level)
  );
}

/** A user's lasting memories from everywhere; a session's and an agent's own from there, an agent's shared ones by all. */
function isSeenFrom(row: Conditioned, scope: Scope): boolean {
  const { userId, sessionId, agentId, level } = scope;
  const needs = { user: userId, session: sessionId, agent: agentId };
  // A level that is asked for without the id that it needs: all of it that is the caller's.
  if (level !== undefined && needs[level] === undefined) return isOf(row, scope);
  if (level !== undefined && row.level !== level) return false;
  const fromLevel = {
    user: userId !== undefined && row.userId === userId,
    session:
      sessionId !== undefined && row.sessionIds.includes(sessionId) && (userId === undefined || row.userId === userId),
    agent: agentId !== undefined && row.agentIds.includes(agentId) && (row.userId === null || row.userId === userId),
  };
  return fromLevel[row.level];
}

/** What is told apart in an answer: of one user, the same words are the same. */
export function sayingOf({ userId, content }: Pick<Conditioned, "userId" | "content">): string {
  return `${userId}: ${content.replaceAll(".", "")}`;
}

/** Words that stand in both. */
export function sharesWord(content: string, query: string): boolean {
  const words = new Set(query.split(" "));
  return content
    .replaceAll(".", "")
    .split(" ")
    .some((word) => words.has(word));
}
