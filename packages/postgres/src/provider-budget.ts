import type { ProviderBudget, ProviderOperation, ProviderTurn, ProviderUse } from "@engram/memory";
import type { Executor } from "@engram/sql";

export interface ProviderBudgetOptions {
  /** Whose limits they are, e.g. `api.openai.com`. */
  readonly provider: string;
  readonly model: string;
  readonly operation: ProviderOperation;
  /** Undefined: no limit. */
  readonly requestsPerMinute: number | undefined;
  readonly tokensPerMinute: number | undefined;
}

/**
 * The share of a limit that is used. Calls are spread evenly, since providers count in windows much shorter than the
 * minute they speak of: OpenAI enforces limits "quantized" (https://platform.openai.com/docs/guides/rate-limits), Azure
 * over 1 or 10 seconds (https://learn.microsoft.com/azure/ai-services/openai/how-to/quota). So there is no burst to
 * spend, and what is left makes up for calls that arrive earlier or later than they were sent.
 */
const SHARE = 0.95;

/** A provider forgets after a minute what was used, so what was not asked for takes no debt further than that. */
const DEBT = "interval '60 s'";

/**
 * Where one limit is waited for, the other runs this far behind the turn, so that the calls which have waited do not come
 * at once.
 */
const LAG = "interval '250 ms'";

const KEY = "b.provider = $1 AND b.model = $2 AND b.operation = $3";
const FREE_AT = "greatest(b.requests_at, b.tokens_at, b.paused_until)";
const WAIT_MS = "greatest(0, extract(epoch FROM %s - clock_timestamp())::float8 * 1000)";
const waitMs = (time: string): string => WAIT_MS.replace("%s", time);

// Two that ask at once queue at the row, and the second sees what the first has taken.
const RESERVE = `WITH taken AS (
  UPDATE engram.provider_budgets b SET
    turn_at = greatest(${FREE_AT}, statement_timestamp()),
    requests_at = greatest(b.requests_at, statement_timestamp(), ${FREE_AT} - ${LAG}) + $4::float8 * interval '1 s',
    tokens_at = greatest(b.tokens_at, statement_timestamp(), ${FREE_AT} - ${LAG}) + $5::float8 * interval '1 s'
  WHERE ${KEY} AND ${FREE_AT} <= statement_timestamp() + $6::float8 * interval '1 ms'
  RETURNING b.turn_at)
SELECT true AS granted, ${waitMs("t.turn_at")} AS wait_ms FROM taken t
UNION ALL SELECT false, ${waitMs(FREE_AT)} FROM engram.provider_budgets b WHERE ${KEY} AND NOT EXISTS (SELECT 1 FROM taken)`;

const charged = (column: string, seconds: string): string =>
  `${column} = least(greatest(b.${column}, statement_timestamp()) + ${seconds}::float8 * interval '1 s', greatest(b.${column}, statement_timestamp() + ${DEBT}))`;
const CHARGE = `UPDATE engram.provider_budgets b SET ${charged("requests_at", "$4")}, ${charged("tokens_at", "$5")} WHERE ${KEY} RETURNING 1 AS one`;

const PAUSE = `UPDATE engram.provider_budgets b
SET paused_until = greatest(b.paused_until, statement_timestamp() + $4::float8 * interval '1 s') WHERE ${KEY} RETURNING 1 AS one`;

const WAIT = `SELECT ${waitMs(FREE_AT)} AS wait_ms FROM engram.provider_budgets b WHERE ${KEY}`;

const CREATE =
  "INSERT INTO engram.provider_budgets (provider, model, operation) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";

/** The budget in PostgreSQL: one statement for each question, by the database's clock, through a pooler too. */
export function createProviderBudget(db: Executor, options: ProviderBudgetOptions): ProviderBudget {
  const key = [options.provider, options.model, options.operation];
  const secondsPerRequest = secondsPer(options.requestsPerMinute);
  const secondsPerToken = secondsPer(options.tokensPerMinute);
  const secondsOf = ({ requests, tokens }: ProviderUse): readonly number[] => [
    requests * secondsPerRequest,
    tokens * secondsPerToken,
  ];

  /** The statement's row; the budget's own is made where it is missing. */
  async function ask<R extends Record<string, unknown>>(
    statement: string,
    values: readonly unknown[],
  ): Promise<R | undefined> {
    const [row] = await db.query<R>(statement, [...key, ...values]);
    if (row !== undefined) return row;
    await db.query(CREATE, key);
    return (await db.query<R>(statement, [...key, ...values]))[0];
  }

  return {
    async reserve(use, { patienceMs }): Promise<ProviderTurn> {
      const row = await ask<{ granted: boolean; wait_ms: number }>(RESERVE, [...secondsOf(use), patienceMs]);
      return { granted: row?.granted ?? true, waitMs: row?.wait_ms ?? 0 };
    },
    async charge(use) {
      await ask(CHARGE, secondsOf(use));
    },
    async pause(seconds) {
      await ask(PAUSE, [seconds]);
    },
    async waitMs() {
      const [row] = await db.query<{ wait_ms: number }>(WAIT, key);
      return row?.wait_ms ?? 0;
    },
  };
}

function secondsPer(perMinute: number | undefined): number {
  return perMinute === undefined ? 0 : 60 / (perMinute * SHARE);
}
