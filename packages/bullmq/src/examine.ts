import { randomUUID } from "node:crypto";
import type { Redis } from "ioredis";
import { PREFIX } from "./catalogue.ts";
import { problemOfError, problemsOfInfo, refuses, type RedisProblem } from "./problems.ts";

/** What one look at Redis found. */
export interface Examination {
  readonly problems: readonly RedisProblem[];
  /** Another after each start of the server; undefined where it was not told. */
  readonly runId?: string;
  /** What stands under our key, put there by whoever came first: another, or none, after a wipe. */
  readonly mark?: string;
}

const MARK_KEY = `${PREFIX}:mark`;

/**
 * Looks at a connected Redis, in one round trip: whether it answers and takes a write, what it is, and whether it is
 * the one of last time. The write is what finds it full, read-only or refusing. Throws nothing.
 */
export async function examine(redis: Redis): Promise<Examination> {
  const looks = redis.pipeline().set(MARK_KEY, randomUUID(), "NX").get(MARK_KEY).info("server").info("memory");
  const results = await looks.exec().catch((error: unknown) => [[error, undefined] as const]);
  const errors = (results ?? []).flatMap(([error]) => (error === null ? [] : [error]));
  const [, mark, server, memory] = (results ?? []).map(([, value]) => value);
  const info = [server, memory].filter((section) => typeof section === "string").join("\n");
  return {
    problems: [...problemsOfErrors(errors), ...problemsOfInfo(info)],
    ...(typeof mark === "string" ? { mark } : {}),
    ...runIdOf(info),
  };
}

/** One problem per code: a command that timed out takes those behind it along. */
function problemsOfErrors(errors: readonly unknown[]): readonly RedisProblem[] {
  const problems = errors.map(
    (error) => problemOfError(error) ?? refuses(error instanceof Error ? error.message : String(error)),
  );
  return [...new Map(problems.map((problem) => [problem.code, problem])).values()];
}

function runIdOf(info: string): { runId?: string } {
  const runId = /^run_id:(\S+)/m.exec(info)?.[1];
  return runId === undefined ? {} : { runId };
}
