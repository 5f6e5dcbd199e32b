import { randomUUID } from "node:crypto";
import { expect } from "@jest/globals";
import { api } from "./client.ts";
import { until } from "./until.ts";

/** A memory as every answer gives it. */
export interface Memory {
  id: string;
  user_id: string | null;
  agent_id: string | null;
  session_id: string | null;
  level: string;
  type: string;
  key: string | null;
  content: string;
  metadata: Record<string, unknown>;
  importance: number | null;
  categories: string[];
  occurred_at: string;
  created_at: string;
  updated_at: string;
  expires_at: string | null;
  valid_from: string;
  valid_to: string | null;
  superseded_by: string | null;
  seen_count: number;
  version: number | string;
  index_status: string;
  duplicate?: boolean;
  warnings?: unknown[];
}

/** A memory as a search gives it. */
export interface Hit extends Memory {
  relevance_score: number;
}

/** The answer of a search. */
export interface Found {
  memories: Hit[];
  total: number;
  degraded?: unknown;
  warnings?: unknown[];
}

/** The answer of a listing. */
export interface Page {
  memories: Memory[];
  total: number;
  limit: number;
  offset: number;
  next_cursor: string | null;
}

/** The fields that every memory has in every answer. */
export const memoryFields = [
  "id",
  "user_id",
  "agent_id",
  "session_id",
  "level",
  "type",
  "key",
  "content",
  "metadata",
  "importance",
  "categories",
  "occurred_at",
  "created_at",
  "updated_at",
  "expires_at",
  "valid_from",
  "valid_to",
  "superseded_by",
  "seen_count",
  "version",
  "index_status",
] as const;

/** What an id looks like outside. */
export const idPattern = /^mem_[0-9a-z]{26}$/;

/** A well-formed id that no memory has. */
export const absentId = "mem_00000000000000000000000000";

/** ISO 8601, UTC, with `Z`. */
export const timePattern = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

/** A name that nobody else uses, so that the tests may share one long-living server. */
export function unique(prefix: string): string {
  return `${prefix}-${randomUUID().slice(0, 13)}`;
}

/** Stores a memory that is new. */
export async function create(body: Record<string, unknown>): Promise<Memory> {
  const answer = await api<Memory>("POST", "/api/memories", { body });
  expect({ status: answer.status, text: answer.text }).toMatchObject({ status: 201 });
  return answer.body;
}

/** Stores a memory and gives whatever was answered, whether new or known. */
export async function put(body: Record<string, unknown>): Promise<{ status: number; memory: Memory }> {
  const answer = await api<Memory>("POST", "/api/memories", { body });
  expect([200, 201]).toContain(answer.status);
  return { status: answer.status, memory: answer.body };
}

/** Reads a memory that exists. */
export async function get(id: string): Promise<Memory> {
  const answer = await api<Memory>("GET", `/api/memories/${id}`);
  expect({ status: answer.status, text: answer.text }).toMatchObject({ status: 200 });
  return answer.body;
}

/** Waits until each of the memories can be found by its vector. */
export async function indexed(...memories: Memory[]): Promise<void> {
  for (const { id } of memories) {
    await until(`${id} to be indexed`, async () => (await get(id)).index_status === "indexed", { timeoutMs: 30_000 });
  }
}

/** Searches, expecting an answer. */
export async function search(body: Record<string, unknown>): Promise<Found> {
  const answer = await api<Found>("POST", "/api/memories/search", { body });
  expect({ status: answer.status, text: answer.text }).toMatchObject({ status: 200 });
  return answer.body;
}

/** Lists a user's memories, expecting an answer. */
export async function list(userId: string, query: Record<string, string | number> = {}): Promise<Page> {
  const answer = await api<Page>("GET", `/api/memories/user/${encodeURIComponent(userId)}${queryString(query)}`);
  expect({ status: answer.status, text: answer.text }).toMatchObject({ status: 200 });
  return answer.body;
}

/** `?a=1&b=2`, or nothing. */
export function queryString(query: Record<string, string | number>): string {
  const pairs = Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]);
  return pairs.length === 0 ? "" : `?${new URLSearchParams(pairs).toString()}`;
}

/** The contents of memories, in order. */
export function contents(of: { memories: Memory[] }): string[] {
  return of.memories.map((memory) => memory.content);
}

/** The ids of memories, sorted, for comparing sets. */
export function ids(of: { memories: Memory[] } | Memory[]): string[] {
  return (Array.isArray(of) ? of : of.memories).map((memory) => memory.id).sort();
}

/** The element at `index`; throws if there is none. */
export function at<Item>(items: Item[], index: number): Item {
  const item = items[index];
  if (item === undefined) throw new Error(`There is no element ${index} among ${items.length}`);
  return item;
}
