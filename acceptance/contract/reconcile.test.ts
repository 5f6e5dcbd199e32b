// CONTRACT.md 3, /api/jobs: the index compared with the memories, asked for over HTTP.
import { describe, expect, test } from "@jest/globals";
import { api } from "../client.ts";
import { create, indexed, unique } from "../memories.ts";
import { until } from "../until.ts";

interface Reconcile {
  status: "idle" | "queued" | "running";
  run: { id: string; dry_run: boolean } | null;
  last: {
    id: string;
    dry_run: boolean;
    finished_at: string;
    seconds: number;
    targets: Record<string, Record<string, number>>;
  } | null;
}

const PATH = "/api/jobs/reconcile";

describe("POST /api/jobs/reconcile", () => {
  test("202, and GET tells its end: what was compared, what differed", async () => {
    await indexed(await create({ user_id: unique("user"), content: "Compared with its point" }));
    const asked = await api<Reconcile>("POST", PATH, { body: { dry_run: true } });
    expect(asked.status).toBe(202);
    const id = asked.body.run?.id ?? asked.body.last?.id;
    const last = await until("the end of the run", async () => {
      const { status, body } = await api<Reconcile>("GET", PATH);
      expect(status).toBe(200);
      return body.last !== null && body.last.id === id ? body.last : undefined;
    });
    expect(last).toMatchObject({ dry_run: true, seconds: expect.any(Number) });
    expect(Date.parse(last.finished_at)).toBeGreaterThan(0);
    const [report] = Object.values(last.targets);
    expect(report?.["rows"]).toBeGreaterThan(0);
    expect(report).toMatchObject({ missing: 0, stale: 0, orphan: 0, wrong_tenant: 0, wrong_dimension: 0, touched: 0 });
  });

  test("400 with the field when dry_run is neither true nor false", async () => {
    const { status, body } = await api("POST", PATH, { body: { dry_run: "perhaps" } });
    expect(status).toBe(400);
    expect(body.message).toContain("dry_run");
  });

  test("401 without a key", async () => {
    expect((await api("POST", PATH, { key: null })).status).toBe(401);
    expect((await api("GET", PATH, { key: null })).status).toBe(401);
  });
});
