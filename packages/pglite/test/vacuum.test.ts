import { PGlite } from "@electric-sql/pglite";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { startVacuum, vacuumDue } from "../src/vacuum.ts";

const ROWS = 20_000;
const CREATE = "CREATE TABLE queue (id int PRIMARY KEY, content text NOT NULL)";

describe("vacuum", () => {
  let db: PGlite;
  beforeAll(async () => {
    db = await PGlite.create();
  });
  afterAll(() => db.close());
  beforeEach(() => db.exec(CREATE));
  afterEach(() => db.exec("DROP TABLE queue"));

  const comeAndGo = (): Promise<unknown> =>
    db.exec(
      `INSERT INTO queue SELECT n, repeat('x', 100) FROM generate_series(1, ${ROWS}) n; DELETE FROM queue WHERE id > 10`,
    );
  const number = async (sql: string): Promise<number> => {
    const { rows } = await db.query<{ n: number }>(`SELECT (${sql})::int AS n`);
    return rows[0]?.n ?? Number.NaN;
  };
  const size = (): Promise<number> => number("pg_relation_size('queue')");
  const knownRows = (): Promise<number> => number("SELECT reltuples FROM pg_class WHERE oid = 'queue'::regclass");

  test("rows that are gone give back their room, and the planner knows what is left", async () => {
    await comeAndGo();
    const once = await size();
    expect(await knownRows()).toBe(-1);
    expect(await vacuumDue(db)).toContain("public.queue");
    expect(await knownRows()).toBe(10);
    await db.exec("DELETE FROM queue");
    for (let round = 0; round < 3; round++) {
      await comeAndGo();
      await vacuumDue(db);
      await db.exec("DELETE FROM queue");
    }
    expect(await size()).toBeLessThanOrEqual(1.3 * once);
  });

  test("what has not grown is left alone", async () => {
    await comeAndGo();
    await vacuumDue(db);
    expect(await vacuumDue(db)).toEqual([]);
  });

  test("it comes by itself until it is stopped, and a fault is told", async () => {
    await comeAndGo();
    const faults: unknown[] = [];
    const isThere = { exec: (sql: string) => db.exec(sql), query: db.query.bind(db) };
    let isAway = true;
    const vacuum = startVacuum(
      {
        ...isThere,
        exec: (sql) => (isAway ? Promise.reject(new Error("no space left on device")) : isThere.exec(sql)),
      },
      { onError: (error) => faults.push(error), everyMs: 5 },
    );
    while (faults.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(faults[0]).toMatchObject({ message: "no space left on device" });
    isAway = false;
    while ((await knownRows()) === -1) await new Promise((resolve) => setImmediate(resolve));
    await vacuum.stop();
    await db.exec(`DROP TABLE queue; ${CREATE}`);
    await comeAndGo();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await knownRows()).toBe(-1);
  });
});
