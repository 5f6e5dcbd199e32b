import pg from "pg";
import { until } from "../until.ts";

/** After a crash the database reads its log before it answers. */
const BACK_TIMEOUT_MS = 60_000;

export interface Row {
  readonly id: string;
  readonly user_id: string | null;
  readonly version: number;
  readonly content: string;
  readonly is_retired: boolean;
}

/** PostgreSQL, asked directly: for checks, and for the faults of its backends. */
export class Truth {
  readonly #pool: pg.Pool;

  constructor(url: string) {
    this.#pool = new pg.Pool({ connectionString: url, max: 2, application_name: "storm" });
    this.#pool.on("error", () => undefined);
  }

  /** Waits until it answers. */
  async isThere(): Promise<void> {
    await until("PostgreSQL to be back", async () => (await this.#ask("SELECT 1")) !== undefined, {
      timeoutMs: BACK_TIMEOUT_MS,
    });
  }

  /** Work rows, but for schedules, which never go; undefined while the database is away. */
  async backlog(): Promise<number | undefined> {
    const rows = await this.#ask<{ n: number }>(
      "SELECT count(*)::int AS n FROM engram.outbox WHERE topic <> 'schedule'",
    );
    return rows?.[0]?.n;
  }

  /** Work rows that somebody holds at this moment; what somebody held who died has lapsed. */
  async leases(): Promise<number> {
    const [row] = await this.rows<{ n: number }>(
      "SELECT count(*)::int AS n FROM engram.outbox WHERE topic <> 'schedule' AND lease IS NOT NULL AND due_at > clock_timestamp()",
    );
    return row?.n ?? 0;
  }

  /** A query that must succeed. */
  async rows<R extends pg.QueryResultRow>(sql: string, values: readonly unknown[] = []): Promise<readonly R[]> {
    return (await this.#pool.query<R>(sql, [...values])).rows;
  }

  /** Ends some of the service's sessions, as an administrator does. */
  async terminateBackends(count: number): Promise<void> {
    await this.#ask(
      "SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity WHERE application_name = 'engram' ORDER BY query_start DESC LIMIT $1) s",
      [count],
    );
  }

  /** SIGKILL to one of the service's sessions, on which the server restarts itself. */
  async killBackend(): Promise<void> {
    const rows = await this.#ask<{ pid: number }>(
      "SELECT pid FROM pg_stat_activity WHERE application_name = 'engram' ORDER BY query_start DESC LIMIT 1",
    );
    const pid = rows?.[0]?.pid;
    if (pid !== undefined) process.kill(pid, "SIGKILL");
  }

  close(): Promise<void> {
    return this.#pool.end();
  }

  async #ask<R extends pg.QueryResultRow>(sql: string, values: readonly unknown[] = []): Promise<R[] | undefined> {
    try {
      return (await this.#pool.query<R>(sql, [...values])).rows;
    } catch {
      return undefined;
    }
  }
}
