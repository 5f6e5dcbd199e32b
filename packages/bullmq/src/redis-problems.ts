import { Redis } from "ioredis";
import { examine } from "./examine.ts";
import { problemOfError, unreachable, type RedisProblem } from "./problems.ts";

const CONNECT_TIMEOUT_MS = 3_000;
/** Of the whole check: something that takes connections and never answers passes the one above. */
const CHECK_TIMEOUT_MS = 3_000;

/** What is wrong with a Redis, by one look over a connection of its own; empty when nothing is. */
export async function redisProblems(url: string): Promise<readonly RedisProblem[]> {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  let trouble: Error | undefined;
  redis.on("error", (error) => {
    trouble = error;
  });
  // Ends whatever waits, with an error.
  const timer = setTimeout(() => {
    trouble ??= new Error(`no answer within ${CHECK_TIMEOUT_MS} ms`);
    redis.disconnect();
  }, CHECK_TIMEOUT_MS);
  try {
    await redis.connect();
    const { problems } = await examine(redis);
    return trouble === undefined ? problems : [toProblem(trouble)];
  } catch (error) {
    return [toProblem(trouble ?? error)];
  } finally {
    clearTimeout(timer);
    redis.disconnect();
  }
}

function toProblem(error: unknown): RedisProblem {
  return problemOfError(error) ?? unreachable(error instanceof Error ? error.message : String(error));
}
