import { Redis } from "ioredis";

/** Something about Redis that an operator should mend. */
export interface RedisProblem {
  readonly code: string;
  readonly message: string;
  readonly cure: string;
}

const CONNECT_TIMEOUT_MS = 3_000;
/** Of the whole check: something that takes connections and never answers passes the one above. */
const CHECK_TIMEOUT_MS = 3_000;
const VERSION_MIN = 5;

/** What is wrong with a Redis; empty when nothing is. */
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
    return [...versionProblem(await redis.info("server")), ...(await evictionProblem(redis))];
  } catch (error) {
    return [connectionProblem(trouble ?? error)];
  } finally {
    clearTimeout(timer);
    redis.disconnect();
  }
}

function versionProblem(info: string): readonly RedisProblem[] {
  const version = /redis_version:(\S+)/.exec(info)?.[1] ?? "";
  if (Number.parseInt(version, 10) >= VERSION_MIN) return [];
  return [
    {
      code: "redis_version",
      message: `REDIS_URL: Redis ${version} is too old`,
      cure: `Use Redis ${VERSION_MIN} or newer`,
    },
  ];
}

/** An evicting Redis throws jobs away when it is full; they are only rings, but the queue's own books suffer. */
async function evictionProblem(redis: Redis): Promise<readonly RedisProblem[]> {
  // INFO, because managed services forbid CONFIG.
  const policy = /maxmemory_policy:(\S+)/.exec(await redis.info("memory"))?.[1] ?? "noeviction";
  if (policy === "noeviction") return [];
  return [
    {
      code: "redis_eviction",
      message: `REDIS_URL: Redis evicts keys when it is full (maxmemory-policy ${policy})`,
      cure: "Run CONFIG SET maxmemory-policy noeviction, and set it in redis.conf",
    },
  ];
}

function connectionProblem(error: unknown): RedisProblem {
  const message = error instanceof Error ? error.message : String(error);
  if (/NOAUTH|WRONGPASS|invalid password|without any password/i.test(message))
    return {
      code: "redis_password",
      message: `REDIS_URL: ${message}`,
      cure: "Correct the password: redis://:PASSWORD@HOST:6379",
    };
  return {
    code: "redis_unreachable",
    message: `REDIS_URL: Redis cannot be reached (${message})`,
    cure: "Start Redis or correct the host; workers look by themselves meanwhile",
  };
}
