import type { Condition, MemoryFilter, Scope, SearchRequest } from "@engram/memory";
import { TOPICS, VOCABULARY } from "./meaning.ts";
import { pick, type Random } from "./random.ts";
import { AGENTS, CATEGORIES, COLORS, CROWDED, DAYS, KEYS, PROJECTS, SESSIONS, TYPES, USERS } from "./rows.ts";
import { VICTIM_TOPIC } from "./spoil.ts";

const LIMITS = [1, 3, 10, 10, 50, 300];

/** Any search that a caller may make, every third for the user whose index is spoiled most. */
export function makeRequest(random: Random): SearchRequest {
  const victim = random() < 0.35;
  const chance = (probability: number): boolean => random() < probability;
  const filter: MemoryFilter = {
    scope: victim ? { projectId: CROWDED.project, userId: CROWDED.user, exact: chance(0.3) } : makeScope(random),
    ...(chance(0.15) ? { types: [pick(random, TYPES), pick(random, TYPES)] } : {}),
    ...(chance(0.05) ? { key: pick(random, KEYS) } : {}),
    ...(chance(0.1) ? { createdAfter: pick(random, DAYS) } : {}),
    ...(chance(0.1) ? { createdBefore: pick(random, DAYS) } : {}),
    ...(chance(0.1) ? { asOf: pick(random, DAYS) } : {}),
    ...(chance(0.4) ? { condition: makeCondition(random, 2) } : {}),
  };
  const topic = victim && chance(0.7) ? VICTIM_TOPIC : pick(random, TOPICS);
  // The half shares no word with any memory, so that vectors answer alone.
  const words = chance(0.5) ? [] : [pick(random, VOCABULARY), pick(random, VOCABULARY)];
  return {
    filter,
    ...(chance(0.1) ? {} : { query: [...words, topic.word].join(" ") }),
    limit: pick(random, LIMITS),
    threshold: chance(0.15) ? 0.7 : 0,
    strict: false,
  };
}

function makeScope(random: Random): Scope {
  const shape = pick(random, ["u", "u", "us", "ua", "usa", "a", "s"]);
  return {
    projectId: pick(random, PROJECTS),
    exact: random() < 0.3,
    ...(shape.includes("u") ? { userId: pick(random, USERS) } : {}),
    ...(shape.includes("s") ? { sessionId: pick(random, SESSIONS) } : {}),
    ...(shape.includes("a") ? { agentId: pick(random, AGENTS) } : {}),
    ...(random() < 0.15 ? { level: pick(random, ["user", "session", "agent"]) } : {}),
  };
}

function makeCondition(random: Random, depth: number): Condition {
  const of = (): Condition => makeCondition(random, depth - 1);
  if (depth > 0 && random() < 0.4) {
    const op = pick(random, ["and", "or", "not"] as const);
    return op === "not" ? { op, of: of() } : { op, of: [of(), of()] };
  }
  const color = { path: ["color"] };
  return pick<() => Condition>(random, [
    () => ({ op: "eq", field: color, value: pick(random, COLORS) }),
    () => ({ op: "in", field: color, values: [pick(random, COLORS), pick(random, COLORS)] }),
    () => ({ op: pick(random, ["lt", "gte"]), field: { path: ["n"] }, value: Math.floor(random() * 10) }),
    () => ({ op: "contains", field: { path: ["deep", "tags"] }, value: pick(random, COLORS) }),
    () => ({ op: "contains", field: { column: "categories" }, value: pick(random, CATEGORIES) }),
    () => ({ op: "gt", field: { column: "importance" }, value: 0.1 }),
    () => ({ op: "eq", field: { column: "type" }, value: pick(random, TYPES) }),
    () => ({ op: "present", field: { column: pick(random, ["key", "session_id", "expires_at"]) } }),
    // Few, and nowhere near.
    () => ({ op: "icontains", field: { column: "content" }, value: pick(random, VOCABULARY) }),
    () => ({ op: "gte", field: { column: "created_at" }, value: pick(random, DAYS) }),
  ])();
}
