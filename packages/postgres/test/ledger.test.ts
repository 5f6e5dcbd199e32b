import { beforeEach, expect, test } from "@jest/globals";
import { DEFAULT_PROJECT_ID, type ProviderCallRecord } from "@engram/memory";
import { createLedger } from "../src/index.ts";
import { describeOnDatabases } from "./databases.ts";

const projectId = DEFAULT_PROJECT_ID;
const call = (given: Partial<ProviderCallRecord> = {}): ProviderCallRecord => ({
  operation: "extract",
  model: "gpt-4o-mini",
  projectId,
  outcome: "ok",
  promptTokens: 600,
  completionTokens: 40,
  dollars: 0.25,
  seconds: 1,
  at: new Date(),
  requestId: null,
  ...given,
});

describeOnDatabases("ledger", (db) => {
  const errors: unknown[] = [];
  const open = () => createLedger(db, { onError: (error) => errors.push(error) });
  beforeEach(async () => {
    errors.length = 0;
    await db.script("DELETE FROM engram.provider_calls");
  });
  const yesterday = () => new Date(Date.now() - 86_400_000);

  test("every call is in the sums of its day, failed ones too, whoever wrote them", async () => {
    const [one, other] = [open(), open()];
    one.record(call());
    one.record(call({ outcome: "unavailable", promptTokens: 0, completionTokens: 0, dollars: 0 }));
    other.record(
      call({ projectId: null, operation: "embed", model: "text-embedding-3-small", completionTokens: 0, dollars: 0.5 }),
    );
    other.record(call({ at: yesterday(), dollars: 1 }));
    await Promise.all([one.close(), other.close()]);
    const lines = await open().spend(projectId, yesterday());
    expect(lines.map(({ day: _day, ...line }) => line)).toEqual([
      {
        operation: "embed",
        model: "text-embedding-3-small",
        calls: 1,
        failed: 0,
        promptTokens: 600,
        completionTokens: 0,
        dollars: 0.5,
      },
      {
        operation: "extract",
        model: "gpt-4o-mini",
        calls: 2,
        failed: 1,
        promptTokens: 600,
        completionTokens: 40,
        dollars: 0.25,
      },
      {
        operation: "extract",
        model: "gpt-4o-mini",
        calls: 1,
        failed: 0,
        promptTokens: 600,
        completionTokens: 40,
        dollars: 1,
      },
    ]);
    expect(await open().spentToday(projectId)).toBe(0.75);
  });

  test("the day's spending knows what is not written yet, and nothing of other projects", async () => {
    const ledger = open();
    ledger.record(call());
    ledger.record(call({ projectId: "00000000-0000-7000-8000-00000000000f", dollars: 7 }));
    expect(await ledger.spentToday(projectId)).toBe(0.25);
    ledger.record(call());
    expect(await ledger.spentToday(projectId)).toBe(0.5);
    await ledger.close();
    expect(await ledger.spentToday(projectId)).toBe(0.5);
  });

  test("what cannot be written is held", async () => {
    const ledger = open();
    await db.script("ALTER TABLE engram.provider_calls RENAME TO away");
    ledger.record(call());
    await ledger.close();
    expect(errors).toHaveLength(1);
    await db.script("ALTER TABLE engram.away RENAME TO provider_calls");
    await ledger.close();
    expect(await open().spentToday(projectId)).toBe(0.25);
  });
});
