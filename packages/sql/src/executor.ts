/** A row as both drivers give it: timestamps as Date, json parsed, bigint and numeric as number. */
export type Row = Record<string, unknown>;

/** What runs SQL: a pool of PostgreSQL connections, or PGlite. Both behave alike under the SQL of this project. */
export interface Executor {
  /** One statement, values as `$1…`; a value is a string, number, boolean, Date, null, or an array of strings. */
  query<R extends Row = Row>(text: string, values?: readonly unknown[]): Promise<readonly R[]>;
  /** Several statements without values, as one script: changes of the schema, whose time is not limited. */
  script(text: string): Promise<void>;
  /** Runs `work` on one connection between BEGIN and COMMIT, or ROLLBACK when it throws. */
  transaction<T>(work: (tx: Executor) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}
