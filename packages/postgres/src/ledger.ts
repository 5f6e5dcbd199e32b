import type { Ledger, ProviderCallRecord, SpendLine } from "@engram/memory";
import type { Executor } from "@engram/sql";

/** Calls of one process go out together: a statement of their own for each would double what a search costs. */
const WRITE_EVERY_MS = 1_000;
/** While the database is away sums are held; so many keys are more than days, models and operations make. */
const HELD_MAX = 10_000;
/** How old what is known of the day's spending may be; this process's own calls are known at once. */
const FRESH_MS = 2_000;

type Sums = Omit<ProviderCallRecord, "at" | "requestId" | "dollars"> & {
  readonly day: string;
  readonly calls: number;
  readonly dollars: number;
};

/** What providers were paid for, in PostgreSQL: sums by day, project, operation, model and outcome. */
export function createLedger(db: Executor, options: { readonly onError: (error: unknown) => void }): Ledger {
  let held = new Map<string, Sums>();
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();
  const spent = new Map<string, { dollars: number; atMs: number; day: string }>();

  const hold = (sums: Sums): void => {
    const key = JSON.stringify([sums.day, sums.projectId, sums.operation, sums.model, sums.outcome]);
    const known = held.get(key);
    if (known === undefined && held.size >= HELD_MAX) return;
    held.set(key, known === undefined ? sums : addSums(known, sums));
  };

  async function write(): Promise<void> {
    timer = undefined;
    const batch = held;
    held = new Map();
    if (batch.size === 0) return;
    try {
      await db.query(ADD, [JSON.stringify([...batch.values()])]);
    } catch (error) {
      options.onError(error);
      for (const sums of batch.values()) hold(sums);
      schedule();
    }
  }

  function schedule(): void {
    timer ??= setTimeout(() => {
      writing = write();
    }, WRITE_EVERY_MS).unref();
  }

  return {
    record(call) {
      const { at, requestId: _requestId, dollars, ...rest } = call;
      hold({ ...rest, day: dayOf(at), calls: 1, dollars: dollars ?? 0 });
      for (const [projectId, known] of spent)
        if (call.projectId === null || call.projectId === projectId) known.dollars += dollars ?? 0;
      schedule();
    },
    spend: (projectId, since) => spend(db, projectId, since),
    async spentToday(projectId) {
      const day = dayOf(new Date());
      const known = spent.get(projectId);
      if (known !== undefined && known.day === day && performance.now() - known.atMs < FRESH_MS) return known.dollars;
      const [row] = await db.query<{ dollars: number }>(SPENT_TODAY, [projectId]);
      const unwritten = [...held.values()]
        .filter((one) => one.day === day && (one.projectId === null || one.projectId === projectId))
        .reduce((sum, one) => sum + one.dollars, 0);
      const dollars = (row?.dollars ?? 0) + unwritten;
      spent.set(projectId, { dollars, atMs: performance.now(), day });
      return dollars;
    },
    async close() {
      clearTimeout(timer);
      await writing;
      await write();
      clearTimeout(timer);
    },
  };
}

function dayOf(time: Date): string {
  return time.toISOString().slice(0, 10);
}

function addSums(left: Sums, right: Sums): Sums {
  return {
    ...left,
    calls: left.calls + right.calls,
    promptTokens: left.promptTokens + right.promptTokens,
    completionTokens: left.completionTokens + right.completionTokens,
    dollars: left.dollars + right.dollars,
    seconds: left.seconds + right.seconds,
  };
}

const ADD = `INSERT INTO engram.provider_calls AS p (day, project_id, operation, model, outcome, calls, prompt_tokens, completion_tokens, dollars, seconds)
SELECT c.day, c."projectId", c.operation, c.model, c.outcome, c.calls, c."promptTokens", c."completionTokens", c.dollars, c.seconds
FROM json_to_recordset($1::json) AS c(day date, "projectId" uuid, operation text, model text, outcome text, calls bigint, "promptTokens" bigint,
  "completionTokens" bigint, dollars numeric, seconds float8) ORDER BY 1, 2, 3, 4, 5
ON CONFLICT (day, (coalesce(project_id, '00000000-0000-0000-0000-000000000000'::uuid)), operation, model, outcome) DO UPDATE SET
  calls = p.calls + excluded.calls, prompt_tokens = p.prompt_tokens + excluded.prompt_tokens,
  completion_tokens = p.completion_tokens + excluded.completion_tokens, dollars = p.dollars + excluded.dollars, seconds = p.seconds + excluded.seconds`;

// What is nobody's in particular counts for everybody: there a batch holds memories of several.
const SPENT_TODAY = `SELECT coalesce(sum(dollars), 0)::float8 AS dollars FROM engram.provider_calls
WHERE day = (now() AT TIME ZONE 'UTC')::date AND (project_id = $1::uuid OR project_id IS NULL)`;

interface SpendRow extends Record<string, unknown> {
  readonly day: string;
  readonly operation: SpendLine["operation"];
  readonly model: string;
  readonly calls: number;
  readonly failed: number;
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly dollars: number;
}

async function spend(db: Executor, projectId: string, since: Date): Promise<readonly SpendLine[]> {
  const rows = await db.query<SpendRow>(
    `SELECT to_char(day, 'YYYY-MM-DD') AS day, operation, model, sum(calls)::float8 AS calls,
       coalesce(sum(calls) FILTER (WHERE outcome <> 'ok'), 0)::float8 AS failed, sum(prompt_tokens)::float8 AS prompt_tokens,
       sum(completion_tokens)::float8 AS completion_tokens, sum(dollars)::float8 AS dollars
     FROM engram.provider_calls WHERE day >= $2::date AND (project_id = $1::uuid OR project_id IS NULL)
     GROUP BY day, operation, model ORDER BY day DESC, operation, model`,
    [projectId, since.toISOString().slice(0, 10)],
  );
  return rows.map((row) => ({
    day: row.day,
    operation: row.operation,
    model: row.model,
    calls: row.calls,
    failed: row.failed,
    promptTokens: row.prompt_tokens,
    completionTokens: row.completion_tokens,
    dollars: row.dollars,
  }));
}
