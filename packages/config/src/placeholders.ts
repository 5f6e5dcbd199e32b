import type { Config } from "./config.ts";

/** Something that the operator should mend while the service stays up: shown in the log, in status and in `/readyz`. */
export interface Problem {
  readonly code: string;
  /** What is wrong, in one line. */
  readonly message: string;
  /** What to do about it. */
  readonly cure: string;
}

/** What guides and dashboards write where a secret belongs: `YOUR_PASSWORD`, `sk-your-openai-api-key`, `ваш_ключ`. */
const placeholder = /\byour(?:[-_ ]|password|key)|change[-_]?me|ваш[_ -]|^<.*>$/i;
/** The project's name in a Supabase address, left as the guide has it. */
const placeholderHost = /(?:@|\/\/)[^/@]*x{8,}\./i;

/** True when the value of a secret is only the place for one. */
export function isPlaceholder(value: string): boolean {
  return placeholder.test(value);
}

/** The placeholders that were left in: well-formed, so the service starts, but it cannot work with them. */
export function placeholderProblems(config: Config): Problem[] {
  const problems: Problem[] = [];
  const { truth, vectors, queue, models, door } = config;
  if (truth.databaseUrl !== undefined) {
    const variable = truth.databaseVariable;
    if (isPlaceholder(passwordOf(truth.databaseUrl))) {
      problems.push(
        told(variable, "still has a placeholder where the password belongs", "Put the database's real password in"),
      );
    }
    if (placeholderHost.test(truth.databaseUrl)) {
      problems.push(
        told(
          variable,
          "still has a placeholder where the host belongs",
          "Copy the connection string from your project's page",
        ),
      );
    }
  }
  if (queue.redisUrl !== undefined && isPlaceholder(passwordOf(queue.redisUrl))) {
    problems.push(told("REDIS_URL", "still has a placeholder where the password belongs", "Put the real password in"));
  }
  if (vectors.qdrantApiKey !== undefined && isPlaceholder(vectors.qdrantApiKey)) {
    problems.push(told("QDRANT_API_KEY", "is still a placeholder", "Put Qdrant's real key in, or leave it empty"));
  }
  if (models.openaiApiKey !== undefined && isPlaceholder(models.openaiApiKey)) {
    problems.push(
      told(
        "OPENAI_API_KEY",
        "is still a placeholder",
        "Put your real key in, or leave it empty to work without a provider",
      ),
    );
  }
  if (door.apiKeys.some(isPlaceholder)) {
    problems.push(
      told(
        "MEM0_API_KEY",
        "is still a placeholder that anybody can guess",
        "Put a random key in, e.g. from: openssl rand -hex 32",
      ),
    );
  }
  return problems;
}

function told(variable: string, message: string, cure: string): Problem {
  return { code: "placeholder", message: `${variable} ${message}`, cure: `${cure} and start again` };
}

function passwordOf(address: string): string {
  const password = new URL(address).password;
  try {
    return decodeURIComponent(password);
  } catch {
    return password;
  }
}
