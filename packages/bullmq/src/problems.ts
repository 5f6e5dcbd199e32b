/** Every state of Redis that is known as such, by the code under which log, metrics and `/readyz` show it. */
export const REDIS_PROBLEM_CODES = [
  "redis_unreachable",
  "redis_password",
  "redis_hanging",
  "redis_full",
  "redis_read_only",
  "redis_refuses",
  "redis_eviction",
  "redis_version",
  "redis_restarted",
  "redis_wiped",
] as const;
export type RedisProblemCode = (typeof REDIS_PROBLEM_CODES)[number];

/** Something about Redis that an operator should know or mend. */
export interface RedisProblem {
  readonly code: RedisProblemCode;
  readonly message: string;
  readonly cure: string;
}

const VERSION_MIN = 5;
const MEANWHILE = "workers look by themselves meanwhile";

const NETWORK = /ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|EPIPE/;
/** What ioredis says of every command while there is no connection, whyever. */
const NOT_CONNECTED = /Connection is closed|isn't writeable|max retries per request|connection close/i;

const REFUSAL = /(?:^|-)((?:MISCONF|LOADING|NOPERM|NOREPLICAS|CLUSTERDOWN|MASTERDOWN|MOVED|BUSY|UNBLOCKED)\b.*)/;

/** What an error of ioredis or BullMQ says of Redis; undefined when it says nothing of it. */
export function problemOfError(error: unknown): RedisProblem | undefined {
  const detail = error instanceof Error ? error.message : String(error);
  if (/NOAUTH|WRONGPASS|invalid password|without any password/i.test(detail))
    return {
      code: "redis_password",
      message: `REDIS_URL: ${detail}`,
      cure: "Correct the password: redis://:PASSWORD@HOST:6379",
    };
  if (/Command timed out|no answer within/i.test(detail))
    return {
      code: "redis_hanging",
      message: "REDIS_URL: Redis takes connections and does not answer",
      cure: `Look for a stopped process, a full disk or a long script there; ${MEANWHILE}`,
    };
  // A script's own error comes first in the line, what caused it later.
  if (/\bOOM\b/.test(detail))
    return {
      code: "redis_full",
      message: "REDIS_URL: Redis is full and takes no rings",
      cure: `Raise maxmemory, or remove what else is kept there; ${MEANWHILE}`,
    };
  if (/\bREADONLY\b/.test(detail))
    return {
      code: "redis_read_only",
      message: "REDIS_URL: this Redis is a replica and takes no writes",
      cure: `Name the primary, or an address that follows it; ${MEANWHILE}`,
    };
  const refusal = REFUSAL.exec(detail)?.[1];
  if (refusal !== undefined) return refuses(refusal);
  if (NOT_CONNECTED.test(detail)) return NO_CONNECTION;
  return NETWORK.test(detail) ? unreachable(detail) : undefined;
}

export function refuses(detail: string): RedisProblem {
  return {
    code: "redis_refuses",
    message: `REDIS_URL: Redis refuses to write (${detail})`,
    cure: `See the message; ${MEANWHILE}`,
  };
}

export function unreachable(detail: string): RedisProblem {
  return {
    code: "redis_unreachable",
    message: `REDIS_URL: Redis cannot be reached (${detail})`,
    cure: `Start Redis or correct the host; ${MEANWHILE}`,
  };
}

/** There is no connection, and this does not say why. */
export const NO_CONNECTION: RedisProblem = unreachable("no connection");

/** What the sections `server` and `memory` of INFO tell; INFO, because managed services forbid CONFIG. */
export function problemsOfInfo(info: string): readonly RedisProblem[] {
  const problems: RedisProblem[] = [];
  const version = /^redis_version:(\S+)/m.exec(info)?.[1] ?? "";
  if (Number.parseInt(version, 10) < VERSION_MIN)
    problems.push({
      code: "redis_version",
      message: `REDIS_URL: Redis ${version} is too old`,
      cure: `Use Redis ${VERSION_MIN} or newer`,
    });
  // An evicting Redis throws jobs away when it is full; they are only rings, but the queue's own books suffer.
  const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1] ?? "noeviction";
  if (policy !== "noeviction")
    problems.push({
      code: "redis_eviction",
      message: `REDIS_URL: Redis evicts keys when it is full (maxmemory-policy ${policy})`,
      cure: "Run CONFIG SET maxmemory-policy noeviction, and set it in redis.conf",
    });
  return problems;
}

export const RESTARTED: RedisProblem = {
  code: "redis_restarted",
  message: "REDIS_URL: Redis was restarted, or another took its place",
  cure: "Nothing to do if that was meant; connections have come back by themselves",
};

export const WIPED: RedisProblem = {
  code: "redis_wiped",
  message: "REDIS_URL: Redis was emptied, rings that waited are lost",
  cure: "Nothing to do, no work is kept there; if it was not meant, look for FLUSHALL or a restart without persistence",
};
